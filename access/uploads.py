"""
The way in for large archives: two routes of our own, because Streamlit keeps what is uploaded in memory.

An archive is announced first (`POST /import/KEY`), so that a refusal comes as a sentence before a byte is on its way. Then its bytes come
(`PUT /import/KEY/ID`) and are written piece by piece. Both ask for a session, our own page, and the patient anew; the import itself, which
leaves its rows in the audit, is asked for by the page.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from access import accounts, arrivals, logs
from access.arrivals import Arrival, UploadRefused
from access.cookies import session_of
from access.page import comes_from_here, form_of
from data import imports
from data.database import DatabaseUnusable, engine, uploads_folder
from data.permissions import NotFound
from models import Viewer, plain_text

FOLDER = "/import"
PIECE_BYTES = 1_048_576  # what is held in memory of one archive
STALLED_S = 60.0  # nothing came for so long: the other end is gone

SIGN_IN = "You are not signed in any more. Nothing of the archive was kept."
ANOTHER_SITE = "This was sent by another site."
NO_PATIENT = "There is no such patient here."
UNREADABLE = "The database cannot be used at present. Nothing was changed."
BROKE_OFF = "The upload broke off, and nothing of it was kept. Choose the archive again."
Answering = Callable[[Request, Viewer, str], Awaitable[Response]]


def address(patient_key: str) -> str:
    """
    Give the address that takes archives of a patient: a random key in it, never a name.

    >>> address("k3y")
    '/import/k3y'
    """
    return f"{FOLDER}/{quote(patient_key, safe='')}"


def _refused(status: int, said: str) -> Response:
    return JSONResponse({"refused": said}, status_code=status)


def _of_somebody(answering: Answering) -> Callable[[Request], Awaitable[Response]]:
    """Give a route that knows who sends, and that they may import for the patient, before it answers. It takes nothing but our own pages' words."""

    async def answer(request: Request) -> Response:
        if not comes_from_here(request):
            return _refused(403, ANOTHER_SITE)
        try:
            held = await session_of(request.scope)
            viewer = None if held is None else await run_in_threadpool(accounts.viewer, held.key, touch=True)
            if held is None or viewer is None:  # it ended after the gate had looked
                return _refused(401, SIGN_IN)
            if request.client:
                viewer = viewer.model_copy(update={"source": request.client.host})
            await run_in_threadpool(imports.may_import, engine(), viewer, request.path_params["patient_key"])
            return await answering(request, viewer, held.key)
        except NotFound:
            return _refused(404, NO_PATIENT)
        except UploadRefused as refused:
            return _refused(refused.status, str(refused))
        except (DatabaseUnusable, sa.exc.SQLAlchemyError, OSError) as error:
            logs.broke(error)
            return _refused(503, UNREADABLE)

    return answer


async def announce(request: Request, viewer: Viewer, session_key: str) -> Response:
    """Take an archive's name and size; give the id under which its bytes may come."""
    form = await form_of(request)
    if form is None or viewer.person_id is None or not (size := form.get("size", "")).isascii() or not size.isdigit():
        return _refused(400, arrivals.GONE)
    made = await run_in_threadpool(
        arrivals.HERE.announce,
        uploads_folder(engine()),
        session_key=session_key,
        person_id=viewer.person_id,
        patient_key=request.path_params["patient_key"],
        name=plain_text(form.get("name", "")).strip() or "archive.zip",
        size_bytes=int(size[:20]),
    )
    return JSONResponse({"upload": made.id}, status_code=201)


async def receive(request: Request, _viewer: Viewer, session_key: str) -> Response:
    """Take the bytes of an archive that was announced; what does not come whole is not kept."""
    patient_key, upload = request.path_params["patient_key"], request.path_params["upload"]
    arrival = arrivals.HERE.begin(upload, session_key=session_key, patient_key=patient_key)
    with _whole_or_not_at_all(arrival):
        try:
            async for piece in _pieces(request):
                await run_in_threadpool(arrival.write, piece)
        except (ClientDisconnect, TimeoutError):
            raise UploadRefused(400, BROKE_OFF) from None
        arrivals.HERE.arrived(arrival)
    return Response(status_code=204)


@contextlib.contextmanager
def _whole_or_not_at_all(arrival: Arrival) -> Iterator[None]:
    try:
        yield
    except BaseException:
        arrivals.HERE.forget(arrival)
        raise


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Gather what comes into pieces of `PIECE_BYTES` or a little more, however small the network cuts it."""
    gathered = bytearray()
    coming = request.stream()
    while True:
        async with asyncio.timeout(STALLED_S):
            some = await anext(coming, None)
        if some is None:
            break
        gathered += some
        if len(gathered) >= PIECE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


ROUTES = (
    Route(f"{FOLDER}/{{patient_key}}", _of_somebody(announce), methods=["POST"]),
    Route(f"{FOLDER}/{{patient_key}}/{{upload}}", _of_somebody(receive), methods=["PUT"]),
)
