"""
What a column of a list of runs is, by the words of its header in English, German, Spanish, French, Polish, Italian, Portuguese and Dutch.

The words are those of real exports. "Tempo" is a pace in Polish and Dutch and a time in Italian and Portuguese: an average is a pace.
"""

import re
from collections.abc import Iterable

from data.importers.local_forms import plain

METRES_IN = {"km": 1000.0, "mi": 1609.344, "m": 1.0}
_MOST = r"\b(max\w*|maks\w*|min\w*|best\w*|hochst\w*|mejor|optim\w*|meilleur\w*|naj\w+|miglior\w*|melhor)\b"
_CADENCE = r"schrittfrequenz|kadenz|trittfrequenz|cadenc|cadenz|cadans|rytm|kadencja|steps( per)? min|spm\b"
_TIME = r"time|zeit|dauer|duration|tiempo|duracion|duree|temps|czas|tempo|durata|tijd|duur|duracao"
# The first that fits decides, so that what is special comes before what is general.
_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (role, re.compile(words))
    for role, words in (
        ("other", r"perceived|effort|relative|heart|herz|hr\b|fc\b|tetno|hartslag|power|watt|balance|lap\b|runde|vuelta|okrazen|ronde|circuit"),
        ("other", r"swolf|stroke|weather|sunrise|sunset|dive|tauch|buceo|nurkow|immersion|duik|decompr|dekompr|deco"),
        ("ground_contact_time", r"ground contact|bodenkontakt|contact\w* (con|com|avec|au|moyen avec)?\s*\w* ?(suelo|solo|sol)|kontaktu|contatto|contacto|contato|grondcontact|temps de contact|\bgct\b"),
        ("vertical_oscillation", r"vertical oscillation|vertikale bewegung|oscila\w+ vertical|oscillation verticale|odchylenie pionowe|oscillazione verticale|verticale oscillatie|\bvo mm\b"),
        ("other", r"vertical|verticale|vertikal|pionow"),
        ("stride", r"stride|step length|schrittlange|zancada|foulee|dlugosc kroku|lunghezza.*(passo|falcata)|passada|staplengte"),
        ("cadence_most", rf"{_MOST}.*({_CADENCE})|({_CADENCE}).*{_MOST}"),
        ("cadence", _CADENCE),
        ("other", r"gap\b|grade adjusted"),
        ("pace_most", rf"{_MOST}.*(pace|ritmo|allure|tempo|passo)|(ritmo|allure|passo|pace).*{_MOST}"),
        ("pace", r"\b(pace|ritmo|allure|passo)\b|(sredni\w*|gem\w*) tempo|min km|min mi|min mile"),
        ("speed", r"speed|geschwindigkeit|velocidad\w*|vitesse|predkosc|velocita|snelheid|km h\b|mph\b"),
        ("elapsed_time", r"elapsed|verstrichen|transcurrid|ecoul|uplyne|trascors|transcorrid|decorrid|verstreken"),
        ("moving_time", r"moving time|zeit in bewegung|bewegungszeit|tiempo en movimiento|temps de deplacement|czas ruchu|tempo in movimento|tempo em movimento|tijd bewogen|beweegtijd"),
        ("started_at", r"start ?time|start ?zeit|hora de inicio|heure de debut|czas rozpoczecia|ora di inizio|begintijd|started|timestamp|zeitstempel|marca temporal|horodat|sygnatura czasowa|informazioni cronologiche|carimbo|tijdstempel|submission date|submitted|completion time|fertigstellung|date time|datum zeit"),
        ("did_not_run", r"did not run|kein lauf|nicht gelaufen"),
        ("distance", r"distan|strecke|entfernung|dystans|afstand|\b(km|kilomet\w+|kms|miles?|meilen|mi)$|^(km|kilomet\w+|miles?|meilen)\b"),
        ("time", rf"^({_TIME})( total| gesamt| totale)?( s| sec\w*| min\w*| h| hh mm ss| mm ss)?$|^(min|minutes|minuten|minutos|minuti|minuty|mins|seconds|sekunden|segundos|secondes|hours|stunden)$|run ?time|laufzeit|gesamtzeit|total time|duration|dauer"),
        ("date", r"^(date|datum|fecha|data|dia|tag|day|jour|giorno|dag|dzien|when)\b|\bdate\b|datum|fecha"),
        ("sport", r"^(activity ?type|type|sport|sportart|aktivitatstyp|aktivitatsart|tipo de actividad|tipo|type d activite|typ aktywnosci|tipo di attivita|tipo de atividade|activiteit\w*type)$"),
        ("favourite", r"^(favou?rite|favorit\w*|favori|preferit\w+|favoriet|ulubion\w+)$"),
        ("title", r"^(title|titel|titulo|titre|tytul|titolo|name|activity name)$"),
        ("calories", r"calor|kalor|kcal"),
    )
)  # fmt: skip


def role_of(cell: str) -> str | None:
    """
    Tell what a column is.

    Returns
    -------
    str or None
        None if its words say nothing; "other" if they name what is not read.

    >>> role_of("Ø Schrittfrequenz (Laufen)"), role_of("Max. Schrittfrequenz (Laufen)"), role_of("Średnie tempo"), role_of("Tempo")
    ('cadence', 'cadence_most', 'pace', 'time')
    """
    cell = re.sub(r"(?<=[a-z])min/(km|mi)$", " ", cell)  # tables of laps glue the unit to the name
    words = plain(re.sub(r"(?<=[a-z])(?=(km|mi|spm|ms|bpm|cm)$)", " ", cell))
    return next((role for role, pattern in _ROLES if pattern.search(words)), None)


def columns_by_role(written: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """
    Find the column of each role.

    Parameters
    ----------
    written : iterable of str
        The header as it is written.
    names : iterable of str
        The names under which a line gives the values.

    Returns
    -------
    dict
        From role to name. Of two columns with one role the first counts.
    """
    found: dict[str, str] = {}
    for cell, name in zip(written, names, strict=True):
        role = role_of(cell)
        if role not in {None, "other"} and name:
            found.setdefault(str(role), name)
    return found


def distance_unit(cell: str) -> str | None:
    """
    Tell the unit that a header names.

    >>> distance_unit("Distance (mi)"), distance_unit("Distancekm"), distance_unit("Strecke [m]"), distance_unit("Distance")
    ('mi', 'km', 'm', None)
    """
    words = plain(re.sub(r"(?<=[a-zé])(km|mi)$", r" \1", cell))
    for unit, pattern in (
        ("km", r"\b(km|kms|kilomet\w+|chilometr\w+|quilomet\w+)\b"),
        ("mi", r"\b(mi|miles?|meilen|millas?|mil|miglia|milhas?|mijl(en)?)\b"),
        ("m", r"\b(m|met(er|re|ro)s?|metry)\b"),
    ):
        if re.search(pattern, words):
            return unit
    return None
