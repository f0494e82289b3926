"""Going to the identity provider, and coming back from it with a sign-in or a proof that one is still the same person."""

import html
import logging
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread
import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import accounts, sessions, sign_in, single_sign_on, steps, throttle
from access.cookies import is_secure, session_of
from access.id_token import Expected, Identity, TokenRefused
from access.identity_provider import Asked, Provider, ProviderSilent, known_error, provider
from access.page import comes_from_here, form_of, page, paragraph, refused_form, unusable
from data.database import DatabaseUnusable, engine, writing
from models import AttemptsOf, SignInStepKind, utc_now

Result = TypeVar("Result")
STEP_HOLDS = timedelta(minutes=10)
# Lax: the way back from the provider is a link from another site, and must bring it along.
STATE_COOKIE, SECURE_STATE_COOKIE = "still_running_sso", "__Host-still_running_sso"
FAILED = "Single sign-on did not work. Nothing was changed. Try again, or ask the clinic's owner."

_log = logging.getLogger("still_running")
_asking = anyio.CapacityLimiter(4)  # a provider that keeps us waiting takes no thread from those who work


class _Refused(Exception):
    """What came back is no answer to what was asked."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


async def _waiting(work: Callable[[], Result]) -> Result:
    return await anyio.to_thread.run_sync(work, limiter=_asking)


def _cookie_name(request: Request) -> str:
    return SECURE_STATE_COOKIE if is_secure(request.scope) else STATE_COOKIE


def _failed(wanted: str, said: str = FAILED, *, status: int = 401, headers: dict[str, str] | None = None) -> Response:
    body = (
        f"<h1>Still Running</h1>{paragraph(said, 'refused')}"
        f'<p><a href="/login?next={html.escape(quote(wanted, safe=""))}">Back to the sign-in</a></p>'
    )
    return page("Single sign-on · Still Running", body, status=status, headers=headers)


def _too_often(wanted: str, refused: throttle.TooManyTries) -> Response:
    wait = {} if refused.wait_s is None else {"retry-after": str(refused.wait_s)}
    return _failed(wanted, str(refused), status=429, headers=wait)


def _provider_here() -> Provider | None:
    """Give the provider of a real clinic that has one. In the demo clinic one signs in by choosing a name."""
    found = provider()
    return None if found is None or accounts.is_demo() else found


def _not_here() -> Response:
    return page("Single sign-on · Still Running", f"<h1>Still Running</h1>{paragraph('There is no single sign-on here.')}", status=404)


# --------------------------------------------------------------------------------------------------------------------
# To the provider
# --------------------------------------------------------------------------------------------------------------------


async def start(request: Request) -> Response:
    """
    Send the browser to the provider: from the form of /login (POST), or with `again=1` whoever must prove who they are again (GET).
    """
    try:
        if request.method == "POST":
            form = await form_of(request) if comes_from_here(request) else None
            if form is None:
                return refused_form()
            wanted = sign_in.safe_next(form.get("next"))
            return await _waiting(lambda: _sent_away(request, wanted, None))
        wanted = sign_in.safe_next(request.query_params.get("next"))
        signed_in = await session_of(request.scope)
        if signed_in is None or request.query_params.get("again") != "1":
            return RedirectResponse(f"/login?next={quote(wanted, safe='')}", status_code=303)
        return await _waiting(lambda: _sent_away(request, wanted, signed_in))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)


def _sent_away(request: Request, wanted: str, again: sessions.SignedIn | None) -> Response:
    there = _provider_here()
    if there is None:
        return _not_here()
    here = there.settings.address or f"{'https' if is_secure(request.scope) else 'http'}://{request.url.netloc}"
    asked = Asked(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), redirect_uri=f"{here}/sso/back")
    payload = {"nonce": asked.nonce, "verifier": asked.verifier, "redirect_uri": asked.redirect_uri, "next": wanted}
    if again is not None:
        payload |= {"again": again.key, "asked_at": utc_now().isoformat()}
    try:
        throttle.count_try(engine(), throttle.Subject(AttemptsOf.ADDRESS, sign_in.address_of(request)), now=utc_now())
        token = steps.begin(
            engine(),
            SignInStepKind.SINGLE_SIGN_ON,
            holds=STEP_HOLDS,
            person_id=None if again is None else again.person_id,
            payload=payload,
        )
        url = there.where_to_sign_in(token, asked, anew=again is not None)
    except throttle.TooManyTries as refused:
        return _too_often(wanted, refused)
    except ProviderSilent as silent:
        _log.warning("single sign-on: %(reason)s", {"reason": silent.reason})
        return _failed(wanted, status=503)
    # A redirect here would be the answer to a form, and a browser lets our forms lead to us only (form-action): so the page moves on.
    body = (
        f"<h1>Still Running</h1><p>Going to {html.escape(there.settings.name)}.</p>"
        f'<p><a href="{html.escape(url)}">Go on, if nothing happens</a></p>'
    )
    answer = page("Single sign-on · Still Running", body, headers={"refresh": f"0; url={url}"})
    answer.set_cookie(
        _cookie_name(request),
        token,
        max_age=int(STEP_HOLDS.total_seconds()),
        httponly=True,
        secure=is_secure(request.scope),
        samesite="lax",
        path="/",
    )
    return answer


# --------------------------------------------------------------------------------------------------------------------
# And back
# --------------------------------------------------------------------------------------------------------------------


async def back(request: Request) -> Response:
    """Take what the provider answers: it counts once, in the browser that asked, within minutes."""
    try:
        signed_in = await session_of(request.scope)
        answer = await _waiting(lambda: _arrived_back(request, signed_in))
    except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
        return unusable(error)
    answer.delete_cookie(_cookie_name(request), path="/", secure=is_secure(request.scope), httponly=True, samesite="lax")
    return answer


def _arrived_back(request: Request, signed_in: sessions.SignedIn | None) -> Response:
    there = _provider_here()
    if there is None:
        return _not_here()
    of_address, wanted = throttle.Subject(AttemptsOf.ADDRESS, sign_in.address_of(request)), "/"
    try:
        throttle.count_try(engine(), of_address, now=utc_now())
        step = _step_of(request)
        wanted = step.payload["next"]
        again = step.payload.get("again")
        identity = _identity(request, there, step)
        if again is None:
            person_id = single_sign_on.person_who_signs_in(engine(), identity, source=sign_in.address_of(request))
            answer = sign_in.arrived(request, person_id, wanted, second_factor_done=identity.second_factor)
        else:
            if signed_in is None or signed_in.key != again:
                raise _Refused("another_session")
            if single_sign_on.person_of(engine(), identity) != signed_in.person_id:
                raise _Refused("another_person")
            sessions.prove(engine(), signed_in.key)
            answer = RedirectResponse(wanted, status_code=303)
    except throttle.TooManyTries as refused:
        return _too_often(wanted, refused)
    except (_Refused, ProviderSilent, TokenRefused, single_sign_on.NotLinked) as refused:
        _log.warning("single sign-on: %(reason)s", {"reason": refused.reason})
        sessions.note_failed_sign_in(engine(), source=sign_in.address_of(request))
        return _failed(wanted, status=503 if isinstance(refused, ProviderSilent) else 401)
    with writing(engine()) as connection:  # going there and coming back counted as two
        throttle.give_back(connection, of_address)
        throttle.give_back(connection, of_address)
    return answer


def _step_of(request: Request) -> steps.Step:
    """Give the step that was begun in this browser, and use it up, whatever comes of it."""
    state, bound = request.query_params.get("state", ""), request.cookies.get(_cookie_name(request), "")
    if not state or not secrets.compare_digest(state.encode(), bound.encode()):
        raise _Refused("state_of_another_browser")
    step = steps.find(engine(), SignInStepKind.SINGLE_SIGN_ON, state)
    if step is None or not steps.end(engine(), step):
        raise _Refused("state_used_or_over")
    return step


def _identity(request: Request, there: Provider, step: steps.Step) -> Identity:
    code, error = request.query_params.get("code"), request.query_params.get("error")
    if error is not None:
        raise _Refused(known_error(error))
    if not code:
        raise _Refused("no_code")
    if not there.answers_for_itself(request.query_params.get("iss")):
        raise _Refused("another_issuer")
    put_down = step.payload
    asked = Asked(nonce=put_down["nonce"], verifier=put_down["verifier"], redirect_uri=put_down["redirect_uri"])
    asked_at = datetime.fromisoformat(put_down["asked_at"]).astimezone(UTC) if "asked_at" in put_down else None
    expected = Expected(there.settings.issuer, there.settings.client_id, asked.nonce, asked_at)
    return there.identity(code, asked, expected)


ROUTES = (Route("/sso/start", start, methods=["GET", "POST"]), Route("/sso/back", back, methods=["GET"]))
