"""Lists and workbooks made for tests, in the shapes that Garmin, Strava and Excel give them."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence

import openpyxl

# Ada's list as Garmin Connect writes it in eight languages, headers of real exports shortened:
# sport, date, favourite, title, distance, calories, time, mean cadence, mean pace, mean stride, elapsed time.
GARMIN_HEADERS = {
    "en": "Activity Type,Date,Favorite,Title,Distance,Calories,Time,Avg Run Cadence,Avg Pace,Avg Stride Length,Elapsed Time",
    "de": "Aktivitätstyp,Datum,Favorit,Titel,Distanz,Kalorien,Zeit,Ø Schrittfrequenz (Laufen),Ø Pace,Ø Schrittlänge,Verstrichene Zeit",
    "es": "Tipo de actividad,Fecha,Favorito,Título,Distancia,Calorías,Tiempo,Cadencia de carrera media,Ritmo medio,Longitud media de zancada,Tiempo transcurrido",
    "fr": "Type d'activité,Date,Favori,Titre,Distance,Calories,Durée,Cadence de course moyenne,Allure moyenne,Longueur moyenne des foulées,Temps écoulé",
    "pl": "Typ aktywności,Data,Ulubiony,Tytuł,Dystans,Kalorie,Czas,Średni rytm biegu,Średnie tempo,Średnia długość kroku,Upłynęło czasu",
    "it": "Tipo di attività,Data,Preferita,Titolo,Distanza,Calorie,Tempo,Cadenza di corsa media,Passo medio,Lunghezza media passo,Tempo trascorso",
    "pt": "Tipo de atividade,Data,Favorito,Título,Distância,Calorias,Tempo total,Cadência de corrida média,Ritmo médio,Comprimento médio da passada,Tempo transcorrido",
    "nl": "Activiteittype,Datum,Favoriet,Titel,Afstand,Calorieën,Tijd,Gemiddelde loopcadans,Gemiddeld tempo,Gem. staplengte,Verstreken tijd",
}  # fmt: skip
GARMIN_HEADER = GARMIN_HEADERS["en"].split(",")
# 5 km in 25 minutes at 170 steps a minute: 1.18 m a step.
GARMIN_RUN = {
    "Activity Type": "Running", "Date": "2026-03-04 07:15:00", "Favorite": "false", "Title": "Morning", "Distance": "5.00", "Calories": "300",
    "Time": "00:25:00", "Avg Run Cadence": "170", "Avg Pace": "5:00", "Avg Stride Length": "1.18", "Elapsed Time": "00:26:00",
}  # fmt: skip


def table(*rows: Sequence[str], separator: str = ",", encoding: str = "utf-8", newline: str = "\n") -> bytes:
    """Write rows as a text table."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=newline).writerows(rows)
    return text.getvalue().encode(encoding)


def garmin_list(*changes: dict[str, str], header: Sequence[str] = GARMIN_HEADER, separator: str = ",") -> bytes:
    """Write a list with one row for each set of changes to Ada's run; columns that are not in the header are left out."""
    rows = [[{**GARMIN_RUN, **change}[name] for name in header] for change in changes]
    return table(list(header), *rows, separator=separator)


STRAVA_FIRST = ("Activity ID", "Activity Date", "Activity Name", "Activity Type", "Activity Description", "Elapsed Time", "Distance")
STRAVA_SECOND = (
    "Elapsed Time", "Moving Time", "Distance", "Max Speed", "Average Speed", "Elevation Gain", "Elevation Loss", "Elevation Low",
    "Elevation High", "Max Grade", "Average Grade", "Average Positive Grade", "Average Negative Grade", "Max Cadence", "Average Cadence",
)  # fmt: skip


def strava_row(
    *, date: str = "Mar 4, 2026, 7:15:00 AM", sport: str = "Run", cadence: str = "85.25", file: str = "activities/1.fit.gz"
) -> list[str]:
    """7 km in 40 minutes of moving and 45 in all."""
    first = ["17654321", date, "Morning Run", sport, "with Cleo", "2700", "7.00"]
    return [*first, "false", file, "2700.0", "2400.0", "7001.5", *[""] * 11, cadence]


def strava_list(*rows: Sequence[str], renamed: Callable[[str], str] = lambda name: name) -> bytes:
    """Write an activities.csv of the present version; `renamed` stands for a language."""
    header = [*STRAVA_FIRST, "Commute", "Filename", *STRAVA_SECOND]
    return table([renamed(name) for name in header], *rows)


def workbook(*rows: Iterable[object], title: str = "Runs", epoch_1904: bool = False) -> bytes:
    """Write rows as the first sheet of a workbook."""
    book = openpyxl.Workbook()
    if epoch_1904:
        book.epoch = openpyxl.utils.datetime.MAC_EPOCH
    book.active.title = title
    for row in rows:
        book.active.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def rewritten(content: bytes, member: str, pattern: bytes, replacement: bytes) -> bytes:
    """Change a member of a workbook."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            held = old.read(name)
            new.writestr(name, re.sub(pattern, replacement, held) if name == member else held)
    return changed.getvalue()
