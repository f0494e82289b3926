"""What a patient sent, dropped into a real browser: every file one outcome, each run once, each number with its rule; large archives."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlmodel import col

from data import queries, records
from data.database import make_engine, writing
from data.permissions import COMMAND_LINE
from models import EpisodeEntry, Patient, PatientEntry, Role, Viewer
from tests.browser import drop, settle, sign_in
from tests.conftest import _copy_of
from tests.run_files import START, TREADMILL, fit_run, tcx_run
from tests.serving import served
from tests.test_importers_archive import zipped

CHICAGO = ZoneInfo("America/Chicago")
DAY = timedelta(days=1)


@dataclass
class Runner:
    """A new patient of a therapist of the served demo clinic."""

    engine: sa.Engine
    address: str
    therapist: Viewer
    today: date
    key: str
    episode: str

    def open_imports(self, page: Page) -> None:
        """Open the import page with this patient chosen, as a therapist comes to it."""
        sign_in(page, self.address, self.therapist.name, f"patient?episode={self.episode}")
        folded = page.get_by_test_id("stExpandSidebarButton")
        if folded.is_visible():  # on a phone the menu is folded away
            folded.click()
        page.get_by_role("link", name="Import runs", exact=True).click()
        expect(page.get_by_role("button", name="Choose an archive")).to_be_visible()
        settle(page)

    def distances_m(self) -> list[int]:
        return sorted(queries.runs(self.engine, COMMAND_LINE, self.key)["distance_m"])


@pytest.fixture(scope="module")
def clinic(demo_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    folder = tmp_path_factory.mktemp("imports")
    url = _copy_of(demo_template, folder)
    with served(url, folder / "server.log") as address:
        yield url, address, folder


@pytest.fixture
def runner(clinic: tuple[str, str, Path], request: pytest.FixtureRequest) -> Iterator[Runner]:
    url, address, _ = clinic
    engine = make_engine(url)
    therapist = next(person for person in queries.people(engine) if Role.THERAPIST in person.roles)
    today = datetime.now(CHICAGO).date()
    code = f"N{abs(hash(request.node.name)) % 10**8}"
    key = records.add_patient(
        engine, therapist, PatientEntry.checked(today=today, code=code, given_name="Bea", family_name="Brook", time_zone="America/Chicago")
    )
    with writing(engine) as connection:  # a random key may hold what Streamlit refuses in names: here it always does
        connection.execute(sa.update(Patient).where(col(Patient.key) == key).values(key=f"{key[:-4]}__-_"))
    key = f"{key[:-4]}__-_"
    entry = EpisodeEntry.checked(
        today=today,
        problem="Outer hip pain",
        side="left",
        diagnosis_class="tendon",
        started_on=today - 60 * DAY,
        therapist_id=therapist.person_id,
    )
    episode = records.add_episode(engine, therapist, key, entry)
    yield Runner(engine, address, therapist, today, key, episode)
    engine.dispose()


def import_files(page: Page, *paths: Path, waits_for: str) -> None:
    """Drop files and folders into the field for files and import them."""
    drop(page, page.get_by_test_id("stFileUploaderDropzone"), *paths)
    expect(page.get_by_test_id("stFileUploader").get_by_text(waits_for, exact=True)).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()


def drop_archive(page: Page, *paths: Path) -> None:
    drop(page, page.get_by_text("Drop .zip archives here"), *paths)


def report(page: Page) -> list[dict[str, str]]:
    """Read the report as the page shows it for copying."""
    settle(page)
    shown = page.get_by_test_id("stCode")
    if not shown.is_visible():
        page.get_by_text("The report as CSV, to copy").click()
    text = shown.locator("code").inner_text()
    return list(csv.DictReader(io.StringIO(text)))


def outcomes(page: Page) -> dict[str, str]:
    return {row["file"].rpartition("/")[2].rpartition(" › ")[2]: row["outcome"] for row in report(page)}


def test_every_file_of_a_folder_and_of_an_archive_has_one_outcome_and_again_nothing_is_added(
    runner: Runner, page: Page, tmp_path: Path
) -> None:
    """A folder in a folder, an archive in an archive, and a corrupt file in each (story T6)."""
    inner = tmp_path / "from Bea" / "march"
    inner.mkdir(parents=True)
    (inner / "one.fit").write_bytes(fit_run())
    (inner / "two.tcx").write_bytes(tcx_run(start=START + DAY))
    (inner.parent / "corrupt.fit").write_bytes(b"no FIT file")
    (inner.parent / "hip.jpg").write_bytes(b"\xff\xd8\xff\xe0 a picture")
    more = zipped(("five.fit", fit_run(start=START + 4 * DAY)))
    files = [("three.fit", fit_run(start=START + 2 * DAY)), ("torn.tcx", b"<Training"), ("notes.txt", b"Dear Bea"), ("more.zip", more)]
    (tmp_path / "archive.zip").write_bytes(zipped(*files, ("half.tcx", tcx_run(start=START + 3 * DAY)[:-20_000])))
    of_folder = {"one.fit": "added", "two.tcx": "added", "corrupt.fit": "unreadable", "hip.jpg": "unreadable"}
    of_archive = {"three.fit": "added", "torn.tcx": "unreadable", "notes.txt": "unreadable", "five.fit": "added", "half.tcx": "partial"}
    here = {"added": "duplicate", "partial": "duplicate"}

    runner.open_imports(page)
    import_files(page, inner.parent, waits_for="two.tcx")
    expect(page.get_by_text("4 files: 2 runs and 0 diary entries added. 2 of them need a look.")).to_be_visible()
    assert outcomes(page) == of_folder
    drop_archive(page, tmp_path / "archive.zip")
    expect(page.get_by_text("5 files: 3 runs and 0 diary entries added. 3 of them need a look.")).to_be_visible()
    assert outcomes(page) == of_archive

    import_files(page, inner.parent, waits_for="two.tcx")
    expect(page.get_by_text("4 files: 0 runs and 0 diary entries added. 2 of them need a look.")).to_be_visible()
    assert outcomes(page) == {name: here.get(became, became) for name, became in of_folder.items()}
    drop_archive(page, tmp_path / "archive.zip")
    expect(page.get_by_text("5 files: 0 runs and 0 diary entries added. 2 of them need a look.")).to_be_visible()
    assert outcomes(page) == {name: here.get(became, became) for name, became in of_archive.items()}
    assert len(runner.distances_m()) == 5
    # emptying the field leaves the files in the server's memory: the import takes them out
    assert "UploadedFileManager" not in page.request.get(f"{runner.address}/_stcore/metrics").text()


def test_a_run_that_two_sources_tell_counts_once_and_a_shifted_copy_is_only_proposed(runner: Runner, page: Page, tmp_path: Path) -> None:
    """Two runs twenty minutes apart; of the first one a copy from elsewhere and one two hours off (story T7)."""
    (tmp_path / "1-watch.fit").write_bytes(fit_run())
    (tmp_path / "2-strava.tcx").write_bytes(tcx_run(start=START + timedelta(seconds=30)))
    (tmp_path / "3-second.fit").write_bytes(fit_run(start=START + timedelta(minutes=20)))
    (tmp_path / "4-shifted.tcx").write_bytes(tcx_run(start=START + timedelta(hours=2)))
    runner.open_imports(page)
    import_files(page, *sorted(tmp_path.iterdir()), waits_for="4-shifted.tcx")
    expect(page.get_by_role("heading", name="Please decide")).to_be_visible()
    expect(page.get_by_text("Same distance and time, 2 hours apart: a clock may have been wrong.").first).to_be_visible()
    assert outcomes(page) == {"1-watch.fit": "added", "2-strava.tcx": "merged", "3-second.fit": "added", "4-shifted.tcx": "proposed"}
    assert runner.distances_m() == [1_800, 1_800]
    first = queries.runs(runner.engine, COMMAND_LINE, runner.key).sort_values("started_at_utc")["run_id"].iloc[0]
    assert len(queries.run_files(runner.engine, COMMAND_LINE, int(first))) == 2


def test_treadmill_runs_count_and_each_run_says_how_its_cadence_was_obtained(runner: Runner, page: Page, tmp_path: Path) -> None:
    """A FIT and a TCX without coordinates (story T8); our table with steps, and a walk at 110 that stays one (story T9)."""
    start = datetime.combine(runner.today - 8 * DAY, datetime.min.time(), CHICAGO).replace(hour=7)
    (tmp_path / "a.fit").write_bytes(fit_run(start=start, gps=False, sub_sport=TREADMILL))
    (tmp_path / "b.tcx").write_bytes(tcx_run(start=start + timedelta(hours=10, minutes=20), gps=False))
    lines = [f"{runner.today - back * DAY},07:00,{km},30:00,{cadence}" for back, km, cadence in ((9, 5, 172), (10, 2.5, 110))]
    (tmp_path / "c.csv").write_text("\n".join(["date,start_time,distance_km,moving_time,cadence_spm", *lines]) + "\n")
    runner.open_imports(page)
    import_files(page, *sorted(tmp_path.iterdir()), waits_for="c.csv")
    expect(page.get_by_text("3 files: 4 runs and 0 diary entries added.")).to_be_visible()
    rules = {(row["file"], row["distance_m"]): row["cadence_from"] for row in report(page)}
    doubled, as_given = rules["a.fit", "1800"], rules["c.csv", "5000"]
    assert rules == {
        ("a.fit", "1800"): doubled,
        ("b.tcx", "1800"): rules["b.tcx", "1800"],
        ("c.csv", "5000"): as_given,
        ("c.csv", "2500"): as_given,
    }
    assert "doubled" in doubled
    assert "doubled" in rules["b.tcx", "1800"]
    assert "doubled" not in as_given

    page.get_by_role("link", name="Patient", exact=True).click()
    expect(page.get_by_test_id("stMain")).to_contain_text(re.compile(r"\bmi\b"))
    page.get_by_role("tab", name="Runs and how each number was obtained").click()
    settle(page)
    grid = page.get_by_test_id("stDataFrame").last.locator("canvas table")
    expect(grid.locator("tbody tr")).to_have_count(4)
    told = " | ".join(grid.locator("td").all_text_contents())
    for shown in ("171 steps/min", "170 steps/min", "172 steps/min", "FIT counts one leg: doubled", "TCX counts one leg: doubled"):
        assert shown in told
    assert told.count("given in steps/min: as it is") == 2
    for wrong in ("342", "340", "344", "220"):
        assert wrong not in told
    kept = queries.runs(runner.engine, COMMAND_LINE, runner.key)
    assert sorted(kept["cadence_spm"]) == [110, 170, 171, 172]
    weeks, _ = queries.weeks(runner.engine, COMMAND_LINE, runner.key, low=0, high=99_999)
    assert weeks["distance_m"].sum() == 1_800 + 1_800 + 5_000 + 2_500


def test_an_archive_on_its_way_can_be_cancelled_and_nothing_of_it_is_kept(
    runner: Runner, page: Page, tmp_path: Path, clinic: tuple[str, str, Path]
) -> None:
    page.route(re.compile("/import/[^/]+/[^/]+$"), lambda _route: None)  # its bytes are held back: they neither come nor fail
    (tmp_path / "large.zip").write_bytes(zipped(("one.fit", fit_run())))
    runner.open_imports(page)
    drop_archive(page, tmp_path / "large.zip")
    expect(page.get_by_role("progressbar", name="Sent")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Cancelled. Nothing of it was kept.")).to_be_visible()
    expect(page.get_by_role("button", name="Choose an archive")).to_be_visible()
    assert runner.distances_m() == []
    assert list((clinic[2] / "uploads").iterdir()) == []


def test_what_is_no_archive_is_refused_in_words_and_the_archive_beside_it_is_read(runner: Runner, page: Page, tmp_path: Path) -> None:
    (tmp_path / "photo.zip").write_bytes(b"\xff\xd8\xff no zip")
    (tmp_path / "right.zip").write_bytes(zipped(("one.fit", fit_run())))
    (tmp_path / "folder").mkdir()
    runner.open_imports(page)
    drop_archive(page, tmp_path / "photo.zip", tmp_path / "folder", tmp_path / "right.zip")
    expect(page.get_by_text("1 file: 1 run and 0 diary entries added.")).to_be_visible()
    for name in ("photo.zip", "folder"):
        said = f"{name}: this is no .zip archive. Drop single files, and folders, into the field for files."
        expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_text("Sent: right.zip.")).to_be_visible()
    assert runner.distances_m() == [1_800]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_field_for_archives_has_no_serious_fault_and_fits_a_telephone(runner: Runner, page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_viewport_size({"width": 390, "height": 844})
    runner.open_imports(page)
    found = Axe().run(page).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"][:200]) for fault in found if fault["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Choose an archive").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()
