"""Single sign-on: whose account an identity opens, and the whole way by HTTP and in a browser, with a provider that PyPI ships."""

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, Request, expect
from sqlmodel import col

from access import accounts, people, sessions, single_sign_on, steps
from access.cookies import COOKIE
from access.id_token import Identity
from access.single_sign_on import NotLinked
from access.single_sign_on_routes import FAILED, STATE_COOKIE
from data.database import make_engine, writing
from data.permissions import NotFound
from models import (
    Account,
    EntryRefused,
    ExternalIdentity,
    FailedSignIn,
    Person,
    PersonRole,
    PersonSite,
    Role,
    SignInSession,
    SignInStep,
    SignInStepKind,
)
from tests.browser import PATIENCE_MS
from tests.clinic_scene import Scene, add_account, new_link, new_scene
from tests.conftest import _copy_of
from tests.identity_providers import BrokenProvider, ShippedProvider, b64, broken_provider, rsa_key, shipped_provider, signed
from tests.serving import free_port, served
from tests.visiting import FROM_OUR_PAGE, HTML, Answer, Visitor

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
ISSUER = "https://id.example"
NAME = "Lakeside <ID>"
GOOD = "orange kettle morning"

# --------------------------------------------------------------------------------------------------------------------
# Whose account
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    """Give the clinic; Tess and Theo have accounts with an e-mail and no passphrase."""
    made = new_scene(engine)
    for who, name in ((made.tess, "tess"), (made.theo, "theo")):
        assert who.person_id is not None
        add_account(engine, who.person_id, name)
        set_email(engine, who.person_id, f"{name}@clinic.example")
    return made


def set_email(engine: sa.Engine, person_id: int, email: str | None) -> None:
    with writing(engine) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == person_id).values(email=email))


def identity(subject: str = "subject-1", email: str | None = "tess@clinic.example", issuer: str = ISSUER) -> Identity:
    return Identity(issuer, subject, email, second_factor=False)


def _since_then(scene: Scene) -> list[dict[str, Any]]:
    """Give the rows of the audit that are not about giving the accounts."""
    return [row for row in scene.rows("audit_event") if row["object_kind"] != "person"]


def arrives(scene: Scene, who: Identity) -> int:
    return single_sign_on.person_who_signs_in(scene.engine, who, source="192.0.2.7", now=NOW)


def refused(scene: Scene, who: Identity) -> str:
    with pytest.raises(NotLinked) as error:
        arrives(scene, who)
    return error.value.reason


def test_a_verified_email_links_once_and_from_then_on_the_subject_counts(scene: Scene) -> None:
    tess = scene.tess.person_id
    assert arrives(scene, identity(email="Tess@Clinic.Example")) == tess
    assert arrives(scene, identity(email=None)) == tess
    assert arrives(scene, identity(email="married@clinic.example")) == tess
    assert arrives(scene, identity(email="theo@clinic.example")) == tess  # not by e-mail any more
    assert [(row["issuer"], row["subject"], row["person_id"]) for row in scene.rows("external_identity")] == [(ISSUER, "subject-1", tess)]


def test_linking_stands_in_the_audit_without_the_email(scene: Scene) -> None:
    arrives(scene, identity())
    arrives(scene, identity())
    (row,) = _since_then(scene)
    assert (row["action"], row["object_kind"], row["object_key"], row["person_id"], row["source"]) == (
        "permission_change",
        "external_identity",
        str(scene.tess.person_id),
        scene.tess.person_id,
        "192.0.2.7",
    )
    assert json.loads(row["detail"]) == {"new": {"issuer": ISSUER}}
    assert "tess@" not in str(row)


@pytest.mark.parametrize("email", [None, "", "nobody@clinic.example", "tess", "te\u017f\u017f@clinic.example", "ｔess@clinic.example"])
def test_an_email_that_is_unverified_unknown_or_only_looks_alike_links_nobody(scene: Scene, email: str | None) -> None:
    assert refused(scene, identity(email=email)) in {"no_verified_email", "unknown_email"}
    assert scene.rows("external_identity") == []
    assert _since_then(scene) == []


def test_who_gets_the_email_of_somebody_linked_gets_nothing(scene: Scene) -> None:
    arrives(scene, identity("subject-1"))
    assert refused(scene, identity("subject-2")) == "linked_to_another_subject"
    assert arrives(scene, identity("subject-1")) == scene.tess.person_id


def test_the_same_subject_at_another_issuer_is_somebody_else(scene: Scene) -> None:
    arrives(scene, identity())
    assert refused(scene, identity(email=None, issuer="https://other.example")) == "no_verified_email"
    with pytest.raises(NotLinked):
        single_sign_on.person_of(scene.engine, identity(issuer="https://other.example"))


def test_two_identities_of_two_people_stay_apart(scene: Scene) -> None:
    assert arrives(scene, identity("subject-1")) == scene.tess.person_id
    assert arrives(scene, identity("subject-2", "theo@clinic.example")) == scene.theo.person_id
    assert single_sign_on.person_of(scene.engine, identity("subject-2", None)) == scene.theo.person_id


def test_who_was_switched_off_is_refused_before_and_after_linking(scene: Scene) -> None:
    arrives(scene, identity("subject-1"))
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Person).values(is_active=False))
    assert refused(scene, identity("subject-1")) == "switched_off"
    assert refused(scene, identity("subject-2", "theo@clinic.example")) == "unknown_email"


def test_unlinking_ends_the_sessions_and_the_next_sign_in_links_only_by_an_email_set_anew(scene: Scene) -> None:
    tess = scene.tess.person_id or 0
    key = str(scene.rows("person", id=tess)[0]["key"])
    assert not single_sign_on.is_linked(scene.engine, tess)
    arrives(scene, identity())
    assert single_sign_on.is_linked(scene.engine, tess)
    token = sessions.start(scene.engine, tess, now=NOW)
    with pytest.raises(NotFound):
        people.unlink(scene.tess, key, database=scene.engine)
    people.unlink(scene.olga, key, database=scene.engine)
    assert not single_sign_on.is_linked(scene.engine, tess)
    assert sessions.find(scene.engine, sessions.key_of(token), touch=False, now=NOW) is None
    assert refused(scene, identity()) == "unknown_email"
    last = scene.rows("audit_event")[-1]
    people.unlink(scene.olga, key, database=scene.engine)  # nothing is left to take away
    assert [scene.rows("audit_event")[-1]["action"], scene.rows("audit_event")[-1] == last] == [last["action"], True]
    people.give_account(scene.olga, key, "tess", email="tess@clinic.example", database=scene.engine)
    assert arrives(scene, identity("subject-2")) == tess


@pytest.mark.parametrize(
    "wrong", ["tess", "tess@", "@clinic.example", "tess@clinic", "a b@clinic.example", "téss@clinic.example", "t@" + "c" * 250 + ".de"]
)
def test_an_email_that_is_none_is_not_stored(scene: Scene, wrong: str) -> None:
    key = str(scene.rows("person", id=scene.tess.person_id)[0]["key"])
    with pytest.raises(EntryRefused, match="plain letters"):
        people.give_account(scene.olga, key, "tess", email=wrong, database=scene.engine)
    assert scene.rows("account", person_id=scene.tess.person_id)[0]["email"] == "tess@clinic.example"


# --------------------------------------------------------------------------------------------------------------------
# The whole way, by HTTP
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clinic:
    """A real clinic as served, with single sign-on."""

    address: str
    scene: Scene
    log: Path

    def person(self, email: str | None, name: str = "Ines Moor") -> int:
        """Add somebody with an account and no passphrase."""
        with writing(self.scene.engine) as connection:
            person_id = int(connection.execute(sa.insert(Person).values(name=name).returning(col(Person.id))).scalar_one() or 0)
            connection.execute(sa.insert(PersonRole).values(person_id=person_id, role=Role.THERAPIST))
            connection.execute(sa.insert(PersonSite).values(person_id=person_id, site_id=self.scene.lakeside))
        add_account(self.scene.engine, person_id, f"person-{person_id}")
        set_email(self.scene.engine, person_id, email)
        return person_id

    def signed_in(self, visitor: Visitor) -> int | None:
        """Say who is signed in in a visitor's browser."""
        found = sessions.find(self.scene.engine, sessions.key_of(visitor.cookies.get(COOKIE, "")), touch=False)
        return None if found is None else found.person_id

    def failures(self) -> int:
        """Count the failed sign-ins in the audit."""
        return len(self.scene.rows("audit_event", action="sign_in_failed"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShippedProvider]:
    with shipped_provider(tmp_path_factory.mktemp("provider") / "provider.log") as provider:
        yield provider


def _served_clinic(
    sqlite_template: Path, folder: Path, running: ExitStack, issuer: str, register: Callable[[str], tuple[str, str]]
) -> Clinic:
    url = _copy_of(sqlite_template, folder)
    scene = new_scene(make_engine(url))
    running.callback(scene.engine.dispose)
    port = free_port()
    client_id, secret = register(f"http://127.0.0.1:{port}/sso/back")
    secret_file = folder / "client-secret"
    secret_file.write_text(secret)
    secret_file.chmod(0o600)
    environment = {
        "STILL_RUNNING_OIDC_ISSUER": issuer,
        "STILL_RUNNING_OIDC_CLIENT_ID": client_id,
        "STILL_RUNNING_OIDC_CLIENT_SECRET_FILE": str(secret_file),
        "STILL_RUNNING_OIDC_NAME": NAME,
    }
    log = folder / "server.log"
    address = running.enter_context(served(url, log, environment=environment, port=port))
    return Clinic(address, scene, log)


@pytest.fixture(scope="module")
def _served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, shipped: ShippedProvider) -> Iterator[Clinic]:
    with ExitStack() as running:
        yield _served_clinic(sqlite_template, tmp_path_factory.mktemp("clinic"), running, shipped.address, shipped.register)


def _all_may_try_again(clinic: Clinic) -> None:
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.delete(FailedSignIn))


@pytest.fixture
def clinic(_served: Clinic) -> Clinic:
    """Give the served clinic, with no tries counted yet."""
    _all_may_try_again(_served)
    return _served


def link_to_the_provider(answer: Answer) -> str:
    """Give where a page of ours sends the browser; header and link must agree."""
    assert answer.status == 200, answer.text
    (link,) = re.findall(r'<a href="([^"]+)"', answer.text)
    assert answer.headers["refresh"] == f"0; url={html.unescape(link)}"
    return html.unescape(link)


def start(visitor: Visitor, wanted: str = "/") -> str:
    return link_to_the_provider(visitor.ask("POST", "/sso/start", form={"next": wanted}, headers=FROM_OUR_PAGE))


def back(visitor: Visitor, location: str) -> Answer:
    """Come back as a browser does: a GET that another site led to."""
    parts = urlsplit(location)
    assert f"{parts.scheme}://{parts.netloc}" == visitor.address
    return visitor.ask("GET", f"{parts.path}?{parts.query}", headers={**HTML, "Sec-Fetch-Site": "cross-site"})


def test_the_first_sign_in_links_by_the_verified_email_and_the_next_one_goes_by_the_subject(
    clinic: Clinic, shipped: ShippedProvider
) -> None:
    ines = clinic.person("ines@clinic.example")
    shipped.knows("ines-subject", email="Ines@clinic.example", email_verified=True)
    first = Visitor(clinic.address)
    answer = back(first, shipped.sign_in(start(first, "/patient?range=3m"), "ines-subject"))
    assert (answer.status, answer.location) == (303, "/patient?range=3m")
    assert clinic.signed_in(first) == ines
    assert STATE_COOKIE not in first.cookies
    with first.window() as window:
        assert "Ines Moor" in window.show()

    shipped.knows("ines-subject", email="ines.reed@elsewhere.example", email_verified=False)
    second = Visitor(clinic.address)
    assert back(second, shipped.sign_in(start(second), "ines-subject")).status == 303
    assert clinic.signed_in(second) == ines


def test_an_account_without_a_passphrase_opens_in_this_way_only(clinic: Clinic, shipped: ShippedProvider) -> None:
    person_id = clinic.person("noor@clinic.example")
    shipped.knows("noor-subject", email="noor@clinic.example", email_verified=True)
    visitor = Visitor(clinic.address)
    assert visitor.sign_in(name=f"person-{person_id}", passphrase="").status == 401
    assert back(visitor, shipped.sign_in(start(visitor), "noor-subject")).status == 303
    assert clinic.signed_in(visitor) == person_id


def test_nothing_that_the_provider_gave_is_kept(clinic: Clinic, shipped: ShippedProvider) -> None:
    person_id = clinic.person("kim@clinic.example")
    shipped.knows("kim-subject", email="kim@clinic.example", email_verified=True, amr=["pwd", "otp"])
    visitor = Visitor(clinic.address)
    answer = back(visitor, shipped.sign_in(start(visitor), "kim-subject"))
    assert re.fullmatch(r"still_running=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", answer.headers.get_all("set-cookie")[0])
    assert clinic.scene.rows("sign_in_step") == []
    (row,) = clinic.scene.rows("external_identity", person_id=person_id)
    assert set(row) == {"issuer", "subject", "person_id", "linked_at_utc"}


def test_the_cookie_of_the_way_there_is_bound_to_this_browser(clinic: Clinic) -> None:
    visitor = Visitor(clinic.address)
    plain = visitor.ask("POST", "/sso/start", form={"next": "/"}, headers=FROM_OUR_PAGE).headers["set-cookie"]
    assert re.fullmatch(r"still_running_sso=[\w-]{43}; HttpOnly; Max-Age=600; Path=/; SameSite=lax", plain)
    behind_tls = {**FROM_OUR_PAGE, "X-Forwarded-Proto": "https"}
    answer = visitor.ask("POST", "/sso/start", form={"next": "/"}, headers=behind_tls)
    pattern = r"__Host-still_running_sso=[\w-]{43}; HttpOnly; Max-Age=600; Path=/; SameSite=lax; Secure"
    assert re.fullmatch(pattern, answer.headers["set-cookie"])
    url = urlsplit(link_to_the_provider(answer))
    assert parse_qs(url.query)["redirect_uri"] == [clinic.address.replace("http:", "https:") + "/sso/back"]


def _refused_plainly(clinic: Clinic, visitor: Visitor, answer: Answer, before: int, *, status: int = 401) -> None:
    assert answer.status == status
    assert html.escape(FAILED) in answer.text
    assert clinic.signed_in(visitor) is None
    assert COOKIE not in visitor.cookies
    assert clinic.failures() == before + 1
    row = clinic.scene.rows("audit_event", action="sign_in_failed")[-1]
    assert (row["person_id"], row["source"], row["detail"]) == (None, "127.0.0.1", "")


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "unverified@clinic.example", "email_verified": False},
        {"email": "unverified@clinic.example"},
        {"email": "unverified@clinic.example", "email_verified": "true"},
        {"email": "nobody@clinic.example", "email_verified": True},
        {},
    ],
)
def test_an_unverified_email_and_an_unknown_person_are_refused(clinic: Clinic, shipped: ShippedProvider, claims: dict[str, Any]) -> None:
    with writing(clinic.scene.engine) as connection:
        known = connection.execute(sa.select(col(Account.person_id)).where(col(Account.email) == "unverified@clinic.example")).first()
    if known is None:
        clinic.person("unverified@clinic.example")
    shipped.knows("stranger", **claims)
    visitor, before = Visitor(clinic.address), clinic.failures()
    _refused_plainly(clinic, visitor, back(visitor, shipped.sign_in(start(visitor), "stranger")), before)
    assert clinic.scene.rows("external_identity", subject="stranger") == []


def test_who_was_switched_off_is_refused(clinic: Clinic, shipped: ShippedProvider) -> None:
    person_id = clinic.person("gone@clinic.example")
    shipped.knows("gone-subject", email="gone@clinic.example", email_verified=True)
    first = Visitor(clinic.address)
    assert back(first, shipped.sign_in(start(first), "gone-subject")).status == 303
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == person_id).values(is_active=False))
    assert clinic.signed_in(first) is None
    again, before = Visitor(clinic.address), clinic.failures()
    _refused_plainly(clinic, again, back(again, shipped.sign_in(start(again), "gone-subject")), before)


def test_an_answer_counts_once(clinic: Clinic, shipped: ShippedProvider) -> None:
    clinic.person("once@clinic.example")
    shipped.knows("once-subject", email="once@clinic.example", email_verified=True)
    visitor = Visitor(clinic.address)
    url = start(visitor)
    cookie, location = dict(visitor.cookies), shipped.sign_in(url, "once-subject")
    assert back(visitor, location).status == 303
    thief, before = Visitor(clinic.address, cookie), clinic.failures()  # with all that the browser had
    _refused_plainly(clinic, thief, back(thief, location), before)


def test_an_answer_counts_only_in_the_browser_that_asked(clinic: Clinic, shipped: ShippedProvider) -> None:
    clinic.person("here@clinic.example")
    shipped.knows("here-subject", email="here@clinic.example", email_verified=True)
    asking, other, without = (Visitor(clinic.address) for _ in range(3))
    location = shipped.sign_in(start(asking), "here-subject")
    start(other)
    for visitor in (other, without):
        before = clinic.failures()
        _refused_plainly(clinic, visitor, back(visitor, location), before)
    assert back(asking, location).status == 303  # and it still counts there


def test_a_step_of_another_kind_or_one_that_is_over_opens_nothing(clinic: Clinic, shipped: ShippedProvider) -> None:
    shipped.knows("late-subject", email="late@clinic.example", email_verified=True)
    clinic.person("late@clinic.example")
    visitor, before = Visitor(clinic.address), clinic.failures()
    location = shipped.sign_in(start(visitor), "late-subject")
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(SignInStep).values(expires_at_utc=NOW))
    _refused_plainly(clinic, visitor, back(visitor, location), before)
    token = steps.begin(clinic.scene.engine, SignInStepKind.SECOND_FACTOR, holds=timedelta(hours=1))
    other, before = Visitor(clinic.address, {STATE_COOKIE: token}), clinic.failures()
    _refused_plainly(clinic, other, other.ask("GET", f"/sso/back?code=x&state={token}", headers=HTML), before)


def test_what_the_provider_refuses_is_refused_here(clinic: Clinic, shipped: ShippedProvider) -> None:
    visitor, before = Visitor(clinic.address), clinic.failures()
    _refused_plainly(clinic, visitor, back(visitor, shipped.deny(start(visitor))), before)


@pytest.mark.parametrize("query", ["", "state=", "code=a", "code=a&state=made-up", "error=<script>&state=x", "state=%F0%9F%98%80"])
def test_an_answer_that_nobody_asked_for_is_refused(clinic: Clinic, query: str) -> None:
    visitor, before = Visitor(clinic.address), clinic.failures()
    answer = visitor.ask("GET", f"/sso/back?{query}", headers=HTML)
    _refused_plainly(clinic, visitor, answer, before)
    assert "<script" not in answer.text


@pytest.mark.parametrize("answered", ["", "code=", "code=made-up", "error=access_denied", "code=made-up&iss=https%3A%2F%2Fevil.example"])
def test_an_answer_without_a_code_of_ours_is_refused_and_uses_the_step_up(clinic: Clinic, answered: str) -> None:
    visitor, before = Visitor(clinic.address), clinic.failures()
    start(visitor)
    state = visitor.cookies[STATE_COOKIE]
    _refused_plainly(clinic, visitor, visitor.ask("GET", f"/sso/back?{answered}&state={state}", headers=HTML), before)
    assert clinic.scene.rows("sign_in_step", token_sha256=sessions.key_of(state)) == []


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"iat": 4_000_000_000, "exp": 4_000_000_300},
        {"nonce": "of-another-sign-in"},
        {"nonce": None},
        {"azp": "another-client"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
    ids=str,
)
def test_a_broken_token_of_the_real_provider_is_refused(clinic: Clinic, shipped: ShippedProvider, claims: dict[str, Any]) -> None:
    """What the provider is told of a person stands above what it would say by itself: so it signs tokens that are wrong."""
    if not clinic.scene.rows("account", email="broken@clinic.example"):
        clinic.person("broken@clinic.example")
    good = {"email": "broken@clinic.example", "email_verified": True}
    shipped.knows("broken-subject", **good, **claims)
    visitor, before = Visitor(clinic.address), clinic.failures()
    _refused_plainly(clinic, visitor, back(visitor, shipped.sign_in(start(visitor), "broken-subject")), before)
    assert clinic.scene.rows("external_identity", subject="broken-subject") == []


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/sso/back", "/sso/start?again=1", "/login", "/\\evil"])
def test_single_sign_on_leads_nowhere_else(clinic: Clinic, shipped: ShippedProvider, wanted: str) -> None:
    if not clinic.scene.rows("account", email="where@clinic.example"):
        clinic.person("where@clinic.example")
    shipped.knows("where-subject", email="where@clinic.example", email_verified=True)
    visitor = Visitor(clinic.address)
    assert back(visitor, shipped.sign_in(start(visitor, wanted), "where-subject")).location == "/"


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_of_another_site_sends_nobody_to_the_provider(clinic: Clinic, headers: dict[str, str]) -> None:
    visitor = Visitor(clinic.address)
    assert visitor.ask("POST", "/sso/start", form={"next": "/"}, headers=headers).status == 403
    assert visitor.cookies == {}
    assert visitor.ask("GET", "/sso/start", headers=HTML).location == "/login?next=%2F"


def test_going_there_in_vain_is_throttled_like_every_try_and_a_good_one_costs_nothing(clinic: Clinic, shipped: ShippedProvider) -> None:
    clinic.person("often@clinic.example")
    shipped.knows("often-subject", email="often@clinic.example", email_verified=True)
    visitor = Visitor(clinic.address)
    for _ in range(2):
        assert back(visitor, shipped.sign_in(start(visitor), "often-subject")).status == 303
    assert [row["tries"] for row in clinic.scene.rows("failed_sign_in")] == [0]
    statuses = [Visitor(clinic.address).ask("GET", "/sso/back?code=a&state=b", headers=HTML).status for _ in range(61)]
    assert statuses == [401] * 60 + [429]
    answer = Visitor(clinic.address).ask("POST", "/sso/start", form={"next": "/"}, headers=FROM_OUR_PAGE)
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61


# --------------------------------------------------------------------------------------------------------------------
# Again
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def olga(clinic: Clinic, shipped: ShippedProvider) -> Visitor:
    """Give somebody who signed in by the provider so long ago that what is delicate asks again."""
    if not clinic.scene.rows("account", email="again@clinic.example"):
        clinic.person("again@clinic.example")
    shipped.knows("again-subject", email="again@clinic.example", email_verified=True)
    visitor = Visitor(clinic.address)
    assert back(visitor, shipped.sign_in(start(visitor), "again-subject")).status == 303
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=None))
    assert not proved(clinic, visitor)
    return visitor


def proved(clinic: Clinic, visitor: Visitor) -> bool:
    found = sessions.find(clinic.scene.engine, sessions.key_of(visitor.cookies[COOKIE]), touch=False)
    assert found is not None
    return found.proved_left.total_seconds() > 0


def start_again(visitor: Visitor, wanted: str = "/people") -> str:
    return link_to_the_provider(visitor.ask("GET", f"/sso/start?again=1&next={quote(wanted, safe='')}", headers=HTML))


def test_who_signs_in_anew_at_the_provider_has_proved_themselves_and_goes_on(
    clinic: Clinic, shipped: ShippedProvider, olga: Visitor
) -> None:
    url = start_again(olga)
    query = parse_qs(urlsplit(url).query)
    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])
    session = olga.cookies[COOKIE]
    answer = back(olga, shipped.sign_in(url, "again-subject"))
    assert (answer.status, answer.location) == (303, "/people")
    assert olga.cookies[COOKIE] == session
    assert proved(clinic, olga)


@pytest.mark.parametrize("auth_time", [None, 1_700_000_000, 4_000_000_000, "now"])
def test_a_sign_in_of_before_proves_nothing(clinic: Clinic, shipped: ShippedProvider, olga: Visitor, auth_time: object) -> None:
    shipped.knows("again-subject", auth_time=auth_time)
    before = clinic.failures()
    answer = back(olga, shipped.sign_in(start_again(olga), "again-subject"))
    assert (answer.status, html.escape(FAILED) in answer.text, clinic.failures()) == (401, True, before + 1)
    assert not proved(clinic, olga)
    assert clinic.signed_in(olga) is not None  # and nobody is put out by it


def test_another_person_proves_nothing_and_is_not_linked_by_it(clinic: Clinic, shipped: ShippedProvider, olga: Visitor) -> None:
    if not clinic.scene.rows("account", email="colleague@clinic.example"):
        clinic.person("colleague@clinic.example")
    shipped.knows("colleague-subject", email="colleague@clinic.example", email_verified=True)
    assert back(olga, shipped.sign_in(start_again(olga), "colleague-subject")).status == 401
    assert clinic.scene.rows("external_identity", subject="colleague-subject") == []
    theirs = Visitor(clinic.address)
    assert back(theirs, shipped.sign_in(start(theirs), "colleague-subject")).status == 303
    assert back(olga, shipped.sign_in(start_again(olga), "colleague-subject")).status == 401
    assert not proved(clinic, olga)


def test_the_proof_is_for_the_session_that_asked_for_it(clinic: Clinic, shipped: ShippedProvider, olga: Visitor) -> None:
    location = shipped.sign_in(start_again(olga), "again-subject")
    olga.ask("POST", "/logout", headers=FROM_OUR_PAGE)
    assert back(olga, location).status == 401
    location = shipped.sign_in(start(olga), "again-subject")
    assert back(olga, location).status == 303
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=None))
    first = start_again(olga)
    asked, session = olga.cookies[STATE_COOKIE], dict(olga.cookies)
    back(olga, shipped.sign_in(start(olga), "again-subject"))  # a new session in the same browser
    olga.cookies[STATE_COOKIE] = asked
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=None))
    assert session[COOKIE] != olga.cookies[COOKIE]
    assert back(olga, shipped.sign_in(first, "again-subject")).status == 401
    assert not proved(clinic, olga)


def test_without_a_session_there_is_nothing_to_prove_again(clinic: Clinic) -> None:
    answer = Visitor(clinic.address).ask("GET", "/sso/start?again=1&next=%2Fpeople", headers=HTML)
    assert (answer.status, answer.location) == (303, "/login?next=%2Fpeople")


# --------------------------------------------------------------------------------------------------------------------
# Tokens that no provider would give, and a provider that is not there
# --------------------------------------------------------------------------------------------------------------------

KEY, OTHER_KEY = rsa_key(), rsa_key()


@pytest.fixture(scope="module")
def _broken(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Clinic, BrokenProvider]]:
    with ExitStack() as running:
        provider = running.enter_context(broken_provider(KEY))
        folder = tmp_path_factory.mktemp("broken")
        clinic = _served_clinic(sqlite_template, folder, running, provider.address, lambda _uri: ("app", "canary-secret"))
        clinic.person("victim@clinic.example")
        yield clinic, provider


@pytest.fixture
def broken(_broken: tuple[Clinic, BrokenProvider]) -> tuple[Clinic, BrokenProvider]:
    _all_may_try_again(_broken[0])
    return _broken


def _claims(provider: BrokenProvider, nonce: str, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    told = {"iss": provider.address, "sub": "victim-subject", "aud": "app", "iat": now, "exp": now + 300, "nonce": nonce}
    return {**told, "email": "victim@clinic.example", "email_verified": True, **more}


def _altered(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body[:-1]}{'A' if body[-1] != 'A' else 'B'}.{signature}"


BROKEN: dict[str, Callable[[dict[str, Any]], object]] = {
    "wrong signature": lambda claims: _altered(signed(claims, KEY)),
    "other key": lambda claims: signed(claims, OTHER_KEY, kid=KEY.kid),
    "kid unknown": lambda claims: signed(claims, OTHER_KEY),
    "alg none": lambda claims: f"{b64({'alg': 'none', 'kid': KEY.kid})}.{b64(claims)}.",
    "several audiences, wrong azp": lambda claims: signed({**claims, "aud": ["app", "other"], "azp": "other"}, KEY),
    "missing sub": lambda claims: signed({**claims, "sub": None}, KEY),
    "missing nonce": lambda claims: signed({**claims, "nonce": None}, KEY),
    "not a JWT": lambda _claims: "a.b.c",
    "no text": lambda claims: claims,
    "no token": lambda _claims: None,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_token_that_no_provider_would_give_is_refused_at_the_door(broken: tuple[Clinic, BrokenProvider], name: str) -> None:
    clinic, provider = broken
    provider.token = lambda nonce: BROKEN[name](_claims(provider, nonce))
    visitor, before = Visitor(clinic.address), clinic.failures()
    _refused_plainly(clinic, visitor, back(visitor, provider.sign_in(start(visitor))), before)
    assert clinic.scene.rows("external_identity") == []


def test_the_token_that_they_are_made_of_is_good_and_of_none_of_them_a_word_is_in_the_log(
    broken: tuple[Clinic, BrokenProvider],
) -> None:
    clinic, provider = broken
    for name in ("other key", "several audiences, wrong azp"):
        provider.token = lambda nonce, name=name: BROKEN[name](_claims(provider, nonce))  # type: ignore[misc]
        visitor = Visitor(clinic.address)
        assert back(visitor, provider.sign_in(start(visitor))).status == 401
    given = []

    def good(nonce: str) -> str:
        given.append(signed(_claims(provider, nonce), KEY))
        return given[-1]

    provider.token = good
    visitor = Visitor(clinic.address)
    location = provider.sign_in(start(visitor))
    assert back(visitor, location).status == 303
    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.delete(ExternalIdentity))
    query = parse_qs(urlsplit(location).query)
    log = clinic.log.read_text()
    assert "single sign-on: bad_signature" in log
    secrets = [given[0], given[0].split(".")[1], *query["state"], *query["code"], *visitor.cookies.values()]
    for canary in (*secrets, "victim", "subject", "canary-secret", "opens-nothing", "code_verifier"):
        assert canary not in log


def test_a_provider_that_is_down_is_said_plainly_and_the_passphrase_still_works(sqlite_template: Path, tmp_path: Path) -> None:
    with ExitStack() as running:
        issuer = f"http://127.0.0.1:{free_port()}"
        clinic = _served_clinic(sqlite_template, tmp_path, running, issuer, lambda _uri: ("app", "secret"))
        person_id = clinic.person(None)
        accounts.set_passphrase(clinic.scene.engine, new_link(clinic.scene.engine, person_id), GOOD)
        visitor = Visitor(clinic.address)
        assert visitor.ask("GET", "/login", headers=HTML).status == 200
        answer = visitor.ask("POST", "/sso/start", form={"next": "/"}, headers=FROM_OUR_PAGE)
        assert (answer.status, html.escape(FAILED) in answer.text, visitor.cookies) == (503, True, {})
        assert visitor.sign_in(name=f"person-{person_id}", passphrase=GOOD).status == 303


def test_a_provider_that_goes_away_on_the_way_is_said_plainly(broken: tuple[Clinic, BrokenProvider]) -> None:
    clinic, provider = broken
    visitor, before = Visitor(clinic.address), clinic.failures()
    location = provider.sign_in(start(visitor))
    answered = provider.answer
    try:
        provider.answer = lambda *_: (500, "out of order")  # type: ignore[method-assign]
        answer = back(visitor, location)
    finally:
        provider.answer = answered  # type: ignore[method-assign]
    _refused_plainly(clinic, visitor, answer, before, status=503)


# --------------------------------------------------------------------------------------------------------------------
# Where there is no single sign-on
# --------------------------------------------------------------------------------------------------------------------


def test_the_button_names_the_provider_and_showing_it_asks_nobody(broken: tuple[Clinic, BrokenProvider]) -> None:
    clinic, provider = broken
    provider.asked.clear()
    text = Visitor(clinic.address).ask("GET", "/login?next=%2Fpatient", headers=HTML).text
    assert f"<button>Sign in with {html.escape(NAME)}</button>" in text
    assert 'action="/sso/start"><input type="hidden" name="next" value="/patient">' in text
    assert provider.asked == []


def test_without_settings_and_in_the_demo_clinic_there_is_no_single_sign_on(
    sqlite_url: str, demo_url: str, serve: Callable[..., str]
) -> None:
    new_scene(make_engine(sqlite_url))
    settings = {"STILL_RUNNING_OIDC_ISSUER": "https://id.example", "STILL_RUNNING_OIDC_CLIENT_ID": "app"}
    for address in (serve(sqlite_url), serve(demo_url, **settings)):
        visitor = Visitor(address)
        assert "/sso/" not in visitor.ask("GET", "/login", headers=HTML).text
        assert visitor.ask("POST", "/sso/start", form={"next": "/"}, headers=FROM_OUR_PAGE).status == 404
        assert visitor.ask("GET", "/sso/back?code=a&state=b", headers=HTML).status == 404


def test_settings_that_are_unsafe_stop_the_start_with_what_to_do(sqlite_url: str, serve: Callable[..., str]) -> None:
    with pytest.raises(RuntimeError, match="STILL_RUNNING_OIDC_ISSUER must be the provider's https address"):
        serve(sqlite_url, STILL_RUNNING_OIDC_ISSUER="http://id.example", STILL_RUNNING_OIDC_CLIENT_ID="app")


# --------------------------------------------------------------------------------------------------------------------
# In a browser
# --------------------------------------------------------------------------------------------------------------------


def test_in_a_browser_one_presses_the_button_signs_in_at_the_provider_and_arrives(
    clinic: Clinic, shipped: ShippedProvider, page: Page
) -> None:
    ines = clinic.person("browser@clinic.example", "Bea Brown")
    shipped.knows("browser-subject", email="browser@clinic.example", email_verified=True)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  (playwright cannot wrap a built-in method)
    page.route("https://**", lambda route: route.abort())  # the provider's page wants its look from elsewhere
    page.goto(f"{clinic.address}/patients")
    page.get_by_role("button", name=f"Sign in with {NAME}").click()
    page.get_by_placeholder("sub").fill("browser-subject")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    assert page.url.startswith(f"{clinic.address}/patients")
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies(clinic.address)}
    assert set(cookies) & {COOKIE, STATE_COOKIE} == {COOKIE}
    found = sessions.find(clinic.scene.engine, sessions.key_of(cookies[COOKIE]), touch=False)
    assert found is not None
    assert found.person_id == ines
    theirs = [request for request in asked if request.url.startswith(shipped.address)]
    assert theirs
    assert not [request.url for request in theirs if request.headers.get("referer", "").startswith(clinic.address)]
    of_our_pages = [request.url for request in asked if not request.headers.get("referer", "").startswith(shipped.address)]
    assert {urlsplit(url).netloc for url in of_our_pages} <= {urlsplit(clinic.address).netloc, urlsplit(shipped.address).netloc, ""}

    with writing(clinic.scene.engine) as connection:
        connection.execute(sa.update(SignInSession).values(proved_at_utc=None))
    page.goto(f"{clinic.address}/sso/start?{urlencode({'again': '1', 'next': '/patients'})}")
    page.get_by_placeholder("sub").fill("browser-subject")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=PATIENCE_MS)
    found = sessions.find(clinic.scene.engine, sessions.key_of(cookies[COOKIE]), touch=False)
    assert found is not None
    assert found.proved_left.total_seconds() > 0
