"""The second factor, one's own account and the passphrase asked for again, as served."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from sqlmodel import col
from starlette.requests import Request
from websockets.exceptions import InvalidStatus

import data.database
from access import passphrases, second_factor, sessions, sign_in
from access.cookies import COOKIE
from access.halfway import COOKIE as STEP_COOKIE
from data import queries
from data.database import make_engine, writing
from models import Account, Clinic, FailedSignIn, Person, PersonRole, Role, SignInSession, SignInStep, Table, utc_now
from tests.clinic_scene import new_scene
from tests.conftest import _copy_of
from tests.serving import served
from tests.test_access_gate import INNER, PAGES
from tests.visiting import FROM_OUR_PAGE, HTML, Answer, Visitor

GOOD, BETTER = "orange kettle morning", "violet ladder evening"
INSIDE = "/_stcore/script-health-check"  # answered only to who has a session
OWN_PAGES = ("/account", "/confirm")
FORMS = ("/account/second-factor", "/account/second-factor/off", "/account/recovery-codes", "/account/passphrase", "/confirm")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Who:
    """Somebody with an account, and what only they know."""

    person_id: int
    login_name: str
    secret: str
    recovery_codes: list[str]

    @property
    def code(self) -> str:
        return pyotp.TOTP(self.secret).now()


@dataclass(frozen=True)
class RealClinic:
    """A real clinic as served."""

    engine: sa.Engine
    address: str
    passphrase_hash: str

    def somebody(self, *, second_factor_on: bool = True) -> Who:
        """Employ a therapist who signs in with GOOD."""
        name, secret = f"person-{next(_numbers)}", second_factor.new_secret()
        with writing(self.engine) as connection:
            person_id = int(connection.execute(sa.insert(Person).values(name=name.title()).returning(col(Person.id))).scalar_one())
            connection.execute(sa.insert(PersonRole).values(person_id=person_id, role=Role.THERAPIST))
            account = {"person_id": person_id, "login_name": name, "passphrase_hash": self.passphrase_hash, "must_set_passphrase": False}
            connection.execute(sa.insert(Account).values(account))
        codes: list[str] = []
        if second_factor_on:
            earlier = utc_now() - timedelta(hours=1)
            codes = second_factor.set_up(self.engine, person_id, secret, pyotp.TOTP(secret).at(earlier), now=earlier)
        return Who(person_id, name, secret, codes)

    def visitor(self) -> Visitor:
        return Visitor(self.address)

    def inside(self, who: Who) -> Visitor:
        """Sign somebody in, as far as it takes."""
        visitor = self.visitor()
        answer = visitor.sign_in(name=who.login_name, passphrase=GOOD)
        if answer.location == "/second-factor":
            self.change(Account, totp_step=None)
            answer = give(visitor, who.code)
        assert (answer.status, answer.location) == (303, "/")
        return visitor

    def change(self, table: type[Table], **values: Any) -> None:
        with writing(self.engine) as connection:
            connection.execute(sa.update(table).values(**values))

    def told(self, who: Who, *actions: str) -> list[str]:
        """Give what the audit says that somebody did, of these actions."""
        event = Table.metadata.tables["audit_event"]
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(event.c.action).where(event.c.person_id == who.person_id).order_by(event.c.seq)).scalars()
            return [str(action) for action in rows if action in actions]


@pytest.fixture(scope="module")
def running(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealClinic]:
    folder = tmp_path_factory.mktemp("real")
    url = _copy_of(sqlite_template, folder)
    engine = make_engine(url)
    new_scene(engine)
    with served(url, folder / "server.log") as address:
        yield RealClinic(engine, address, passphrases.hashed(GOOD))
    engine.dispose()


@pytest.fixture
def clinic(running: RealClinic) -> Iterator[RealClinic]:
    yield running
    running.change(Clinic, require_second_factor=False)
    with writing(running.engine) as connection:
        connection.execute(sa.delete(FailedSignIn))


def give(visitor: Visitor, code: str, path: str = "/second-factor") -> Answer:
    return visitor.ask("POST", path, form={"code": code}, headers=FROM_OUR_PAGE)


def _is_inside(visitor: Visitor) -> bool:
    return visitor.ask("GET", INSIDE).status != 401


def _secret_on(answer: Answer) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', answer.text)
    assert found
    return found[1].replace(" ", "")


def _codes_on(answer: Answer) -> list[str]:
    return re.findall(r"<li>([0-9A-Z-]{14})</li>", answer.text)


# --------------------------------------------------------------------------------------------------------------------
# Signing in with a second factor
# --------------------------------------------------------------------------------------------------------------------


def test_a_passphrase_leads_to_the_code_and_the_code_leads_in(clinic: RealClinic) -> None:
    who, visitor = clinic.somebody(), clinic.visitor()
    answer = visitor.sign_in(name=who.login_name, passphrase=GOOD, wanted="/patient?episode=abc")
    assert (answer.status, answer.location) == (303, "/second-factor")
    assert re.fullmatch(r"still_running_step=[\w-]{43}; HttpOnly; Path=/second-factor; SameSite=strict", answer.headers["set-cookie"])
    assert clinic.told(who, "sign_in", "sign_in_failed") == []
    asked = visitor.ask("GET", "/second-factor", headers=HTML)
    assert asked.status == 200
    assert "Two Rivers" in asked.text
    assert who.login_name not in asked.text.lower()
    answer = give(visitor, who.code)
    assert (answer.status, answer.location) == (303, "/patient?episode=abc")
    assert set(visitor.cookies) == {COOKIE}
    assert clinic.told(who, "sign_in", "sign_in_failed") == ["sign_in"]
    with visitor.window() as window:
        assert who.login_name.title() in window.show()


def test_behind_tls_the_half_way_cookie_is_bound_to_it(clinic: RealClinic) -> None:
    who = clinic.somebody()
    behind_tls = {**FROM_OUR_PAGE, "X-Forwarded-Proto": "https"}
    visitor = clinic.visitor()
    answer = visitor.ask("POST", "/login", form={"name": who.login_name, "passphrase": GOOD, "next": "/"}, headers=behind_tls)
    assert re.fullmatch(
        r"__Secure-still_running_step=[\w-]{43}; HttpOnly; Path=/second-factor; SameSite=strict; Secure", answer.headers["set-cookie"]
    )
    assert visitor.ask("GET", "/second-factor", headers=behind_tls).status == 200
    assert visitor.ask("GET", "/second-factor").location == "/login"


def test_who_has_no_second_factor_is_in_by_the_passphrase(clinic: RealClinic) -> None:
    who, visitor = clinic.somebody(second_factor_on=False), clinic.visitor()
    assert visitor.sign_in(name=who.login_name, passphrase=GOOD).location == "/"
    assert _is_inside(visitor)


def test_wrong_codes_are_answered_alike_told_to_the_audit_and_throttled(clinic: RealClinic) -> None:
    who, visitor = clinic.somebody(), clinic.visitor()
    visitor.sign_in(name=who.login_name, passphrase=GOOD)
    second_factor.check(clinic.engine, who.person_id, used := who.code)
    second_factor.check(clinic.engine, who.person_id, who.recovery_codes[0])
    answers = [give(visitor, code) for code in ("000000", used, who.recovery_codes[0], "", "x" * 5_000)]
    assert [answer.status for answer in answers] == [401] * 5
    assert len({answer.text for answer in answers}) == 1
    assert clinic.told(who, "sign_in", "sign_in_failed") == ["sign_in_failed"] * 5
    last = give(visitor, who.recovery_codes[1])
    assert last.status == 429
    assert 0 < int(last.headers["retry-after"]) <= 15 * 60 + 1
    assert clinic.told(who, "sign_in", "sign_in_failed") == ["sign_in_failed"] * 5  # a flood does not fill the audit
    assert not _is_inside(visitor)


def test_the_same_code_does_not_open_a_second_browser(clinic: RealClinic) -> None:
    who, first, second = clinic.somebody(), clinic.visitor(), clinic.visitor()
    for visitor in (first, second):
        visitor.sign_in(name=who.login_name, passphrase=GOOD)
    code = who.code
    assert [give(first, code).status, give(second, code).status] == [303, 401]
    assert [_is_inside(first), _is_inside(second)] == [True, False]


def test_a_recovery_code_leads_in_once(clinic: RealClinic) -> None:
    who, first, second = clinic.somebody(), clinic.visitor(), clinic.visitor()
    for visitor in (first, second):
        visitor.sign_in(name=who.login_name, passphrase=GOOD)
    assert [give(visitor, who.recovery_codes[0].lower()).status for visitor in (first, second)] == [303, 401]
    assert clinic.told(who, "permission_change") == ["permission_change"] * 2  # set up, used


@pytest.mark.parametrize("how", ["over", "switched off", "made up", "none"])
def test_a_step_that_does_not_hold_leads_back_to_the_door(clinic: RealClinic, how: str) -> None:
    who, visitor = clinic.somebody(), clinic.visitor()
    visitor.sign_in(name=who.login_name, passphrase=GOOD)
    if how == "over":
        clinic.change(SignInStep, expires_at_utc=utc_now())
    elif how == "switched off":
        with writing(clinic.engine) as connection:
            connection.execute(sa.update(Person).where(col(Person.id) == who.person_id).values(is_active=False))
    else:
        visitor.cookies = {STEP_COOKIE: "made-up"} if how == "made up" else {}
    for answer in (visitor.ask("GET", "/second-factor", headers=HTML), give(visitor, who.code)):
        assert (answer.status, answer.location) == (303, "/login")
    assert not _is_inside(visitor)


@pytest.mark.parametrize("required", [False, True], ids=["second factor", "enrol"])
def test_half_way_in_opens_nothing_but_its_own_page(clinic: RealClinic, required: bool) -> None:
    clinic.change(Clinic, require_second_factor=required)
    who, visitor = clinic.somebody(second_factor_on=not required), clinic.visitor()
    own, other = ("/second-factor/set-up", "/second-factor") if required else ("/second-factor", "/second-factor/set-up")
    assert visitor.sign_in(name=who.login_name, passphrase=GOOD).location == own
    token = visitor.cookies[STEP_COOKIE]
    for cookies in (visitor.cookies, {COOKIE: token}, {COOKIE: token, STEP_COOKIE: token}):
        thief = Visitor(clinic.address, dict(cookies))
        for page in (*(f"/{page}" for page in PAGES), *OWN_PAGES):
            answer = thief.ask("GET", page, headers=HTML)
            assert (answer.status, answer.text) == (303, "")
            assert answer.location.startswith("/login?next=")
        for path in (*INNER, *FORMS, *OWN_PAGES):
            assert thief.ask("POST", path, form={"code": who.code}, headers=FROM_OUR_PAGE).status == 401
        with pytest.raises(InvalidStatus) as refused, thief.window():
            pass
        assert refused.value.response.status_code == 403
        assert thief.ask("GET", other, headers=HTML).location == "/login"
        assert give(thief, who.code, other).location == "/login"
    assert visitor.ask("GET", own, headers=HTML).status == 200


def test_no_token_that_was_there_before_becomes_a_session(clinic: RealClinic) -> None:
    who = clinic.somebody()
    visitor = Visitor(clinic.address, {COOKIE: "planted", STEP_COOKIE: "planted"})
    visitor.sign_in(name=who.login_name, passphrase=GOOD)
    step = visitor.cookies[STEP_COOKIE]
    give(visitor, who.code)
    assert not {visitor.cookies[COOKIE], step} & {"planted"}
    assert visitor.cookies[COOKIE] != step
    again = Visitor(clinic.address, {STEP_COOKIE: step})
    assert give(again, who.recovery_codes[0]).location == "/login"  # a step is used up
    assert second_factor.recovery_codes_left(clinic.engine, who.person_id) == 10


def test_a_form_of_another_site_is_refused_half_way_too(clinic: RealClinic) -> None:
    who, visitor = clinic.somebody(), clinic.visitor()
    visitor.sign_in(name=who.login_name, passphrase=GOOD)
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert visitor.ask("POST", "/second-factor", form={"code": who.code}, headers=headers).status == 403
    assert give(visitor, who.code).status == 303


# --------------------------------------------------------------------------------------------------------------------
# Where the clinic requires it
# --------------------------------------------------------------------------------------------------------------------


def test_where_the_clinic_requires_one_it_is_set_up_before_anybody_is_in(clinic: RealClinic) -> None:
    clinic.change(Clinic, require_second_factor=True)
    who, visitor = clinic.somebody(second_factor_on=False), clinic.visitor()
    assert visitor.sign_in(name=who.login_name, passphrase=GOOD, wanted="/patients").location == "/second-factor/set-up"
    page = visitor.ask("GET", "/second-factor/set-up", headers=HTML)
    assert "<svg" in page.text
    secret = _secret_on(page)
    assert _secret_on(visitor.ask("GET", "/second-factor/set-up", headers=HTML)) == secret  # a reload asks for no new one
    assert give(visitor, "000000", "/second-factor/set-up").status == 401
    assert clinic.told(who, "sign_in", "sign_in_failed") == ["sign_in_failed"]
    assert not _is_inside(visitor)
    done = give(visitor, pyotp.TOTP(secret).now(), "/second-factor/set-up")
    assert (done.status, len(_codes_on(done))) == (200, 10)
    assert 'href="/patients"' in done.text
    assert set(visitor.cookies) == {COOKIE}
    assert _is_inside(visitor)
    assert give(visitor, pyotp.TOTP(secret).now(), "/second-factor/set-up").location == "/login"  # the codes are shown once
    assert clinic.told(who, "sign_in", "permission_change") == ["permission_change", "sign_in"]
    again = clinic.visitor()
    assert again.sign_in(name=who.login_name, passphrase=GOOD).location == "/second-factor"
    assert give(again, _codes_on(done)[3]).location == "/"


def test_nobody_takes_away_what_the_clinic_requires(clinic: RealClinic) -> None:
    who = clinic.somebody()
    visitor = clinic.inside(who)
    clinic.change(Clinic, require_second_factor=True)
    clinic.change(Account, totp_step=None)
    assert "Take the second factor away" not in visitor.ask("GET", "/account", headers=HTML).text
    answer = visitor.ask("POST", "/account/second-factor/off", form={"passphrase": GOOD, "code": who.code}, headers=FROM_OUR_PAGE)
    assert answer.status == 422
    assert second_factor.has_one(clinic.engine, who.person_id)


@pytest.mark.parametrize(
    ("from_where", "done", "status", "cookie"),
    [("same-origin", False, 303, STEP_COOKIE), ("cross-site", False, 200, STEP_COOKIE), ("cross-site", True, 303, COOKIE)],
)
def test_every_way_of_signing_in_ends_alike(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, from_where: str, done: bool, status: int, cookie: str
) -> None:
    """From a provider's site a redirect would not carry the strict cookie, so a page of ours leads on."""
    monkeypatch.setenv("DATABASE_URL", sqlite_url)
    data.database.engine.cache_clear()
    scene = new_scene(data.database.engine())
    clinic = RealClinic(scene.engine, "", "no-passphrase")
    who = clinic.somebody()
    headers = [(b"sec-fetch-site", from_where.encode())]
    request = Request(
        {"type": "http", "method": "GET", "path": "/sso/back", "headers": headers, "client": ("192.0.2.7", 1), "scheme": "http"}
    )
    answer = sign_in.arrived(request, who.person_id, "/patients", second_factor_done=done)
    data.database.engine().dispose()
    data.database.engine.cache_clear()
    assert answer.status_code == status
    assert answer.headers["set-cookie"].startswith(f"{cookie}=")
    led_to = answer.headers.get("location") or answer.headers["refresh"].removeprefix("0; url=")
    assert led_to == ("/patients" if done else "/second-factor")


# --------------------------------------------------------------------------------------------------------------------
# One's own account
# --------------------------------------------------------------------------------------------------------------------


def test_somebody_sets_up_their_own_second_factor(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    visitor = clinic.inside(who)
    session = visitor.cookies[COOKIE]
    assert "Second factor: off" in visitor.ask("GET", "/account", headers=HTML).text
    assert visitor.ask("POST", "/account/second-factor", form={}, headers=FROM_OUR_PAGE).location == "/second-factor/set-up"
    secret = _secret_on(visitor.ask("GET", "/second-factor/set-up", headers=HTML))
    done = give(visitor, pyotp.TOTP(secret).now(), "/second-factor/set-up")
    assert len(_codes_on(done)) == 10
    assert 'href="/account"' in done.text
    assert visitor.cookies == {COOKIE: session}  # who was in stays in
    shown = visitor.ask("GET", "/account", headers=HTML).text
    assert "Second factor: on" in shown
    assert "10 of 10 recovery codes are left." in shown
    assert clinic.told(who, "sign_in", "permission_change") == ["sign_in", "permission_change"]


def test_who_signed_out_meanwhile_does_not_go_on_setting_it_up(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    visitor = clinic.inside(who)
    visitor.ask("POST", "/account/second-factor", form={}, headers=FROM_OUR_PAGE)
    secret = _secret_on(visitor.ask("GET", "/second-factor/set-up", headers=HTML))
    visitor.ask("POST", "/logout", headers=FROM_OUR_PAGE)
    assert visitor.cookies.keys() == {STEP_COOKIE}
    assert give(visitor, pyotp.TOTP(secret).now(), "/second-factor/set-up").location == "/login"
    assert not second_factor.has_one(clinic.engine, who.person_id)
    assert not _is_inside(visitor)


def test_taking_it_away_asks_for_the_passphrase_and_a_code(clinic: RealClinic) -> None:
    who = clinic.somebody()
    visitor = clinic.inside(who)
    clinic.change(Account, totp_step=None)

    def take(passphrase: str, code: str) -> int:
        form = {"passphrase": passphrase, "code": code}
        return visitor.ask("POST", "/account/second-factor/off", form=form, headers=FROM_OUR_PAGE).status

    assert [take("wrong", who.code), take(GOOD, "000000")] == [401, 401]
    assert second_factor.has_one(clinic.engine, who.person_id)
    assert clinic.told(who, "sign_in_failed") == ["sign_in_failed"] * 2
    assert take(GOOD, who.code) == 200
    assert not second_factor.has_one(clinic.engine, who.person_id)
    assert clinic.visitor().sign_in(name=who.login_name, passphrase=GOOD).location == "/"


def test_new_recovery_codes_are_shown_once_and_take_a_fresh_proof(clinic: RealClinic) -> None:
    who = clinic.somebody()
    visitor = clinic.inside(who)
    clinic.change(SignInSession, proved_at_utc=utc_now() - timedelta(minutes=10))
    for path in ("/account/recovery-codes", "/account/second-factor"):
        assert visitor.ask("POST", path, form={}, headers=FROM_OUR_PAGE).location == "/confirm?next=/account"
    sessions.prove(clinic.engine, sessions.key_of(visitor.cookies[COOKIE]))
    codes = _codes_on(visitor.ask("POST", "/account/recovery-codes", form={}, headers=FROM_OUR_PAGE))
    assert len(codes) == 10
    assert not set(codes) & set(who.recovery_codes)
    shown = visitor.ask("GET", "/account", headers=HTML).text
    assert not [code for code in codes if code in shown]


def test_a_new_passphrase_asks_for_the_old_one_and_signs_out_everywhere_else(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    here, elsewhere, other = clinic.inside(who), clinic.inside(who), clinic.inside(clinic.somebody())

    def change(old: str, new: str, again: str) -> int:
        form = {"old": old, "new": new, "again": again}
        return here.ask("POST", "/account/passphrase", form=form, headers=FROM_OUR_PAGE).status

    with elsewhere.window() as window:
        window.show()
        assert [change("wrong", BETTER, BETTER), change(GOOD, BETTER, "other"), change(GOOD, "short", "short")] == [401, 422, 422]
        assert [_is_inside(visitor) for visitor in (here, elsewhere, other)] == [True, True, True]
        assert change(GOOD, BETTER, BETTER) == 200
        assert window.until_closed()[0] == 1008
    assert [_is_inside(visitor) for visitor in (here, elsewhere, other)] == [True, False, True]
    assert clinic.visitor().sign_in(name=who.login_name, passphrase=GOOD).status == 401
    assert clinic.visitor().sign_in(name=who.login_name, passphrase=BETTER).status == 303


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_forms_about_ones_own_account_are_taken_from_our_pages_only(running: RealClinic, path: str, headers: dict[str, str]) -> None:
    who = running.somebody(second_factor_on=False)
    visitor = Visitor(running.address, {COOKIE: sessions.start(running.engine, who.person_id)})
    form = {"old": GOOD, "new": BETTER, "again": BETTER, "passphrase": GOOD}
    assert visitor.ask("POST", path, form=form, headers=headers).status == 403


def test_somebody_called_like_a_piece_of_html_is_called_that(clinic: RealClinic) -> None:
    who = clinic.somebody()
    with writing(clinic.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == who.person_id).values(name="<img src=x onerror=alert(1)>"))
    shown = clinic.inside(who).ask("GET", "/account", headers=HTML).text
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "<img" not in shown


# --------------------------------------------------------------------------------------------------------------------
# The passphrase again
# --------------------------------------------------------------------------------------------------------------------


def _unproved(clinic: RealClinic, who: Who) -> Visitor:
    visitor = clinic.inside(who)
    clinic.change(SignInSession, proved_at_utc=utc_now() - timedelta(minutes=10))
    return visitor


def test_the_passphrase_is_asked_for_again_and_leads_back(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    visitor = _unproved(clinic, who)

    def confirm(passphrase: str) -> Answer:
        form = {"passphrase": passphrase, "next": "/patient?episode=abc"}
        return visitor.ask("POST", "/confirm", form=form, headers=FROM_OUR_PAGE)

    page = visitor.ask("GET", "/confirm?next=%2Fpatient%3Fepisode%3Dabc", headers=HTML)
    assert page.status == 200
    assert 'value="/patient?episode=abc"' in page.text
    assert confirm("wrong").status == 401
    assert visitor.ask("GET", "/confirm", headers=HTML).status == 200  # still not proved
    assert (confirm(GOOD).status, confirm("whatever").location) == (303, "/patient?episode=abc")  # within 10 minutes nothing is asked
    assert clinic.told(who, "sign_in_failed") == ["sign_in_failed"]


def test_five_wrong_passphrases_throttle_the_asking_again_and_not_the_way_in(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    visitor = _unproved(clinic, who)
    form = {"passphrase": "wrong", "next": "/"}
    assert [visitor.ask("POST", "/confirm", form=form, headers=FROM_OUR_PAGE).status for _ in range(6)] == [401] * 5 + [429]
    assert visitor.ask("POST", "/confirm", form={**form, "passphrase": GOOD}, headers=FROM_OUR_PAGE).status == 429
    assert clinic.visitor().sign_in(name=who.login_name, passphrase=GOOD).status == 303


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/confirm", "/login", "/second-factor"])
def test_it_leads_nowhere_else(clinic: RealClinic, wanted: str) -> None:
    visitor = clinic.inside(clinic.somebody(second_factor_on=False))
    assert visitor.ask("POST", "/confirm", form={"next": wanted}, headers=FROM_OUR_PAGE).location == "/"


def test_who_has_no_passphrase_here_is_asked_where_they_sign_in(clinic: RealClinic) -> None:
    who = clinic.somebody(second_factor_on=False)
    visitor = _unproved(clinic, who)
    with writing(clinic.engine) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == who.person_id).values(passphrase_hash=None))
    assert visitor.ask("GET", "/confirm?next=/patients", headers=HTML).location == "/sso/start?next=%2Fpatients&again=1"
    assert "The one you have" not in visitor.ask("GET", "/account", headers=HTML).text


def test_in_the_demo_clinic_there_is_nothing_to_prove(demo_url: str, demo_address: str) -> None:
    person = next(iter(queries.people(make_engine(demo_url))))
    visitor = Visitor(demo_address)
    assert visitor.sign_in(person=person.person_id).location == "/"
    assert visitor.ask("GET", "/confirm?next=/patients", headers=HTML).location == "/patients"
    shown = visitor.ask("GET", "/account", headers=HTML).text
    assert person.name in shown
    assert "Second factor" not in shown
    assert visitor.ask("POST", "/account/second-factor", form={}, headers=FROM_OUR_PAGE).status == 200
