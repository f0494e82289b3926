"""
The real server, killed with SIGKILL at random moments of an import: is anything half-written, lost, or there twice afterwards?

Somebody signs in, sends an archive on the import page by the raw WebSocket that a browser would open, and starts the import. Then the
whole process group dies: the server, and the process that reads the files. A new server is asked for the same page, and the same archive
is sent again. A clinic lives through ten kills, each in the import of another patient, before the next one begins afresh.
"""

import argparse
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from access import accounts
from benchmarks.import_window import PATIENCE_S, PageUnexpected, Server, import_page, serving
from benchmarks.sent_runs import Sent, sent_runs
from benchmarks.whole_imports import Faults, after_again, after_kill, settled
from data import queries
from data.database import make_engine, migrate
from tests.clinic_scene import Scene, new_scene, score_on
from tests.visiting import Visitor

KILLS, SEED = 200, 20_261_124
KILLS_A_CLINIC = 10
HIT_AT_LEAST = 0.7  # of the kills have to fall into an import
PASSPHRASE = "kettle lantern morning"
CUT_OFF = "send the same files again to complete it"
PACES_KEPT = 7


# --------------------------------------------------------------------------------------------------------------------
# The clinic
# --------------------------------------------------------------------------------------------------------------------


@dataclass
class Clinic:
    """A fresh clinic of Tess and her patients, and what each of them sends."""

    url: str
    scene: Scene
    patients: list[tuple[str, str]]  # key, and how the list of patients names them
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, address: str) -> None:
        """Sign Tess in by the form, if her browser does not have a session from before the last kill."""
        if not self.cookies:
            visitor = Visitor(address)
            answer = visitor.sign_in(name="tess", passphrase=PASSPHRASE)
            if not visitor.cookies:
                raise PageUnexpected(f"Tess could not sign in: {answer.status}")
            self.cookies = visitor.cookies


@contextmanager
def fresh_clinic(folder: Path, sent: list[Sent]) -> Iterator[Clinic]:
    """Make a clinic with one patient for each archive; some scores were told before, and follow the runs once these are there."""
    url = f"sqlite:///{folder / 'clinic.db'}"
    engine = make_engine(url)
    migrate(engine)
    scene = new_scene(engine)
    accounts.set_passphrase(engine, scene.account(scene.tess, "tess"), PASSPHRASE)
    patients = []
    for number, one in enumerate(sent):
        code = f"RUNNER{number}"
        key = scene.patient(code, given_name="Ada", family_name=f"Number{number}")
        scene.episode(key)
        scene.score(key, *(score_on(day, number % 11) for day in one.earlier_scores))
        patients.append((key, code))
    labels = {row.code: f"{row.name} · {row.code}" for row in queries.patients(engine, scene.tess)}
    yield Clinic(url, scene, [(key, labels[code]) for key, code in patients])
    engine.dispose()


# --------------------------------------------------------------------------------------------------------------------
# The kills
# --------------------------------------------------------------------------------------------------------------------


@dataclass
class Kills:
    """What happened. `stored`: how many kills fell into an import when so many files were stored; `told`: how often the page said so."""

    asked: int
    done: int = 0
    before: int = 0
    after: int = 0
    stored: Counter[int] = field(default_factory=Counter)
    acknowledged: int = 0
    told: int = 0
    untold: int = 0
    faults: Faults = field(default_factory=Faults)
    seconds: float = 0.0

    @property
    def hit(self) -> int:
        return self.done - self.before - self.after

    @property
    def is_clean(self) -> bool:
        return self.done == self.asked and not self.faults.all and not self.untold and self.hit >= HIT_AT_LEAST * self.done

    @property
    def lines(self) -> list[str]:
        """Say it for the output."""
        moments = ", ".join(f"{files}: {count}" for files, count in sorted(self.stored.items()))
        told = [
            f"{self.done} kills of {self.asked} in {self.seconds:.0f} s: {self.hit} hit an import, {self.before} came before it, {self.after} after it.",
            f"Half-written: {len(self.faults.half_written)}. Lost: {len(self.faults.lost)} of {self.acknowledged:,} acknowledged files. "
            f"Doubled: {len(self.faults.doubled)}.",
            f"The new server told of the import that was cut off: {self.told} of {self.told + self.untold} times.",
            f"Kills by how many files were stored: {moments}.",
        ]
        return told + [f"  {said}" for said in self.faults.all[:30]]


def killed(
    kills: int, *, seed: int = SEED, large: int = 24, small: int = 36, a_clinic: int = KILLS_A_CLINIC, result: Kills | None = None
) -> Kills:
    """
    Kill the server so many times, and look after each.

    Parameters
    ----------
    kills : int
    seed : int
        Of the moments.
    large, small : int
        How many files of which size are sent, see `benchmarks.sent_runs.sent_runs`.
    a_clinic : int
        How many kills a clinic lives through.
    result : Kills, optional
        To fill: it is true at any time.
    """
    result, chance, began = result or Kills(kills), random.Random(seed), time.monotonic()
    sent = [sent_runs(variant, large=large, small=small) for variant in range(min(a_clinic, kills) + 1)]
    paces: list[float] = []  # seconds a file
    while result.done < kills:
        with tempfile.TemporaryDirectory(prefix="still-running-kills-") as folder, fresh_clinic(Path(folder), sent) as clinic:
            _one_clinic(clinic, sent, result, chance, paces, Path(folder))
        result.seconds = time.monotonic() - began
    return result


def _one_clinic(clinic: Clinic, sent: list[Sent], result: Kills, chance: random.Random, paces: list[float], folder: Path) -> None:
    whole: dict[str, Sent] = {}
    cut: tuple[int, int] | None = None  # whose import was killed, and how many files were stored by then
    for number in range(len(sent)):
        ends = number == len(sent) - 1 or result.done == result.asked
        with serving(clinic.url, folder / "server.log") as server:
            clinic.sign_in(server.address)
            if not paces:  # how fast it is, when nobody kills it
                key, label = clinic.patients[-1]
                paces.append(_import_all(clinic, server, label, sent[-1], result, is_cut=False) / len(sent[-1].files))
                result.faults.add(after_again(clinic.scene, key, sent[-1], stored_before=0))
                whole[key] = sent[-1]
            if cut is not None:
                before, stored = cut
                key, label = clinic.patients[before]
                _import_all(clinic, server, label, sent[before], result, is_cut=_is_cut(clinic.scene, key))
                result.faults.add(after_again(clinic.scene, key, sent[before], stored_before=stored))
                whole[key] = sent[before]
            if ends:
                return
            key, label = clinic.patients[number]
            acknowledged = _kill_one(clinic, server, label, sent[number], chance, paces)
        found, stored = after_kill(clinic.scene, key, sent[number], acknowledged=acknowledged)
        found.add(settled(clinic.scene, whole))
        result.faults.add(found)
        result.acknowledged += acknowledged
        result.done += 1
        batches = clinic.scene.rows("import_batch", patient_id=clinic.scene.rows("patient", key=key)[0]["id"])
        if not batches:
            result.before += 1
        elif batches[-1]["finished_at_utc"] is not None:
            result.after += 1
        else:
            result.stored[stored] += 1
        cut = (number, stored)
        said = f"{result.done}: {stored} files stored, {acknowledged} acknowledged"
        print(said, *result.faults.all, sep="; ", file=sys.stderr, flush=True)


def _is_cut(scene: Scene, patient_key: str) -> bool:
    batches = scene.rows("import_batch", patient_id=scene.rows("patient", key=patient_key)[0]["id"])
    return bool(batches) and batches[-1]["finished_at_utc"] is None


def _import_all(clinic: Clinic, server: Server, label: str, sent: Sent, result: Kills, *, is_cut: bool) -> float:
    """Send an archive and wait for the end; gives how long it took. The page has to tell of an import that was cut off, and only then."""
    with import_page(server.address, clinic.cookies, label) as page:
        if is_cut:
            result.told += CUT_OFF in page.shown
        result.untold += is_cut != (CUT_OFF in page.shown)
        page.send(sent.archive)
        began = time.monotonic()
        page.follow(PATIENCE_S)
        if not page.is_over:
            raise PageUnexpected("an import did not come to its end")
        return time.monotonic() - began


def _kill_one(clinic: Clinic, server: Server, label: str, sent: Sent, chance: random.Random, paces: list[float]) -> int:
    """
    Start an import and kill the server: any time before a file, each one as likely as the others, up to about two files later.

    Gives how many files the server had said were stored.
    """
    with import_page(server.address, clinic.cookies, label) as page:
        page.send(sent.archive)
        began = time.monotonic()
        page.follow(PATIENCE_S, until_read=chance.randrange(-1, len(sent.files)))
        page.follow(chance.uniform(0, 2 * statistics.median(paces[-PACES_KEPT:])))
        if page.read > 0:  # the computer may be busier than it was
            paces.append((time.monotonic() - began) / page.read)
        if server.process.poll() is not None:
            raise PageUnexpected("the server ended by itself")
        server.kill()
        page.hear_the_last()
    return len(sent.files) if page.is_over else page.stored


def main() -> None:
    """Run and print; exit code 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server_kills", description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to stop, it leaves no server behind
    result = Kills(options.kills)
    try:
        killed(options.kills, seed=options.seed, result=result)
    finally:
        print("\n".join(result.lines))
    sys.exit(0 if result.is_clean else 1)


if __name__ == "__main__":
    main()
