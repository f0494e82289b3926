"""Our table of runs: whatever program saved it, each line means one thing or is refused with its number."""

from datetime import UTC, date, datetime

import pytest

from data.importers.base import FileRefused, ReadFile, ReadRun
from data.importers.runs_csv import read, recognises
from models import CadenceRule, DistanceRule, ImportOutcome, Surface

HEADER = "date,start_time,distance_mi,moving_time,cadence_spm"


def table(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def only_run(content: bytes) -> ReadRun:
    found = read(content)
    assert found.refused_lines == ()
    assert len(found.runs) == 1
    return found.runs[0]


def refused(line: str, header: str = HEADER) -> str:
    """Read the bad line in line 3, between two good ones: both good ones are kept."""
    good = {"date": "2025-03-01", "distance_mi": "3", "distance_m": "5000", "moving_time": "30:00", "moving_time_s": "1800"}
    good |= {} if "distance_mi" in header else {"distance_km": "5"}
    kept = ",".join(good.get(name, "") for name in header.split(","))
    found: ReadFile = read(table(kept, line, kept.replace("2025-03-01", "2025-03-03"), header=header))
    assert len(found.runs) == 2
    assert [line.line for line in found.refused_lines] == [3]
    return found.refused_lines[0].reason


def test_a_line_is_a_run() -> None:
    run = only_run(table("2025-03-02,07:15,3.1,31:02,168"))
    assert run.distance_m == pytest.approx(4988.97, abs=0.01)  # 3.1 × 1,609.344
    assert run.distance_rule is DistanceRule.AS_GIVEN
    assert (run.moving_time_s, run.elapsed_time_s) == (1862.0, 1862.0)
    assert run.started_at_utc == datetime(2025, 3, 2, 7, 15, tzinfo=UTC)
    assert (run.clock_is_local, run.utc_offset_s) == (True, 0)
    assert run.minutes is None


def test_cadence_in_steps_is_not_doubled() -> None:
    run = only_run(table("2025-03-02,,3.1,31:02,168"))
    assert (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm) == (168.0, 168.0, 168.0)
    assert run.cadence_rule is CadenceRule.STEPS_AS_GIVEN


def test_walking_at_110_stays_110_and_is_no_running_cadence() -> None:
    run = only_run(table("2025-03-02,,3.1,60:00,110"))  # 1.39 m/s
    assert run.cadence_spm == 110.0
    assert (run.running_cadence_spm, run.running_time_s) == (None, None)


def test_a_run_with_110_at_running_speed_is_kept_as_it_is() -> None:
    assert only_run(table("2025-03-02,,3.1,31:00,110")).running_cadence_spm == 110.0


@pytest.mark.parametrize(
    ("cadence", "seconds", "doubtful"),
    [
        ("64.9", 1_800, False),
        ("65", 1_800, True),
        ("80", 1_800, True),
        ("110", 1_800, True),
        ("110.1", 1_800, False),
        ("80", 2_631, True),  # 5,000 m in 2,631 s: 1.9004 m/s
        ("80", 2_632, False),  # 1.8997 m/s: walking
    ],
)
def test_a_cadence_of_one_foot_is_kept_as_given_and_doubtful(cadence: str, seconds: int, doubtful: bool) -> None:
    run = only_run(table(f"2025-03-02,5000,{seconds},{cadence}", header="date,distance_m,moving_time_s,cadence_spm"))
    assert (run.cadence_spm, run.cadence_rule, run.doubtful) == (float(cadence), CadenceRule.STEPS_AS_GIVEN, doubtful)
    words = f"Cadence: {cadence} looks like one foot; the table wants both feet. It is kept as given."
    assert run.notes == ((words,) if doubtful else ())


def test_a_running_cadence_of_one_foot_is_doubtful_too() -> None:
    header = "date,distance_m,moving_time_s,cadence_spm,running_cadence_spm"
    run = only_run(table("2025-03-02,5000,1500,160,84", header=header))
    assert (run.running_cadence_spm, run.doubtful) == (84.0, True)
    assert "84 looks like one foot" in run.notes[0]


def test_a_run_without_cadence_has_none() -> None:
    run = only_run(table("2025-03-02,,3.1,31:00,"))
    assert (run.cadence_spm, run.cadence_rule) == (None, CadenceRule.NONE)


def test_a_day_without_a_time_of_day_stays_that_day() -> None:
    run = only_run(table("2025-03-02,,3.1,31:00,"))
    assert run.started_at_utc == datetime(2025, 3, 2, 12, tzinfo=UTC)
    assert run.utc_offset_s == 0


@pytest.mark.parametrize(
    ("started_at", "start", "offset_s", "local"),
    [
        ("2025-03-02T07:15-06:00", datetime(2025, 3, 2, 13, 15, tzinfo=UTC), -21600, False),
        ("2025-03-02T13:15Z", datetime(2025, 3, 2, 13, 15, tzinfo=UTC), None, False),
        ("2025-03-02 07:15", datetime(2025, 3, 2, 7, 15, tzinfo=UTC), 0, True),
    ],
)
def test_a_start_may_name_its_zone(started_at: str, start: datetime, offset_s: int | None, local: bool) -> None:
    run = only_run(table(f"{started_at},5,25:00", header="started_at,distance_km,moving_time"))
    assert (run.started_at_utc, run.utc_offset_s, run.clock_is_local) == (start, offset_s, local)


def test_two_equal_lines_without_a_time_of_day_are_two_runs() -> None:
    runs = read(table("2025-03-02,,3.1,31:00,", "2025-03-02,,3.1,31:00,170", "2025-03-02,,3.2,31:00,", "2025-03-03,,3.1,31:00,")).runs
    noon = datetime(2025, 3, 2, 12, tzinfo=UTC)
    later = datetime(2025, 3, 3, 12, tzinfo=UTC)
    assert [run.started_at_utc for run in runs] == [noon, noon.replace(second=1), noon, later]
    assert not any(run.start_is_known for run in runs)
    with_time = read(table("2025-03-02,07:15,3.1,31:00,", "2025-03-02,07:15,3.1,31:00,")).runs
    assert len({run.started_at_utc for run in with_time}) == 1  # the same run twice
    assert all(run.start_is_known for run in with_time)


def test_all_columns_are_read() -> None:
    header = (
        "date,distance_m,moving_time_s,elapsed_time_s,cadence_spm,running_cadence_spm,ground_contact_time_ms,vertical_oscillation_mm,"
        "session_rpe,surface,device"
    )
    run = only_run(table("2025-03-02,5000,1500,1600,160,168,245.5,82,4,treadmill,Gym", header=header))
    assert (run.distance_m, run.moving_time_s, run.elapsed_time_s) == (5000.0, 1500.0, 1600.0)
    assert (run.cadence_spm, run.running_cadence_spm) == (160.0, 168.0)
    assert (run.ground_contact_time_ms, run.vertical_oscillation_mm) == (245.5, 82.0)
    assert (run.session_rpe, run.surface, run.device) == (4, Surface.TREADMILL, "Gym")


def test_unknown_columns_are_named_and_left_alone() -> None:
    assert read(table("2025-03-02,5,25:00,rain", header="Date,Distance km,moving-time,Weather")).notes == (
        "Columns that were not read: weather.",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_any_encoding_and_separator_with_a_decimal_comma(encoding: str, separator: str) -> None:
    text = (
        separator.join(["date", "distance_km", "moving_time", "device"])
        + "\r\n"
        + separator.join(["2025-03-02", "5,25", "25:00", "Müller"])
    )
    content = text.encode(encoding)
    assert recognises(content)
    run = only_run(content)
    assert (run.distance_m, run.device) == (5250.0, "Müller")


def test_old_mac_line_ends_and_blank_lines_are_passed() -> None:
    content = b"date,distance_km,moving_time\r\r2025-03-02,5,25:00\r2025-03-0x,5,25:00\r"
    found = read(content)
    assert len(found.runs) == 1
    assert found.refused_lines[0].line == 4


@pytest.mark.parametrize("day", ["03/04/2025", "3/13/26", "02.03.2025", "2025/03/02", "20250302", "March 2, 2025"])
def test_only_one_way_of_writing_a_day_is_read(day: str) -> None:
    reason = refused(f'"{day}",,3.1,31:00,')
    assert "2025-03-02" in reason
    assert day in reason


def test_a_day_that_does_not_exist_is_refused() -> None:
    assert refused("2025-02-30,,3.1,31:00,") == "there is no day 2025-02-30."


def test_a_thousands_comma_is_not_guessed() -> None:
    reason = refused('2025-03-02,,"5,000",31:00', header="date,start_time,distance_m,moving_time")
    assert "can mean 5.000 or 5000" in reason


def test_an_unquoted_decimal_comma_is_noticed() -> None:
    assert "6 values, the header has 5 columns" in refused("2025-03-02,,5,2,31:00,168")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2025-03-02,,3.1 mi,31:00,", "without a unit"),
        ("2025-03-02,,,31:00,", "distance is missing"),
        ("2025-03-02,,0,31:00,", "did_not_run"),
        ("2025-03-02,,3.1,,", "moving time is missing"),
        ("2025-03-02,,3.1,31:75,", "no moving time"),
        ("2025-03-02,,30,31:00,", "faster than anyone runs"),
        ("2025-03-02,,3.1,31:00,19.9", "both feet"),
        ("2025-03-02,,3.1,31:00,300.1", "both feet"),
        ("2025-03-02,25:99,3.1,31:00,", "no time of day"),
        (",,3.1,31:00,", "date is missing"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_others_are_kept(line: str, said: str) -> None:
    assert said in refused(line)


@pytest.mark.parametrize("cadence", ["20", "300"])
def test_the_limits_of_cadence_are_allowed(cadence: str) -> None:
    assert only_run(table(f"2025-03-02,,3.1,31:00,{cadence}")).cadence_spm == float(cadence)


def test_a_day_without_a_run_is_a_day_of_logging() -> None:
    found = read(table("2025-03-02,,,yes", "2025-03-03,5,25:00,no", "2025-03-04,,,Yes", header="date,distance_km,moving_time,did_not_run"))
    assert found.days_without_run == (date(2025, 3, 2), date(2025, 3, 4))
    assert len(found.runs) == 1


def test_not_having_run_five_kilometres_is_refused() -> None:
    header = "date,distance_km,moving_time,did_not_run"
    assert "Keep one of them" in refused("2025-03-02,5,25:00,yes", header=header)


def test_two_distances_in_one_line_are_refused() -> None:
    assert "twice" in refused("2025-03-02,5,3,25:00", header="date,distance_km,distance_mi,moving_time")


def test_a_table_without_lines_or_with_bad_ones_only_is_refused() -> None:
    with pytest.raises(FileRefused) as empty:
        read(table())
    assert empty.value.outcome is ImportOutcome.NO_DATA
    with pytest.raises(FileRefused) as bad:
        read(table("yesterday,,3,30:00,"))
    assert bad.value.outcome is ImportOutcome.UNREADABLE
    assert "Line 2" in bad.value.reason


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(FileRefused) as found:
        read(table("2025-03-02,5,3,25:00", header="date,distance_km,distance_km,moving_time"))
    assert found.value.outcome is ImportOutcome.NEEDS_MAPPING


def test_a_line_of_a_megabyte_ends_the_reading_and_keeps_the_lines_before() -> None:
    found = read(table("2025-03-02,,3,30:00,", "2025-03-03,,3,30:00," + "9" * 1_000_000))
    assert len(found.runs) == 1
    assert found.refused_lines[0].line == 3


def test_quotes_that_never_close_keep_the_lines_before() -> None:
    found = read(table("2025-03-02,,3,30:00,", '2025-03-03,,"3,30:00,', "2025-03-04,,3,30:00,"))
    assert len(found.runs) == 1
    assert found.refused_lines[0].line == 3
