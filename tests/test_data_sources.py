"""What is handed in becomes single files: folders and archives opened, recordings before lists, nothing left out in silence."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from data.importers.base import FileRefused
from data.reading import Reader
from data.sources import Source, sources_in, sources_of, sources_of_open
from tests.run_files import apple_health_run
from tests.test_importers_archive import zipped


def told(sources: list[Source]) -> list[tuple[str, bytes | str]]:
    """Give each file with its bytes, or with the reason why it is not read."""
    found: list[tuple[str, bytes | str]] = []
    for source in sources:
        try:
            found.append((source.name, source.set_aside or source.read()))
        except FileRefused as refusal:
            found.append((source.name, refusal.reason))
    return found


def test_recordings_come_before_lists_and_otherwise_in_the_order_given() -> None:
    files = [("z.csv", b"1"), ("b.fit.gz", b"2"), ("a.tcx", b"3"), ("notes", b"4")]
    assert [name for name, _ in told(sources_of(files))] == ["b.fit.gz", "a.tcx", "z.csv", "notes"]


def test_a_folder_and_an_archive_in_it_are_opened(tmp_path: Path) -> None:
    folder = tmp_path / "ada"
    (folder / "inner").mkdir(parents=True)
    (folder / ".hidden").write_bytes(b"x")
    (folder / "inner" / "a.fit").write_bytes(b"A")
    (folder / "more.zip").write_bytes(zipped(("b.gpx", b"B")))
    with ExitStack() as held:
        assert told(sources_in([folder], held)) == [("ada/inner/a.fit", b"A"), ("ada/more.zip › b.gpx", b"B")]


def test_open_files_are_read_where_they_lie(tmp_path: Path) -> None:
    """As archives arrive from the browser: files without a name, under the name that they had there."""
    with ExitStack() as held:
        files = [held.enter_context(tempfile.TemporaryFile(dir=tmp_path)) for _ in range(3)]
        for file, content in zip(files, (zipped(("a.fit", b"A"), ("l.csv", b"L")), b"PK\x03\x04...", b"plain"), strict=True):
            file.write(content)
        found = sources_of_open([("all.zip", files[0]), ("broken.zip", files[1]), ("no archive", files[2])])
        assert told(found) == [
            ("all.zip › a.fit", b"A"),
            ("all.zip › l.csv", b"L"),
            ("broken.zip", "The archive is damaged or cut off. Download or copy it again."),
            ("no archive", b"plain"),
        ]
        assert told(found)[0] == ("all.zip › a.fit", b"A")  # again: nothing depends on where a file was read up to


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with ExitStack() as held, pytest.raises(FileNotFoundError, match="There is no file or folder"):
        sources_in([tmp_path / "missing"], held)


def test_a_broken_archive_is_one_file_with_its_reason_and_so_is_an_empty_one() -> None:
    broken, empty = told(sources_of([("broken.zip", b"PK\x03\x04..."), ("empty.zip", zipped())]))
    assert broken == ("broken.zip", "The archive is damaged or cut off. Download or copy it again.")
    assert empty == ("empty.zip", "The archive is empty.")


def test_a_broken_archive_inside_an_archive_does_not_hide_the_rest() -> None:
    found = dict(told(sources_of([("all.zip", zipped(("bad.zip", b"PK\x03\x04"), ("a.fit", b"A")))])))
    assert found["all.zip › a.fit"] == b"A"
    assert str(found["all.zip › bad.zip"]).startswith("The archive is damaged or cut off")


def test_names_that_look_like_a_way_or_a_reason_are_names() -> None:
    found = dict(told(sources_of([("all.zip", zipped(("a › ", b"A"), ("b: c.zip", b"PK\x03\x04")))])))
    assert found["all.zip › a › "] == b"A"
    assert str(found["all.zip › b: c.zip"]).startswith("The archive is damaged or cut off")


def test_of_stravas_archive_the_recordings_come_first_then_the_list_and_the_rest_is_named() -> None:
    archive = zipped(("activities.csv", b"L"), ("activities/1.fit.gz", b"F"), ("media/1.jpg", b"J"), ("profile.csv", b"P"))
    assert told(sources_of([("export_1.zip", archive)])) == [
        ("export_1.zip › activities/1.fit.gz", b"F"),
        ("export_1.zip › activities.csv", b"L"),
        ("export_1.zip › media/1.jpg", "It belongs to Strava's archive and holds no run."),
        ("export_1.zip › profile.csv", "It belongs to Strava's archive and holds no run."),
    ]


def test_a_list_beside_other_files_is_no_archive_of_strava() -> None:
    assert told(sources_of([("mine.zip", zipped(("activities.csv", b"L"), ("a.fit", b"A")))])) == [
        ("mine.zip › a.fit", b"A"),
        ("mine.zip › activities.csv", b"L"),
    ]


def test_of_apple_healths_export_only_its_list_of_workouts_is_read_and_as_a_stream(tmp_path: Path) -> None:
    archive = tmp_path / "export.zip"
    archive.write_bytes(
        zipped(
            ("apple_health_export/workout-routes/r.gpx", b"G"),
            ("apple_health_export/export.xml", apple_health_run()),
            ("apple_health_export/export_cda.xml", b"C"),
        )
    )
    with ExitStack() as held, Reader() as reader:
        found = sources_in([archive], held)
        assert [bool(source.set_aside) for source in found] == [True, False, True]
        (workouts,) = [source for source in found if source.large]
        assert workouts.name == "export.zip › apple_health_export/export.xml"
        assert workouts.large is not None
        importer, file = reader.read_large(*workouts.large)
        assert importer.name == "apple_health"
        assert [run.distance_m for run in file.runs] == [5_000]
        assert reader.read(apple_health_run(), "export.xml")[1] == file
