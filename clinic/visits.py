"""The visit: who arrived, what was done, what was written about it, and its text for a record system."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from clinic.diary import when_and_who
from clinic.episodes import Episode, episode
from data import audit, queries, records, visits
from data.database import engine
from data.records import AlreadyThere
from data.visits import AppointmentRow, VisitRow
from models import EntryRefused, SiteKind, StrengthGivenEntry, Viewer, VisitEntry, VisitStatus
from rehab.bands import Band
from rehab.days import day_words
from rehab.note import NOTE_MAX_CHARACTERS, ConfirmedPlan, VisitDone, note_text
from rehab.plan import plan_versions
from rehab.screen import ScreenStanding
from rehab.since_visit import last_visit_of, since_sentence, since_visit

LOOK_BACK_DAYS = 56  # visits of the last eight weeks are offered to be completed
__all__ = ["NOTE_MAX_CHARACTERS", "AppointmentRow", "VisitRow"]

KIND_WORDS = {SiteKind.IN_PERSON: "in person", SiteKind.VIRTUAL: "virtual"}
STATUS_WORDS = {
    VisitStatus.BOOKED: "booked",
    VisitStatus.ARRIVED: "arrived",
    VisitStatus.NO_SHOW: "did not come",
    VisitStatus.CANCELLED: "cancelled",
}


@dataclass(frozen=True)
class VisitPage:
    """An episode with its visits to choose from, newest first, by key. `todays_key` is the visit of today, "" if there is none."""

    episode: Episode
    today: date
    choices: dict[str, str]
    todays_key: str

    @property
    def row(self) -> queries.EpisodeRow:
        return self.episode.row

    @property
    def screen(self) -> ScreenStanding:
        """Where the red-flag screen stands."""
        return self.episode.summary.screen


def visit_page(viewer: Viewer, key: str) -> VisitPage:
    """Join an episode with its visits; raises NotFound. That somebody looks is written down first."""
    audit.viewed(engine(), viewer, "visit page", episode_key=key)
    shown = episode(viewer, key)
    today = records.local_today(shown.row.time_zone)
    frame = queries.visits(engine(), viewer, key)
    days = frame["visit_date"].dt.date
    near = frame[(days >= today - timedelta(days=LOOK_BACK_DAYS)) & (days <= today)].iloc[::-1]
    choices = {row["visit_key"]: _choice_words(row, today) for row in near.to_dict("records")}
    of_today = near.loc[near["visit_date"].dt.date == today, "visit_key"]
    return VisitPage(shown, today, choices, str(of_today.iloc[0]) if len(of_today) else "")


def _choice_words(row: dict[str, Any], today: date) -> str:
    day = row["visit_date"].date()
    parts = ["Today" if day == today else day_words(day), STATUS_WORDS[row["status"]], KIND_WORDS[row["kind"]], row["site"]]
    return ", ".join(part for part in parts if part)


def visit(viewer: Viewer, visit_key: str) -> VisitRow:
    """Give one visit with all that was done and written; raises NotFound."""
    return visits.visit(engine(), viewer, visit_key)


def arrive(viewer: Viewer, page: VisitPage, visit_key: str, *, day: date, kind: SiteKind, site_id: int | None) -> str:
    """
    Say that the patient arrived: at a visit that was booked, or at a new one if `visit_key` is empty.

    What was written about it before stays.

    Returns
    -------
    str
        The visit's key.
    """
    known = visit(viewer, visit_key) if visit_key else None
    entry = VisitEntry.checked(**_told(known), today=page.today, visit_date=day, kind=kind, site_id=site_id)
    return visits.record_visit(engine(), viewer, page.row.key, entry, visit_key=visit_key or None)


def is_held(row: VisitRow) -> bool:
    """Say whether the patient has arrived: what was done belongs to such a visit."""
    return row.status is VisitStatus.ARRIVED


def one_more(rows: int) -> int:
    """Give the number of lines for exercises when one more is asked for."""
    return rows + 1


def note_written(page: VisitPage, row: VisitRow) -> str:
    """Say when and by whom the note was written as it is now."""
    return (
        ""
        if row.note_written_at_utc is None
        else f"Written {when_and_who(row.note_written_at_utc, row.note_written_by, page.row.time_zone)}."
    )


def done_at(row: VisitRow) -> tuple[object, ...]:
    """Give what a writer saw of what was done: if it is something else when they save, theirs does not go over it."""
    return row.summary, row.hands_on, row.strength, row.gait_cue, row.education


def record_done(
    viewer: Viewer,
    page: VisitPage,
    visit_key: str,
    *,
    seen: tuple[object, ...],
    strength: list[tuple[str, int | None, int | None, int | None]],
    **told: str,
) -> None:
    """
    Store what was done at a visit, all of it or nothing.

    Parameters
    ----------
    seen : tuple
        What `done_at` gave when the writer began.
    strength : list of tuples
        Exercise, sets, reps, seconds to hold. A line without anything is left out; one without a name is refused.
    **told : str
        `summary`, `hands_on`, `gait_cue`, `education`.

    Raises
    ------
    AlreadyThere
        If somebody has changed it meanwhile.
    EntryRefused
        With a sentence for each thing to mend.
    """
    known = visit(viewer, visit_key)
    if done_at(known) != seen:
        raise AlreadyThere("Somebody has changed what was done at this visit meanwhile. Look at theirs first; yours is not stored yet.")
    exercises, refused = [], list[str]()
    for exercise, sets, reps, hold_s in strength:
        if not exercise.strip() and sets is None and reps is None and hold_s is None:
            continue
        try:
            exercises.append(StrengthGivenEntry.checked(exercise=exercise, sets=sets, reps=reps, hold_s=hold_s))
        except EntryRefused as refusal:
            refused += refusal.reasons
    if refused:
        raise EntryRefused(refused)
    fields = {**_told(known), **told, "strength": tuple(exercises)}
    entry = VisitEntry.checked(**fields, today=page.today, visit_date=known.visit_date, kind=known.kind, site_id=known.site_id)
    visits.record_visit(engine(), viewer, page.row.key, entry, visit_key=visit_key)


def _told(row: VisitRow | None) -> dict[str, Any]:
    names = ("summary", "hands_on", "strength", "gait_cue", "education", "note")
    return {} if row is None else {name: getattr(row, name) for name in names}


def write_note(viewer: Viewer, visit_key: str, note: str, *, seen: str) -> None:
    """Write the note of a visit instead of the one that the writer saw; raises AlreadyThere if that is another one by now."""
    visits.write_note(engine(), viewer, visit_key, note, instead_of=seen)


def note_versions(viewer: Viewer, page: VisitPage, visit_key: str) -> list[dict[str, str]]:
    """List what the note said before, newest first, with who wrote and who replaced it."""
    zone = page.row.time_zone
    return [
        {
            "Note": row["note"],
            "Written": "" if pd.isna(row["written_at_utc"]) else when_and_who(row["written_at_utc"], row["written_by"], zone),
            "Replaced": when_and_who(row["replaced_at_utc"], row["replaced_by"], zone),
        }
        for row in visits.earlier_notes(engine(), viewer, visit_key).to_dict("records")
    ]


def exercise_words(given: StrengthGivenEntry) -> str:
    """
    Write an exercise with its dose.

    >>> exercise_words(StrengthGivenEntry(exercise="Bridge", sets=2, reps=8)), exercise_words(StrengthGivenEntry(exercise="Plank", hold_s=20))
    ('Bridge 2 × 8', 'Plank 20 s')
    """
    dose = " × ".join(str(number) for number in (given.sets, given.reps) if number is not None)
    if given.sets is not None and given.reps is None:
        dose = f"{given.sets} set{'' if given.sets == 1 else 's'}"
    return " ".join(part for part in (given.exercise, dose, "" if given.hold_s is None else f"{given.hold_s} s") if part)


def text_of(viewer: Viewer, page: VisitPage, row: VisitRow) -> str:
    """
    Write the text of a visit for a record system, under 1,200 characters.

    Its numbers are those of the day of the visit. The screen is that of today if it withholds now, else that of the day: so a text that is
    made later never says more than may be said now.
    """
    shown = page.episode if row.visit_date >= page.episode.summary.as_of else episode(viewer, page.row.key, as_of=row.visit_date)
    summary = shown.summary
    last = last_visit_of(summary)
    where = ", ".join(part for part in (KIND_WORDS[row.kind], row.site) if part)
    return note_text(
        visit=f"Visit of {day_words(row.visit_date)}, {where}",
        since=since_sentence(summary, last_visit=last),
        facts=since_visit(summary, last_visit=last),
        screen=page.screen if page.screen.withholds else summary.screen,
        plan=_confirmed(viewer, page.row, row.visit_date),
        done=VisitDone(row.hands_on, tuple(exercise_words(given) for given in row.strength), row.gait_cue, row.education, row.note),
        unit=page.row.distance_unit,
    )


def _confirmed(viewer: Viewer, row: queries.EpisodeRow, day: date) -> ConfirmedPlan | None:
    """Give the newest version of the plan that was written on a day, against the newest one of the days before."""
    frame = queries.plans(engine(), viewer, row.key)
    zone = ZoneInfo(row.time_zone)
    written_on = [at.astimezone(zone).date() for at in frame["created_at_utc"]]
    versions = plan_versions(frame)
    before = [number for number, on in enumerate(written_on) if on < day]
    of_day = [number for number, on in enumerate(written_on) if on == day]
    if not of_day:
        return None
    newest = frame.iloc[of_day[-1]]
    band = None if pd.isna(newest["band_low_m"]) else Band(float(newest["band_low_m"]), float(newest["band_high_m"]))
    return ConfirmedPlan(
        new=versions[of_day[-1]],
        old=versions[before[-1]] if before else None,
        state=str(newest["suggestion_state"] or ""),
        band=band,
        outside_band=bool(newest["outside_band"]),
    )


def appointments(viewer: Viewer) -> list[AppointmentRow]:
    """List today's visits, without what was said at them: what the front desk may know. That somebody looks is written down first."""
    audit.viewed(engine(), viewer, "appointments")
    today = records.local_today(queries.clinic(engine()).time_zone)
    return visits.appointments(engine(), viewer, day=today)


def appointment_words(row: AppointmentRow) -> str:
    """Write an appointment in one line."""
    parts = (row.patient_name, row.patient_code, row.therapist, KIND_WORDS[row.kind], row.site)
    return " · ".join(part for part in parts if part)


def set_status(viewer: Viewer, visit_key: str, status: VisitStatus) -> None:
    """Say who arrived, did not come or cancelled; the front desk may."""
    visits.set_visit_status(engine(), viewer, visit_key, status)
