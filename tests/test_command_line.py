"""`python -m data …` as a person or a script uses it: real processes, real files."""

import gzip
import json
import os
import re
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from access import accounts
from data.database import make_engine
from models import Clinic
from tests.run_files import START, fit_run, gpx_file, gpx_track, steady_points, tcx_run
from tests.serving import ROOT, environment_for

RUN_FIELDS = {
    "id",
    "started_at_utc",
    "run_date",
    "distance_m",
    "moving_time_s",
    "elapsed_time_s",
    "cadence_spm",
    "running_cadence_spm",
    "device_cadence_spm",
    "cadence_rule",
    "ground_contact_time_ms",
    "has_gps",
}
WEEK_FIELDS = [
    "week_start",
    "logged",
    "distance_m",
    "runs",
    "longest_run_m",
    "running_cadence_spm",
    "cadence_at_equal_speed_spm",
    "pain_next_morning_median",
    "pain_next_morning_max",
    "pain_scores",
]


@pytest.fixture
def clinic_url(sqlite_url: str) -> str:
    """Give an empty clinic in Chicago whose weeks begin on Monday."""
    made = make_engine(sqlite_url)
    with made.execution_options(writes=True).begin() as connection:
        connection.execute(sa.insert(Clinic).values(id=1, name="Test clinic", time_zone="America/Chicago", week_start=0, is_demo=False))
    made.dispose()
    return sqlite_url


def data(url: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "data", *map(str, arguments)],
        cwd=ROOT,
        env=environment_for(url, environment),
        capture_output=True,
        text=True,
        check=False,
    )


def imported(url: str, *arguments: str | Path) -> dict[str, Any]:
    done = data(url, "import", "--patient", "ADA", "--create", "--json", *arguments)
    assert "Traceback" not in done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder as a patient sends it: three runs in three formats, one damaged file, one gzipped copy, one that is no run."""
    folder = tmp_path / "from Ada"
    (folder / "watch").mkdir(parents=True)
    (folder / "watch" / "monday.fit").write_bytes(fit_run())
    (folder / "watch" / "monday again.fit.gz").write_bytes(gzip.compress(fit_run()))
    (folder / "tuesday.tcx").write_bytes(tcx_run(start=START + timedelta(days=1)))
    (folder / "wednesday.gpx").write_bytes(gpx_file(gpx_track(steady_points(start=START + timedelta(days=2)))))
    (folder / "broken.fit").write_bytes(b"\x0e\x10garbage, not a FIT file")
    (folder / "ride.tcx").write_bytes(tcx_run(start=START + timedelta(days=3), sport="Biking"))
    (folder / ".hidden").write_text("not looked at")
    return folder


def test_a_folder_is_imported_with_one_outcome_a_file_and_a_bad_file_stops_nothing(clinic_url: str, folder: Path) -> None:
    report = imported(clinic_url, folder)
    outcomes = {file["file"].split("/", 1)[1]: file["outcome"] for file in report["files"]}
    assert outcomes == {
        "broken.fit": "unreadable",
        "ride.tcx": "not_a_run",
        "tuesday.tcx": "added",
        "watch/monday again.fit.gz": "added",
        "watch/monday.fit": "duplicate",
        "wednesday.gpx": "added",
    }
    assert report["runs_added"] == 3
    assert all(file["reason"] for file in report["files"])


def test_each_run_of_the_report_has_the_fields_of_the_contract(clinic_url: str, folder: Path) -> None:
    report = imported(clinic_url, folder / "watch" / "monday.fit")
    (run,) = report["files"][0]["runs"]
    assert set(run) == RUN_FIELDS
    # 3 m/s for 600 s; 85.5 strides a minute of one leg are 171 steps
    assert (run["distance_m"], run["moving_time_s"], run["elapsed_time_s"]) == (1800, 600, 600)
    assert run["cadence_spm"] == pytest.approx(171, abs=0.1)
    assert run["running_cadence_spm"] == pytest.approx(171, abs=0.1)
    assert run["device_cadence_spm"] == 170  # the session message states 85 whole strides
    assert run["cadence_rule"] == "fit_strides_doubled"
    assert run["has_gps"] is True


def test_the_same_folder_again_adds_nothing(clinic_url: str, folder: Path) -> None:
    first = imported(clinic_url, folder)
    again = imported(clinic_url, folder)
    assert (first["runs_added"], again["runs_added"]) == (3, 0)
    ids = {run["id"] for file in first["files"] for run in file["runs"]}
    assert {run["id"] for file in again["files"] for run in file["runs"]} == ids


def test_exit_codes_say_whether_all_was_taken(clinic_url: str, folder: Path) -> None:
    good = data(clinic_url, "import", "--patient", "ADA", "--create", folder / "tuesday.tcx")
    part = data(clinic_url, "import", "--patient", "ADA", folder)
    unknown = data(clinic_url, "import", "--patient", "NOBODY", folder)
    missing = data(clinic_url, "import", "--patient", "ADA", folder / "nothing.fit")
    usage = data(clinic_url, "import", folder)
    assert [done.returncode for done in (good, part, unknown, missing, usage)] == [0, 1, 2, 2, 2]
    assert "There is no patient with the code NOBODY" in unknown.stderr
    assert "There is no file or folder" in missing.stderr


def test_runs_and_pain_come_out_as_they_went_in(clinic_url: str, folder: Path, tmp_path: Path) -> None:
    pain = tmp_path / "pain.csv"
    next_morning = (START + timedelta(days=1)).date().isoformat()
    pain.write_text(f"date,moment,side,nprs\n{next_morning},next_morning,left,4\n{next_morning},during,left,\n", encoding="utf-8")
    imported(clinic_url, folder, pain)
    runs = json.loads(data(clinic_url, "export", "--patient", "ADA", "--table", "runs", "--format", "json").stdout)
    scores = json.loads(data(clinic_url, "export", "--patient", "ADA", "--table", "pain", "--format", "json").stdout)
    # the GPX track is measured on the sphere of the maker: 3 m/s for 600 s
    assert [run["distance_m"] for run in runs] == pytest.approx([1800, 1800, 1800], abs=5)
    assert [(score["nprs"], score["moment"], score["for_date"], score["counted_date"]) for score in scores] == [
        (4, "next_morning", next_morning, START.date().isoformat())
    ]


def test_weeks_hold_the_columns_of_the_contract_and_the_sum_of_the_runs(clinic_url: str, folder: Path) -> None:
    imported(clinic_url, folder)
    through = (START + timedelta(days=20)).date().isoformat()
    lines = data(clinic_url, "export", "--patient", "ADA", "--table", "weeks", "--through", through).stdout.splitlines()
    assert lines[0].split(",") == WEEK_FIELDS
    weeks = json.loads(data(clinic_url, "export", "--patient", "ADA", "--table", "weeks", "--format", "json", "--through", through).stdout)
    assert list(weeks[0]) == WEEK_FIELDS
    assert sum(week["distance_m"] or 0 for week in weeks) == pytest.approx(5400, abs=10)
    # an old file says nothing of the weeks after its run: not known, not 0
    assert (weeks[-1]["logged"], weeks[-1]["distance_m"], weeks[-1]["runs"]) == (False, None, None)


def test_a_real_clinic_is_encrypted_and_its_key_is_printed_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/clinic.db"
    made = data(url, "init", "--name", "Edina Running Clinic")
    key = tmp_path / "clinic.key"
    assert made.returncode == 0
    assert "RECOVERY SHEET" in made.stdout
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() in made.stdout.replace(" ", "")
    assert not (tmp_path / "clinic.db").read_bytes().startswith(b"SQLite format 3")
    again = data(url, "init")
    assert again.returncode == 2
    assert "it was not touched" in again.stderr


def test_without_the_key_nothing_can_be_read_and_it_is_said_loudly(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/clinic.db"
    data(url, "init")
    (tmp_path / "clinic.key").unlink()
    lost = data(url, "migrate")
    wrong = data(url, "migrate", STILL_RUNNING_KEY="00" * 32)
    assert lost.returncode == wrong.returncode == 2
    assert "NO KEY, NO DATA" in lost.stderr
    assert "NO KEY, NO DATA" in wrong.stderr
    assert "Traceback" not in lost.stderr + wrong.stderr


def test_the_demo_never_touches_a_real_clinic(tmp_path: Path, clinic_url: str) -> None:
    for arguments in (("demo",), ("demo", "--reset")):
        refused = data(clinic_url, *arguments)
        assert refused.returncode == 2
        assert "holds a real clinic" in refused.stderr
    url = f"sqlite:///{tmp_path}/new.db"
    (tmp_path / "clinic.key").write_text("ab" * 32)
    os.chmod(tmp_path / "clinic.key", 0o600)  # noqa: PTH101
    refused = data(url, "demo")
    assert refused.returncode == 2
    assert "An encryption key is configured" in refused.stderr
    assert not (tmp_path / "new.db").exists()


def test_without_a_database_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/clinic.db"
    for arguments in (("export", "--patient", "ADA", "--table", "runs"), ("import", "--patient", "ADA", str(ROOT / "README.md"))):
        done = data(url, *arguments)
        assert done.returncode == 2
        assert "There is no database yet" in done.stderr
    assert not (tmp_path / "clinic.db").exists()


def refused_in_a_sentence(url: str, *arguments: str | Path) -> str:
    done = data(url, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_database_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path, clinic_url: str) -> None:
    export = ("export", "--patient", "ADA", "--table", "runs")
    assert "DATABASE_URL is not the address of a database" in refused_in_a_sentence("foo", *export)
    nobody_listens = "postgresql://nobody@127.0.0.1:1/none"
    assert "The database could not be used: connection" in refused_in_a_sentence(nobody_listens, *export)
    assert "unable to open database file" in refused_in_a_sentence(f"sqlite:///{tmp_path}", *export)
    (tmp_path / "file").write_text("not a folder")
    assert "could not be used: " in refused_in_a_sentence(f"sqlite:///{tmp_path}/file/clinic.db", "migrate")
    damaged = Path(clinic_url.removeprefix("sqlite:///"))
    content = damaged.read_bytes()
    damaged.write_bytes(content[:4096] + b"\x07" * (len(content) - 4096))
    assert "The database could not be used: " in refused_in_a_sentence(clinic_url, *export)


def test_a_file_that_is_no_database_may_be_damaged_or_encrypted(tmp_path: Path) -> None:
    (tmp_path / "clinic.db").write_bytes(b"garbage " * 1_000)
    said = refused_in_a_sentence(f"sqlite:///{tmp_path}/clinic.db", "migrate")
    assert "encrypted and no key is configured, or the file" in said
    assert "is damaged or no database at all" in said


def test_an_unknown_code_is_created_by_an_import_only(clinic_url: str) -> None:
    said = refused_in_a_sentence(clinic_url, "export", "--patient", "NOBODY", "--table", "runs")
    assert said == "There is no patient with the code NOBODY.\n"


def test_a_folder_without_a_file_is_said(clinic_url: str, tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    (tmp_path / "sent" / ".hidden").write_text("not looked at")
    said = refused_in_a_sentence(clinic_url, "import", "--patient", "ADA", "--create", tmp_path / "sent")
    assert said == f"There is no file in {tmp_path}/sent.\n"


def test_help_names_every_command(tmp_path: Path) -> None:
    done = data(f"sqlite:///{tmp_path}/clinic.db", "--help")
    assert done.returncode == 0
    for command in ("migrate", "demo", "init", "import", "export", "user", "site", "audit"):
        assert command in done.stdout


# --------------------------------------------------------------------------------------------------------------------
# Who works here
# --------------------------------------------------------------------------------------------------------------------


def done_well(url: str, *arguments: str) -> str:
    done = data(url, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def link_in(said: str) -> str:
    (token,) = re.findall(r"^  /set-passphrase/([\w-]{43})$", said, re.MULTILINE)
    return str(token)


def test_a_real_clinic_gets_its_sites_and_people_from_the_terminal(clinic_url: str) -> None:
    assert done_well(clinic_url, "site", "list") == ""
    assert "data site add" in refused_in_a_sentence(
        clinic_url, "user", "add", "Tess", "--login", "tess", "--role", "owner", "--site", "Lakeside"
    )
    assert done_well(clinic_url, "site", "add", "Lakeside") == "Lakeside is a site of the clinic now.\n"
    done_well(clinic_url, "site", "add", "Video", "--kind", "virtual")
    assert done_well(clinic_url, "site", "list") == "Lakeside  |  in_person\nVideo  |  virtual\n"
    assert refused_in_a_sentence(clinic_url, "site", "add", "Video") == "There is a site called Video already.\n"

    added = (
        "user",
        "add",
        "Tess Lake",
        "--login",
        "Tess",
        "--role",
        "owner",
        "--role",
        "therapist",
        "--site",
        "Lakeside",
        "--site",
        "Video",
    )
    said = done_well(clinic_url, *added)
    assert said.startswith("Tess Lake works here now: owner, therapist.\n")
    assert re.search(r"once, until \d{4}-\d\d-\d\d \d\d:\d\d\.", said)
    engine = make_engine(clinic_url)
    assert accounts.link_holds(engine, link_in(said))
    assert refused_in_a_sentence(clinic_url, *added) == "The login name tess is taken. Choose another one.\n"
    listed = done_well(clinic_url, "user", "list")
    assert listed.splitlines() == [
        "Tess Lake  |  Roles: owner, therapist  |  Sites: Lakeside, Video  |  State: passphrase not set yet  |  Login name: tess  |  "
        "Second factor: no  |  Single sign-on: no"
    ]
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT actor, source, action FROM audit_event WHERE object_kind = 'person'")).all()
    assert [tuple(row) for row in rows] == [
        ("command line", "command line", "create"),
        ("command line", "command line", "permission_change"),
    ]
    engine.dispose()


def test_a_person_is_changed_by_their_login_name(clinic_url: str) -> None:
    for name in ("Olga", "Tess"):
        done_well(clinic_url, "user", "add", name, "--login", name, "--role", "owner")
    first = link_in(done_well(clinic_url, "user", "link", "TESS"))
    second = link_in(done_well(clinic_url, "user", "link", "tess"))
    engine = make_engine(clinic_url)
    assert [accounts.link_holds(engine, token) for token in (first, second)] == [False, True]
    engine.dispose()
    assert (
        done_well(clinic_url, "user", "role", "tess", "--role", "therapist", "--role", "front_desk")
        == "Tess is therapist, front desk now.\n"
    )
    assert done_well(clinic_url, "user", "off", "tess") == "Tess is switched off.\n"
    assert refused_in_a_sentence(clinic_url, "user", "link", "tess") == "This person is switched off. Switch them on first.\n"
    assert done_well(clinic_url, "user", "on", "tess") == "Tess is switched on.\n"
    assert done_well(clinic_url, "user", "unlock", "tess") == "Tess can try again.\n"
    assert done_well(clinic_url, "user", "reset-second-factor", "tess") == "Tess has no second factor any more.\n"
    for arguments in (("off", "olga"), ("role", "olga", "--role", "therapist")):
        assert "no owner who can sign in" in refused_in_a_sentence(clinic_url, "user", *arguments)
    for command in ("link", "off", "on", "unlock", "reset-second-factor"):
        assert refused_in_a_sentence(clinic_url, "user", command, "nobody") == "There is nobody with the login name nobody.\n"
    assert refused_in_a_sentence(clinic_url, "user", "add", "Nia", "--role", "owner") == "A login name has 1 to 100 characters.\n"
    assert data(clinic_url, "user", "add", "Nia", "--login", "nia", "--role", "king").returncode == 2
    assert data(clinic_url, "user", "add", "Nia", "--login", "nia").returncode == 2


def test_in_the_demo_clinic_people_are_added_without_a_login_name(demo_url: str) -> None:
    said = done_well(demo_url, "user", "add", "Nia New", "--role", "therapist")
    assert said.endswith("This is the demo clinic: they sign in by choosing their name.\n")
    assert "Nia New  |  Roles: therapist" in done_well(demo_url, "user", "list")
    assert "by choosing a name" in refused_in_a_sentence(demo_url, "user", "add", "Otto", "--login", "otto", "--role", "owner")


def test_a_new_clinic_says_what_to_do_next(tmp_path: Path) -> None:
    said = data(f"sqlite:///{tmp_path}/clinic.db", "init").stdout
    for next_step in ("data site add", "prints a link by which the first owner", "data user add"):
        assert next_step in said
