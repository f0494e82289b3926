"""Several programs at once on one database: nothing lost, nothing twice."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from data import queries
from models import PainMoment, Side
from tests.clinic_scene import Scene, new_scene
from tests.serving import ROOT

PROCESSES, SAVES = 8, 50
FIRST_DAY = date(2025, 1, 6)

# Both programs wait for a line of input, so that all of them begin together.
SAVING = f"""
import sys
from datetime import date, timedelta
from data import records
from data.database import ready_engine
from data.permissions import COMMAND_LINE
from models import PainEntry, PainMoment, Side

url, patient, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
engine = ready_engine(url)
print("ready", flush=True)
sys.stdin.readline()
moment, side = list(PainMoment)[number % 4], list(Side)[number // 4]
kept = 0
for save in range({SAVES}):
    day = date({FIRST_DAY.year}, {FIRST_DAY.month}, {FIRST_DAY.day}) + timedelta(days=save)
    entry = PainEntry.checked(today=day, moment=moment, side=side, nprs=number, for_date=day)
    kept += records.add_pain_scores(engine, COMMAND_LINE, patient, [entry])
print(kept)
"""
IMPORTING = """
import sys
from contextlib import ExitStack
from pathlib import Path
from data import imports
from data.database import ready_engine
from data.permissions import COMMAND_LINE

url, patient, folder = sys.argv[1:]
engine = ready_engine(url)
held = ExitStack()
sources = imports.sources_in([Path(folder)], held)
print("ready", flush=True)
sys.stdin.readline()
print(imports.import_files(engine, COMMAND_LINE, patient, sources, via="command line").runs_added)
"""


def together(program: str, *arguments: list[str]) -> list[int]:
    """Run a program once for each list of arguments, all at the same time; gives the number that each one says."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, *given],
            cwd=ROOT,
            env=dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for given in arguments
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", process.communicate()[1]
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate(timeout=120) for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert [process.returncode for process in running] == [0] * len(running), answers
    return [int(said) for said, _ in answers]


def test_eight_programs_save_fifty_scores_each_and_all_are_kept(engine: sa.Engine, database_url: str) -> None:
    scene = new_scene(engine)
    patient = scene.patient("ADA")
    kept = together(SAVING, *([database_url, patient, str(number)] for number in range(PROCESSES)))
    assert kept == [SAVES] * PROCESSES

    scores = queries.scores(engine, scene.tess, patient)
    assert len(scores) == PROCESSES * SAVES == 400
    told = set(zip(scores["for_date"].dt.date, scores["moment"], scores["side"], scores["nprs"], strict=True))
    assert told == {
        (FIRST_DAY + timedelta(days=save), list(PainMoment)[number % 4].value, list(Side)[number // 4].value, number)
        for number in range(PROCESSES)
        for save in range(SAVES)
    }
    assert scene.rows("patient")[0]["changed_seq"] == 400
    weeks_of_50_days = 8
    pain_weeks = scene.rows("pain_week")
    assert len(pain_weeks) == PROCESSES * weeks_of_50_days
    assert sum(row[f"n{score}"] for row in pain_weeks for score in range(11)) == 400
    assert all(row[f"n{number}"] in (0, 1, 7) for row in pain_weeks for number in range(11))


def weekly_metres(scene: Scene) -> int:
    return sum(row["distance_m"] for row in scene.rows("patient_week"))


def test_the_same_folder_imported_by_several_programs_at_once_counts_once(engine: sa.Engine, database_url: str, tmp_path: Path) -> None:
    scene = new_scene(engine)
    patient = scene.patient("ADA")
    folder = tmp_path / "sent"
    folder.mkdir()
    for number in range(12):
        text = f"date,start_time,distance_km,moving_time\n2025-03-{number + 1:02},07:15,5,30:00\n"
        (folder / f"{number:02}.csv").write_text(text, encoding="utf-8")
    added = together(IMPORTING, *([database_url, patient, str(folder)] for _ in range(4)))
    assert sum(added) == len(scene.rows("run")) == 12
    assert weekly_metres(scene) == 60_000
    assert len(scene.rows("import_file")) == 48  # each file has its outcome, four times
