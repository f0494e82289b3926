"""Every room keeps its promises: what holds for one importer holds for each one that is added."""

import functools
import io
import itertools
import json
import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import openpyxl
import plotly.graph_objects as go
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from data import imports, records
from data.importers import IMPORTERS
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes
from data.permissions import COMMAND_LINE
from models import REFUSED_OUTCOMES, ImportOutcome, PatientEntry
from rehab.charts import CHARTS, Chart, ChartKind, Span
from rehab.episode import Coverage, EpisodeFacts, summarise_episode
from rehab.flags import RULES as FLAGS
from rehab.flags import CaseloadRow, FlagRule, FlagSettings, columns_of, flags
from rehab.rules import Strength
from tests.rehab_scenes import MONDAY, facts_of, mornings
from tests.run_files import apple_health_run

each_importer = pytest.mark.parametrize("importer", IMPORTERS, ids=lambda importer: importer.name)

# --------------------------------------------------------------------------------------------------------------------
# One small file a source: Ada's steady 30 minutes on 4 March 2025, a point a minute, 5 km
# --------------------------------------------------------------------------------------------------------------------

START = datetime(2025, 3, 4, 7, 0, tzinfo=UTC)
MINUTES, METRES_A_MINUTE, STRIDES = 30, 5000 / 30, 85
FIT_EPOCH_S = 631_065_600  # 1989-12-31 00:00 UTC, where the format starts counting
_FIT_CRC = (0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401, 0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400)


def fit_run() -> bytes:
    """Give a FIT file of records and one session, as the format's public definition lays them out."""
    start = int(START.timestamp()) - FIT_EPOCH_S
    # a definition: local number, global number, then (field, size, base type) for each field
    session_fields = ((253, 4, 0x86), (2, 4, 0x86), (5, 1, 0x00), (7, 4, 0x86), (8, 4, 0x86), (9, 4, 0x86))
    record_fields = ((253, 4, 0x86), (5, 4, 0x86), (4, 1, 0x02))
    body = _fit_definition(0, 0, ((0, 1, 0x00),)) + b"\x00" + struct.pack("<B", 4)
    body += _fit_definition(1, 20, record_fields)
    for minute in range(MINUTES + 1):
        body += b"\x01" + struct.pack("<IIB", start + 60 * minute, round(100 * METRES_A_MINUTE * minute), STRIDES)
    body += _fit_definition(2, 18, session_fields)
    seconds, running = 60 * MINUTES, 1
    body += b"\x02" + struct.pack("<IIBIII", start + seconds, start, running, 1000 * seconds, 1000 * seconds, 500_000)
    header = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = header + struct.pack("<H", _fit_crc(header)) + body
    return whole + struct.pack("<H", _fit_crc(whole))


def _fit_definition(local: int, number: int, fields: tuple[tuple[int, int, int], ...]) -> bytes:
    return struct.pack("<BBBHB", 0x40 | local, 0, 0, number, len(fields)) + b"".join(struct.pack("<BBB", *field) for field in fields)


def _fit_crc(content: bytes) -> int:
    crc = 0
    for byte in content:
        for half in (byte & 0xF, byte >> 4):
            crc = (crc >> 4) ^ _FIT_CRC[crc & 0xF] ^ _FIT_CRC[half]
    return crc


def tcx_run() -> bytes:
    points = "".join(
        f"<Trackpoint><Time>{_time(minute)}</Time><DistanceMeters>{METRES_A_MINUTE * minute:.2f}</DistanceMeters>"
        f"<Cadence>{STRIDES}</Cadence></Trackpoint>"
        for minute in range(MINUTES + 1)
    )
    return (
        '<?xml version="1.0"?><TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>'
        f'<Activity Sport="Running"><Id>{_time(0)}</Id><Lap StartTime="{_time(0)}"><TotalTimeSeconds>{60 * MINUTES}</TotalTimeSeconds>'
        f"<DistanceMeters>5000</DistanceMeters><Track>{points}</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def gpx_run() -> bytes:
    degrees_a_minute = METRES_A_MINUTE / 111_195  # along a meridian of the mean sphere
    points = "".join(
        f'<trkpt lat="{52 + degrees_a_minute * minute:.7f}" lon="13"><time>{_time(minute)}</time></trkpt>' for minute in range(MINUTES + 1)
    )
    return (
        '<?xml version="1.0"?><gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1"><trk><type>running</type>'
        f"<trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


def _time(minute: int) -> str:
    return f"2025-03-04T07:{minute:02d}:00Z"


def polar_run() -> bytes:
    strides = ",".join([str(STRIDES)] * (60 * MINUTES))
    exercise = {
        "upload_time": "2025-03-04T08:00:00Z", "start_time": "2025-03-04T07:00:00", "start_time_utc_offset": 0, "duration": "PT30M",
        "distance": 5000.0, "sport": "RUNNING", "samples": [{"recording_rate": 1, "sample_type": 2, "data": strides}],
    }  # fmt: skip
    return json.dumps(exercise).encode()


def goldencheetah_run() -> bytes:
    samples = [{"SECS": 60 * minute, "KM": METRES_A_MINUTE * minute / 1000} for minute in range(MINUTES + 1)]
    return json.dumps({"RIDE": {"STARTTIME": "2025/03/04 07:00:00 UTC ", "TAGS": {"Sport": "Run "}, "SAMPLES": samples}}).encode()


def garmin_run() -> bytes:
    # 5,000 m in 30 minutes at 170 steps a minute: 0.98 m a step
    header = "Activity Type,Date,Favorite,Title,Distance,Calories,Time,Avg Run Cadence,Avg Stride Length,Elapsed Time"
    return f'{header}\nRunning,2025-03-04 07:00:00,false,"Morning","5.00","300","00:30:00","170","0.98","00:30:00"\n'.encode()


def strava_run() -> bytes:
    first = "Activity ID,Activity Date,Activity Name,Activity Type,Activity Description,Elapsed Time,Distance,Filename"
    second = (
        "Elapsed Time,Moving Time,Distance,Max Speed,Average Speed,Elevation Gain,Elevation Loss,Elevation Low,Elevation High,Max Grade"
    )
    third = "Average Grade,Average Positive Grade,Average Negative Grade,Max Cadence,Average Cadence"
    row = [
        "12345678",
        '"Mar 4, 2025, 7:00:00 AM"',
        "Morning",
        "Run",
        "",
        "1800",
        "5.00",
        "activities/1.fit.gz",
        "1800.0",
        "1800.0",
        "5000.0",
    ]
    return f"{first},{second},{third}\n{','.join([*row, *[''] * 11, '85.0'])}\n".encode()


def runkeeper_run() -> bytes:
    header = "Date,Type,Route Name,Distance (km),Duration,Average Pace,Average Speed (km/h),Calories Burned,Climb (m),GPX File"
    return f"{header}\n2025-03-04 07:00:00,Running,,5.00,30:00,6:00,10.00,300,0,2025-03-04.gpx\n".encode()


@functools.cache  # a workbook holds the time at which it was saved
def workbook_run() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["date", "start_time", "distance_km", "moving_time"])
    book.active.append([START.date(), START.time(), 5, time(0, MINUTES)])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# A new importer needs a line here: without one its tests fail.
EXAMPLES: dict[str, Callable[[], bytes]] = {
    "fit": fit_run,
    "tcx": tcx_run,
    "gpx": gpx_run,
    "apple_health": apple_health_run,
    "polar_json": polar_run,
    "goldencheetah_json": goldencheetah_run,
    "garmin_csv": garmin_run,
    "strava_csv": strava_run,
    "runkeeper_csv": runkeeper_run,
    "runs_csv": lambda: b"date,start_time,distance_km,moving_time\n2025-03-04,07:00,5.0,30:00\n",
    "pain_csv": lambda: b"date,moment,side,nprs\n2025-03-05,next_morning,left,2\n",
    "xlsx": workbook_run,
}
GARBAGE = {
    "nothing": b"",
    "blank lines": b"\n\n  \n",
    "zeros": bytes(4096),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8,
    "a page": b"<!DOCTYPE html><html><body>Your download has expired.</body></html>",
    "other xml": b'<?xml version="1.0"?><invoice><total>12</total></invoice>',
    "a letter": "Dear Cleo, my hip is better. Yours, Ada. – ✓".encode(),
    "json": b'{"runs": []}',
    "an archive": b"PK\x03\x04" + bytes(64),
    "a table of something else": b"name,price\nshoes,120\n",
    "a fit header and no more": b"\x0e\x20\x54\x08\x00\x00\x00\x00.FIT\x00\x00",
    "a tcx that ends at once": b'<?xml version="1.0"?><TrainingCenterDatabase',
    "a gpx without a track": b'<?xml version="1.0"?><gpx version="1.1" creator="x"></gpx>',
    "an entity bomb": b'<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><gpx><trk><name>&b;</name></trk></gpx>',
}


# --------------------------------------------------------------------------------------------------------------------
# Importers
# --------------------------------------------------------------------------------------------------------------------


def test_importers_are_named_apart() -> None:
    assert len({importer.name for importer in IMPORTERS}) == len(IMPORTERS)
    assert len({importer.label for importer in IMPORTERS}) == len(IMPORTERS)


def test_every_importer_has_an_example_here() -> None:
    assert [importer.name for importer in IMPORTERS] == list(EXAMPLES)


@each_importer
def test_an_importer_has_a_name_a_label_and_endings(importer: Importer) -> None:
    assert re.fullmatch(r"[a-z][a-z_]*", importer.name)
    assert importer.label.strip()
    assert importer.suffixes
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in importer.suffixes)


@each_importer
def test_an_importer_recognises_its_own_example_and_no_other(importer: Importer) -> None:
    recognised = [name for name, example in EXAMPLES.items() if importer.recognises(example())]
    assert recognised == [importer.name]


@each_importer
def test_a_file_is_known_by_its_content_whatever_its_name(importer: Importer) -> None:
    for name in ("run", "run.jpg", *(f"run{other}" for other_importer in IMPORTERS for other in other_importer.suffixes)):
        assert read_bytes(EXAMPLES[importer.name](), name)[0] is importer


@each_importer
def test_the_example_gives_what_it_holds(importer: Importer) -> None:
    read = importer.read(EXAMPLES[importer.name]())
    assert not read.partial
    assert read.refused_lines == ()
    if importer.name == "pain_csv":
        assert [score.nprs for score in read.scores] == [2]
        return
    (run,) = read.runs
    assert run.distance_m == pytest.approx(5000, abs=10)
    assert run.elapsed_time_s == pytest.approx(1800, abs=2)
    if importer.name in {"fit", "tcx", "polar_json", "strava_csv", "garmin_csv"}:  # all but Garmin's list count one foot: 85 are 170
        assert run.cadence_spm == pytest.approx(170, abs=0.5)
    else:
        assert run.cadence_spm is None


def assert_said_well(refused: FileRefused) -> None:
    assert refused.outcome in REFUSED_OUTCOMES
    assert len(refused.reason) >= 12
    assert refused.reason[0].isupper() or refused.reason[0] in "“."
    assert refused.reason.endswith(".")
    assert "Traceback" not in refused.reason


@each_importer
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_an_importer_refuses_garbage_with_a_reason(importer: Importer, garbage: bytes) -> None:
    with pytest.raises(FileRefused) as refusal:
        importer.read(garbage)
    assert_said_well(refusal.value)


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_with_a_reason_whoever_it_is_handed_to(garbage: bytes) -> None:
    with pytest.raises(FileRefused) as refusal:
        read_bytes(garbage, "garbage.fit")
    assert_said_well(refusal.value)


def read_or_refused(importer: Importer, content: bytes) -> ReadFile | None:
    try:
        return importer.read(content)
    except FileRefused as refused:
        assert_said_well(refused)
        return None


@each_importer
@given(content=st.binary(max_size=300))
def test_no_bytes_at_all_bring_an_importer_down(importer: Importer, content: bytes) -> None:
    read_or_refused(importer, content)


@each_importer
@given(data=st.data())
def test_a_damaged_example_is_read_in_part_or_refused_in_words(importer: Importer, data: st.DataObject) -> None:
    content = bytearray(EXAMPLES[importer.name]())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    read_or_refused(importer, bytes(content))


@each_importer
def test_an_importer_gives_the_same_each_time(importer: Importer) -> None:
    first, second = (importer.read(EXAMPLES[importer.name]()) for _ in range(2))
    assert repr(first) == repr(second)


@each_importer
def test_the_same_file_again_adds_nothing(importer: Importer, sqlite_engine: sa.Engine) -> None:
    entry = PatientEntry.checked(today=START.date(), code="ADA", time_zone="Europe/Berlin")
    ada = records.add_patient(sqlite_engine, COMMAND_LINE, entry)
    source = imports.Source(f"ada{importer.suffixes[0]}", EXAMPLES[importer.name])
    first, second = (imports.import_files(sqlite_engine, COMMAND_LINE, ada, [source], via="app") for _ in range(2))
    assert first.runs_added + first.entries_added == 1
    assert second.runs_added + second.entries_added == 0
    assert [file.outcome for file in second.files] == [ImportOutcome.DUPLICATE]


# --------------------------------------------------------------------------------------------------------------------
# Charts
# --------------------------------------------------------------------------------------------------------------------

each_chart = pytest.mark.parametrize("kind", CHARTS, ids=lambda kind: kind.name)
UNITS = re.compile(r"0–10|[Mm]iles|[Kk]ilomet|\bmi\b|\bkm\b|steps/min|%|\bms\b|\bdays\b")

# Dev has no data yet. Cleo ran in weeks 1 and 3, logged nothing in between, and answered two of three mornings.
DEV = facts_of()
CLEO = facts_of(
    [{"run_date": MONDAY, "distance_m": 5000}, {"run_date": MONDAY + timedelta(days=16), "distance_m": 8000}],
    mornings(MONDAY + timedelta(days=1), [2, None, 3]),
    coverage=Coverage(MONDAY, MONDAY + timedelta(days=2)),
)


def drawn(kind: ChartKind, facts: EpisodeFacts, span: Span = Span.SIX_WEEKS, **options: Any) -> Chart:
    summary = summarise_episode(facts, as_of=MONDAY + timedelta(days=20))
    return kind.draw(summary, span=span, **{"scheme": "light", **options})


def words_of(chart: Chart) -> list[str]:
    return [re.sub(r"<[^>]+>", "", item["text"]) for item in chart.figure["layout"].get("annotations", [])]


def heights_of(chart: Chart) -> list[float]:
    values = [value for trace in chart.figure["data"] for value in trace.get("y", []) if value is not None]
    return [float(value) for value in values]


def test_charts_are_named_apart() -> None:
    assert len({kind.name for kind in CHARTS}) == len({kind.title for kind in CHARTS}) == len(CHARTS)


@each_chart
def test_a_chart_of_nothing_says_so_and_draws_no_zero(kind: ChartKind) -> None:
    chart = drawn(kind, DEV)
    assert chart.is_empty
    assert re.fullmatch(r"Nothing .*\.|No .*\.", chart.sentence)
    assert any(words.startswith("No ") for words in words_of(chart))
    assert 0 not in heights_of(chart)


@each_chart
def test_a_chart_turns_nothing_missing_into_zero(kind: ChartKind) -> None:
    chart = drawn(kind, CLEO)
    assert not chart.is_empty
    assert heights_of(chart)
    assert 0 not in heights_of(chart)
    said = " ".join([chart.sentence, *chart.table.to_numpy().ravel()])
    assert not re.search(r"(?<![\d.,])0(?:[.,]0+)? ?(mi|km|steps)", said)


@each_chart
def test_every_panel_of_a_chart_names_its_unit(kind: ChartKind) -> None:
    chart = drawn(kind, CLEO)
    layout = chart.figure["layout"]
    panels = [axis for name, axis in layout.items() if name.startswith("yaxis") and axis.get("visible", True) and "overlaying" not in axis]
    titles = [axis["title"]["text"] for axis in panels if axis.get("title")]
    named = [words for words in [*words_of(chart), *titles] if UNITS.search(words)]
    assert len(named) >= len(panels) >= 1


@each_chart
def test_a_chart_says_the_same_in_words(kind: ChartKind) -> None:
    chart = drawn(kind, CLEO)
    assert chart.sentence.endswith(".")
    assert not chart.table.empty
    assert all(isinstance(value, str) for value in chart.table.to_numpy().ravel())


@each_chart
@pytest.mark.parametrize("facts", [DEV, CLEO], ids=["no data", "some data"])
def test_a_chart_is_plain_data_that_plotly_takes_in_every_form(kind: ChartKind, facts: EpisodeFacts) -> None:
    for span, scheme, narrow in itertools.product(Span, ("light", "dark"), (False, True)):
        figure = drawn(kind, facts, span, scheme=scheme, narrow=narrow).figure
        json.dumps(figure, allow_nan=False)
        go.Figure(figure)


# --------------------------------------------------------------------------------------------------------------------
# Flags
# --------------------------------------------------------------------------------------------------------------------

each_flag = pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.name)


def test_flags_are_named_apart_and_the_last_takes_the_rest() -> None:
    assert (
        len({flag.name for flag in FLAGS}) == len({flag.title for flag in FLAGS}) == len({flag.rule.name for flag in FLAGS}) == len(FLAGS)
    )
    assert FLAGS[-1].name == "on_track"


@each_flag
def test_a_flag_has_a_source_or_claims_no_evidence(flag: FlagRule) -> None:
    assert flag.rule.sources or flag.rule.strength >= Strength.CONSENSUS
    assert flag.rule.says.endswith(".")


@each_flag
def test_a_flag_is_silent_on_an_episode_of_which_nothing_is_known(flag: FlagRule) -> None:
    holds = flag.holds(columns_of([CaseloadRow(), CaseloadRow(days_since_start=0)]), FlagSettings())
    assert holds.dtype == bool
    assert holds.tolist() == [flag.name == "on_track"] * 2


@each_flag
def test_a_flag_says_one_sentence_even_of_an_empty_row(flag: FlagRule) -> None:
    said = flag.words(CaseloadRow(), FlagSettings())
    assert said.endswith(".")
    assert "None" not in said
    assert "nan" not in said


def test_who_is_new_is_on_track() -> None:
    assert [flag.rule.name for flag in flags([CaseloadRow()])] == ["on_track"]
