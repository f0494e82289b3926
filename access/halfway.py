"""Half-way in: a cookie that opens the page on which a sign-in goes on, and nothing else."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from access import second_factor, steps
from access.cookies import is_secure
from access.page import comes_from_here, page
from access.steps import Step
from data.database import engine
from models import SignInStepKind

PATH = "/second-factor"
SET_UP_PATH = f"{PATH}/set-up"
PLACES = {SignInStepKind.SECOND_FACTOR: PATH, SignInStepKind.ENROL: SET_UP_PATH}
# A code is at hand; for setting up somebody may have to install an app first.
HOLDS = {SignInStepKind.SECOND_FACTOR: timedelta(minutes=5), SignInStepKind.ENROL: timedelta(minutes=15)}
COOKIE, SECURE_COOKIE = "still_running_step", "__Secure-still_running_step"  # a __Host- cookie is sent to every page


def begun(request: Request, person_id: int, wanted: str, kind: SignInStepKind, *, session: str = "") -> Response:
    """
    Put a step down and lead to its page.

    Parameters
    ----------
    wanted : str
        Where to go when it is done.
    session : str
        The key of the session of somebody who is signed in already and sets up their own second factor.
    """
    payload = {"next": wanted, "session": session}
    if kind is SignInStepKind.ENROL:
        payload["secret"] = second_factor.new_secret()
    token = steps.begin(engine(), kind, holds=HOLDS[kind], person_id=person_id, payload=payload)
    answer = _leading_to(request, PLACES[kind])
    secure = is_secure(request.scope)
    answer.set_cookie(SECURE_COOKIE if secure else COOKIE, token, httponly=True, secure=secure, samesite="strict", path=PATH)
    return answer


def _leading_to(request: Request, place: str) -> Response:
    """Lead to a place of ours. Who comes from a provider is led there by a page of ours: a redirect would not carry a strict cookie."""
    if comes_from_here(request):
        return RedirectResponse(place, status_code=303)
    body = f"<h1>One more step</h1><p><a href='{place}'>Go on</a></p>"
    return page("One more step · Still Running", body, headers={"refresh": f"0; url={place}"})


def step_of(request: Request, kind: SignInStepKind) -> Step | None:
    """Give the step that a request's cookie opens; None if there is none of that kind or it is over."""
    token = request.cookies.get(SECURE_COOKIE if is_secure(request.scope) else COOKIE)
    return steps.find(engine(), kind, token) if token else None


def without_cookie(request: Request, answer: Response) -> Response:
    """Take the cookie of a step that is done away."""
    secure = is_secure(request.scope)
    answer.delete_cookie(SECURE_COOKIE if secure else COOKIE, path=PATH, secure=secure, httponly=True, samesite="strict")
    return answer
