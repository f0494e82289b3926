"""What is said about a runner's own numbers, to the therapist and to the runner. One place, so that a test can read every sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reader(StrEnum):
    """Who reads a sentence."""

    THERAPIST = "therapist"
    PATIENT = "patient"


@dataclass(frozen=True)
class Template:
    """
    A sentence, or a few, with places to fill in.

    Words for a patient speak of what was seen so far and of what comes next; they carry no statistic. No words for anybody speak of
    causes, of what will happen, or of what is without risk.

    Attributes
    ----------
    name : str
        Unique; what it says, for tests.
    reader : Reader
    text : str
        With `{places}` as `str.format` has them.
    example : mapping of str to str
        Typical values of all places.
    """

    name: str
    reader: Reader
    text: str
    example: Mapping[str, str]

    def filled(self, **values: str) -> str:
        """Fill in all places; one that is missing raises KeyError."""
        return self.text.format_map(values)


def _therapist(name: str, text: str, **example: str) -> Template:
    return Template(name, Reader.THERAPIST, text, example)


def _patient(name: str, text: str, **example: str) -> Template:
    return Template(name, Reader.PATIENT, text, example)


# Run distance and the next morning. "Counted": how many runs and weeks, which every sentence carries.

_LINK = {
    "tau": "+0.32",
    "low": "+0.05",
    "high": "+0.54",
    "counted": "24 scored runs in 16 weeks",
    "test": " p = 0.014, block permutation.",
    "lacking": "",
}
_LINK_FIGURES = (
    "Kendall τ {tau} (plausible {low} to {high}), {counted}; change over time, pain before the run and the run before are taken out.{test}"
)
CHARTS_ONLY = _therapist(
    "association_charts_only",
    "Charts only: {counted}. Words on direction take {runs_needed} scored runs in {weeks_needed} weeks.",
    counted="7 scored runs in 5 weeks",
    runs_needed="10",
    weeks_needed="8",
)
HARDLY_VARIED = _therapist(
    "association_hardly_varied",
    "Mileage hardly varied, so this cannot tell whether longer runs are followed by sorer mornings: {counted}, run distance {mean} ± {spread}.",
    counted="24 scored runs in 16 weeks",
    mean="5.0 mi",
    spread="0.3 mi",
)
ONLY_DRIFTED = _therapist(
    "association_only_drifted",
    "Mileage hardly varied beside its steady change over time and with the pain before runs, so this cannot tell whether longer runs are followed by sorer mornings: {counted}.",
    counted="24 scored runs in 16 weeks",
)
SAME_RESPONSE = _therapist(
    "association_same_response",
    "Each run was followed by the same {same}, so there is nothing to compare with distance: {counted}.",
    same="change, 0",
    counted="24 scored runs in 16 weeks",
)
MORE_AFTER_LONGER = _therapist(
    "association_more_after_longer",
    f"Sorer mornings often followed longer runs: {_LINK_FIGURES} Observational: run distances were chosen partly because of pain.{{lacking}}",
    **_LINK,
)
LESS_AFTER_LONGER = _therapist(
    "association_less_after_longer",
    f"Easier mornings often followed longer runs: {_LINK_FIGURES} Read with care: long runs are run when the hip is calm, so this is no case for "
    "more miles.{lacking}",
    **{**_LINK, "tau": "−0.32", "low": "−0.54", "high": "−0.05"},
)
NOT_CLEAR = _therapist(
    "association_not_clear",
    f"No clear direction between run distance and the next morning: {_LINK_FIGURES} This does not show that distance makes no difference.{{lacking}}",
    **{**_LINK, "tau": "+0.08", "low": "−0.22", "high": "+0.37", "test": ""},
)
FULL_LACKING = _therapist(
    "association_full_lacking",
    "Direction only; the full reading takes {runs_needed} scored runs in {weeks_needed} weeks at {levels_needed} distances, here {counted} at {levels}.",
    runs_needed="20",
    weeks_needed="16",
    levels_needed="3",
    counted="12 scored runs in 9 weeks",
    levels="4",
)
EXPLORATORY = _therapist(
    "association_exploratory",
    "Exploratory: {exposure} and {outcome}, Kendall τ {tau} (plausible {low} to {high}), {runs} runs, p = {p} after Holm over {family}.",
    exposure="session ratio",
    outcome="the second morning",
    tau="+0.11",
    low="−0.20",
    high="+0.39",
    runs="21",
    p="1.000",
    family="6",
)
PATIENT_MORE_AFTER_LONGER = _patient(
    "patient_more_after_longer", "On your chart, sorer mornings often followed longer runs. It may not be the only reason."
)

# Tolerance so far: weeks and single runs.

_SO_FAR = {"ok": "7", "counted": "8", "up_to": "18.0 mi", "low": "53", "high": "98", "not_counted": "3 weeks not counted."}
_COUNTS_OF_WEEKS = "In {ok} of {counted} counted weeks up to {up_to} next-morning pain stayed ≤{pain_max} and every run settled (plausible {low}–{high} %)."
_COUNTS_OF_RUNS = "{ok} of {counted} counted runs up to {up_to} settled by the next morning (plausible {low}–{high} %)."
_OBSERVATIONAL = "{not_counted} Observational; {what} were chosen partly because of pain."
_ESTIMATE = "{percent} % or more were so up to about {t80} (plausible {t80_low} to {t80_high}){end}."
_T80 = {"percent": "80", "t80": "18.0 mi", "t80_low": "14.2 mi", "t80_high": "22.4 mi", "end": "", "what": "weeks"}
WEEKS_TOLERATED = _therapist("tolerance_weeks", f"{_COUNTS_OF_WEEKS} {_ESTIMATE} {_OBSERVATIONAL}", **{**_SO_FAR, "pain_max": "3", **_T80})
RUNS_TOLERATED = _therapist(
    "tolerance_runs",
    f"{_COUNTS_OF_RUNS} {_ESTIMATE} {_OBSERVATIONAL}",
    **{**_SO_FAR, **_T80, "up_to": "6.0 mi", "t80": "6.0 mi", "t80_low": "4.4 mi", "t80_high": "7.1 mi", "what": "distances"},
)
NO_LIMIT_HIGHER_UP = _therapist("tolerance_no_limit_higher_up", "; no upper limit seen yet, the longest was {longest}", longest="24.0 mi")
WEEKS_NO_LIMIT = _therapist(
    "tolerance_weeks_no_limit",
    f"{{lacking}} {_COUNTS_OF_WEEKS} {_OBSERVATIONAL}",
    **{
        **_SO_FAR,
        "pain_max": "3",
        "what": "weeks",
        "lacking": "No upper limit seen yet: 1 of 9 counted weeks was not comfortable, and it takes 2.",
    },
)
RUNS_NO_LIMIT = _therapist(
    "tolerance_runs_no_limit",
    f"{{lacking}} {_COUNTS_OF_RUNS} {_OBSERVATIONAL}",
    **{**_SO_FAR, "what": "distances", "lacking": "No upper limit seen yet: 6 runs with a known response so far, and it takes 8."},
)
NOTHING_COUNTED = _therapist(
    "tolerance_nothing_counted",
    "No upper limit seen yet: none of the last {weeks} weeks has {what} to count. {not_counted}",
    weeks="12",
    what="a week with a run and 3 next-morning scores",
    not_counted="4 weeks not counted.",
)
LACKING_COUNTED = _therapist(
    "tolerance_lacking_counted",
    "No upper limit seen yet: {counted} {what} so far, and it takes {needed}.",
    counted="6",
    what="counted weeks",
    needed="8",
)
LACKING_NOT_OK = _therapist(
    "tolerance_lacking_not_ok",
    "No upper limit seen yet: {not_ok} of {counted} {what} {verb} not {wanted}, and it takes {needed}.",
    not_ok="1",
    counted="9",
    what="counted weeks",
    verb="was",
    wanted="comfortable",
    needed="2",
)
LACKING_ABOVE = _therapist(
    "tolerance_lacking_above",
    "No level to tell: at no distance were {percent} % {wanted} with {needed} {what} at or above it.",
    percent="80",
    wanted="comfortable",
    needed="4",
    what="counted weeks",
)
PATIENT_WEEKS = _patient(
    "patient_weeks",
    "So far, weeks up to about {distance} have usually been fine the next morning. We will use that as a starting point and keep checking.",
    distance="18 miles",
)
PATIENT_RUNS = _patient(
    "patient_runs",
    "So far, runs up to about {distance} have usually settled by the next morning. We will keep checking.",
    distance="6 miles",
)

# A new one needs a line here.
TEMPLATES: tuple[Template, ...] = (
    CHARTS_ONLY,
    HARDLY_VARIED,
    ONLY_DRIFTED,
    SAME_RESPONSE,
    MORE_AFTER_LONGER,
    LESS_AFTER_LONGER,
    NOT_CLEAR,
    FULL_LACKING,
    EXPLORATORY,
    PATIENT_MORE_AFTER_LONGER,
    WEEKS_TOLERATED,
    RUNS_TOLERATED,
    NO_LIMIT_HIGHER_UP,
    WEEKS_NO_LIMIT,
    RUNS_NO_LIMIT,
    NOTHING_COUNTED,
    LACKING_COUNTED,
    LACKING_NOT_OK,
    LACKING_ABOVE,
    PATIENT_WEEKS,
    PATIENT_RUNS,
)
