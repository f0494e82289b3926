"""Suggestions for the columns of a table that no importer knows, from their words and from the values under them."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median

from data.importers.column_words import columns_by_role, distance_unit
from data.importers.form_words import PAIN_WORDS, RAN_WORDS, SIDE_WORDS, answer_in, moment_of, score_in, sides_of
from data.importers.local_forms import DateOrder, decimal_mark, is_missing, local_duration_s, local_moment, local_number, plain
from data.importers.mapping import BOTH_FEET, ONE_FOOT, PAIN, RUNS, ScoreColumn
from data.importers.mapping import Mapping as ColumnMapping
from data.importers.written import LineRefused
from models import RestMoment

Values = Mapping[str, Sequence[str]]
ONE_FOOT_BELOW_SPM, BOTH_FEET_FROM_SPM = 110.0, 130.0  # the mean of a column of runs; between the two it is asked


def _reads(values: Sequence[str], read: Callable[[str], object]) -> bool:
    """Tell whether there are values and each of them can be read so."""
    written = [value for value in values if not is_missing(value)]
    try:
        return bool([read(value) for value in written])
    except LineRefused:
        return False


def _is_date(values: Sequence[str]) -> bool:
    return _reads(values, lambda text: local_moment(text, DateOrder.DAY_FIRST)) or _reads(
        values, lambda text: local_moment(text, DateOrder.MONTH_FIRST)
    )


def _date_column(header: Sequence[str], names: Sequence[str], values: Values) -> str | None:
    """Prefer a column that asks for the date to the moment at which a form was sent; then any column of dates."""
    roles = columns_by_role(header, names)
    named = [roles[role] for role in ("date", "started_at") if role in roles]
    fitting = [name for name in [*named, *names] if name and _is_date(values.get(name, ()))]
    return fitting[0] if fitting else next(iter(named), None) if not any(values.values()) else None


def suggested_runs(header: Sequence[str], names: Sequence[str], values: Values) -> ColumnMapping | None:
    """
    Suggest a mapping for runs.

    Returns
    -------
    Mapping or None
        None without a date, a distance and a time.
    """
    roles = columns_by_role(header, names)
    date, distance, time = _date_column(header, names, values), roles.get("distance"), roles.get("time") or roles.get("moving_time")
    if date is None or distance is None or time is None:
        return None
    starts = roles.get("started_at") if roles.get("started_at") != date else None
    cadence = roles.get("cadence")
    return ColumnMapping(
        gives=RUNS,
        date=date,
        start_time=starts if starts and _reads(values.get(starts, ()), lambda text: local_moment(f"2000-01-01 {text}", None)) else None,
        sport=roles.get("sport"),
        distance=distance,
        distance_unit=distance_unit(header[names.index(distance)]),
        moving_time=time,
        time_unit=_time_unit(header[names.index(time)], values.get(time, ())),
        elapsed_time=roles.get("elapsed_time"),
        pace=roles.get("pace"),
        cadence=cadence,
        cadence_counts=_feet(values.get(cadence, ())) if cadence else None,
        ground_contact_time=roles.get("ground_contact_time"),
        did_not_run=roles.get("did_not_run"),
    )


def _time_unit(cell: str, values: Sequence[str]) -> str | None:
    if _reads(values, lambda text: local_duration_s(text, "time")):
        return "clock"
    words = set(plain(cell).split())
    named = (("seconds", "s sec seconds sekunden secondes segundos secondi sekundy seconden"), ("minutes", "min minutes minuten minutos minuti minuty mins"), ("hours", "h hours stunden horas heures ore godziny uren"))  # fmt: skip
    return next((unit for unit, known in named if words & set(known.split())), None)


def _feet(values: Sequence[str]) -> str | None:
    mark = decimal_mark(values)
    numbers = []
    for value in values:
        try:
            numbers += [] if is_missing(value) else [local_number(value, mark, "cadence")]
        except LineRefused:
            return None
    known = [number for number in numbers if number > 0]
    if not known or ONE_FOOT_BELOW_SPM <= median(known) < BOTH_FEET_FROM_SPM:
        return None
    return BOTH_FEET if median(known) >= BOTH_FEET_FROM_SPM else ONE_FOOT


def suggested_pain(header: Sequence[str], names: Sequence[str], values: Values) -> ColumnMapping | None:
    """
    Suggest a mapping for pain scores: one column a moment, or a column that names the moment and one for the score.

    Returns
    -------
    Mapping or None
        None without a date or a score.
    """
    date = _date_column(header, names, values)
    scores, side, moment, score, ran = [], None, None, None, None
    for cell, name in zip(header, names, strict=True):
        if not name or name == date:
            continue
        words, under = plain(cell), values.get(name, ())
        asked = moment_of(cell)
        if RAN_WORDS.search(words):
            ran = ran or name
        elif asked is not None and (
            _reads(under, answer_in if isinstance(asked, RestMoment) else score_in) or _is_empty_question(words, under)
        ):
            named = sides_of(cell)
            scores.append(ScoreColumn(name, asked, named[0] if len(named) == 1 else None))
        elif SIDE_WORDS.search(words):
            side = side or name
        elif _names_moments(under):
            moment = moment or name
        elif PAIN_WORDS.search(words) and _reads(under, score_in):
            score = score or name
    if date is None or not (scores or (moment and score)):
        return None
    of_run = bool(names.index(date) < len(header) and _is_of_run(header[names.index(date)]))
    if scores:  # a question for each moment says more than a column that names one
        moment = score = None
    return ColumnMapping(gives=PAIN, date=date, side=side, moment=moment, score=score, scores=tuple(scores), ran=ran, date_is_of_run=of_run)


def _is_empty_question(words: str, under: Sequence[str]) -> bool:
    return bool(PAIN_WORDS.search(words)) and all(is_missing(value) for value in under)


def _names_moments(values: Sequence[str]) -> bool:
    written = [value for value in values if value]
    return bool(written) and all(len(value) < 60 and moment_of(value) is not None for value in written)


def _is_of_run(cell: str) -> bool:
    words = plain(cell)
    return any(part in words for part in (" run", "lauf", "carrera", "course", "bieg", "corsa", "corrida", "loop"))
