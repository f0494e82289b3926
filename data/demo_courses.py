"""The courses of the demo clinic: how a made-up hip, runner and therapist answer one another, day by day. Pure: no database, no clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from data.demo_history import Course, HeldVisit, History, LoggedNoRun, LoggedRest, LoggedRun, LoggedScore, MadeChange, MadePlan
from data.demo_runs import METRES_IN, Runner, Watch, made_run
from models import (
    CADENCE_MIN_SPM,
    NPRS_MAX,
    NPRS_MIN,
    ChangeKind,
    NoRunEntry,
    PainEntry,
    PainMoment,
    RestEntry,
    RestMoment,
    Side,
    SiteKind,
    VisitStatus,
)

LONGEST_OF_DAYS = 30
FLARE_KEPT_A_DAY = 0.945  # of a flare today, what is left tomorrow
LIMPS_FROM = 6.0  # pain on rising from which this runner limps
KNOWN_UNTIL_HOUR = 9  # of the last day: a demo made in the morning holds nothing from its future
NEW_WATCH = Watch("Garmin Forerunner 265", has_contact_time=True)


def history(rng: np.random.Generator, runner: Runner, course: Course, *, side: Side, kind: SiteKind, as_of: date) -> History:
    """
    Let a course happen.

    Parameters
    ----------
    rng : Generator
        The same state gives the same history.
    kind : SiteKind
        Where the visits mostly are.
    as_of : date
        Last day of which anything is known.

    Returns
    -------
    History
        Nothing in it was logged after the morning of `as_of`; only booked visits lie later.
    """
    return _Course(rng, runner, course, side, kind, as_of).happened()


def on_weekday(day: date) -> date:
    """Give the day itself, or the Friday before a weekend."""
    return day - timedelta(days=max(0, day.weekday() - 4))


class _Course:
    """One course while it happens."""

    def __init__(self, rng: np.random.Generator, runner: Runner, course: Course, side: Side, kind: SiteKind, as_of: date) -> None:
        self.rng, self.runner, self.course, self.side, self.kind, self.as_of = rng, runner, course, side, kind, as_of
        self.zone = ZoneInfo(runner.time_zone)
        discharged = course.discharged_days_ago
        self.end = as_of if discharged is None else on_weekday(as_of - timedelta(days=discharged))
        self.start = on_weekday(self.end - timedelta(days=course.care_days))
        self.watch = runner.watch
        self.unit_m = METRES_IN[runner.unit]
        self.weekly_m = course.weekly * 1.25 * self.unit_m  # before the first plan
        self.ceiling_m = float("inf")
        self.cadence_target: tuple[float, float] | None = None
        self.noise, self.flare, self.load_pain = 0.0, 0.0, 0.0
        self.last_cut: date | None = None
        self.ran: list[tuple[date, float]] = []
        self.mornings: list[tuple[date, int]] = []  # as answered: what the therapist sees
        self.runs: list[LoggedRun] = []
        self.scores: list[LoggedScore] = []
        self.rest: list[LoggedRest] = []
        self.no_runs: list[LoggedNoRun] = []
        self.visits: list[HeldVisit] = []
        self.plans: list[MadePlan] = []
        self.changes: list[MadeChange] = []

    # -- the calendar ------------------------------------------------------------------------------------------------

    def _ago(self, days: int | None) -> date | None:
        return None if days is None else self.end - timedelta(days=days)

    def _spike_day(self, days: int) -> date:
        """Give the day of a run that was too long: the day of the long run, if it is not one of the last two weeks."""
        day = self.end - timedelta(days=days)
        return day if days < 14 else day - timedelta(days=(day.weekday() - self.runner.run_weekdays[-1]) % 7)

    def _at(self, day: date, hour: float) -> datetime:
        return datetime.combine(day, time(0), self.zone) + timedelta(minutes=round(hour * 60))

    def _recorded(self, told_at: datetime) -> datetime:
        """When it is stored: at once, on Sunday evening, or, for what the watch still had, at the first visit."""
        day = told_at.date()
        if day < self.start:
            return self._at(self.start, 17.5)
        if self.course.weekly_log:
            return max(told_at, self._at(day + timedelta(days=6 - day.weekday()), 20.25))
        return told_at

    def _visit_days(self) -> dict[date, str]:
        """Each visit's day and what it is for."""
        days: dict[date, str] = {self.start: "first"}
        day, gaps = self.start, self.course.visit_gaps_days
        for number in range(1000):
            day = on_weekday(day + timedelta(days=gaps[min(number, len(gaps) - 1)]))
            if day > self.end - timedelta(days=2):
                break
            days[day] = "review"
        events = [(on_weekday(spike + timedelta(days=4)), "flare") for spike in self.spike_days]
        if self.course.cue_day is not None:
            events.append((on_weekday(self.end - timedelta(days=self.course.cue_day)), "cue"))
        for event, what in events:
            if self.start < event < self.end:
                days = {day: why for day, why in days.items() if why != "review" or abs((day - event).days) > 8}
                days[event] = what
        if self.course.discharged_days_ago is not None:
            days[self.end] = "discharge"
        return dict(sorted(days.items()))

    # -- day by day --------------------------------------------------------------------------------------------------

    def happened(self) -> History:
        self.spike_days = [self._spike_day(days) for days in self.course.spike_days]
        visits = self._visit_days()
        self.cue_day = next((day for day, why in visits.items() if why == "cue"), None)
        self._note_changes()
        first = self.start - timedelta(days=self.course.history_days)
        for number in range((self.end - first).days + 1):
            day = first + timedelta(days=number)
            ran_before = bool(self.ran) and self.ran[-1][0] == day - timedelta(days=1)
            self._morning(day, ran_before)
            if day in visits and not (day == self.end and self.course.discharged_days_ago is None):
                self._visit(day, visits[day])
            distance_m = self._run(day)
            self._evening(day, ran=distance_m > 0)
        self._book_next()
        until = self._known_until()
        return History(
            started_on=self.start,
            ended_on=None if self.course.discharged_days_ago is None else self.end,
            runs=tuple(item for item in self.runs if item.recorded_at_utc <= until),
            scores=tuple(item for item in self.scores if item.recorded_at_utc <= until),
            rest_answers=tuple(item for item in self.rest if item.recorded_at_utc <= until),
            days_without_run=tuple(item for item in self.no_runs if item.recorded_at_utc <= until),
            visits=tuple(sorted(self.visits, key=lambda visit: visit.day)),
            plans=tuple(self.plans),
            changes=tuple(sorted(self.changes, key=lambda change: change.day)),
        )

    def _known_until(self) -> datetime:
        """Say up to when anything was stored."""
        if not self.course.logs:
            return self._at(self.start, 0)
        until = min(self._at(self.as_of, KNOWN_UNTIL_HOUR), self._at(self.end + timedelta(days=1), 0))
        if self.course.silent_days:
            until = min(until, self._at(self.end - timedelta(days=self.course.silent_days), 0))
        return until

    def _note_changes(self) -> None:
        marks = (
            (self.cue_day, ChangeKind.CADENCE_CUE, "Cadence cue +5 % at easy pace, metronome 1 min on, 1 min off"),
            (self._ago(self.course.injection_day), ChangeKind.INJECTION, "Corticosteroid injection at another clinic"),
            (self._ago(self.course.shoe_day), ChangeKind.SHOE, "New shoes, softer and higher"),
            (self._ago(self.course.device_day), ChangeKind.DEVICE, "New watch"),
        )
        self.changes += [MadeChange(day, kind, label) for day, kind, label in marks if day is not None]

    def _calm(self, day: date) -> float:
        """Give the pain that the hip tends to by itself."""
        course = self.course
        care = min(max((day - self.start).days / max(course.care_days, 1), 0.0), 1.0)
        settled = (1 - np.exp(-2.5 * care)) / (1 - np.exp(-2.5))
        pain = course.pain_from + (course.pain_to - course.pain_from) * float(settled)
        pain += 0.12 * max(0, course.rising_days - (self.end - day).days) * bool(course.rising_days)
        if self.cue_day is not None and day > self.cue_day:
            pain -= course.cue_relief * (1 - float(np.exp(-(day - self.cue_day).days / 12)))
        injected = self._ago(course.injection_day)
        if injected is not None and day > injected:
            pain -= 2.0 * float(np.exp(-(day - injected).days / 30))
        return max(pain, 0.0)

    def _score(self, latent: float) -> int:
        return int(min(max(round(latent), NPRS_MIN), NPRS_MAX))

    def _tell(self, day: date, hour: float, moment: PainMoment, latent: float) -> int | None:
        """Log one score, unless the day is before the first visit."""
        if day < self.start:
            return None
        recorded = self._recorded(self._at(day, hour))
        nprs = self._score(latent)
        entry = PainEntry(today=recorded.date(), moment=moment, side=self.side, nprs=nprs, for_date=day)
        slip = min(nprs + 3, NPRS_MAX) if self.rng.random() < 0.004 else nprs
        self.scores.append(LoggedScore(entry, recorded.astimezone(UTC), None if slip == nprs else slip))
        return nprs

    def _morning(self, day: date, ran_before: bool) -> None:
        rng, answers = self.rng, self.course.answers
        self.noise = 0.5 * self.noise + float(rng.normal(0, 0.42))
        self.latent = self._calm(day) + self.flare + self.load_pain + self.noise
        asked, hour = rng.random(), 6.25 + 1.75 * rng.random()
        if asked < (1.0 if day == self.start else answers if ran_before else 0.6 * answers):
            nprs = self._tell(day, hour, PainMoment.NEXT_MORNING, self.latent)
            if nprs is not None:
                self.mornings.append((day, nprs))
        if rng.random() < 0.2 * answers:
            self._tell(day, hour, PainMoment.NIGHT_LYING, self.latent + 0.8)
        flagged = day == self._ago(self.course.night_rest_day)
        weekly = day.weekday() == self.runner.run_weekdays[0] and rng.random() < 0.8 * answers
        if day >= self.start and (flagged or weekly):
            recorded = self._recorded(self._at(day, hour))
            for moment in RestMoment:
                limps = moment is RestMoment.LIMPING and self.latent >= LIMPS_FROM
                answer = limps or (flagged and moment is RestMoment.NIGHT_REST)
                entry = RestEntry(today=recorded.date(), moment=moment, side=self.side, answer=answer, for_date=day)
                self.rest.append(LoggedRest(entry, recorded.astimezone(UTC)))

    def _wanted(self, day: date) -> tuple[float, str]:
        """Say how far the runner wants to go today, and what kind of run it is."""
        weekdays = self.runner.run_weekdays
        away = self._ago(self.course.away_week_day)
        if away is not None and day.isocalendar()[:2] == away.isocalendar()[:2]:
            return 0.0, "easy"
        if day in self.spike_days:
            return (self._longest_m(day) or self.weekly_m / 3) * self.course.spike_ratio, "long"
        chance, variation = self.rng.random(), float(np.exp(self.rng.normal(0, 0.06)))
        missed = self.course.misses_runs if self.latent < 4.5 else 0.3 if self.latent < 5.5 else 0.65
        if day.weekday() not in weekdays or chance < missed or day == self.cue_day:
            return 0.0, "easy"
        wanted = self.weekly_m * self.course.plan_kept
        used_to_m = self._used_to_m(day) or wanted
        long_m = min(1.7 / (len(weekdays) + 0.7) * wanted, used_to_m, self.ceiling_m * max(1.0, self.course.plan_kept))
        other_m = min((wanted - long_m) / (len(weekdays) - 1), used_to_m)
        if day.weekday() == weekdays[-1]:
            return min(long_m * variation, used_to_m), "long"
        quick = day.weekday() == weekdays[0] and self.latent < 3.2
        return min(other_m * variation, used_to_m), "tempo" if quick else "easy"

    def _longest_m(self, day: date) -> float | None:
        """Give the longest run of the last 30 days; None before two weeks of runs say what somebody is used to."""
        if not self.ran or (day - self.ran[0][0]).days < 14:
            return None
        return max((metres for ran_on, metres in self.ran if (day - ran_on).days <= LONGEST_OF_DAYS), default=None)

    def _used_to_m(self, day: date) -> float | None:
        """Give a little more than the longest run of the last 30 days."""
        longest_m = self._longest_m(day)
        return None if longest_m is None else max(1.1 * longest_m, longest_m + 0.25 * self.unit_m)

    def _run(self, day: date) -> float:
        self.flare *= FLARE_KEPT_A_DAY
        self.load_pain = 0.0
        if not self.course.may_run:
            return 0.0
        wanted_m, kind = self._wanted(day)
        quarters = round(4 * wanted_m / self.unit_m)
        if quarters < 2:
            return 0.0
        distance_m = (quarters / 4 + 0.03 * float(self.rng.random())) * self.unit_m
        longest_m = self._longest_m(day)
        ratio = distance_m / longest_m if longest_m else 0.9
        self.load_pain = 0.9 * (min(ratio, 1.6) - 0.7)
        if ratio > 1.3:
            self.flare += self.course.spike_points * min((ratio - 1.0) / 0.6, 1.2)
        self.ran.append((day, distance_m))
        start = self._at(day, min(self.runner.start_hour + float(self.rng.normal(0, 0.15)), 23.9))
        if day == self._ago(self.course.device_day):
            self.watch = NEW_WATCH
        walks = (4, 1) if 0 <= (day - self.start).days < self.course.run_walk_days else None
        gain = self.course.cue_gain if self.cue_day is not None and day > self.cue_day else 0.0
        run = made_run(
            self.rng,
            self.runner,
            self.watch,
            start=start,
            today=day,
            distance_m=distance_m,
            kind=kind,
            cadence_factor=1 + gain,
            walk_every=walks,
        )
        logged_at = start + timedelta(seconds=run.entry.elapsed_time_s, minutes=15)
        recorded = self._recorded(logged_at)
        if self.rng.random() < self.course.logs_runs:
            self.runs.append(
                LoggedRun(replace(run, entry=run.entry.model_copy(update={"today": recorded.date()})), recorded.astimezone(UTC))
            )
        return distance_m

    def _evening(self, day: date, *, ran: bool) -> None:
        rng, answers = self.rng, self.course.answers
        hour = max(20.0, self.runner.start_hour + 1.0) + 0.9 * rng.random()
        asked = rng.random(4)
        during = self._calm(day) + 0.6 * self.flare + 0.4 * self.load_pain + 0.4 + self.noise
        if ran:
            for chance, share, moment, latent in (
                (asked[0], 0.8, PainMoment.DURING, during),
                (asked[1], 0.25, PainMoment.BEFORE, self.latent - 0.6),
                (asked[2], 0.3, PainMoment.AFTER, during + 0.3),
            ):
                if chance < share * answers:
                    self._tell(day, hour, moment, latent)
        elif day >= self.start and asked[3] < 0.45 * answers:
            recorded = self._recorded(self._at(day, hour))
            self.no_runs.append(LoggedNoRun(NoRunEntry(today=recorded.date(), day=day), recorded.astimezone(UTC)))

    # -- the therapist -----------------------------------------------------------------------------------------------

    def _visit(self, day: date, why: str) -> None:
        chance, virtual = self.rng.random(), self.rng.random()
        kind = SiteKind.VIRTUAL if virtual < 0.1 and why == "review" else self.kind
        silent = bool(self.course.silent_days) and (self.end - day).days < self.course.silent_days
        if why == "review" and (chance < self.course.misses_visits or silent):
            self.visits.append(
                HeldVisit(day, VisitStatus.NO_SHOW if chance < self.course.misses_visits / 2 or silent else VisitStatus.CANCELLED, kind)
            )
            return
        summary = self._decide(day, why)
        self.visits.append(HeldVisit(day, VisitStatus.ARRIVED, kind, summary))

    def _decide(self, day: date, why: str) -> str:
        unit = self.runner.unit.value
        if not self.course.may_run:
            return "First visit, no running until imaging is back" if why == "first" else "No running yet, walking and strength only"
        if why == "first":
            self._plan(
                day,
                self.course.weekly,
                "First plan: a little under what the hip had in the last weeks, the same days each week.",
                at_once=True,
            )
            walks = ", 4 min run and 1 min walk by turns" if self.course.run_walk_days else ""
            return f"First visit, start with {self._amount()} {unit} a week{walks}"
        if why == "discharge":
            return f"Discharged, running {self._amount()} {unit} a week"
        looks_back = 4 if why == "flare" else 9
        recent = [nprs for scored_on, nprs in self.mornings if (day - scored_on).days <= looks_back]
        weekly = self.weekly_m / self.unit_m
        if why == "cue":
            easy = self.runner.zero_speed_cadence_spm + 8.0 * self.runner.easy_speed_m_s
            middle = np.floor(easy * 1.05 + 0.5)
            self.cadence_target = (max(float(middle) - 3, CADENCE_MIN_SPM), float(middle) + 3)
            self._plan(day, weekly, "Cadence step: +5 % of the runner's own cadence at easy pace. The distance stays while it is new.")
            return f"Start 5 % cadence cue, hold {self._amount()} {unit}"
        if len(recent) < 2:
            return "Too few answers to change the plan, asked to log mornings"
        median, worst = float(np.median(recent)), max(recent)
        earlier = [nprs for scored_on, nprs in self.mornings if 9 < (day - scored_on).days <= 37] or recent
        usual = float(np.median(earlier))
        cut_lately = self.last_cut is not None and (day - self.last_cut).days < 21
        if (worst >= 7 or median >= max(usual + 1.5, 4.0)) and not cut_lately:
            self.last_cut = day
            up_to = f"Flare, mornings up to {worst}" if worst >= 6 else f"Mornings up from {usual:g} to {median:g}"
            self._plan(day, weekly * 0.75, f"{up_to}: about a quarter less, and no long run until they are at 3 or less.", at_once=True)
            return f"{up_to}: cut to {self._amount()} {unit} a week"
        if median >= 4 or cut_lately or worst >= 6:
            return f"Mornings around {median:g}, hold {self._amount()} {unit} a week"
        more = self._more(weekly, median)
        reason = f"Settled by next morning, around {median:g}: {100 * (more / weekly - 1):.0f} % more."
        if more <= weekly or not self._plan(day, more, reason):
            return f"Mornings around {median:g}, keep {self._amount()} {unit} a week"
        return f"Settled next morning, {self._amount()} {unit} a week from Monday"

    def _more(self, weekly: float, median: float) -> float:
        """Give 5 to 10 % more in half units, the larger step when the hip is calm; the same if the goal is reached or no half unit fits."""
        low, high = np.ceil(weekly * 1.05 * 2) / 2, np.floor(weekly * 1.10 * 2) / 2
        more = float(max(low, high) if median <= 2 else low)
        fits = more <= weekly * 1.10 or (weekly < 10 and more == weekly + 0.5)
        return more if fits and more <= self.course.weekly_goal else weekly

    def _plan(self, day: date, weekly: float, reason: str, *, at_once: bool = False) -> bool:
        """Make the next version, for next week or from this one on. False if next week begins after the last day of the history."""
        valid_from = day + timedelta(days=(0 if at_once else 7) - day.weekday())
        if valid_from > self.as_of:
            return False
        weekly = round(weekly * 2) / 2
        share = (1.15 if day == self.last_cut else 1.7) / (len(self.runner.run_weekdays) + 0.7)
        used_to = (self._used_to_m(day) or float("inf")) / self.unit_m
        ceiling = max(np.floor(min(weekly * share * 1.1 + 0.5, used_to) * 4) / 4, 1.0)
        self.weekly_m, self.ceiling_m = weekly * self.unit_m, float(ceiling) * self.unit_m
        self.plans.append(
            MadePlan(day, valid_from, round(self.weekly_m), round(self.ceiling_m), self.cadence_target, reason),
        )
        return True

    def _amount(self) -> str:
        return f"{self.weekly_m / self.unit_m:g}"

    def _book_next(self) -> None:
        if self.course.discharged_days_ago is None and self.course.next_visit_in_days is not None:
            day = self.as_of + timedelta(days=self.course.next_visit_in_days)
            day += timedelta(days=(7 - day.weekday()) % 7 if day.weekday() > 4 else 0)
            self.visits.append(HeldVisit(day, VisitStatus.BOOKED, self.kind))
