"""Files are read in a process of its own: what breaks it, hangs it or eats its memory refuses one file, and the next one is read."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from data import reading
from data.importers.base import FileRefused, Importer, ReadFile, read_bytes, unpacked
from data.importers.child import ANSWER
from data.reading import Reader
from models import ImportOutcome
from tests import run_files
from tests.serving import ROOT

RECORDINGS = ROOT.parent / "shared" / "runs"
PAIN = b"date,moment,side,nprs\n2025-03-05,after,left,3\n2025-03-05,during,left,99\n"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as started:
        yield started


def _same(one: ReadFile, other: ReadFile) -> bool:
    """Compare with NaN equal to NaN."""

    def told(file: ReadFile) -> list[object]:
        parts: list[object] = [tuple(getattr(file, item.name) for item in fields(file) if item.name != "runs")]
        for run in file.runs:
            parts.append([getattr(run, item.name) for item in fields(run) if item.name != "minutes"])
            parts.append(
                None
                if run.minutes is None
                else [repr(np.round(getattr(run.minutes, item.name), 12).tolist()) for item in fields(run.minutes)]
            )
        return parts

    return told(one) == told(other)


def _answer(read: object, content: bytes, name: str) -> tuple[str, ReadFile] | tuple[ImportOutcome, str]:
    try:
        importer, file = read(content, name)  # type: ignore[operator]
    except FileRefused as refusal:
        return refusal.outcome, refusal.reason
    assert isinstance(importer, Importer)
    return importer.name, file


def _assert_same(reader: Reader, content: bytes, name: str) -> None:
    here, there = _answer(read_bytes, content, name), _answer(reader.read, content, name)
    assert here[0] == there[0], name
    if isinstance(here[1], ReadFile) and isinstance(there[1], ReadFile):
        assert _same(here[1], there[1]), name
    else:
        assert here == there


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.fit", run_files.fit_run()),
        ("cut.fit", run_files.fit_run()[:-400]),
        ("run.tcx", run_files.tcx_run()),
        ("run.gpx", run_files.gpx_file(run_files.gpx_track(run_files.steady_points()))),
        ("pain.csv", PAIN),
        ("other.csv", b"a,b,c\n1,2,3\n"),
        ("empty.fit", b""),
        ("name \u202e\u2028.fit", b"no file of a device"),
    ],
)
def test_the_answer_is_the_same_as_in_this_process(reader: Reader, name: str, content: bytes) -> None:
    _assert_same(reader, content, name)


def test_real_recordings_are_read_alike_where_they_lie_beside_the_project(reader: Reader) -> None:
    paths = sorted(
        path for folder in ("fit", "tcx", "gpx", "malformed", "apple") for path in (RECORDINGS / folder).glob("*") if path.is_file()
    )
    if not paths:
        print(f"No recordings at {RECORDINGS}: nothing is compared here.")
    for path in paths:
        _assert_same(reader, unpacked(path.read_bytes()), path.name)


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_read() -> None:
    heavy = b"<gpx><trk><trkseg>" + b'<trkpt lat="52" lon="13"><time>2025-03-05T07:00:00Z</time></trkpt>' * 190_000
    with Reader(seconds_max=0.3) as impatient:
        with pytest.raises(FileRefused, match="took longer than") as refused:
            impatient.read(heavy, "heavy.gpx")
        assert refused.value.outcome == ImportOutcome.UNREADABLE
        assert impatient.read(PAIN, "pain.csv")[0].name == "pain_csv"


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_one_is_read() -> None:
    heavy = b"<gpx><trk><trkseg>" + b'<trkpt lat="52" lon="13"><time>2025-03-05T07:00:00Z</time></trkpt>' * 190_000
    with Reader(memory_max_bytes=205_000_000) as small:
        with pytest.raises(FileRefused, match=r"more memory|breaks its reader"):
            small.read(heavy, "heavy.gpx")
        assert small.read(PAIN, "pain.csv")[0].name == "pain_csv"


def test_a_process_that_was_killed_between_two_files_is_started_anew(reader: Reader) -> None:
    reader.read(PAIN, "pain.csv")
    process = reader._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert reader.read(PAIN, "pain.csv")[0].name == "pain_csv"


def test_no_process_is_left_behind() -> None:
    with Reader() as started:
        started.read(PAIN, "pain.csv")
        process = started._process
        assert process is not None
    assert process.returncode is not None


def test_the_process_cannot_write_a_file_and_has_nothing_of_the_environment(tmp_path: Path) -> None:
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from data.importers.child import confine
confine()
try:
    with open({str(tmp_path / "written")!r}, "wb", buffering=0) as file:
        file.write(b"x")
except OSError as error:
    print("refused", error.errno)
print(sorted(name for name in os.environ if name.startswith(("DATABASE", "STILL"))))
"""
    said = subprocess.run([sys.executable, "-I", "-c", script], env={}, capture_output=True, text=True, check=True).stdout.split("\n")
    assert said[:2] == ["refused 27", "[]"]  # EFBIG


# --------------------------------------------------------------------------------------------------------------------
# What a process says that its file took over
# --------------------------------------------------------------------------------------------------------------------

_SAYS = """
import socket, sys
with socket.socket(fileno=int(sys.argv[2])) as channel:
    channel.sendall(b".")
    channel.recv(1)
    channel.sendall(open({path!r}, "rb").read())
    while channel.recv(65536):
        pass
"""


def _said(*, counts: Any = (41,), numbers: bytes = bytes(4 * 41 * 8), minutes: Any = None) -> bytes:
    """Give the answer about a run of 41 minutes, with other minutes than it has."""
    importer, file = read_bytes(run_files.fit_run(), "run.fit")
    runs = [vars(run) | {"minutes": minutes} for run in file.runs]
    text = orjson.dumps({"importer": importer.name, "file": vars(file) | {"runs": runs}, "minutes": counts})
    return ANSWER.pack(len(text), len(numbers)) + text + numbers


def _heard(answer: bytes, monkeypatch: pytest.MonkeyPatch, folder: Path) -> ReadFile:
    (folder / "answer").write_bytes(answer)
    monkeypatch.setattr(reading, "_START", _SAYS.format(path=str(folder / "answer")))
    with Reader() as started:
        return started.read(b"x", "run.fit")[1]


def test_minutes_come_as_bare_numbers_and_what_is_none_is_not_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    numbers = np.arange(164.0)
    numbers[[0, 41, 82, 123]] = [np.nan, np.inf, -np.inf, -1.5]
    (run,) = _heard(_said(numbers=numbers.tobytes()), monkeypatch, tmp_path).runs
    assert run.minutes is not None
    assert [float(column[0]) for column in vars(run.minutes).values()][3] == -1.5
    assert [bool(np.isnan(column[0])) for column in vars(run.minutes).values()] == [True, True, True, False]
    assert run.minutes.grade[1:].tolist() == list(range(124, 164))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_said(counts=[42]), id="more minutes than numbers"),
        pytest.param(_said(counts=[40]), id="fewer minutes than numbers"),
        pytest.param(_said(counts=[None]), id="numbers of no run"),
        pytest.param(_said(counts=[]), id="no word about a run"),
        pytest.param(_said(counts=[41, None]), id="a word about a run that is not there"),
        pytest.param(_said(counts=[-1], numbers=b""), id="a count below zero"),
        pytest.param(_said(counts=[10_082], numbers=bytes(4 * 10_082 * 8)), id="more minutes than a week and one"),
        pytest.param(_said(counts=["41"]), id="a count that is a text"),
        pytest.param(_said(counts=41), id="no list of counts"),
        pytest.param(_said(numbers=bytes(4 * 41 * 8 + 1)), id="a part of a number"),
        pytest.param(_said(counts=[None], numbers=b"", minutes=[1.0]), id="minutes where they do not belong"),
        pytest.param(ANSWER.pack(0, 8) + bytes(8), id="numbers alone"),
        pytest.param(ANSWER.pack(8, 2**63), id="an answer without an end"),
        pytest.param(ANSWER.pack(4, 0) + b"null", id="nothing"),
    ],
)
def test_minutes_that_do_not_fit_their_runs_refuse_the_file(answer: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="The file breaks its reader"):
        _heard(answer, monkeypatch, tmp_path)
