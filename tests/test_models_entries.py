"""What may be said: each refusal is a sentence, each limit is tried below, on and above."""

import inspect
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models import (
    Entry,
    EntryRefused,
    EpisodeEntry,
    LimitsEntry,
    NoRunEntry,
    OutcomeActivity,
    OutcomeEntry,
    PainEntry,
    PainMoment,
    PatientEntry,
    PlanEntry,
    PlanWeekEntry,
    RestEntry,
    RunEntry,
    ScreenEntry,
    Side,
    StrengthEntry,
    StrengthGivenEntry,
    SuggestionShown,
    VisitEntry,
    plain_text,
)

TODAY = date(2025, 3, 31)
TOMORROW = date(2025, 4, 1)
EPOCH, EVE = date(1970, 1, 1), date(1969, 12, 31)
WEEK_S = 604_800

PAIN: dict[str, Any] = {"today": TODAY, "moment": "next_morning", "side": "left", "nprs": 3, "for_date": TODAY}
REST: dict[str, Any] = {"today": TODAY, "moment": "night_rest", "side": "left", "answer": True, "for_date": TODAY}
RUN: dict[str, Any] = {
    "today": TODAY,
    "run_date": date(2025, 3, 30),
    "started_at_utc": datetime(2025, 3, 30, 12, tzinfo=UTC),
    "utc_offset_s": -18_000,
    "distance_m": 8_000,
    "moving_time_s": 2_880,
    "elapsed_time_s": 3_000,
}
NO_RUN: dict[str, Any] = {"today": TODAY, "day": TODAY}
PATIENT: dict[str, Any] = {"today": TODAY, "code": "ADA-1", "time_zone": "America/Chicago"}
EPISODE: dict[str, Any] = {
    "today": TODAY,
    "problem": "Lateral hip pain",
    "side": "left",
    "diagnosis_class": "tendon",
    "started_on": date(2025, 3, 3),
}
RIGHT: dict[type[Entry], dict[str, Any]] = {
    PainEntry: PAIN,
    RestEntry: REST,
    RunEntry: RUN,
    NoRunEntry: NO_RUN,
    PatientEntry: PATIENT,
    EpisodeEntry: EPISODE,
    PlanEntry: {"today": TODAY, "valid_from": TODAY, "weekly_distance_m": 20_000},
    PlanWeekEntry: {"distance_m": 20_000},
    SuggestionShown: {"state": "S8", "band_low_m": 20_000, "band_high_m": 21_000},
    ScreenEntry: {"today": TODAY, "asked_on": TODAY, "answers": {"low_energy": "no"}},
    VisitEntry: {"today": TODAY, "visit_date": TODAY, "kind": "in_person"},
    StrengthGivenEntry: {"exercise": "Bridge"},
    OutcomeEntry: {"today": TODAY, "taken_on": TODAY, "instrument": "uwri", "total": 20},
    OutcomeActivity: {"activity": "Stairs", "ability": 5},
    StrengthEntry: {"today": TODAY, "done_on": TODAY},
    LimitsEntry: {},
}


def answer(entry: type[Entry], **changed: Any) -> str:
    """Give the refusal of an entry that is right but for some fields; empty if it is accepted."""
    try:
        entry.checked(**{**RIGHT[entry], **changed})
    except EntryRefused as refusal:
        for sentence in refusal.reasons:
            assert not sentence[0].islower(), sentence
            assert sentence.endswith("."), sentence
            assert "\n" not in sentence
        return str(refusal)
    return ""


def test_every_entry_class_is_tried_here() -> None:
    entries = {item for _, item in inspect.getmembers(models, inspect.isclass) if issubclass(item, Entry) and item is not Entry}
    assert set(RIGHT) == entries
    assert [answer(entry) for entry in RIGHT] == [""] * 16


# entry, field, values that are right, values that are not, words of the refusal
LIMITS: list[tuple[type[Entry], str, list[Any], list[Any], str]] = [
    (PainEntry, "nprs", [*range(11)], [-1, 11, 99], "A pain score is a whole number from 0 to 10"),
    (PainEntry, "for_date", [EPOCH, TODAY], [TOMORROW, date(2052, 3, 31)], "is in the future"),
    (PainEntry, "for_date", [EPOCH], [EVE, date(1, 1, 1)], "is before 1970"),
    (RestEntry, "for_date", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (RestEntry, "for_date", [EPOCH], [EVE], "is before 1970"),
    (NoRunEntry, "day", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (ScreenEntry, "asked_on", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (ScreenEntry, "asked_on", [EPOCH], [EVE], "is before 1970"),
    (ScreenEntry, "answers", [{"low_energy": "yes"}], [{"low_energy": "maybe"}, {"hop_test": "no"}], "Answers "),
    (VisitEntry, "visit_date", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (OutcomeEntry, "taken_on", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (OutcomeEntry, "items_answered", [None, 0, 100], [-1, 101], "The number of answered items must be between 0 and 100"),
    (OutcomeActivity, "ability", [None, 0, 10], [-1, 11], "must be between 0 and 10"),
    (StrengthEntry, "done_on", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (StrengthEntry, "sessions", [0, 4], [-1, 5], "must be between 0 and 4"),
    (PlanWeekEntry, "distance_m", [1, 500_000], [0], "A week of 0 is no plan."),
    (PlanWeekEntry, "runs", [None, 1, 14], [0, 15], "must be between 1 and 14"),
    (SuggestionShown, "ceiling_m", [None, 1, 500_000], [-1, 500_001], "cannot be right"),
    (LimitsEntry, "settled_max", [0, 3], [-1, 4], "must be between 0 and 3"),
    (LimitsEntry, "max_step_ratio", [1.0, 1.1, 2.0], [0.99, 2.01], "must be between 1 and 2"),
    (NoRunEntry, "day", [EPOCH], [EVE], "is before 1970"),
    (RunEntry, "distance_m", [0, 1, 34_560], [-1], "cannot be right. It must be between 0 and 500 km"),
    (RunEntry, "distance_m", [34_560], [34_561, 100_000], "faster than anyone runs"),  # 2,880 s at 12 m/s
    (RunEntry, "moving_time_s", [667, 2_880, 3_000], [3_001, -1], "must not be longer than the time from start to end"),
    (RunEntry, "moving_time_s", [667], [666, 1], "faster than anyone runs"),  # 8,000 m at 12 m/s take 666.7 s
    (RunEntry, "moving_time_s", [667], [0], "A run with a distance needs a time"),
    (RunEntry, "elapsed_time_s", [2_880, WEEK_S], [2_879, WEEK_S + 1], "not longer than a week"),
    (RunEntry, "cadence_spm", [None, 20.0, 300.0, 170], [19.9, 300.1, 0.0, -170.0], "Cadence (both feet) of"),
    (RunEntry, "running_cadence_spm", [None, 20.0, 300.0], [19.9, 300.1], "Running cadence (both feet) of"),
    (RunEntry, "device_cadence_spm", [None, 20.0, 300.0], [19.9, 300.1], "The device's cadence (both feet) of"),
    (RunEntry, "running_time_s", [None, 0, WEEK_S], [-1, WEEK_S + 1], "Running time of"),
    (RunEntry, "running_speed_m_s", [None, 0.0, 12.0], [-0.1, 12.1], "Running speed of"),
    (RunEntry, "grade_abs_mean", [None, 0.0, 1.0], [-0.1, 1.1], "Mean slope of"),
    (RunEntry, "ground_contact_time_ms", [None, 80.0, 600.0], [79.9, 600.1], "Ground contact time of"),
    (RunEntry, "vertical_oscillation_mm", [None, 10.0, 300.0], [9.9, 300.1], "Vertical oscillation of"),
    (RunEntry, "session_rpe", [None, 0, 10], [-1, 11], "Effort (session RPE) of"),
    (RunEntry, "utc_offset_s", [-18_000, 0, 39_600], [-50_401, 50_401], "at most 14 hours from UTC"),
    (RunEntry, "started_at_utc", [], [datetime(2025, 3, 30, 12)], "needs a time zone"),
    (PatientEntry, "code", ["A", "a.B_9-", "x" * 40, " A\u202eB "], ["", "x" * 41, "Ada Smith", "A/B", "É1", "=1+1"], "A patient code is 1 to 40"),
    (PatientEntry, "given_name", ["", "x" * 200, "José", "李", "Ann-Marie O'Neil", "👩‍⚕️"], ["x" * 201], "at most 200 characters"),
    (PatientEntry, "family_name", ["x" * 200], ["x" * 201], "at most 200 characters"),
    (PatientEntry, "birth_date", [None, date(1900, 1, 1), TODAY], [TOMORROW], "is in the future"),
    (PatientEntry, "birth_date", [date(1900, 1, 1)], [date(1899, 12, 31)], "is before 1900"),
    (PatientEntry, "height_m", [None, 0.5, 2.6, 2], [0.49, 2.61, 170], "Height is in metres"),
    (PatientEntry, "time_zone", ["Pacific/Auckland", "UTC"], ["Chicago", "", "../etc/passwd", "america/chicago "], "is not a time zone"),
    (PatientEntry, "pain_comfortable_max", [0, 4], [-1, 5, 10], "The comfortable zone must end below"),
    (PatientEntry, "pain_acceptable_max", [4, 10], [3, 11], "The comfortable zone must end below"),
    (EpisodeEntry, "problem", ["x" * 200], [""], "Say in a few words"),
    (EpisodeEntry, "problem", ["x"], ["x" * 201], "at most 200 characters"),
    (EpisodeEntry, "diagnosis_label", ["x" * 200], ["x" * 201], "at most 200 characters"),
    (EpisodeEntry, "goal", ["", "x" * 2_000], ["x" * 2_001], "at most 2000 characters"),
    (EpisodeEntry, "started_on", [EPOCH, TODAY], [TOMORROW], "is in the future"),
    (EpisodeEntry, "started_on", [EPOCH], [EVE], "is before 1970"),
    (EpisodeEntry, "onset_date", [None, date(2025, 3, 3), EPOCH], [date(2025, 3, 4)], "began after the episode started"),
    (EpisodeEntry, "onset_date", [EPOCH], [EVE], "is before 1970"),
    (EpisodeEntry, "icd10_code", [None, "M76.02", "M25.552", "S76.012A"], ["M76.021234", "76.02", "m76.02", "", "M7602"], "is not an ICD-10-CM code"),
    (EpisodeEntry, "icd10_code", ["M76.02"], ["M76.01", "M25.551"], "is not for the left side"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "field", "right", "wrong", "said"), LIMITS, ids=[f"{item[0].__name__}-{item[1]}" for item in LIMITS])
def test_a_limit_is_kept_on_both_sides(entry: type[Entry], field: str, right: list[Any], wrong: list[Any], said: str) -> None:
    fitting = {"started_on": {"onset_date": None}, "elapsed_time_s": {}, "utc_offset_s": {}}.get(field, {})
    assert {repr(value): answer(entry, **{field: value}, **fitting) for value in right} == {repr(value): "" for value in right}
    for value in wrong:
        assert said in answer(entry, **{field: value}, **fitting), value


def test_a_missing_score_is_refused_and_never_taken_as_0() -> None:
    assert answer(PainEntry, nprs=0) == ""
    assert "Leave it empty if there was no answer" in answer(PainEntry, nprs=None)
    without = {name: value for name, value in PAIN.items() if name != "nprs"}
    with pytest.raises(EntryRefused, match="Nprs: Field required"):
        PainEntry.checked(**without)


@pytest.mark.parametrize("value", [True, False, 3.0, 3.5, "3", "", "seven", b"3", np.int64(3), float("nan"), [3]], ids=repr)
def test_only_a_whole_number_is_a_score(value: Any) -> None:
    assert "A pain score is a whole number from 0 to 10" in answer(PainEntry, nprs=value)


def test_a_number_too_long_to_be_written_is_refused_in_words() -> None:
    for entry, field in ((PainEntry, "nprs"), (RunEntry, "distance_m"), (RunEntry, "moving_time_s"), (PatientEntry, "pain_acceptable_max")):
        for value in (2**31, 10**400, -(10**400), 10**5000):
            assert "far too large" in answer(entry, **{field: value})
    for value in (2**63, 10**400):
        assert "far too large" in answer(PainEntry, run_id=value)
        assert "far too large" in answer(EpisodeEntry, site_id=value)


@pytest.mark.parametrize(
    "field", ["cadence_spm", "running_speed_m_s", "grade_abs_mean", "ground_contact_time_ms", "vertical_oscillation_mm"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_what_is_no_number_is_refused(field: str, value: float) -> None:
    assert "finite number" in answer(RunEntry, **{field: value})
    assert "finite number" in answer(PatientEntry, height_m=value)


@pytest.mark.parametrize(
    ("entry", "field", "value"),
    [
        (RunEntry, "distance_m", True),
        (RunEntry, "distance_m", 8_000.0),
        (RunEntry, "distance_m", "8000"),
        (RunEntry, "session_rpe", False),
        (RunEntry, "cadence_spm", True),
        (RunEntry, "has_gps", 1),
        (RunEntry, "run_date", "2025-03-30"),
        (RunEntry, "run_date", datetime(2025, 3, 30, tzinfo=UTC)),
        (RunEntry, "started_at_utc", "2025-03-30T12:00:00Z"),
        (RestEntry, "answer", "no"),
        (RestEntry, "answer", 0),
        (RestEntry, "answer", None),
        (PainEntry, "for_date", 0),  # would be 1970
        (PainEntry, "moment", "after_the_run"),
        (PainEntry, "side", None),
        (PatientEntry, "birth_date", 19_800_101),
        (PatientEntry, "pain_comfortable_max", True),
        (PatientEntry, "code", 7),
        (EpisodeEntry, "site_id", "1"),
        (PlanEntry, "weekly_distance_m", 20_000.0),
        (PlanEntry, "outside_band", 1),
        (PlanEntry, "weeks", [{"distance_m": 20_000}]),
        (OutcomeEntry, "total", True),
        (OutcomeEntry, "total", "20"),
        (OutcomeEntry, "total", float("nan")),
        (StrengthEntry, "sessions", True),
        (LimitsEntry, "no_suggestions", 0),
    ],
)
def test_a_value_of_another_kind_is_refused(entry: type[Entry], field: str, value: Any) -> None:
    assert answer(entry, **{field: value})


def test_an_unknown_field_is_refused() -> None:
    assert "Extra inputs are not permitted" in answer(PainEntry, pain=3)


def test_words_may_come_as_text() -> None:
    entry = PainEntry.checked(**PAIN)
    assert (entry.moment, entry.side) == (PainMoment.NEXT_MORNING, Side.LEFT)
    assert isinstance(entry.moment, PainMoment)


def test_several_faults_are_several_sentences() -> None:
    with pytest.raises(EntryRefused) as caught:
        RunEntry.checked(**{**RUN, "distance_m": "far", "run_date": "yesterday"})
    assert len(caught.value.reasons) == 2


def test_a_run_is_not_dated_after_the_day_where_it_was_run() -> None:
    start = datetime(2025, 3, 31, 20, tzinfo=UTC)  # Auckland is at 09:00 of 1 April, where the patient's home still has 31 March
    assert answer(RunEntry, today=TOMORROW, run_date=TOMORROW, started_at_utc=start, utc_offset_s=46_800) == ""
    assert "is in the future" in answer(RunEntry, run_date=TOMORROW, started_at_utc=start, utc_offset_s=46_800)


@pytest.mark.parametrize(
    ("run_date", "start", "offset_s", "fits"),
    [
        (date(2025, 3, 30), datetime(2025, 3, 30, 10, 30, tzinfo=UTC), 46_800, True),  # Sunday 23:30 at UTC+13
        (date(2025, 3, 31), datetime(2025, 3, 30, 10, 30, tzinfo=UTC), 46_800, False),
        (date(2025, 3, 31), datetime(2025, 3, 30, 11, 0, tzinfo=UTC), 46_800, True),  # midnight: Monday
        (date(2025, 3, 29), datetime(2025, 3, 30, 4, 59, tzinfo=UTC), -18_000, True),
        (date(2025, 3, 30), datetime(2025, 3, 30, 5, 0, tzinfo=UTC), -18_000, True),
        (date(2025, 3, 30), datetime(2025, 3, 30, 23, 30, tzinfo=timezone(timedelta(hours=13))), 46_800, True),
        (date(2025, 3, 30), datetime(2024, 3, 30, 12, tzinfo=UTC), 0, False),
        (date(2025, 3, 30), datetime.max.replace(tzinfo=UTC), 50_400, False),
        (date(2025, 3, 30), datetime.min.replace(tzinfo=UTC), -50_400, False),
    ],
)
def test_the_day_of_a_run_is_the_day_on_which_it_started_there(run_date: date, start: datetime, offset_s: int, fits: bool) -> None:
    said = answer(RunEntry, run_date=run_date, started_at_utc=start, utc_offset_s=offset_s)
    assert said == "" if fits else "Check day and time" in said


def test_text_is_kept_in_one_way_of_writing() -> None:
    entry = PatientEntry.checked(**{**PATIENT, "given_name": " Jose\u0301\n", "family_name": "Ru\u202eiz\x00\u200f\ud800"})
    assert (entry.given_name, entry.family_name) == ("José", "Ruiz")
    assert EpisodeEntry.checked(**{**EPISODE, "problem": "Hip\r\n\tpain"}).problem == "Hip   pain"
    assert "Say in a few words" in answer(EpisodeEntry, problem=" \n\u202e ")


@given(st.text())
def test_plain_text_can_be_stored_shown_and_said_again(text: str) -> None:
    plain = plain_text(text)
    assert plain == plain_text(plain) == plain.strip()
    assert "\x00" not in plain
    assert len((plain + "|").splitlines()) == 1
    assert plain.encode().decode() == plain


@given(
    st.dictionaries(
        st.sampled_from([*RUN, *PAIN, *PATIENT]), st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
    )
)
def test_whatever_is_said_is_stored_or_refused_in_sentences(changed: dict[str, Any]) -> None:
    for entry, right in RIGHT.items():
        answer(entry, **{name: value for name, value in changed.items() if name in right})


def test_an_entry_cannot_be_changed_afterwards() -> None:
    entry = PainEntry.checked(**PAIN)
    with pytest.raises(ValueError, match="frozen"):
        entry.nprs = 9
