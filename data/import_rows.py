"""From what a file says of a run to what may be stored of it: checked, rounded, on the right day."""

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from data import records
from data.importers.base import ReadRun
from models import NAME_MAX_CHARACTERS, RUN_MEASURES, CadenceRule, DistanceRule, EntryRefused, RunEntry, plain_text

TAKEN_BACK = "was taken back"
DISTANCE_WORDS = {
    DistanceRule.DEVICE_TOTAL: "the device's own total",
    DistanceRule.RECORDS: "what its records add up to",
    DistanceRule.GPS: "the way between GPS positions",
    DistanceRule.AS_GIVEN: "as the table gives it",
    DistanceRule.ENTERED_BY_HAND: "entered by hand",
}
CADENCE_WORDS = {
    CadenceRule.FIT_STRIDES_DOUBLED: "FIT counts one foot: doubled",
    CadenceRule.TCX_STRIDES_DOUBLED: "TCX counts one foot: doubled",
    CadenceRule.GPX_STRIDES_DOUBLED: "GPX counts one foot: doubled",
    CadenceRule.STRAVA_STRIDES_DOUBLED: "Strava counts one foot: doubled",
    CadenceRule.POLAR_STRIDES_DOUBLED: "Polar counts one foot: doubled",
    CadenceRule.STEPS_COUNTED: "steps counted, by time",
    CadenceRule.STEPS_AS_GIVEN: "steps of both feet, as given",
    CadenceRule.ENTERED_BY_HAND: "entered by hand",
    CadenceRule.NONE: "none given",
}


CLOCKS_APART = timedelta(minutes=15)  # a watch may be fast


def run_entry(run: ReadRun, *, now: datetime, time_zone: str) -> tuple[RunEntry, list[str]]:
    """
    Make the checked entry of a run that was read from a file.

    The local day follows the file's own offset where it states one, else the patient's time zone; a day that is tomorrow for the patient
    is right only where the file states its offset and the run has started. A measure that cannot be right, such
    as a ground contact time of 5 ms, is left out: the run still was run.

    Returns
    -------
    tuple of RunEntry and list of str
        The entry, and a sentence for each measure that was left out.

    Raises
    ------
    EntryRefused
        If day, distance or time cannot be right.
    """
    if not all(math.isfinite(value) for value in (run.distance_m, run.moving_time_s, run.elapsed_time_s)):
        raise EntryRefused(["Its distance or time is not a number."])
    started, offset = run.started_at_utc.astimezone(UTC), run.utc_offset_s
    if run.clock_is_local:
        started, offset = started.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC), None
    today = records.local_today(time_zone, now)
    if offset is not None and started <= now + CLOCKS_APART:  # it may be tomorrow already where the patient ran
        today = max(today, (started + timedelta(seconds=offset)).date())
    if offset is None:
        local_offset = started.astimezone(ZoneInfo(time_zone)).utcoffset()
        offset = int(local_offset.total_seconds()) if local_offset else 0
    moving = round(run.moving_time_s)
    measures, left_out = {}, []
    for measure, words, unit, low, high in RUN_MEASURES:
        value = getattr(run, measure)
        if value is not None and not low <= value <= high:
            left_out.append(f"{words} was left out: {value:g} {unit} cannot be right.")
            value = None
        measures[measure] = round(value) if value is not None and measure == "running_time_s" else value
    entry = RunEntry.checked(
        today=today,
        started_at_utc=started,
        utc_offset_s=offset,
        run_date=(started + timedelta(seconds=offset)).date(),
        surface=run.surface,
        distance_m=round(run.distance_m),
        distance_rule=run.distance_rule,
        moving_time_s=moving,
        elapsed_time_s=max(moving, round(run.elapsed_time_s)),
        cadence_rule=run.cadence_rule,
        has_gps=run.has_gps,
        device=plain_text(run.device)[:NAME_MAX_CHARACTERS],
        **measures,
    )
    return entry, left_out


def zone_words(run: ReadRun) -> str:
    """Say by which rule the day of a run was found."""
    if not run.start_is_known:
        return "the day as given, without a time of day"
    if run.clock_is_local:
        return "the patient's clock time"
    return "the file's own offset" if run.utc_offset_s is not None else "the patient's time zone"


def day_written(day: date) -> str:
    """
    Write a day in words.

    >>> day_written(date(2025, 3, 2))
    'March 2, 2025'
    """
    return f"{day:%B} {day.day}, {day.year}"


def stays_away(what: str, taken_back: datetime, time_zone: str) -> str:
    """Say that something was taken back, when, and stays away."""
    day = taken_back.astimezone(ZoneInfo(time_zone)).date()
    return f"{what} {TAKEN_BACK} on {day_written(day)} and is not added again."
