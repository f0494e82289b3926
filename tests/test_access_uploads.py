"""Large archives on their way in: who may send, how much, that they lie in pieces on the disk and never whole in memory, and when they go."""

import asyncio
import errno
import json
import os
import stat
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import FileIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Message

import data.database
from access import arrivals, sessions, uploads, watch, web
from access.arrivals import Arrival, Arrivals, UploadRefused
from access.cookies import COOKIE
from data import queries
from data.database import writing
from models import SignInSession, Viewer, utc_now
from tests.clinic_scene import Scene, new_scene
from tests.conftest import _forget
from tests.test_data_permissions import MISSING, Whose, a_patient
from tests.test_importers_archive import zipped

HOST = "clinic.example"
FROM_OUR_PAGE = {"sec-fetch-site": "same-origin"}
ARCHIVE = zipped(("a.fit", b"A" * 1_000), ("b.fit", b"B" * 1_000))
NETWORK_BYTES = 65_536  # what a server hands on at once
GONE, NO_PATIENT = "This upload is no longer waited for. Choose the archive again.", "There is no such patient here."


@dataclass(frozen=True)
class Answer:
    status: int
    content: bytes

    @property
    def told(self) -> dict[str, str]:
        return json.loads(self.content) if self.content else {}


@dataclass
class Door:
    """The routes, a clinic behind them, and somebody who sends."""

    scene: Scene
    folder: Path
    own: Whose
    foreign: Whose
    arrivals: Arrivals
    app: Starlette = field(default_factory=lambda: Starlette(routes=uploads.ROUTES))

    def token(self, who: Viewer) -> str:
        assert who.person_id is not None
        return sessions.start(self.scene.engine, who.person_id)

    def ask(
        self,
        method: str,
        path: str,
        token: str | None,
        pieces: Iterable[bytes | Callable[[], Message]] = (),
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send a request whose body comes in these pieces; a callable gives what else the network may say."""
        sent = {"host": HOST, **(FROM_OUR_PAGE if headers is None else headers), **({"cookie": f"{COOKIE}={token}"} if token else {})}
        coming = iter(pieces)
        said: list[Message] = []

        async def receive() -> Message:
            piece = next(coming, None)
            if callable(piece):
                return piece()
            return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

        async def send(message: Message) -> None:
            said.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "scheme": "http",
            "client": ("192.0.2.7", 1),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        }
        asyncio.run(self.app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in said if message["type"] == "http.response.body")
        return Answer(next(message["status"] for message in said if message["type"] == "http.response.start"), body)

    def announce(
        self,
        token: str | None,
        patient: str,
        *,
        size: int | str = len(ARCHIVE),
        name: str = "export.zip",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        return self.ask("POST", uploads.address(patient), token, [urlencode({"name": name, "size": size}).encode()], headers)

    def send(self, token: str | None, patient: str, upload: str, content: bytes = ARCHIVE, headers: dict[str, str] | None = None) -> Answer:
        cut = (content[start : start + NETWORK_BYTES] for start in range(0, len(content), NETWORK_BYTES))
        return self.ask("PUT", f"{uploads.address(patient)}/{upload}", token, cut, headers)

    def announced(self, token: str, patient: str | None = None, *, size: int = len(ARCHIVE), name: str = "export.zip") -> str:
        answer = self.announce(token, patient or self.own.patient, size=size, name=name)
        assert answer.status == 201, answer
        return answer.told["upload"]

    def sent(self, token: str, content: bytes = ARCHIVE, *, name: str = "export.zip") -> str:
        upload = self.announced(token, size=len(content), name=name)
        assert self.send(token, self.own.patient, upload, content).status == 204
        return upload

    def taken(self, token: str, *uploads_: str, patient: str | None = None) -> list[Arrival]:
        return self.arrivals.take(uploads_, session_key=sessions.key_of(token), patient_key=patient or self.own.patient)

    @contextmanager
    def held(self) -> Iterator[list[Arrival]]:
        """Give what is held at the beginning; then see that all of it is gone and closed."""
        before = self.arrivals._all()
        yield before
        assert self.arrivals._all() == []
        assert all(one.file.closed for one in before)


class FullDisk(FileIO):
    """A file on a disk that is full: it takes a few bytes, then none."""

    def write(self, piece: object, /) -> int:
        if self.left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.left -= 1
        return 10

    left = 2


@pytest.fixture
def door(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    import streamlit

    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    _forget(streamlit, data.database)
    engine = data.database.engine()
    scene = new_scene(engine)
    ours = Arrivals()
    monkeypatch.setattr(arrivals, "HERE", ours)
    own = a_patient(scene, "OWN", scene.tess, site_id=scene.harbour)
    foreign = a_patient(scene, "THEO", scene.theo, site_id=scene.harbour)
    yield Door(scene, data.database.uploads_folder(engine), own, foreign, ours)
    for one in ours._all():
        ours.forget(one)
    _forget(streamlit, data.database)


# --------------------------------------------------------------------------------------------------------------------
# What arrives
# --------------------------------------------------------------------------------------------------------------------


def test_an_archive_arrives_whole_and_is_given_once_to_who_sent_it_for_whom_it_was_sent(door: Door) -> None:
    tess, theo = door.token(door.scene.tess), door.token(door.scene.theo)
    upload = door.sent(tess, name="Åda’s export.zip")
    assert door.taken(theo, upload) == []
    assert door.taken(door.token(door.scene.tess), upload) == []  # another window, signed in anew
    assert door.taken(tess, upload, patient=door.foreign.patient) == []
    assert door.taken(tess, "made-up") == []
    (arrival,) = door.taken(tess, upload, upload)
    arrival.file.seek(0)
    assert (arrival.name, arrival.file.read()) == ("Åda’s export.zip", ARCHIVE)
    assert door.taken(tess, upload) == []
    arrival.drop()


def test_what_arrived_has_no_name_and_is_for_this_program_only(door: Door) -> None:
    tess = door.token(door.scene.tess)
    (arrival,) = door.taken(tess, door.sent(tess))
    of_file = os.fstat(arrival.file.fileno())
    assert (stat.S_IMODE(of_file.st_mode), of_file.st_nlink, of_file.st_size) == (0o600, 0, len(ARCHIVE))
    assert of_file.st_dev == door.folder.stat().st_dev  # the disk of the database, not one that is memory
    assert stat.S_IMODE(door.folder.stat().st_mode) == 0o700
    assert list(door.folder.iterdir()) == []
    arrival.drop()


def test_it_is_written_in_pieces_and_never_held_whole(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """20 MB in network pieces of 64 KiB: twenty writes of 1 MiB at most 64 KiB over, and never more than a few of them in memory."""
    written: list[int] = []
    original = Arrival.write
    monkeypatch.setattr(Arrival, "write", lambda self, piece: (written.append(len(piece)), original(self, piece))[1])
    size = 20 * uploads.PIECE_BYTES
    tess = door.token(door.scene.tess)
    upload = door.announced(tess, size=size)
    piece = b"PK\x03\x04" + b"\0" * (NETWORK_BYTES - 4)
    tracemalloc.start()
    answer = door.ask("PUT", f"{uploads.address(door.own.patient)}/{upload}", tess, (piece for _ in range(size // NETWORK_BYTES)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status == 204
    assert written == [uploads.PIECE_BYTES] * 20
    assert most < 8 * uploads.PIECE_BYTES
    (arrival,) = door.taken(tess, upload)
    assert os.fstat(arrival.file.fileno()).st_size == size
    arrival.drop()


# --------------------------------------------------------------------------------------------------------------------
# Who may send
# --------------------------------------------------------------------------------------------------------------------


def test_without_a_session_nothing_is_taken(door: Door) -> None:
    upload = door.announced(door.token(door.scene.tess))
    for token in (None, "made-up"):
        assert door.announce(token, door.own.patient).status == 401
        assert door.send(token, door.own.patient, upload).status == 401
    assert [one.come_bytes for one in door.arrivals._all()] == [0]


def test_who_does_not_treat_the_patient_finds_none_and_it_is_written_down(door: Door) -> None:
    for who in (door.scene.tess, door.scene.olga, door.scene.fred):
        token = door.token(who)
        patients = (door.foreign.patient, MISSING.patient)
        said = [door.announce(token, patient) for patient in patients]
        said += [door.send(token, patient, "made-up") for patient in patients]
        assert {(answer.status, answer.told["refused"]) for answer in said} == {(404, NO_PATIENT)}
    assert door.arrivals._all() == []
    refused = {(row["actor"], row["object_key"], row["source"]) for row in door.scene.rows("audit_event", action="refused")}
    assert {(name, door.foreign.patient, "192.0.2.7") for name in ("Tess", "Olga", "Fred")} <= refused
    assert door.announce(door.token(door.scene.theo), door.foreign.patient).status == 201


def test_a_patient_who_was_given_away_meanwhile_is_asked_for_before_the_first_byte_is_kept(door: Door) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess)
    with writing(door.scene.engine) as connection:
        connection.exec_driver_sql("UPDATE episode_of_care SET therapist_id = (SELECT id FROM person WHERE name = 'Theo')")
    assert door.send(tess, door.own.patient, upload).status == 404
    assert [one.come_bytes for one in door.arrivals._all()] == [0]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ],
)
def test_another_site_sends_nothing(door: Door, headers: dict[str, str]) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess)
    assert door.announce(tess, door.own.patient, headers=headers).status == 403
    assert door.send(tess, door.own.patient, upload, headers=headers).status == 403
    assert [one.come_bytes for one in door.arrivals._all()] == [0]


def test_a_browser_that_only_says_its_origin_may_send(door: Door) -> None:
    assert door.announce(door.token(door.scene.tess), door.own.patient, headers={"origin": f"http://{HOST}"}).status == 201


def test_only_who_announced_it_sends_its_bytes_and_once_only(door: Door) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess)
    other = a_patient(door.scene, "OTHER", door.scene.tess)
    for token, patient, key in (
        (door.token(door.scene.tess), door.own.patient, upload),
        (tess, other.patient, upload),
        (tess, door.own.patient, "made-up"),
    ):
        answer = door.send(token, patient, key)
        assert (answer.status, answer.told["refused"]) == (410, GONE)
    assert door.send(tess, door.own.patient, upload).status == 204
    assert door.send(tess, door.own.patient, upload).status == 410
    (arrival,) = door.taken(tess, upload)
    assert arrival.come_bytes == len(ARCHIVE)
    arrival.drop()


# --------------------------------------------------------------------------------------------------------------------
# How much
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "status", "words"),
    [
        ("0", 400, "empty"),
        ("1", 201, ""),
        ("2000000000", 201, ""),
        ("2000000001", 413, "larger than 2 GB"),
        ("9" * 5_000, 413, "larger than 2 GB"),
        ("-1", 400, "no longer"),
        ("²", 400, "no longer"),
        ("", 400, "no longer"),
    ],
)
def test_the_size_that_is_announced_is_held_to_its_limits(
    door: Door, monkeypatch: pytest.MonkeyPatch, size: str, status: int, words: str
) -> None:
    monkeypatch.setattr(arrivals, "free_bytes", lambda _folder: 10**12)
    answer = door.announce(door.token(door.scene.tess), door.own.patient, size=size)
    assert answer.status == status
    assert words in answer.told.get("refused", "")


@pytest.mark.parametrize(("size", "status"), [(len(ARCHIVE) - 1, 413), (len(ARCHIVE), 204), (len(ARCHIVE) + 1, 410)])
def test_what_comes_is_counted_and_must_be_what_was_announced(door: Door, size: int, status: int) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess, size=size)
    assert door.send(tess, door.own.patient, upload).status == status
    assert len(door.arrivals._all()) == (1 if status == 204 else 0)


@pytest.mark.parametrize("content", [b"x" * 100, b"\x1f\x8b\x08" + b"0" * 97, b"<?xml" + b" " * 95])
def test_what_is_no_archive_is_refused_at_its_first_piece(door: Door, content: bytes) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess, size=100)
    with door.held():
        answer = door.send(tess, door.own.patient, upload, content)
    assert (answer.status, answer.told["refused"]) == (415, arrivals.NO_ARCHIVE)


@pytest.mark.parametrize(("free", "status"), [(2_999_999_999, 507), (3_000_000_000, 201)])
def test_a_gigabyte_of_the_disk_stays_free(door: Door, monkeypatch: pytest.MonkeyPatch, free: int, status: int) -> None:
    monkeypatch.setattr(arrivals, "free_bytes", lambda _folder: free)
    assert door.announce(door.token(door.scene.tess), door.own.patient, size=2_000_000_000).status == status


def test_what_others_are_still_promised_is_no_free_room(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "free_bytes", lambda _folder: 4_000_000_000)
    assert door.announce(door.token(door.scene.theo), door.foreign.patient, size=2_000_000_000).status == 201
    tess = door.token(door.scene.tess)
    assert door.announce(tess, door.own.patient, size=1_000_000_001).status == 507
    assert door.announce(tess, door.own.patient, size=1_000_000_000).status == 201


def test_one_person_has_four_gigabytes_or_ten_archives_on_the_way_in_all_windows_together(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "free_bytes", lambda _folder: 10**12)
    one, other = door.token(door.scene.tess), door.token(door.scene.tess)
    assert door.announce(one, door.own.patient, size=2_000_000_000).status == 201
    assert door.announce(other, door.own.patient, size=1_999_999_992).status == 201
    assert door.announce(one, door.own.patient, size=9).status == 429
    for _ in range(8):
        assert door.announce(other, door.own.patient, size=1).status == 201
    answer = door.announce(one, door.own.patient, size=1)
    assert (answer.status, answer.told["refused"]) == (429, arrivals.TOO_MANY)
    assert door.announce(door.token(door.scene.theo), door.own.patient, size=1).status == 201  # the others still may


def test_two_archives_of_a_person_come_at_once_and_a_third_one_waits(door: Door) -> None:
    tess = door.token(door.scene.tess)
    ids = [door.announced(tess) for _ in range(3)]
    whose = {"session_key": sessions.key_of(tess), "patient_key": door.own.patient}
    first, _second = (door.arrivals.begin(one, **whose) for one in ids[:2])
    answer = door.send(tess, door.own.patient, ids[2])
    assert (answer.status, answer.told["refused"]) == (429, arrivals.AT_ONCE)
    door.arrivals.forget(first)
    assert door.send(tess, door.own.patient, ids[2]).status == 204


def test_a_full_disk_is_said_and_nothing_stays(door: Door, tmp_path: Path) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess)
    (arrival,) = door.arrivals._all()
    arrival.file.close()
    arrival.file = FullDisk(tmp_path / "full", "wb")
    answer = door.send(tess, door.own.patient, upload)
    assert (answer.status, answer.told["refused"]) == (507, arrivals.NO_ROOM)
    assert door.arrivals._all() == []
    assert arrival.file.closed


# --------------------------------------------------------------------------------------------------------------------
# What does not come whole, and what is not fetched
# --------------------------------------------------------------------------------------------------------------------


def test_cut_off_in_the_middle_it_leaves_nothing(door: Door) -> None:
    tess = door.token(door.scene.tess)
    upload = door.announced(tess, size=1_000_000)
    with door.held():
        pieces = [b"PK\x03\x04" + b"\0" * 500_000, lambda: {"type": "http.disconnect"}]
        answer = door.ask("PUT", f"{uploads.address(door.own.patient)}/{upload}", tess, pieces)
    assert (answer.status, answer.told["refused"]) == (400, uploads.BROKE_OFF)
    assert list(door.folder.iterdir()) == []


def test_one_that_no_longer_moves_is_dropped(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "STALLED_S", 0.0)

    class Waiting:
        async def stream(self) -> AsyncIterator[bytes]:
            await asyncio.Event().wait()
            yield b""

    async def wait() -> None:
        await anext(uploads._pieces(Waiting()))  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        asyncio.run(wait())


def test_signing_out_drops_what_arrived_and_cuts_off_what_is_coming(door: Door) -> None:
    tess, again = door.token(door.scene.tess), door.token(door.scene.tess)
    arrived, stays = door.sent(tess), door.sent(again)
    coming = door.announced(tess, size=3 * uploads.PIECE_BYTES)
    piece = b"PK\x03\x04" + b"\0" * (uploads.PIECE_BYTES - 4)

    def signed_out() -> Message:
        sessions.end(door.scene.engine, sessions.key_of(tess))
        return {"type": "http.request", "body": piece, "more_body": True}

    answer = door.ask("PUT", f"{uploads.address(door.own.patient)}/{coming}", tess, [piece, signed_out, piece])
    assert (answer.status, answer.told["refused"]) == (410, GONE)
    assert door.taken(tess, arrived, coming) == []
    assert [one.id for one in door.arrivals._all()] == [stays]


def test_a_session_that_locked_itself_keeps_nothing(door: Door) -> None:
    idle, awake = door.token(door.scene.tess), door.token(door.scene.tess)
    door.sent(idle)
    stays = door.sent(awake)
    with writing(door.scene.engine) as connection:
        seen = sa.update(SignInSession).where(SignInSession.metadata.tables["sign_in_session"].c.token_sha256 == sessions.key_of(idle))
        connection.execute(seen.values(last_seen_at_utc=utc_now() - timedelta(minutes=15)))
    asyncio.run(watch.look_at_arrivals())
    assert [one.id for one in door.arrivals._all()] == [stays]


@pytest.mark.parametrize(("after_s", "left"), [(arrivals.WAITS_S - 1, 1), (arrivals.WAITS_S, 0), (arrivals.WAITS_S + 1, 0)])
def test_what_nobody_fetches_is_dropped_after_a_quarter_of_an_hour(door: Door, after_s: float, left: int) -> None:
    door.sent(door.token(door.scene.tess))
    (arrival,) = door.arrivals._all()
    door.arrivals.drop_old(now_s=arrival.moved_s + after_s)
    assert len(door.arrivals._all()) == left


def test_only_what_is_left_of_archives_is_cleared_at_the_start(tmp_path: Path) -> None:
    arrivals.clear(tmp_path / "none yet")
    for name in (f"{arrivals.PREFIX}abc", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    arrivals.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_refusal_says_what_to_do(door: Door) -> None:
    said = [value for name, value in vars(arrivals).items() if name.isupper() and isinstance(value, str) and name != "PREFIX"]
    assert len(said) == 8
    assert all(sentence.endswith(".") and len(sentence) < 200 for sentence in said)
    with pytest.raises(UploadRefused, match=r"larger than 2 GB\. Take out"):
        door.arrivals.announce(door.folder, session_key="a", person_id=1, patient_key="b", name="c", size_bytes=2_000_000_001)
    assert queries.clinic(door.scene.engine).is_demo is False


# --------------------------------------------------------------------------------------------------------------------
# Small uploads, which Streamlit holds in memory
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "announced", "let_in"),
    [
        (0, str(web.WINDOW_MAX_BYTES), True),
        (0, str(web.WINDOW_MAX_BYTES + 1), False),
        (web.WINDOW_MAX_BYTES - 1_000, "999", True),
        (web.WINDOW_MAX_BYTES - 1_000, "1000", True),
        (web.WINDOW_MAX_BYTES - 1_000, "1001", False),
        (0, "9" * 5_000, False),
        (0, "-1", False),
        (0, None, False),
    ],
)
def test_a_window_holds_so_much_of_small_uploads_and_no_more(door: Door, held: int, announced: str | None, let_in: bool) -> None:
    door.app = web.Gate(  # type: ignore[assignment]
        PlainTextResponse("let in"),
        allowed_hosts=lambda: [HOST],
        is_window_of=lambda window, _key: window == "w",
        held_bytes=lambda _window: held,
    )
    headers = {} if announced is None else {"content-length": announced}
    tess = door.token(door.scene.tess)
    answer = door.ask("PUT", "/_stcore/upload_file/w/x", tess, headers=headers)
    assert (answer.status, answer.content.decode()) == ((200, "let in") if let_in else (413, web.WINDOW_FULL))
    assert door.ask("DELETE", "/_stcore/upload_file/w/x", tess).status == 200  # what is there can always be taken away
