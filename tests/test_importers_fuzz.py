"""Whatever the bytes: a file is read or refused with a reason, and nothing else happens."""

import contextlib
import math

from hypothesis import given
from hypothesis import strategies as st

from data.importers import IMPORTERS
from data.importers.base import FileRefused, ReadFile, read_bytes, unpacked
from tests.run_files import FitRun, activity_message, file_id, fit_file, gpx_file, gpx_track, steady_points, tcx_run

# Small seeds, so that many changes can be tried in little time.
_RUN = FitRun(seconds=40)
SEEDS = (
    fit_file([file_id(), *_RUN.records(), _RUN.summary(), activity_message(_RUN.start)]),
    fit_file([file_id(), _RUN.summary(), *_RUN.records()], compressed_timestamps=True),
    tcx_run(seconds=30),
    gpx_file(gpx_track(steady_points(60)), gpx_track(steady_points(60), sport=None)),
    b"date,start_time,distance_km,moving_time,cadence_spm,session_rpe\n2025-03-02,07:15,5.2,25:00,168,4\n2025-03-03,,5,26:00,,\n",
    b"date;side;during;next_morning;rest;did_not_run\n2025-03-02;left;3;;no;\n2025-03-03;;;2;;yes\n",
)


def checked(content: bytes) -> None:
    """Read as an import does; what comes out is finite and in order."""
    try:
        _, found = read_bytes(unpacked(content), "x")
    except FileRefused as refusal:
        reason = refusal.reason
    else:
        reason = "read"
        believable(found)
    assert reason


def believable(found: ReadFile) -> None:
    assert found.runs or found.scores or found.rest_answers or found.days_without_run
    for run in found.runs:
        assert 0 <= run.distance_m <= 12 * run.moving_time_s
        assert 0 < run.moving_time_s <= run.elapsed_time_s <= 7 * 24 * 3600
        assert run.started_at_utc.tzinfo is not None
        for cadence in (run.cadence_spm, run.running_cadence_spm, run.device_cadence_spm):
            assert cadence is None or 20 <= cadence <= 300
        numbers = (run.running_time_s, run.running_speed_m_s, run.grade_abs_mean, run.ground_contact_time_ms, run.vertical_oscillation_mm)
        assert all(number is None or math.isfinite(number) for number in numbers)
        assert run.running_speed_m_s is None or run.running_speed_m_s <= 12
    assert all(0 <= score.nprs <= 10 for score in found.scores)


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(content: bytes) -> None:
    checked(content)
    checked(b"\x0e\x20\x54\x08\x40\x00\x00\x00.FIT" + content)
    checked(b"\x1f\x8b\x08" + content)
    for importer in IMPORTERS:
        with contextlib.suppress(FileRefused):
            believable(importer.read(content))


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
    st.floats(0.2, 1),
)
def test_changed_and_cut_files_are_read_or_refused(seed: bytes, changes: list[tuple[float, int]], kept: float) -> None:
    content = bytearray(seed)
    for place, byte in changes:
        content[int(place * len(content))] = byte
    checked(bytes(content))
    checked(bytes(content[: int(kept * len(content))]))


@given(
    st.sampled_from(SEEDS[2:4]), st.sampled_from(["1e999", "-1", "NaN", "9" * 400, "", "0x10", "١٢", "-0.0", "1e-320"]), st.integers(0, 400)
)
def test_odd_numbers_in_xml_are_left_out(seed: bytes, odd: str, index: int) -> None:
    pieces = seed.decode().split(">")
    values = [place for place, piece in enumerate(pieces) if piece[:1].isdigit() and "<" in piece]
    place = values[index % len(values)]
    pieces[place] = odd + pieces[place][pieces[place].index("<") :]
    checked(">".join(pieces).encode())
