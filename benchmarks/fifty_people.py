"""
Fifty people at work at once, each at a patient of their own, on the real server: does anybody ever see somebody else's patient?

Every text of every patient and every person's name carries the number of whose it is (Zq07…), so each frame that the server sends says
whose facts it holds. The browsers are raw WebSockets in this process; they share the computer's cores with the server.
"""

import argparse
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from access import sessions
from access.cookies import COOKIE
from benchmarks.clinics import clinic_file
from benchmarks.serving import running
from data.database import make_engine, writing
from models import PersonRole, Role, utc_now
from pages.shared.shell import PAGES
from tests.clinic_scene import NOBODYS_HASH, made_anew
from tests.visiting import Visitor, Window

PEOPLE, SECONDS, YEARS = 50, 120.0, 3
THINK_S = (1.0, 3.0)
SEED = 20_261_124
MARK = re.compile(rb"Z[qp](\d{3})")  # q: of a patient, p: of a person
SPANS = ("6w", "3m", "1y", "episode", "all")


@dataclass(frozen=True)
class Member:
    """Somebody at work: their number, which stands in all that is theirs, their patient's episode, and their cookie."""

    number: int
    episode: str
    token: str


@dataclass
class Load:
    """What happened. `wrong`: frames with facts of somebody else; `missing`: pages of a patient on which the patient did not stand."""

    people: int
    seconds: float = 0.0
    interactions: int = 0
    saved: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    saw_themselves: set[int] = field(default_factory=set)
    server_cpu_s: float | None = None
    server_mb: float | None = None
    started_mb: float | None = None

    @property
    def is_clean(self) -> bool:
        return not (self.wrong or self.missing or self.errors) and self.interactions > 0 and len(self.saw_themselves) == self.people

    @property
    def lines(self) -> list[str]:
        """Say it for the output."""
        ordered = sorted(self.waits_s)
        at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else float("nan")  # noqa: E731
        told = [
            f"{self.people} people signed in at once, {self.seconds:.0f} s, each at a patient of their own: {self.interactions:,} interactions, "
            f"{self.saved:,} of them saved a score.",
            f"Wrong patients shown: {len(self.wrong)}. Errors: {len(self.errors)}. Pages without their patient: {len(self.missing)}. "
            f"Saw themselves: {len(self.saw_themselves)} of {self.people}.",
            f"From click to whole page: median {at(0.5):.0f} ms, p95 {at(0.95):.0f} ms, slowest {at(1.0):.0f} ms (browsers and server share the cores).",
        ]
        if self.server_cpu_s is not None and self.server_mb is not None and self.started_mb is not None:
            told.append(
                f"Server: {self.server_cpu_s:.1f} s of CPU ({self.server_cpu_s / max(self.seconds, 0.001):.0%} of a core), "
                f"{self.started_mb:.0f} MB before the first visitor, {self.server_mb:.0f} MB at its largest."
            )
        return told + [f"  {said}" for said in (self.wrong + self.missing + self.errors)[:20]]


def crowd(folder: Path, people: int, *, years: int = YEARS) -> tuple[str, list[Member]]:
    """Make a clinic with one therapist for each patient, all signed in; gives the database's URL and the people."""
    made = clinic_file(people, years, folder=folder)
    engine = make_engine(made.url)
    with writing(engine) as connection:

        def run(statement: str) -> None:
            connection.exec_driver_sql(statement)

        made_anew(connection, is_demo=False)
        run("UPDATE clinic SET therapists_see_site = 0")
        run("INSERT INTO person (id, key, name, is_active, created_at_utc) VALUES (1000, 'crowd-owner', 'Zowner', 1, '2026-01-01')")
        tables = PersonRole.metadata.tables
        connection.execute(tables["person_role"].insert().values(person_id=1000, role=Role.OWNER))
        with_passphrase = {"passphrase_hash": NOBODYS_HASH, "must_set_passphrase": False}  # a clinic without an owner lets nobody in
        connection.execute(
            tables["account"].insert().values(person_id=1000, login_name="owner", created_at_utc=utc_now(), **with_passphrase)
        )
        run("DROP TRIGGER plan_written_once")  # of this clinic, which is thrown away: nobody edits a plan otherwise
        for number in range(1, people + 1):
            mark, person = f"Zq{number:03d}", 1000 + number
            run(
                f"INSERT INTO person (id, key, name, is_active, created_at_utc) VALUES ({person}, 'crowd-{number}', 'Zp{number:03d}', 1, '2026-01-01')"
            )
            connection.execute(PersonRole.metadata.tables["person_role"].insert().values(person_id=person, role=Role.THERAPIST))
            run(
                f"UPDATE patient SET given_name = '{mark}given', family_name = '{mark}family', code = '{mark}code', created_by_id = {person} WHERE id = {number}"
            )
            run(
                f"UPDATE episode_of_care SET therapist_id = {person}, problem = '{mark}problem', goal = '{mark}goal' WHERE patient_id = {number}"
            )
            run(
                f"UPDATE change SET label = '{mark}change' WHERE episode_id IN (SELECT id FROM episode_of_care WHERE patient_id = {number})"
            )
            run(f"UPDATE plan SET reason = '{mark}plan' WHERE episode_id IN (SELECT id FROM episode_of_care WHERE patient_id = {number})")
            run(
                f"UPDATE visit SET summary = '{mark}visit' WHERE episode_id IN (SELECT id FROM episode_of_care WHERE patient_id = {number})"
            )
            run(f"UPDATE run SET device = '{mark}device' WHERE patient_id = {number}")
        rows = connection.exec_driver_sql("SELECT patient_id, key FROM episode_of_care WHERE status = 'active' ORDER BY patient_id").all()
    keys = {row.patient_id: row.key for row in rows}
    members = [Member(number, keys[number], sessions.start(engine, 1000 + number)) for number in range(1, people + 1)]
    engine.dispose()
    return made.url, members


class _Browser:
    """One person's open window; each answer is looked through before the next click."""

    def __init__(self, member: Member, window: Window, load: Load, lock: threading.Lock, chance: random.Random) -> None:
        self.member, self.window, self.load, self.lock, self.chance = member, window, load, lock, chance

    def click(self) -> None:
        """Do one thing that people do, about as often as they do it."""
        page = self.chance.choices(("patient", "pain-diary", "save", "other"), (5, 2, 1, 3))[0]
        if page == "save":
            self._save_a_score()
        elif page == "patient":
            self._ask("patient", f"&range={self.chance.choice(SPANS)}", its_patient=True)
        elif page == "pain-diary":
            self._ask("pain-diary", its_patient=True)
        else:
            self._ask(self.chance.choice(PAGES).url)

    def _ask(self, page: str, more: str = "", *, its_patient: bool = False, widgets: tuple[WidgetState, ...] = ()) -> bytes:
        began = time.perf_counter()
        self.window.ask(page, f"episode={self.member.episode}{more}", widgets=widgets)
        seen = self.window.take_in()
        waited = time.perf_counter() - began
        own = self.member.number
        others = {int(number) for number in MARK.findall(seen)} - {own}
        errors = list(_errors(self.window))
        with self.lock:
            self.load.interactions += 1
            self.load.waits_s.append(waited)
            self.load.wrong += [f"person {own} was sent something of {other} on {page!r}" for other in sorted(others)]
            self.load.errors += [f"person {own} on {page!r}: {error}" for error in errors]
            if its_patient and b"Zq%03dfamily" % own not in seen:
                self.load.missing.append(f"person {own} did not see their patient on {page!r}")
            if b"Zp%03d" % own in seen:
                self.load.saw_themselves.add(own)
        return seen

    def _save_a_score(self) -> None:
        """Choose a score of today in the diary and press Save; the answer is the page with what was saved."""
        self._ask("pain-diary", its_patient=True)
        ids = self.window.widget_ids()
        score = WidgetState(id=next(one for one in ids if "-score_during_" in one))
        score.string_array_value.data.append(str(self.chance.randrange(11)))
        save = WidgetState(id=next(one for one in ids if "-diary_save_" in one), trigger_value=True)
        seen = self._ask("pain-diary", its_patient=True, widgets=(score, save))
        with self.lock:
            self.load.saved += b"Saved: 1 answer" in seen


def _errors(window: Window) -> Iterator[str]:
    for message in window.messages:
        if message.WhichOneof("type") != "delta" or message.delta.WhichOneof("type") != "new_element":
            continue
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            yield f"exception {element.exception.type}"
        # that a score of that moment was there is said in words, as it should be
        elif kind == "alert" and element.alert.format == element.alert.ERROR and "is stored" not in element.alert.body:
            yield f"error shown: {element.alert.body[:80]}"
    if not any(
        message.WhichOneof("type") == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        for message in window.messages
    ):
        yield "the page did not run to its end"


def at_work(
    address: str,
    members: list[Member],
    *,
    seconds: float | None = None,
    clicks: int | None = None,
    think_s: tuple[float, float] = THINK_S,
    seed: int = SEED,
) -> Load:
    """
    Let all click at once, each in a window of their own: for some time, or for a number of clicks each.

    Parameters
    ----------
    think_s : tuple of float
        How long a person looks before the next click, at least and at most.
    """
    load, lock, together = Load(len(members)), threading.Lock(), threading.Barrier(len(members))

    def work(member: Member) -> None:
        chance = random.Random(seed * 1000 + member.number)
        try:
            with Visitor(address, {COOKIE: member.token}).window() as window:
                browser = _Browser(member, window, load, lock, chance)
                together.wait()
                until, done = time.monotonic() + (seconds or 0.0), 0
                while done < clicks if clicks is not None else time.monotonic() < until:
                    time.sleep(chance.uniform(*think_s))
                    browser.click()
                    done += 1
        except Exception as error:  # noqa: BLE001 whatever it is, it counts
            together.abort()
            with lock:
                load.errors.append(f"person {member.number}: {type(error).__name__} {error}")

    threads = [threading.Thread(target=work, args=(member,)) for member in members]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - began
    return load


@contextmanager
def _measured(process_id: int) -> Iterator[Callable[[Load], None]]:
    """Give a function that writes down what a server used since now; on other systems than Linux it writes nothing."""
    status, is_linux = Path(f"/proc/{process_id}/status"), sys.platform.startswith("linux")
    clock = ~process_id << 3 | 2  # the CPU clock of that process, see clock_getcpuclockid(3)
    started = time.clock_gettime(clock) if is_linux else 0.0

    def megabytes(name: str) -> float:
        found = re.search(rf"^{name}:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        return int(found[1]) / 1024 if found else float("nan")

    before = megabytes("VmRSS") if is_linux else None

    def note(load: Load) -> None:
        if is_linux:
            load.server_cpu_s, load.started_mb, load.server_mb = time.clock_gettime(clock) - started, before, megabytes("VmHWM")

    yield note


def measured(folder: Path, people: int, *, years: int = YEARS, **how: float | int | tuple[float, float] | None) -> Load:
    """Make the clinic, serve it, let everybody work, and give what happened."""
    url, members = crowd(folder, people, years=years)
    with running(url) as (address, process_id), _measured(process_id) as note:
        load = at_work(address, members, **how)  # type: ignore[arg-type]
        note(load)
    return load


def main() -> None:
    """Run and print; exit code 1 if anybody saw a wrong patient or an error."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fifty_people", description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="still-running-crowd-") as folder:
        load = measured(Path(folder), options.people, seconds=options.seconds, seed=options.seed)
    print("\n".join(load.lines))
    sys.exit(0 if load.is_clean else 1)


if __name__ == "__main__":
    main()
