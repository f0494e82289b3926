"""Accounts as the owner gives them: login names, links, tries that are forgotten, second factors that are taken away."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from access import accounts, people, sessions, steps, throttle
from access.throttle import Subject, TooManyTries
from data.database import writing
from data.permissions import COMMAND_LINE, NotFound
from data.records import AlreadyThere
from models import Account, AttemptsOf, EntryRefused, RecoveryCode, Role, SignInStepKind, Viewer
from tests.clinic_scene import Scene, key_of, made_anew, new_scene

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
GOOD = "orange kettle morning"

# What only an owner may do, tried on Tess; each leaves one row.
CHANGES: dict[str, Callable[[sa.Engine, Viewer, str], object]] = {
    "add": lambda engine, who, _: people.add(who, name="Nia", roles=[Role.THERAPIST], login_name="nia", database=engine),
    "give_account": lambda engine, who, key: people.give_account(who, key, "tess.lake", database=engine),
    "new_link": lambda engine, who, key: people.new_link(who, key, database=engine),
    "unlock": lambda engine, who, key: people.unlock(who, key, database=engine),
    "reset_second_factor": lambda engine, who, key: people.reset_second_factor(who, key, database=engine),
    "end_sessions": lambda engine, who, key: people.end_sessions(who, key, database=engine),
    "set_roles": lambda engine, who, key: people.set_roles(who, key, [Role.FRONT_DESK], database=engine),
    "set_sites": lambda engine, who, key: people.set_sites(who, key, [], database=engine),
    "set_active": lambda engine, who, key: people.set_active(who, key, False, database=engine),
}


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    made = new_scene(engine)
    people.give_account(made.olga, key_of(engine, made.tess.person_id), "Tess", email="Tess@Clinic.Example", database=engine)
    return made


@pytest.fixture
def tess(scene: Scene) -> str:
    """Give Tess's key; she has a login name and has not set a passphrase yet."""
    return key_of(scene.engine, scene.tess.person_id)


def subjects(scene: Scene) -> list[Subject]:
    number = str(scene.tess.person_id)
    return [
        Subject(AttemptsOf.ACCOUNT, "tess"),
        Subject(AttemptsOf.SECOND_FACTOR, number),
        Subject(AttemptsOf.CONFIRMATION, number),
    ]


def with_everything(scene: Scene) -> str:
    """Give Tess a second factor, recovery codes, a session, a half-done sign-in and five failed tries; gives the session's key."""
    tess = scene.tess.person_id or 0
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == tess).values(totp_secret="SECRET", totp_step=7))
        for person_id in (tess, scene.olga.person_id):
            connection.execute(sa.insert(RecoveryCode).values(code_sha256=f"code of {person_id}", person_id=person_id))
    for _ in range(5):
        throttle.count_try(scene.engine, *subjects(scene), now=datetime.now(UTC))
    steps.begin(scene.engine, SignInStepKind.SECOND_FACTOR, holds=HOUR, person_id=tess)
    return sessions.key_of(sessions.start(scene.engine, tess))


@pytest.mark.parametrize("name", CHANGES)
def test_only_an_owner_may_and_each_change_leaves_one_row_without_a_secret(scene: Scene, tess: str, name: str) -> None:
    with_everything(scene)
    before = scene.everything()
    for who in (scene.tess, scene.theo, scene.fred):
        with pytest.raises(NotFound, match="no such person"):
            CHANGES[name](scene.engine, who, tess)
    assert scene.everything() == before
    rows = len(scene.rows("audit_event"))
    made = CHANGES[name](scene.engine, scene.olga, tess)
    lines = scene.rows("audit_event")[rows:]
    expected = ["create", "permission_change"] if name == "add" else ["permission_change"]  # a person, and their link
    assert [line["action"] for line in lines] == expected
    assert {line["actor"] for line in lines} == {"Olga"}
    written = str(lines)
    token = made.path.removeprefix(people.LINK_PATH) if isinstance(made, people.Link) else "no link"
    assert not [secret for secret in (token, "SECRET", "tess.lake", "nia", "Nia") if secret in written]


def test_a_login_name_and_an_address_are_folded(scene: Scene, tess: str) -> None:
    (row,) = scene.rows("account", person_id=scene.tess.person_id)
    assert (row["login_name"], row["email"], row["must_set_passphrase"]) == ("tess", "tess@clinic.example", True)
    found = people.by_login_name(scene.olga, " TESS ", database=scene.engine)
    assert found is not None
    assert found.key == tess
    assert people.by_login_name(scene.olga, "", database=scene.engine) is None
    people.give_account(scene.olga, tess, "tess", database=scene.engine)
    assert scene.rows("account", person_id=scene.tess.person_id)[0]["email"] is None


@pytest.mark.parametrize(
    "typed", ["tess", "tess@", "@clinic.example", "tess@clinic", "a b@clinic.example", "a@b@clinic.example", "x" * 250 + "@c.de"]
)
def test_what_is_no_address_is_refused(scene: Scene, tess: str, typed: str) -> None:
    with pytest.raises(EntryRefused, match="not an e-mail address of plain letters"):
        people.give_account(scene.olga, tess, "tess", email=typed, database=scene.engine)


@pytest.mark.parametrize(
    ("login_name", "said"),
    [("", "1 to 100"), ("  ", "1 to 100"), ("x" * 100, ""), ("x" * 101, "1 to 100"), ("OLGA", "login name olga is taken")],
)
def test_a_login_name_is_folded_has_its_length_and_is_nobody_elses(scene: Scene, login_name: str, said: str) -> None:
    def add() -> None:
        people.add(scene.olga, name="Nia", roles=[Role.THERAPIST], login_name=login_name, database=scene.engine)

    if said:
        with pytest.raises((EntryRefused, AlreadyThere), match=said):
            add()
    else:
        add()
    assert len(scene.rows("person")) == (4 if said else 5)


# --------------------------------------------------------------------------------------------------------------------
# Links
# --------------------------------------------------------------------------------------------------------------------


def test_a_link_sets_a_passphrase_once_within_48_hours_and_ends_the_one_before(scene: Scene, tess: str) -> None:
    older = people.new_link(scene.olga, tess, database=scene.engine, now=NOW)
    link = people.new_link(scene.olga, tess, database=scene.engine, now=NOW)
    token, before = (one.path.removeprefix("/set-passphrase/") for one in (link, older))
    assert link.holds_until == NOW + 48 * HOUR
    assert f"{link.holds_until:%Y-%m-%d %H:%M}" == "2025-04-02 13:00"  # in Chicago
    assert not accounts.link_holds(scene.engine, before, now=NOW)
    assert accounts.link_holds(scene.engine, token, now=NOW + 48 * HOUR - SECOND)
    assert not accounts.link_holds(scene.engine, token, now=NOW + 48 * HOUR)
    accounts.set_passphrase(scene.engine, token, GOOD, source="192.0.2.7", now=NOW)
    with pytest.raises(accounts.LinkRefused):
        accounts.set_passphrase(scene.engine, token, GOOD, now=NOW)
    line = scene.rows("audit_event")[-1]
    assert (line["action"], line["actor"], line["source"], line["detail"]) == (
        "permission_change",
        "Tess",
        "192.0.2.7",
        '{"new": {"passphrase": "set"}}',
    )


def test_the_old_passphrase_works_until_the_new_link_is_used(scene: Scene, tess: str) -> None:
    first = people.new_link(scene.olga, tess, database=scene.engine)
    accounts.set_passphrase(scene.engine, first.path.removeprefix(people.LINK_PATH), GOOD)
    people.new_link(scene.olga, tess, database=scene.engine)
    assert accounts.sign_in(scene.engine, "tess", GOOD, address="192.0.2.7") == scene.tess.person_id


def test_who_is_switched_off_or_has_no_login_name_gets_no_link(scene: Scene, tess: str) -> None:
    with pytest.raises(EntryRefused, match="no login name"):
        people.new_link(scene.olga, key_of(scene.engine, scene.theo.person_id), database=scene.engine)
    people.set_active(scene.olga, tess, False, database=scene.engine)
    with pytest.raises(EntryRefused, match="switched off"):
        people.new_link(scene.olga, tess, database=scene.engine)
    assert scene.rows("set_password_link") == []


def test_the_demo_clinic_has_people_and_no_accounts(scene: Scene, tess: str) -> None:
    with writing(scene.engine) as connection:
        made_anew(connection, is_demo=True)
    for name in ("add", "give_account", "new_link", "unlock", "reset_second_factor"):
        with pytest.raises(EntryRefused, match="by choosing a name"):
            CHANGES[name](scene.engine, scene.olga, tess)
        with pytest.raises(NotFound):
            CHANGES[name](scene.engine, scene.theo, tess)
    assert people.add(scene.olga, name="Nia", roles=[Role.THERAPIST], database=scene.engine) is None
    assert "Nia" in [one.person.name for one in people.colleagues(scene.olga, database=scene.engine)]
    people.set_active(scene.olga, tess, False, database=scene.engine)


# --------------------------------------------------------------------------------------------------------------------
# Tries, second factors, sessions
# --------------------------------------------------------------------------------------------------------------------


def state_of(scene: Scene, name: str, *, now: datetime | None = None) -> str:
    return next(people.state(one) for one in people.colleagues(scene.olga, database=scene.engine, now=now) if one.person.name == name)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["at the door", "with a code", "asked again"])
def test_who_tried_too_often_is_shown_as_locked_and_unlocked_by_the_owner(scene: Scene, tess: str, number: int) -> None:
    subject = subjects(scene)[number]
    for _ in range(5):
        assert state_of(scene, "Tess", now=NOW) != "locked: too many tries"
        throttle.count_try(scene.engine, subject, now=NOW)
    assert state_of(scene, "Tess", now=NOW) == "locked: too many tries"
    assert state_of(scene, "Olga", now=NOW) == "active"
    assert state_of(scene, "Tess", now=NOW + timedelta(minutes=15)) != "locked: too many tries"
    with pytest.raises(TooManyTries):
        throttle.count_try(scene.engine, subject, now=NOW)
    people.unlock(scene.olga, tess, database=scene.engine)
    assert state_of(scene, "Tess", now=NOW) != "locked: too many tries"
    throttle.count_try(scene.engine, subject, now=NOW)


def test_who_is_locked_for_good_is_unlocked_by_the_owner(scene: Scene, tess: str) -> None:
    subject = subjects(scene)[0]
    with writing(scene.engine) as connection:
        row = {"attempts_of": "account", "subject_sha256": subject.sha256, "window_started_at_utc": NOW, "tries": 0, "in_a_row": 100}
        connection.execute(sa.insert(throttle._TABLE).values(row))
    with pytest.raises(TooManyTries, match="until the clinic's owner unlocks it"):
        throttle.count_try(scene.engine, subject, now=NOW + timedelta(days=1))
    assert state_of(scene, "Tess", now=NOW + timedelta(days=1)) == "locked: too many tries"
    people.unlock(scene.olga, tess, database=scene.engine)
    throttle.count_try(scene.engine, subject, now=NOW + timedelta(days=1))


def test_unlocking_where_nothing_is_locked_leaves_no_row(scene: Scene, tess: str) -> None:
    before = len(scene.rows("audit_event"))
    people.unlock(scene.olga, tess, database=scene.engine)
    people.reset_second_factor(scene.olga, tess, database=scene.engine)
    people.end_sessions(scene.olga, tess, database=scene.engine)
    assert len(scene.rows("audit_event")) == before


def test_a_second_factor_that_is_reset_is_gone_with_its_codes_and_sign_ins_and_nobody_elses(scene: Scene, tess: str) -> None:
    session = with_everything(scene)
    people.reset_second_factor(scene.olga, tess, database=scene.engine)
    (row,) = scene.rows("account", person_id=scene.tess.person_id)
    assert (row["totp_secret"], row["totp_step"], row["login_name"]) == (None, None, "tess")
    assert [code["person_id"] for code in scene.rows("recovery_code")] == [scene.olga.person_id]
    assert scene.rows("sign_in_step") == []
    assert sessions.find(scene.engine, session, touch=False) is None


def test_signing_somebody_out_ends_their_sessions_only(scene: Scene, tess: str) -> None:
    session = with_everything(scene)
    others = sessions.key_of(sessions.start(scene.engine, scene.theo.person_id or 0))
    people.end_sessions(scene.olga, tess, database=scene.engine)
    assert sessions.find(scene.engine, session, touch=False) is None
    assert sessions.find(scene.engine, others, touch=False) is not None


def test_the_list_says_how_it_stands_with_each(scene: Scene, tess: str) -> None:
    assert state_of(scene, "Tess") == "passphrase not set, link ended"
    link = people.new_link(scene.olga, tess, database=scene.engine)
    assert state_of(scene, "Tess") == "passphrase not set yet"
    accounts.set_passphrase(scene.engine, link.path.removeprefix(people.LINK_PATH), GOOD)
    assert state_of(scene, "Tess") == "active"
    people.set_active(COMMAND_LINE, tess, False, database=scene.engine)
    assert state_of(scene, "Tess") == "switched off"
    one = next(one for one in people.colleagues(scene.olga, database=scene.engine) if one.key == tess)
    assert people.shown(one, people.sites(database=scene.engine)) == {
        "Name": "Tess",
        "Roles": "therapist",
        "Sites": "Lakeside",
        "State": "switched off",
        "Login name": "tess",
        "Second factor": "no",
        "Single sign-on": "no",
    }
