"""What the columns of a table mean that no importer knows: asked column by column, remembered, and read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from clinic.diary import MOMENT_WORDS, REST_WORDS
from data import imports, mappings
from data.database import engine
from data.importers.local_forms import DateOrder
from data.importers.mapping import BOTH_FEET, ONE_FOOT, PAIN, RUNS, ScoreColumn
from data.importers.mapping import Mapping as Meaning
from models import EntryRefused, PainMoment, RestMoment, Viewer

LEFT_OUT = ""
_WORDS: dict[PainMoment | RestMoment, str] = dict([*MOMENT_WORDS.items(), *REST_WORDS.items()])
_MOMENTS: dict[str, PainMoment | RestMoment] = {f"scores/{moment}": moment for moment in _WORDS}
# What a column can mean: the field of a `Mapping`, with its unit behind the slash; and how it is called on screen.
MEANINGS = {
    LEFT_OUT: "nothing that is read here",
    "date": "Date",
    "start_time": "Start time",
    "sport": "Sport",
    "distance/km": "Distance in kilometres",
    "distance/mi": "Distance in miles",
    "distance/m": "Distance in metres",
    "moving_time/clock": "Time of the run, as 45:10 or 1:02:03",
    "moving_time/seconds": "Time of the run in seconds",
    "moving_time/minutes": "Time of the run in minutes",
    "moving_time/hours": "Time of the run in hours",
    "elapsed_time": "Time with pauses, written like the time of the run",
    "pace": "Pace",
    f"cadence/{BOTH_FEET}": "Cadence: steps of both feet",
    f"cadence/{ONE_FOOT}": "Cadence: steps of one foot",
    "ground_contact_time": "Ground contact time in milliseconds",
    "ran": "Did you run? yes or no",
    "did_not_run": "Did not run: yes or no",
    "side": "Side",
    "moment": "Moment of a pain score",
    "score": "Pain score 0-10, its moment in another column",
    **{
        key: f"{'Pain score 0-10' if isinstance(moment, PainMoment) else 'Yes or no'}: {_WORDS[moment]}" for key, moment in _MOMENTS.items()
    },
}
DATE_ORDERS = {
    None: "as the dates themselves show",
    DateOrder.DAY_FIRST: "the day first: 03/04 is April 3",
    DateOrder.MONTH_FIRST: "the month first: 03/04 is March 4",
}
# The field of a `Mapping` that holds the unit of another one.
_UNITS = {"distance": "distance_unit", "moving_time": "time_unit", "cadence": "cadence_counts"}


@dataclass(frozen=True)
class AskedColumn:
    """A column with what stands in its first lines. `meaning` is a key of `MEANINGS`; None if it has to be asked."""

    name: str
    written: str
    examples: str
    meaning: str | None


@dataclass(frozen=True)
class AskedTable:
    """A table that waits for its columns. `base` is what was said before or is suggested, with its `questions`."""

    key: str
    files: tuple[tuple[str, bytes], ...]
    columns: tuple[AskedColumn, ...]
    base: Meaning | None
    is_said: bool

    @property
    def questions(self) -> tuple[str, ...]:
        """What the suggestion leaves open."""
        return ("Which column is the date, and what do the others mean?",) if self.base is None else self.base.questions


def asked_tables(viewer: Viewer, patient_key: str, batch_id: int) -> list[AskedTable]:
    """List the tables of an import whose columns have to be explained; see `data.mappings.tables_waiting`."""
    asked = []
    for table in mappings.tables_waiting(engine(), viewer, patient_key, batch_id):
        base = table.said or table.seen.suggested
        columns = [
            AskedColumn(
                name,
                written,
                ", ".join(line[index] for line in table.seen.lines if index < len(line) and line[index]),
                LEFT_OUT if base is None else _meaning_in(base, name),
            )
            for index, (name, written) in enumerate(table.seen.columns)
        ]
        asked.append(AskedTable(table.seen.key, table.files, tuple(columns), base, table.said is not None))
    return asked


def _meaning_in(base: Meaning, column: str) -> str | None:
    """Find what a column means in a mapping; None if its unit is open."""
    for score in base.scores:
        if score.column == column:
            return f"scores/{score.moment}"
    for key in MEANINGS:
        field, _, unit = key.partition("/")
        if field and field != "scores" and getattr(base, field) == column:
            if field not in _UNITS:
                return key
            stated = getattr(base, _UNITS[field])
            if stated is None:
                return None
            if stated == unit:
                return key
    return LEFT_OUT


def meaning_of(table: AskedTable, chosen: Mapping[str, str | None], date_order: DateOrder | None) -> Meaning:
    """
    Put together what was chosen for each column.

    Raises
    ------
    EntryRefused
        If two columns are called the same, or a question is open.
    """
    sides = {score.column: score.side for score in table.base.scores} if table.base else {}
    named: dict[str, str] = {}
    scores, reasons = [], []
    for column in table.columns:
        key = chosen.get(column.name)
        if key is None:
            reasons.append(f"Say what the column “{column.written}” means.")
            continue
        field, _, unit = key.partition("/")
        if key in _MOMENTS:
            scores.append(ScoreColumn(column.name, _MOMENTS[key], sides.get(column.name)))
        elif field in named:
            reasons.append(f"Two columns are called “{MEANINGS[key]}”. Leave one of them out.")
        elif field:
            named[field] = column.name
            if field in _UNITS:
                named[_UNITS[field]] = unit
    gives = PAIN if scores or "score" in named else RUNS
    date = named.pop("date", "")
    meaning = Meaning(gives, date, date_order, scores=tuple(scores), **named)  # type: ignore[arg-type]
    if table.base is not None:
        meaning = replace(meaning, date_is_of_run=table.base.date_is_of_run)
    reasons += meaning.questions
    if reasons:
        raise EntryRefused(list(dict.fromkeys(reasons)))
    return meaning


def remember_and_read(viewer: Viewer, patient_key: str, table: AskedTable, meaning: Meaning) -> imports.ImportReport:
    """Keep what the columns mean for every table with that header, and read the files that wait for it."""
    mappings.remember(engine(), viewer, table.key, meaning.as_dict())
    return imports.import_files(engine(), viewer, patient_key, imports.sources_of(table.files), via="app")
