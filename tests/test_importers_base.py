"""What happens before an importer reads: unpacking with limits, recognising by content, and saying no in words."""

import gzip

import numpy as np
import pytest

from data.importers import IMPORTERS
from data.importers.base import FILE_MAX_BYTES, FileRefused, read_bytes, unpacked
from data.importers.xml_stream import root_name
from models import ImportOutcome
from tests.run_files import apple_health_run, fit_run, gpx_file, gpx_track, steady_points, tcx_run

RUNS = b"date,distance_km,moving_time\n2025-03-02,5,25:00\n"
PAIN = b"date,moment,side,nprs\n2025-03-02,during,left,10\n"


def refusal_of_unpacking(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        unpacked(content)
    return refused.value


def refusal(content: bytes, name: str = "run.bin") -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read_bytes(content, name)
    return refused.value


# -- unpacking -------------------------------------------------------------------------------------------------------


def test_what_is_not_packed_stays_as_it_is() -> None:
    assert unpacked(RUNS) == RUNS
    assert unpacked(b"") == b""


def test_gzip_is_taken_off_with_all_its_members() -> None:
    assert unpacked(gzip.compress(RUNS)) == RUNS
    assert unpacked(gzip.compress(RUNS[:20]) + gzip.compress(RUNS[20:]) + b"\0\0") == RUNS


def test_a_bomb_is_stopped() -> None:
    refused = refusal_of_unpacking(gzip.compress(bytes(30_000_000)))  # 30 MB in 30 kB
    assert refused.outcome is ImportOutcome.UNREADABLE
    assert "100 to 1" in refused.reason


def test_a_ratio_up_to_a_hundred_is_allowed() -> None:
    noise = np.random.default_rng(1).integers(0, 256, 40_000, dtype=np.uint8).tobytes()  # packs to about 40 kB
    mild = gzip.compress(noise + bytes(3_500_000))
    assert len(mild) * 100 > len(noise) + 3_500_000
    assert len(unpacked(mild)) == 3_540_000


def test_a_file_above_fifty_megabytes_is_refused() -> None:
    assert "50 MB" in refusal_of_unpacking(bytes(FILE_MAX_BYTES + 1)).reason
    assert "50 MB" in refusal(b"x" * (FILE_MAX_BYTES + 1)).reason


def test_a_cut_archive_keeps_what_its_format_can_vouch_for() -> None:
    content = gpx_file(gpx_track(steady_points()))
    packed = gzip.compress(content)
    inner = unpacked(packed[: len(packed) * 3 // 4])
    assert content.startswith(inner)
    assert read_bytes(inner, "a.gpx.gz")[1].partial


def test_a_cut_archive_of_a_table_is_refused_because_a_10_may_have_become_a_1() -> None:
    packed = gzip.compress(PAIN)
    refused = refusal_of_unpacking(packed[:-9])
    assert refused.outcome is ImportOutcome.UNREADABLE
    assert "cut off" in refused.reason


def test_a_damaged_archive_is_refused() -> None:
    packed = bytearray(gzip.compress(PAIN))
    packed[12] ^= 0xFF
    assert refusal_of_unpacking(bytes(packed)).outcome is ImportOutcome.UNREADABLE


# -- recognising -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "importer"),
    [
        (fit_run(seconds=120), "fit"),
        (tcx_run(), "tcx"),
        (gpx_file(gpx_track(steady_points())), "gpx"),
        (RUNS, "runs_csv"),
        (PAIN, "pain_csv"),
        (apple_health_run(), "apple_health"),
    ],
    ids=["fit", "tcx", "gpx", "runs_csv", "pain_csv", "apple_health"],
)
@pytest.mark.parametrize("name", ["x.fit", "x.TCX", "x.gpx.gz", "x.csv", "x"])
def test_the_content_decides_and_not_the_name(content: bytes, importer: str, name: str) -> None:
    assert read_bytes(content, name)[0].name == importer


def test_each_importer_recognises_only_its_own() -> None:
    contents = {
        "fit": fit_run(seconds=120),
        "tcx": tcx_run(),
        "gpx": gpx_file(gpx_track(steady_points())),
        "apple_health": apple_health_run(),
        "runs_csv": RUNS,
        "pain_csv": PAIN,
    }
    for importer in IMPORTERS:
        assert [importer.recognises(content) for content in contents.values()] == [name == importer.name for name in contents]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\0" * 100])
def test_an_empty_file_holds_nothing(content: bytes) -> None:
    assert refusal(content).outcome is ImportOutcome.NO_DATA


@pytest.mark.parametrize(
    ("content", "outcome", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ImportOutcome.UNREADABLE, "no FIT, TCX or GPX"),
        (b"PK\x03\x04" + bytes(50), ImportOutcome.UNREADABLE, "Unpack it"),
        (b"<?xml version='1.0'?><kml><Document/></kml>", ImportOutcome.UNREADABLE, "<kml>"),
        (b"Dear therapist,\nI ran on Sunday.", ImportOutcome.NEEDS_MAPPING, "dear_therapist"),
        (b"Just words", ImportOutcome.UNREADABLE, "no table"),
        (b"Activity Type,Date,Distance\nRunning,2025-03-02,5.0\n", ImportOutcome.NEEDS_MAPPING, "activity_type, date, distance"),
        (b"\x0e\x20\x54\x08\x00\x00", ImportOutcome.UNREADABLE, "no FIT"),
    ],
)
def test_what_is_not_ours_is_refused_in_words(content: bytes, outcome: ImportOutcome, said: str) -> None:
    refused = refusal(content)
    assert refused.outcome is outcome
    assert said in refused.reason


@pytest.mark.parametrize("importer", IMPORTERS, ids=lambda importer: importer.name)
def test_each_importer_has_a_label_and_suffixes_and_refuses_garbage_with_a_reason(importer: object) -> None:
    assert importer.label  # type: ignore[attr-defined]
    assert all(suffix.startswith(".") for suffix in importer.suffixes)  # type: ignore[attr-defined]
    with pytest.raises(FileRefused) as refused:
        importer.read(b"\xff\xd8 garbage")  # type: ignore[attr-defined]
    assert refused.value.reason


@pytest.mark.parametrize("header_size", [12, 14])
def test_a_file_with_the_head_of_a_fit_file_is_one_whatever_its_name_and_rest(header_size: int) -> None:
    text = bytes([header_size]) + b"date,m.FIT,moment,side,nprs\n2025-03-05,after,left,3\n"
    content = text[:8] + b".FIT" + text[8:]
    with pytest.raises(FileRefused, match="damaged or cut off"):
        read_bytes(content, "pain.csv")


def test_a_text_with_the_mark_of_a_fit_file_in_it_is_asked_of_everybody() -> None:
    content = b"date,mom.FIT,x\n1,2,3\n"
    assert content[8:12] == b".FIT"
    assert [importer.is_sure(content) for importer in IMPORTERS if importer.is_sure is not None] == [False]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"<a/>", "a"),
        (b" \t\r\n\x0b\x0c\x1c\x1f<a/>", "a"),
        ("\ufeff<a/>".encode(), "a"),
        (" <a/>".encode("utf-16"), "a"),
        ("\u2003\x85<a/>".encode(), "a"),
        (b"\x0e<a/>", None),
        (b"\x00<a/>", None),
        (b"x<a/>", None),
        (b"", None),
        (b"   ", None),
    ],
)
def test_the_first_element_is_found_after_any_white_space_and_after_nothing_else(content: bytes, name: str | None) -> None:
    assert root_name(content) == name
