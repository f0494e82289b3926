"""
Taking a patient's facts away as a file: a route of our own behind the gate, not Streamlit's.

Who asks must be signed in, have proved a short while ago who they are, and ask from our own page or by themselves: reading leaves a row
in the audit, so no other site may make somebody's browser read. What is made, and for whom, is the say of the callable that is handed in.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import accounts
from access.cookies import session_of
from access.hosts import is_own_origin
from access.page import page, paragraph, unusable
from data.database import DatabaseUnusable
from data.exports import ExportFormat, ExportTable, Taken
from data.permissions import NotFound
from models import Viewer

FOLDER = "/export"
OFFERED = (ExportFormat.CSV, ExportFormat.XLSX)
HANDOUT_FOLDER = "/handout"
Maker = Callable[[Viewer, str, ExportTable, ExportFormat], Taken]
Named = Callable[[Viewer, Mapping[str, str]], Taken]


def address(patient_key: str, table: ExportTable, written_as: ExportFormat) -> str:
    """
    Give the address of a file: a random key in it, never a name.

    >>> address("k3y", ExportTable.RUNS, ExportFormat.CSV)
    '/export/k3y/runs.csv'
    """
    return f"{FOLDER}/{quote(patient_key, safe='')}/{table.value}.{written_as.value}"


def handout_address(episode_key: str, paper: str) -> str:
    """
    Give the address of a patient's hand-out: a random key in it, never a name.

    >>> handout_address("k3y", "a4")
    '/handout/k3y/a4.pdf'
    """
    return f"{HANDOUT_FOLDER}/{quote(episode_key, safe='')}/{paper}.pdf"


def route(make: Maker) -> Route:
    """
    Build the route to a patient's tables.

    Parameters
    ----------
    make : callable
        Takes viewer, patient's key, table and format; gives the file after it was written down, raises NotFound.
    """

    def named(viewer: Viewer, path: Mapping[str, str]) -> Taken:
        return make(viewer, path["patient_key"], *_wanted(path["name"]))

    return _route(f"{FOLDER}/{{patient_key}}/{{name}}", named)


def handout_route(make: Callable[[Viewer, str, str], Taken]) -> Route:
    """
    Build the route to a patient's hand-out, under the rules of all that leaves the clinic.

    Parameters
    ----------
    make : callable
        Takes viewer, episode's key and the paper as the address says it; gives the file after it was written down, raises NotFound.
    """

    def named(viewer: Viewer, path: Mapping[str, str]) -> Taken:
        paper, dot, ending = path["name"].rpartition(".")
        if not dot or ending != "pdf":
            raise NotFound("file")
        return make(viewer, path["episode_key"], paper)

    return _route(f"{HANDOUT_FOLDER}/{{episode_key}}/{{name}}", named)


def _route(path: str, named: Named) -> Route:
    async def download(request: Request) -> Response:
        if request.method != "GET":  # HEAD would leave a row for nothing
            return Response(status_code=405, headers={"allow": "GET"})
        if not _asked_by_the_person(request):
            return page("Not given", f"<h1>Not given</h1>{paragraph('This file was asked for by another site.')}{_BACK}", status=403)
        try:
            return await _answer(request, named)
        except NotFound:
            return page("Not found", f"<h1>Not found</h1>{paragraph('There is no such file here.')}{_BACK}", status=404)
        except (DatabaseUnusable, sa.exc.SQLAlchemyError, OSError) as error:
            return unusable(error)

    return Route(path, download, methods=["GET"])


_BACK = '<p><a href="/">Back to Still Running</a></p>'


def _asked_by_the_person(request: Request) -> bool:
    if "prefetch" in request.headers.get("sec-purpose", ""):  # the browser's own guess, not the person's wish
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    # browsers say nothing to a plain-HTTP server with a name of its own; who came from our page says so otherwise
    return is_own_origin(request.headers.get("referer", ""), request.headers.get("host", ""))


async def _answer(request: Request, named: Named) -> Response:
    held = await session_of(request.scope)
    viewer = None if held is None else await run_in_threadpool(accounts.viewer, held.key, touch=True)
    if held is None or viewer is None:  # it ended after the gate had looked
        return RedirectResponse(f"/login?next={quote(request.url.path, safe='')}", status_code=303)
    if held.proved_left.total_seconds() <= 0:
        return RedirectResponse(f"/confirm?next={quote(request.url.path, safe='')}", status_code=303)
    if request.client:
        viewer = viewer.model_copy(update={"source": request.client.host})
    taken = await run_in_threadpool(named, viewer, request.path_params)
    headers = {"content-disposition": f'attachment; filename="{taken.name}"', "cache-control": "no-store"}
    return Response(taken.content, media_type=taken.media_type, headers=headers)


def _wanted(name: str) -> tuple[ExportTable, ExportFormat]:
    wanted = {f"{table.value}.{written_as.value}": (table, written_as) for table in ExportTable for written_as in OFFERED}
    if name not in wanted:
        raise NotFound("file")
    return wanted[name]
