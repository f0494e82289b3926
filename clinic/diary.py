"""The pain diary: enter, look back, correct."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from data import audit, queries, records, strength
from data.database import engine
from models import NoRunEntry, PainEntry, PainMoment, RestEntry, RestMoment, Side, StrengthEntry, Viewer
from rehab.units import distance_text

LOOK_BACK_DAYS = 42

MOMENT_WORDS = {
    PainMoment.BEFORE: "Before the run",
    PainMoment.DURING: "During the run (worst)",
    PainMoment.AFTER: "Later that day",
    PainMoment.NEXT_MORNING: "Next morning, on rising",
    PainMoment.NIGHT_LYING: "At night, lying on that side",
}
REST_WORDS = {
    RestMoment.REST: "Pain at rest, whatever the position",
    RestMoment.NIGHT_REST: "Pain at night that does not depend on position",
    RestMoment.LIMPING: "Limping because of it, walking or running",
}


@dataclass(frozen=True)
class DiaryLine:
    """One score with what became of it. `replaced` says by whom and when, empty for a current one; `corrects_id` is the one before it."""

    score_id: int
    day: date
    moment: str
    nprs: int
    told: str
    replaced: str
    corrects_id: int | None = None

    @property
    def is_current(self) -> bool:
        return not self.replaced

    @property
    def label(self) -> str:
        return f"{self.day:%a} {self.day.day} {self.day:%b %Y} · {self.moment} · {self.nprs}"


def patient_today(episode: queries.EpisodeRow) -> date:
    """Say which day it is where the patient lives."""
    return records.local_today(episode.time_zone)


def runs_on(viewer: Viewer, episode: queries.EpisodeRow, day: date) -> dict[int, str]:
    """Give the runs of a day in words, by id."""
    audit.viewed(engine(), viewer, "pain diary", patient_key=episode.patient_key)
    runs = queries.runs(engine(), viewer, episode.patient_key)
    of_day = runs[runs["run_date"].dt.date == day]
    return {
        int(run["run_id"]): f"{run['started_at_utc'] + timedelta(seconds=run['utc_offset_s']):%H:%M}, "
        f"{distance_text(run['distance_m'], episode.distance_unit, places=1)}"
        for run in of_day.to_dict("records")
    }


def add_entries(
    viewer: Viewer,
    episode: queries.EpisodeRow,
    *,
    day: date,
    scores: dict[PainMoment, int | None],
    rest: dict[RestMoment, bool | None],
    did_not_run: bool,
    run_id: int | None = None,
) -> int:
    """
    Store what was answered about one day; what was not answered stays unknown.

    Parameters
    ----------
    scores, rest : dict
        Answers by moment, None where there was none. The next-morning score of `day` is the one felt on that morning.
    did_not_run : bool
        The patient said so.
    run_id : int, optional
        The run that the scores of the day belong to, when the day has several.

    Returns
    -------
    int
        How many new answers were stored.
    """
    today = patient_today(episode)
    entries = [
        PainEntry.checked(
            today=today,
            moment=moment,
            side=episode.side,
            nprs=nprs,
            for_date=day,
            run_id=None if moment in {PainMoment.NEXT_MORNING, PainMoment.NIGHT_LYING} else run_id,
        )
        for moment, nprs in scores.items()
        if nprs is not None
    ]
    answers = [
        RestEntry.checked(today=today, moment=moment, side=episode.side, answer=answer, for_date=day)
        for moment, answer in rest.items()
        if answer is not None
    ]
    without_run = NoRunEntry.checked(today=today, day=day) if did_not_run else None
    return records.add_diary_day(engine(), viewer, episode.patient_key, scores=entries, rest=answers, without_run=without_run)


def history(viewer: Viewer, episode: queries.EpisodeRow, *, days: int = LOOK_BACK_DAYS) -> list[DiaryLine]:
    """List the scores of the last days with what they were before, newest first."""
    audit.viewed(engine(), viewer, "pain diary", patient_key=episode.patient_key)
    since = patient_today(episode) - timedelta(days=days)
    frame = queries.score_history(engine(), viewer, episode.patient_key, since=since)
    frame = frame[frame["side"].isin([episode.side, Side.UNSPECIFIED])]
    return [
        DiaryLine(
            score_id=int(row["score_id"]),
            day=row["for_date"].date(),
            moment=MOMENT_WORDS[PainMoment(row["moment"])] + ("" if row["side"] == episode.side else ", side not told"),
            nprs=int(row["nprs"]),
            told=when_and_who(row["recorded_at_utc"], row["recorded_by"], episode.time_zone),
            replaced="" if pd.isna(row["retired_at_utc"]) else when_and_who(row["retired_at_utc"], row["retired_by"], episode.time_zone),
            corrects_id=None if pd.isna(row["corrects_id"]) else int(row["corrects_id"]),
        )
        for row in frame.to_dict("records")
    ]


def when_and_who(at: datetime, name: str, time_zone: str) -> str:
    """Say when, by the clock where the patient lives, and by whom."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}{f' by {name}' if name else ''}"


def earlier_values(lines: list[DiaryLine], score_id: int) -> list[dict[str, object]]:
    """List what a score was before it was corrected, newest first, with who told it and who replaced it."""
    by_id = {line.score_id: line for line in lines}
    found: list[dict[str, object]] = []
    number = by_id[score_id].corrects_id
    while number is not None and number in by_id:
        line = by_id[number]
        found.append({"It was": line.nprs, "Told": line.told, "Replaced": line.replaced})
        number = line.corrects_id
    return found


def strength_days(viewer: Viewer, episode: queries.EpisodeRow, *, days: int = LOOK_BACK_DAYS) -> list[dict[str, object]]:
    """List the days with strength sessions of the last days, newest first."""
    audit.viewed(engine(), viewer, "pain diary", patient_key=episode.patient_key)
    frame = strength.strength_sessions(engine(), viewer, episode.key)
    since = pd.Timestamp(patient_today(episode) - timedelta(days=days))
    by_day: dict[date, list[str]] = {}
    for row in frame[frame["done_on"] >= since].to_dict("records"):
        told = by_day.setdefault(row["done_on"].date(), [])
        told.append(when_and_who(row["recorded_at_utc"], row["recorded_by"], episode.time_zone))
    return [
        {"Day": f"{day.isoformat()} {day:%a}", "Sessions": len(told), "Told": max(told)}
        for day, told in sorted(by_day.items(), reverse=True)
    ]


def sessions_on(viewer: Viewer, episode: queries.EpisodeRow, day: date) -> int:
    """Say how many strength sessions of a day are told."""
    frame = strength.strength_sessions(engine(), viewer, episode.key)
    return int((frame["done_on"] == pd.Timestamp(day)).sum())


def set_sessions(viewer: Viewer, episode: queries.EpisodeRow, day: date, sessions: int) -> None:
    """Say how many strength sessions the runner did on a day; 0 takes back what was told, and it stays in the history."""
    entry = StrengthEntry.checked(today=patient_today(episode), done_on=day, sessions=sessions)
    strength.set_strength_sessions(engine(), viewer, episode.key, entry)


def correct(viewer: Viewer, score_id: int, nprs: int | None) -> None:
    """Put a right value in the place of a wrong one, or take it back with None; the old one stays, with who and when."""
    records.correct_pain_score(engine(), viewer, score_id, nprs)


def shown(line: DiaryLine) -> dict[str, str | int]:
    """Give the columns of the look back."""
    told = line.told if line.is_current else f"{line.told}; replaced {line.replaced}"
    return {"Day": f"{line.day.isoformat()} {line.day:%a}", "When": line.moment, "Pain": line.nprs, "Told": told}
