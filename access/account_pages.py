"""Pages of somebody who is signed in, made by the server alone because they ask for secrets: `/account` and `/confirm`."""

import html
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from access import accounts, asking_again, halfway, passphrases, second_factor, sessions, throttle
from access.cookies import token_of
from access.page import comes_from_here, form_of, hidden, page, paragraph, refused_form, unusable
from access.second_factor_pages import recovery_codes_page
from access.sessions import SignedIn
from access.sign_in import address_of, safe_next, slowly
from data.database import DatabaseUnusable, engine
from models import SignInStepKind

DOES_NOT_FIT = "This passphrase does not fit."
CHANGED = "Your passphrase was changed. Wherever else you were signed in, you are not any more."
Answering = Callable[[Request, SignedIn, dict[str, str]], Awaitable[Response]]


def _signed_in(request: Request) -> SignedIn | None:
    token = token_of(request.scope)
    return None if token is None else sessions.find(engine(), sessions.key_of(token), touch=True)


def _of_somebody(answering: Answering) -> Callable[[Request], Awaitable[Response]]:
    """Give a route that knows whose session it is, and takes forms only from our own pages."""

    async def answer(request: Request) -> Response:
        try:
            held = await run_in_threadpool(_signed_in, request)
            if held is None:
                return RedirectResponse("/login", status_code=303)
            form: dict[str, str] | None = {}
            if request.method == "POST":
                form = await form_of(request) if comes_from_here(request) else None
            return refused_form() if form is None else await answering(request, held, form)
        except (DatabaseUnusable, sa.exc.SQLAlchemyError) as error:
            return unusable(error)

    return answer


# --------------------------------------------------------------------------------------------------------------------
# Asking for the passphrase again
# --------------------------------------------------------------------------------------------------------------------


async def confirm(request: Request, held: SignedIn, form: dict[str, str]) -> Response:
    """Ask for the passphrase again (GET), or note that it was given (POST). A second factor is not asked for: the session had it."""
    wanted = safe_next(form.get("next") if request.method == "POST" else request.query_params.get("next"))
    if held.proved_left > timedelta():
        return RedirectResponse(wanted, status_code=303)
    if not await run_in_threadpool(asking_again.has_passphrase, engine(), held.person_id):
        return confirm_elsewhere(wanted)
    if request.method != "POST":
        return _confirm_page(wanted)
    try:
        await slowly(lambda: asking_again.check_passphrase(engine(), held.person_id, form.get("passphrase", "")))
    except accounts.SignInRefused:
        await _noted(request, held)
        return _confirm_page(wanted, DOES_NOT_FIT, status=401)
    except throttle.TooManyTries as refused:
        return _confirm_page(wanted, str(refused), status=429, headers=refused.headers)
    await run_in_threadpool(sessions.prove, engine(), held.key)
    return RedirectResponse(wanted, status_code=303)


def confirm_elsewhere(wanted: str) -> Response:
    """Send somebody who has no passphrase here to where they sign in, to sign in there again."""
    return RedirectResponse(f"/sso/start?next={quote(wanted, safe='')}&again=1", status_code=303)


def _confirm_page(wanted: str, refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return page(
        "Your passphrase again · Still Running",
        "<h1>Your passphrase again</h1><p>What comes next is delicate, so we make sure that it is still you. It then holds for 10 minutes.</p>"
        f'{paragraph(refused, "refused")}<form method="post" action="/confirm">{hidden("next", wanted)}{_passphrase_field(focus=True)}'
        '<button class="first">Go on</button></form><p class="quiet"><a href="/">Back to the first page</a></p>',
        status=status,
        headers=headers,
    )


def _passphrase_field(label: str = "Passphrase", *, focus: bool = False) -> str:
    return (
        f'<label for="passphrase">{label}</label><input id="passphrase" name="passphrase" type="password" '
        f'autocomplete="current-password" required{" autofocus" if focus else ""}>'
    )


async def _noted(request: Request, held: SignedIn) -> None:
    await run_in_threadpool(lambda: sessions.note_failed_sign_in(engine(), source=address_of(request), person_id=held.person_id))


# --------------------------------------------------------------------------------------------------------------------
# One's own account
# --------------------------------------------------------------------------------------------------------------------


async def account(_request: Request, held: SignedIn, _form: dict[str, str]) -> Response:
    """Show who is signed in, and what they can change about how they sign in."""
    return await run_in_threadpool(_account_page, held)


def _account_page(
    held: SignedIn, said: str = "", refused: str = "", *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    who = accounts.viewer(held.key, touch=False)
    if who is None:
        return RedirectResponse("/login", status_code=303)
    login_name = asking_again.login_name(engine(), held.person_id)
    signs_in = f", signing in as {html.escape(login_name)}" if login_name else ""
    parts = [f"<h1>{html.escape(who.name)}</h1><p>{html.escape(accounts.role_words(who))}{signs_in}</p>"]
    parts += [paragraph(said, "done"), paragraph(refused, "refused")]
    if accounts.is_demo():
        parts.append("<p>In the demo clinic there is nothing to prove, so there is nothing to set up here.</p>")
    elif login_name:
        has_passphrase = asking_again.has_passphrase(engine(), held.person_id)
        parts += [_second_factor_part(held, has_passphrase), _passphrase_part() if has_passphrase else ""]
    parts.append('<p class="quiet"><a href="/">Back to the first page</a></p>')
    return page("Your account · Still Running", "".join(parts), status=status, headers=headers)


def _second_factor_part(held: SignedIn, has_passphrase: bool) -> str:
    if not second_factor.has_one(engine(), held.person_id):
        return (
            "<h2>Second factor: off</h2><p>With it, a passphrase that somebody saw or guessed opens nothing: signing in takes your telephone too.</p>"
            '<form method="post" action="/account/second-factor"><button class="first">Set up a second factor</button></form>'
        )
    left = second_factor.recovery_codes_left(engine(), held.person_id)
    if second_factor.is_required(engine()):
        take_away = '<p class="quiet">This clinic asks everybody for a second factor, so it stays on.</p>'
    else:
        take_away = (
            '<details><summary>Take it away</summary><form method="post" action="/account/second-factor/off">'
            f"{_passphrase_field() if has_passphrase else ''}"
            '<label for="code">Code of the app, or a recovery code</label>'
            '<input id="code" name="code" autocomplete="one-time-code" spellcheck="false" required>'
            "<button>Take the second factor away</button></form></details>"
        )
    return (
        f"<h2>Second factor: on</h2><p>{left} of {second_factor.RECOVERY_CODES} recovery codes are left.</p>"
        '<form method="post" action="/account/recovery-codes"><button>Make new recovery codes; the old ones end</button></form>'
        f"{take_away}"
    )


def _passphrase_part() -> str:
    return (
        '<h2>Passphrase</h2><form method="post" action="/account/passphrase"><label for="old">The one you have</label>'
        '<input id="old" name="old" type="password" autocomplete="current-password" required>'
        f'<label for="new">A new one, at least {passphrases.PASSPHRASE_MIN} characters</label>'
        '<input id="new" name="new" type="password" autocomplete="new-password" required>'
        '<label for="again">The new one again</label><input id="again" name="again" type="password" autocomplete="new-password" required>'
        "<button>Change the passphrase</button></form>"
    )


def _to_confirm() -> Response:
    return RedirectResponse("/confirm?next=/account", status_code=303)


async def begin_second_factor(request: Request, held: SignedIn, _form: dict[str, str]) -> Response:
    """Lead somebody who is signed in to setting up their second factor. It takes a fresh proof: a window left alone must not lock its owner out."""

    def begun() -> Response:
        if accounts.is_demo():
            return _account_page(held)
        return halfway.begun(request, held.person_id, "/account", SignInStepKind.ENROL, session=held.key)

    return await run_in_threadpool(begun) if held.proved_left > timedelta() else _to_confirm()


async def renew_recovery_codes(request: Request, held: SignedIn, _form: dict[str, str]) -> Response:
    """Make new recovery codes and show them once; takes a fresh proof."""

    def renewed() -> Response:
        try:
            codes = second_factor.new_recovery_codes(engine(), held.person_id, source=address_of(request))
        except second_factor.CodeRefused:
            return RedirectResponse("/account", status_code=303)
        return recovery_codes_page(codes, "/account")

    return await run_in_threadpool(renewed) if held.proved_left > timedelta() else _to_confirm()


async def end_second_factor(request: Request, held: SignedIn, form: dict[str, str]) -> Response:
    """Take one's own second factor away, by passphrase and code."""

    def ended() -> Response:
        if asking_again.has_passphrase(engine(), held.person_id):
            asking_again.check_passphrase(engine(), held.person_id, form.get("passphrase", ""))
        elif held.proved_left <= timedelta():
            return _to_confirm()
        second_factor.give_up(engine(), held.person_id, form.get("code", ""), source=address_of(request))
        return _account_page(held, "Your second factor was taken away.")

    return await _changed(request, held, ended)


async def change_passphrase(request: Request, held: SignedIn, form: dict[str, str]) -> Response:
    """Change one's own passphrase, by the old one; every other session of theirs ends."""

    def changed() -> Response:
        if form.get("new", "") != form.get("again", ""):
            raise passphrases.PassphraseRefused("The two are not the same.")
        asking_again.change_passphrase(engine(), held, form.get("old", ""), form.get("new", ""), source=address_of(request))
        return _account_page(held, CHANGED)

    return await _changed(request, held, changed)


async def _changed(request: Request, held: SignedIn, change: Callable[[], Response]) -> Response:
    """Answer as a change does, or say why it was refused."""
    try:
        return await slowly(change)
    except (accounts.SignInRefused, second_factor.CodeRefused) as refused:
        await _noted(request, held)
        said = DOES_NOT_FIT if isinstance(refused, accounts.SignInRefused) else str(refused)
        return await run_in_threadpool(lambda: _account_page(held, refused=said, status=401))
    except (passphrases.PassphraseRefused, second_factor.SecondFactorRequired) as refused:
        said = str(refused)
        return await run_in_threadpool(lambda: _account_page(held, refused=said, status=422))
    except throttle.TooManyTries as refused:
        said, headers = str(refused), refused.headers
        return await run_in_threadpool(lambda: _account_page(held, refused=said, status=429, headers=headers))


ROUTES = (
    Route("/confirm", _of_somebody(confirm), methods=["GET", "POST"]),
    Route("/account", _of_somebody(account), methods=["GET"]),
    Route("/account/second-factor", _of_somebody(begin_second_factor), methods=["POST"]),
    Route("/account/second-factor/off", _of_somebody(end_second_factor), methods=["POST"]),
    Route("/account/recovery-codes", _of_somebody(renew_recovery_codes), methods=["POST"]),
    Route("/account/passphrase", _of_somebody(change_passphrase), methods=["POST"]),
)
