"""How much was well borne so far: the distance up to which weeks, and single runs, mostly were."""

from dataclasses import dataclass
from datetime import date
from math import floor

import numpy as np
import pandas as pd

from models import DistanceUnit, day_number, week_number
from rehab.comfortable_weeks import NOT_COUNTED, OK, WEEK_MIN_MORNINGS
from rehab.days import Floats, day_numbers, floats
from rehab.response import SETTLED, SLOW, UNSETTLED
from rehab.rules import Limit, Rule, Strength
from rehab.shares import Bools, Share, falling_share, logistic_band, share
from rehab.units import distance_in, metres_per
from rehab.wording import (
    LACKING_ABOVE,
    LACKING_COUNTED,
    LACKING_NOT_OK,
    NO_LIMIT_HIGHER_UP,
    NOTHING_COUNTED,
    PATIENT_RUNS,
    PATIENT_WEEKS,
    RUNS_NO_LIMIT,
    RUNS_TOLERATED,
    WEEKS_NO_LIMIT,
    WEEKS_TOLERATED,
)

# What an estimate takes: on the limit is enough.
MIN_COUNTED, MIN_NOT_OK, MIN_AT_OR_ABOVE, WANTED_SHARE = 8, 2, 4, 0.80
WINDOW_WEEKS = 12
# Fixed bands; a distance on the border is in the upper one.
WEEK_BAND = {DistanceUnit.MILE: 5, DistanceUnit.KILOMETRE: 8}
RUN_BAND = {DistanceUnit.MILE: 2, DistanceUnit.KILOMETRE: 3}

RULE = Rule(
    name="tolerance_so_far",
    title="Tolerance so far",
    says=(
        "The largest distance that was run at which the estimated share of comfortable weeks (or settled runs) is at least 80 %, given "
        "only that the share does not rise with distance. Its band is that of a logistic curve with a weak prior, and reaches to that "
        "distance. Both are shown or neither. Otherwise no upper limit was seen yet, which is not the same as the longest week. Only the "
        "last 12 whole weeks count, and nothing is said beyond what was run."
    ),
    strength=Strength.CLINIC,
    limits=(
        Limit("weeks or runs counted", MIN_COUNTED, "", ">= 8"),
        Limit("of them not comfortable or not settled", MIN_NOT_OK, "", ">= 2"),
        Limit("estimated share", WANTED_SHARE, "", ">= 0.80"),
        Limit("weeks or runs at the distance or above it", MIN_AT_OR_ABOVE, "", ">= 4"),
        Limit("window", WINDOW_WEEKS, "weeks", "the last 12 whole weeks; runs of the same weeks and of the week so far"),
    ),
    criticism="High weeks happen when the hip is calm, so it is optimistic. Tolerance is meant to move, so it is worked out anew each time.",
    may_say="So far, weeks up to about this distance have usually been fine the next morning: a starting point.",
    may_not_say="A limit below which nothing happens, a cause, or a forecast.",
)


@dataclass(frozen=True)
class Band:
    """Weeks or runs from `low_m` on and below `high_m`, in metres."""

    low_m: float
    high_m: float
    share: Share


@dataclass(frozen=True)
class Tolerance:
    """
    How weeks, or single runs, were borne so far.

    Attributes
    ----------
    bands : tuple of Band
        Fixed bands in which something was counted, ascending.
    share : Share
        Of what was counted up to `up_to_m`.
    up_to_m : float or None
        `t80_m`; without it the longest that was counted; None if nothing was.
    not_counted : int
        Weeks or runs of the window with too few scores.
    t80_m : float or None
        The largest distance of which it may be said that 80 % or more were fine; None: no upper limit seen yet.
    t80_low_m, t80_high_m : float or None
        Its 95 % band, within what was run. None exactly if `t80_m` is.
    limit_seen : bool
        False also if 80 % or more were fine at the longest distance counted.
    therapist : str
    patient : str or None
        None where nothing may be said.
    """

    bands: tuple[Band, ...]
    share: Share
    up_to_m: float | None
    not_counted: int
    t80_m: float | None
    t80_low_m: float | None
    t80_high_m: float | None
    limit_seen: bool
    therapist: str
    patient: str | None


def week_tolerance(weeks: pd.DataFrame, *, as_of: date, week_start: int, comfortable_max: int, distance_unit: DistanceUnit) -> Tolerance:
    """
    Tell up to which weekly distance weeks were comfortable so far.

    Parameters
    ----------
    weeks : DataFrame
        As `comfortable_weeks` gives them, in any order. Of the last 12 whole weeks those with a run count: a week without one says
        nothing of distance.
    as_of : date
        Last day that is known.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    comfortable_max : int
        The limit that `weeks` was made with, for words.
    distance_unit : DistanceUnit
        For words and bands.

    Returns
    -------
    Tolerance

    References
    ----------
    See `RULE`: a choice of this project. Wilson EB (1927), J Am Stat Assoc 22:209.
    """
    first = _first_week(as_of, week_start)
    week = day_numbers(weeks["week_start"])
    inside = weeks[(week >= first) & (week <= day_number(as_of) - 6) & (weeks["runs"].to_numpy(dtype=np.int64) > 0)]
    verdict = inside["verdict"].to_numpy(dtype=object)
    counted = verdict != NOT_COUNTED
    return _tolerance(
        floats(inside["distance_m"])[counted], verdict[counted] == OK, int((~counted).sum()), _Words(True, comfortable_max, distance_unit)
    )


def run_tolerance(runs: pd.DataFrame, *, as_of: date, week_start: int, distance_unit: DistanceUnit) -> Tolerance:
    """
    Tell up to which distance single runs settled by the next morning so far.

    Parameters
    ----------
    runs : DataFrame
        `run_date`, `distance_m` and `response` (of `run_responses`), in any order. Those of the last 12 whole weeks and of the week so far
        count; an unknown response does not.
    as_of : date
        Last day that is known.
    week_start : int
        First day of the week, 0 Monday … 6 Sunday.
    distance_unit : DistanceUnit
        For words and bands.

    Returns
    -------
    Tolerance
    """
    day = day_numbers(runs["run_date"])
    inside = runs[(day >= _first_week(as_of, week_start)) & (day <= day_number(as_of))]
    response = inside["response"].to_numpy(dtype=object)
    counted = np.isin(response, (SETTLED, UNSETTLED, SLOW))
    return _tolerance(
        floats(inside["distance_m"])[counted], response[counted] == SETTLED, int((~counted).sum()), _Words(False, 0, distance_unit)
    )


@dataclass(frozen=True)
class _Words:
    """What the sentences of weeks and of runs have apart."""

    of_weeks: bool
    comfortable_max: int
    unit: DistanceUnit

    @property
    def counted(self) -> str:
        return "counted weeks" if self.of_weeks else "runs with a known response"

    @property
    def wanted(self) -> str:
        return "comfortable" if self.of_weeks else "settled"

    def not_counted(self, count: int) -> str:
        noun = "week" if self.of_weeks else "run"
        return f"{count} {noun if count == 1 else f'{noun}s'} not counted."

    def distance(self, distance_m: float) -> str:
        """With one decimal, rounded down so that no word goes beyond what was run (but 6.999 from whole metres is 7)."""
        return f"{floor(10 * self._shown(distance_m)) / 10:.1f} {self.unit.value}"

    def about(self, distance_m: float) -> str:
        halves = floor(2 * self._shown(distance_m)) / 2
        noun = {DistanceUnit.MILE: "mile", DistanceUnit.KILOMETRE: "km"}[self.unit]
        return f"{halves:g} {noun}{'s' if noun == 'mile' and halves != 1 else ''}"

    def _shown(self, distance_m: float) -> float:
        return round(distance_in(distance_m, self.unit), 2) + 1e-9

    @property
    def band_m(self) -> float:
        return (WEEK_BAND if self.of_weeks else RUN_BAND)[self.unit] * metres_per(self.unit)


def _tolerance(distance_m: Floats, ok: Bools, not_counted: int, words: _Words) -> Tolerance:
    bands = _bands(distance_m, ok, words)
    if not distance_m.size:
        what = f"a run and {WEEK_MIN_MORNINGS} next-morning scores" if words.of_weeks else "a run with a known response"
        sentence = NOTHING_COUNTED.filled(weeks=str(WINDOW_WEEKS), what=what, not_counted=words.not_counted(not_counted))
        return Tolerance((), share(0, 0), None, not_counted, None, None, None, False, sentence, None)
    levels, shares, above = falling_share(distance_m, ok)
    good = (shares >= WANTED_SHARE - 1e-9) & (above >= MIN_AT_OR_ABOVE)
    lacking = _lacking(ok, bool(good.any()), words)
    t80 = low = high = None
    if lacking == "":
        t80 = float(levels[good][-1])
        # The prior makes the curve flatter, so it falls to the wanted share earlier: where t80 lies beyond the band, the band reaches to it.
        low, high = logistic_band(distance_m, ok, wanted=WANTED_SHARE)
        low, high = min(low, t80), max(high, t80)
    up_to = float(levels[-1]) if t80 is None else t80
    below = distance_m <= up_to
    of_all = share(int(ok[below].sum()), int(below.sum()))
    said = {
        "ok": str(of_all.ok),
        "counted": str(of_all.counted),
        "up_to": words.distance(up_to),
        "low": f"{100 * of_all.low:.0f}",
        "high": f"{100 * of_all.high:.0f}",
        "not_counted": words.not_counted(not_counted),
        "what": "weeks" if words.of_weeks else "distances",
        **({"pain_max": str(words.comfortable_max)} if words.of_weeks else {}),
    }
    if t80 is None or low is None or high is None:
        template = WEEKS_NO_LIMIT if words.of_weeks else RUNS_NO_LIMIT
        return Tolerance(bands, of_all, up_to, not_counted, None, None, None, False, template.filled(**said, lacking=lacking), None)
    limit_seen = bool(shares[-1] < WANTED_SHARE - 1e-9)
    sentence = (WEEKS_TOLERATED if words.of_weeks else RUNS_TOLERATED).filled(
        **said,
        percent=f"{100 * WANTED_SHARE:.0f}",
        t80=words.distance(t80),
        t80_low=words.distance(low),
        t80_high=words.distance(high),
        end="" if limit_seen else NO_LIMIT_HIGHER_UP.filled(longest=words.distance(float(levels[-1]))),
    )
    patient = (PATIENT_WEEKS if words.of_weeks else PATIENT_RUNS).filled(distance=words.about(t80)) if words.about(t80)[0] != "0" else None
    return Tolerance(bands, of_all, up_to, not_counted, t80, low, high, limit_seen, sentence, patient)


def _lacking(ok: Bools, found: bool, words: _Words) -> str:
    """Say what an estimate lacks; "" if nothing."""
    not_ok = int((~ok).sum())
    if ok.size < MIN_COUNTED:
        return LACKING_COUNTED.filled(counted=str(ok.size), what=words.counted, needed=str(MIN_COUNTED))
    if not_ok < MIN_NOT_OK:
        return LACKING_NOT_OK.filled(
            not_ok=str(not_ok),
            counted=str(ok.size),
            what=words.counted,
            verb="was" if not_ok == 1 else "were",
            wanted=words.wanted,
            needed=str(MIN_NOT_OK),
        )
    if not found:
        percent = f"{100 * WANTED_SHARE:.0f}"
        return LACKING_ABOVE.filled(percent=percent, wanted=words.wanted, needed=str(MIN_AT_OR_ABOVE), what=words.counted)
    return ""


def _bands(distance_m: Floats, ok: Bools, words: _Words) -> tuple[Band, ...]:
    tenths = np.floor(10 * distance_in(1.0, words.unit) * distance_m + 0.5)  # as shown, with one decimal
    number = (tenths // round(10 * words.band_m / metres_per(words.unit))).astype(np.int64)
    return tuple(
        Band(int(one) * words.band_m, (int(one) + 1) * words.band_m, share(int(ok[number == one].sum()), int((number == one).sum())))
        for one in np.unique(number)
    )


def _first_week(as_of: date, week_start: int) -> int:
    """First day of the twelfth whole week back."""
    this_week = week_number(as_of, week_start)
    whole = this_week if this_week + 6 == day_number(as_of) else this_week - 7
    return whole - 7 * (WINDOW_WEEKS - 1)
