"""Numbers, dates and lengths of time in eight languages: read where they mean one thing, refused where they could mean two."""

from datetime import UTC, date, datetime, timedelta

import pytest

from data.importers.listed import Listed, run_of
from data.importers.local_forms import DateOrder, date_order, decimal_mark, local_duration_s, local_moment, local_number
from data.importers.written import LineRefused
from models import ELAPSED_MAX_S


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("3,40", ",", 3.4), ("2.932", ",", 2932), ("2,932", ".", 2932), ("1.234,5", None, 1234.5), ("1'234.5", None, 1234.5),
        ("1 234,5", None, 1234.5), ("'-12", ".", -12), ("0.999", None, 0.999), ("12", None, 12), ("6325.60009765625", None, 6325.60009765625),
    ],
)  # fmt: skip
def test_a_number_is_read_by_the_mark_of_its_column(text: str, mark: str | None, value: float) -> None:
    assert local_number(text, mark, "distance") == pytest.approx(value)


@pytest.mark.parametrize("text", ["1,234", "1.234", "12,345", "", "abc", "1,2,3", "1.2.3", "5 km", "1e5", "0x10", "--", "٣"])
def test_a_number_that_could_be_two_or_is_none_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        local_number(text, None, "distance")


def test_values_that_disagree_tell_no_mark() -> None:
    assert decimal_mark(["3,40", "3.40"]) is None
    assert decimal_mark([]) is None


@pytest.mark.parametrize(
    "text",
    [
        "Mar 4, 2026, 10:36:55 PM", "4 Mar 2026, 22:36:55", "04.03.2026, 22:36:55", "4. März 2026 um 22:36:55 Uhr", "4 mar. 2026 22:36:55",
        "4 de marzo de 2026, 22:36:55", "4 mars 2026 à 22:36:55", "mer. 4 mars 2026 22:36:55", "4 mar 2026 22:36:55", "4 marca 2026 22:36:55",
        "4 marzo 2026, 22:36:55", "4 de março de 2026, 22:36:55", "4 mrt. 2026 22:36:55", "2026-03-04 22:36:55", "2026/03/04 10:36:55 PM",
    ],
)  # fmt: skip
def test_the_same_moment_in_each_language(text: str) -> None:
    assert local_moment(text, None) == (datetime(2026, 3, 4, 22, 36, 55), True)


MONTHS = {
    "en": "jan feb mar apr may jun jul aug sep oct nov dec", "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "es": "ene feb mar abr may jun jul ago sept oct nov dic", "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic", "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec", "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "pl full": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
}  # fmt: skip


@pytest.mark.parametrize("language", MONTHS)
def test_each_month_of_each_language(language: str) -> None:
    found = [local_moment(f"4 {word} 2026", None)[0].month for word in MONTHS[language].split()]
    assert found == list(range(1, 13))


def test_a_tuesday_is_not_a_march() -> None:
    assert local_moment("mar. 4 août 2026", None)[0].date() == date(2026, 8, 4)


@pytest.mark.parametrize(("text", "hour"), [("12:05 AM", 0), ("1:05 AM", 1), ("11:05 a. m.", 11), ("12:05 PM", 12), ("11:05 p.m.", 23)])
def test_a_12_hour_clock(text: str, hour: int) -> None:
    assert local_moment(f"2026-03-04 {text}", None)[0].hour == hour


def test_a_zone_is_kept_and_a_day_without_a_time_is_noon() -> None:
    zoned, known = local_moment("2026/03/04 8:12:33 PM GMT+1", None)
    assert (zoned.utcoffset(), known) == (timedelta(hours=1), True)
    assert local_moment("2026-03-04T08:12:33Z", None)[0] == datetime(2026, 3, 4, 8, 12, 33, tzinfo=UTC)
    assert local_moment("4 March 2026", None) == (datetime(2026, 3, 4, 12), False)


def test_a_date_that_could_be_two_days_needs_an_order() -> None:
    with pytest.raises(LineRefused, match="which comes first"):
        local_moment("03/04/2026", None)
    assert local_moment("03/04/2026", DateOrder.DAY_FIRST)[0].date() == date(2026, 4, 3)
    assert local_moment("03-04-26", DateOrder.MONTH_FIRST)[0].date() == date(2026, 3, 4)
    assert local_moment("03/03/2026", None)[0].date() == date(2026, 3, 3)
    assert date_order(["13/03/2026", "03/13/2026"]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026",
        "31/02/2026",
        "13/13/2026",
        "2026-13-01",
        "25:00",
        "4 foo 2026",
        "4 May 1969",
        "4 May 99999999999",
        "1969-12-31",
        "2101-01-01 07:00",
        "2026-03-04 25:00",
        "0 PM",
        "2026-03-04 13:00 PM",
        "1/2",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        local_moment(text, DateOrder.DAY_FIRST)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("26:42", 1602), ("1:06:06", 3966), ("00:08:02.2", 482.2), ("02:49.7", 169.7), ("00:03:58,2", 238.2), ("26:42:00", 96_120),
        ("12:23:19 AM", 1399), ("1:23:19 AM", 4999), ("1h 06m 06s", 3966), ("31 min", 1860), ("90s", 90), ("120:30", 7230),
    ],
)  # fmt: skip
def test_a_length_of_time(text: str, seconds: float) -> None:
    assert local_duration_s(text, "time") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "25", "26:61", "1:60:00", "1:2:3:4", "noon", "12:23:19 PM", "-1:00"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        local_duration_s(text, "time")


# -- a row of a list ---------------------------------------------------------------------------------------------------

STARTED = datetime(2026, 3, 4, 7, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("distance_m", "seconds", "doubtful", "refused"),
    [
        (99, 60, True, False), (100, 60, False, False), (100, 59, True, False), (6513, 1000, False, False), (6514, 1000, True, False),
        (12_000, 1000, True, False), (12_001, 1000, False, True), (0, 60, True, False), (5000, 0, False, True), (5000, ELAPSED_MAX_S + 1, False, True),
    ],
)  # fmt: skip
def test_a_row_is_doubted_or_refused_at_the_same_limits_as_a_recording(
    distance_m: float, seconds: float, doubtful: bool, refused: bool
) -> None:
    listed = Listed(STARTED, distance_m, seconds)
    if refused:
        with pytest.raises(LineRefused):
            run_of(listed)
    else:
        assert run_of(listed).doubtful is doubtful


@pytest.mark.parametrize(("cadence", "kept"), [(19.9, None), (20, 20), (250, 250), (250.1, None), (0, None)])
def test_a_cadence_that_cannot_be_right_is_left_out_and_said(cadence: float, kept: float | None) -> None:
    run = run_of(Listed(STARTED, 5000, 1500, cadence_spm=cadence))
    assert run.cadence_spm == kept
    assert run.doubtful is (kept is None and cadence > 0)


def test_an_elapsed_time_is_never_below_the_moving_time_and_never_a_week() -> None:
    assert run_of(Listed(STARTED, 5000, 1500, elapsed_time_s=1400)).elapsed_time_s == 1500
    left_on = run_of(Listed(STARTED, 5000, 1500, elapsed_time_s=ELAPSED_MAX_S + 1))
    assert (left_on.elapsed_time_s, "longer than a week" in left_on.notes[0]) == (1500, True)
