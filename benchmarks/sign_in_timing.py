"""
`python -m benchmarks.sign_in_timing`: does the time that a refusal takes say whether a name is there?

Serves a real clinic and sends the form of /login: a name that is there and one that is not, in turns, each with a wrong passphrase. The
throttle is emptied before each try, so that each one is compared. Prints the medians and how far apart they are.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from access import accounts
from data.database import make_engine, migrate, writing
from models import FailedSignIn
from tests.clinic_scene import add_account, new_link, new_scene
from tests.serving import served
from tests.visiting import Visitor

TRIES, APART_MAX = 200, 0.10
KNOWN, UNKNOWN = "tess", "tilda"


def timings(folder: Path, tries: int) -> dict[str, list[float]]:
    """Give the milliseconds of each refusal, by name."""
    url = f"sqlite:///{folder / 'clinic.db'}"
    engine = make_engine(url)
    migrate(engine)
    scene = new_scene(engine)
    tess = scene.tess.person_id or 0
    add_account(engine, tess, KNOWN)
    accounts.set_passphrase(engine, new_link(engine, tess), "orange kettle morning")
    took: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    with served(url, folder / "server.log") as address:
        visitor = Visitor(address)
        for number in range(tries + 2):  # the first two warm up
            for name in (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN):
                with writing(engine) as connection:
                    connection.execute(sa.delete(FailedSignIn))
                began = time.perf_counter()
                answer = visitor.sign_in(name=name, passphrase="wrong kettle morning")
                took[name].append(1_000 * (time.perf_counter() - began))
                assert answer.status == 401
    engine.dispose()
    return {name: times[2:] for name, times in took.items()}


def main() -> int:
    """Measure and print; exit 1 if the medians are further apart than the goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sign_in_timing")
    parser.add_argument("--tries", type=int, default=TRIES, help=f"tries of each name, default {TRIES}")
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory(prefix="still-running-") as folder:
        took = timings(Path(folder), tries)
    known, unknown = (statistics.median(took[name]) for name in (KNOWN, UNKNOWN))
    apart = abs(unknown / known - 1)
    for words, name in (("a name that is there", KNOWN), ("a name that is not", UNKNOWN)):
        low, _, high = statistics.quantiles(took[name], n=4)
        print(f"{words:22} median {statistics.median(took[name]):7.1f} ms, middle half {low:.1f} to {high:.1f} ms, {len(took[name])} tries")
    print(f"{apart:.1%} apart, goal at most {APART_MAX:.0%}: {'reached' if apart <= APART_MAX else 'NOT reached'}")
    return 0 if apart <= APART_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
