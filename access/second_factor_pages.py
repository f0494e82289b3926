"""The pages between the first proof and a session: the code is asked for, or the second factor is set up."""

import html

import segno
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import asking_again, halfway, second_factor, sessions, steps, throttle
from access.cookies import session_of
from access.page import comes_from_here, form_of, page, paragraph, refused_form, unusable
from access.sign_in import address_of, session_begun
from access.steps import Step
from data import queries
from data.database import DatabaseUnusable, engine
from models import SignInStepKind

PATHS = (halfway.PATH, halfway.SET_UP_PATH)
DIGITS_FIELD = 'name="code" inputmode="numeric" autocomplete="one-time-code" spellcheck="false" required'


def code_fields(label: str = "Code") -> str:
    """Write the field for a code, and the one for a recovery code."""
    return f'<label for="code">{label}</label><input id="code" {DIGITS_FIELD} autofocus>'


def _code_page(refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    clinic = html.escape(queries.clinic(engine()).name)
    body = (
        f"<h1>Your code</h1><p>Enter the six digits that the app on your telephone shows for {clinic}.</p>{paragraph(refused, 'refused')}"
        f'<form method="post">{code_fields()}<button class="first">Go on</button></form>'
        '<details><summary>I do not have my telephone</summary><form method="post">'
        '<label for="recovery">Recovery code</label>'
        '<input id="recovery" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" required>'
        "<button>Use it up and go on</button></form>"
        '<p class="quiet">Each works once. Without one, ask the owner of the clinic.</p></details>'
        '<p class="quiet"><a href="/login">Sign in as somebody else</a></p>'
    )
    return page("Your code · Still Running", body, status=status, headers=headers)


async def give_code(request: Request) -> Response:
    """Ask for the code of the second factor (GET), or start the session if it fits (POST)."""
    return await _at_step(request, SignInStepKind.SECOND_FACTOR)


async def set_up(request: Request) -> Response:
    """Show the QR code of a new second factor (GET), or switch it on if the first code fits (POST)."""
    return await _at_step(request, SignInStepKind.ENROL)


async def _at_step(request: Request, kind: SignInStepKind) -> Response:
    is_code = kind is SignInStepKind.SECOND_FACTOR
    try:
        step = await run_in_threadpool(halfway.step_of, request, kind)
        if step is None or step.person_id is None or not await _is_still_in(request, step):
            return RedirectResponse("/login", status_code=303)
        if request.method != "POST":
            return await run_in_threadpool(_code_page) if is_code else await run_in_threadpool(_set_up_page, step)
        form = await form_of(request) if comes_from_here(request) else None
        if form is None:
            return refused_form()
        return await run_in_threadpool(_checked if is_code else _switched_on, request, step, step.person_id, form.get("code", ""))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)


async def _is_still_in(request: Request, step: Step) -> bool:
    """Say whether the session is still there from which somebody began to set up their own; True if they are only signing in."""
    if not step.payload["session"]:
        return True
    found = await session_of(request.scope)
    return found is not None and found.key == step.payload["session"]


def _checked(request: Request, step: Step, person_id: int, code: str) -> Response:
    try:
        second_factor.check(engine(), person_id, code, source=address_of(request))
    except second_factor.CodeRefused as refused:
        sessions.note_failed_sign_in(engine(), source=address_of(request), person_id=person_id)
        return _code_page(str(refused), status=401)
    except throttle.TooManyTries as refused:
        return _code_page(str(refused), status=429, headers=refused.headers)
    if not steps.end(engine(), step):
        return RedirectResponse("/login", status_code=303)
    return halfway.without_cookie(request, session_begun(request, person_id, step.payload["next"]))


# --------------------------------------------------------------------------------------------------------------------
# Setting up
# --------------------------------------------------------------------------------------------------------------------


def _set_up_page(step: Step, refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    secret, clinic = step.payload["secret"], queries.clinic(engine()).name
    name = asking_again.login_name(engine(), step.person_id or 0) or ""
    uri = second_factor.provisioning_uri(secret, clinic=clinic, login_name=name)
    picture = segno.make(uri, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff")
    in_groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    why = "" if step.payload["session"] else f"{html.escape(clinic)} asks everybody for a second factor. "
    body = (
        f"<h1>Set up your second factor</h1><p>{why}From then on, signing in takes your telephone too.</p>{paragraph(refused, 'refused')}"
        "<p>1. Take an app for codes on your telephone, such as Aegis, 2FAS or Google Authenticator, and let it read this:</p>"
        f'<div class="qr" role="img" aria-label="QR code for the app on your telephone">{picture}</div>'
        f'<p>It cannot? Type this into it:</p><p class="secret">{in_groups}</p>'
        f'<form method="post">{code_fields("2. Enter the six digits that it shows now")}<button class="first">Switch on</button></form>'
    )
    return page("Set up your second factor · Still Running", body, status=status, headers=headers)


def _switched_on(request: Request, step: Step, person_id: int, code: str) -> Response:
    try:
        codes = second_factor.set_up(engine(), person_id, step.payload["secret"], code, source=address_of(request))
    except second_factor.CodeRefused as refused:
        sessions.note_failed_sign_in(engine(), source=address_of(request), person_id=person_id)
        return _set_up_page(step, str(refused), status=401)
    except throttle.TooManyTries as refused:
        return _set_up_page(step, str(refused), status=429, headers=refused.headers)
    if not steps.end(engine(), step):
        return RedirectResponse("/login", status_code=303)
    answer = recovery_codes_page(codes, step.payload["next"])
    if not step.payload["session"]:
        answer = session_begun(request, person_id, step.payload["next"], answer)
    return halfway.without_cookie(request, answer)


def recovery_codes_page(codes: list[str], wanted: str) -> Response:
    """Show recovery codes, this once."""
    listed = "".join(f"<li>{code}</li>" for code in codes)
    return page(
        "Your recovery codes · Still Running",
        "<h1>Your recovery codes</h1><p>When you do not have your telephone, one of these stands in for it. Each works once. "
        "<strong>They are shown only now</strong>: print this page or write them down, and keep them where you keep your passport, "
        f'not on this computer.</p><ul class="codes">{listed}</ul><a class="first" href="{html.escape(wanted)}">I have kept them</a>',
    )


ROUTES = (
    Route(halfway.PATH, give_code, methods=["GET", "POST"]),
    Route(halfway.SET_UP_PATH, set_up, methods=["GET", "POST"]),
)
