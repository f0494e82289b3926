"""Who works here: roles and sites are given and taken away, and whoever loses one is out in the same moment."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from access import accounts, sessions, steps
from data import people, queries, records
from data.database import writing
from data.people import LastOwner
from data.permissions import COMMAND_LINE, Act, NotFound, Thing
from data.records import AlreadyThere
from models import Account, EntryRefused, ExternalIdentity, Role, SignInStepKind, SiteKind, Viewer
from tests.clinic_scene import NOBODYS_HASH, Scene, key_of, made_anew, new_scene
from tests.test_data_permissions import GRANT_OF, WHOLE_CLINIC

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OWNER, THERAPIST, FRONT_DESK = Role.OWNER, Role.THERAPIST, Role.FRONT_DESK


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


def key(scene: Scene, who: Viewer) -> str:
    return key_of(scene.engine, who.person_id)


def row(scene: Scene, name: str) -> people.PersonRow:
    return next(row for row in people.everybody(scene.engine, scene.olga) if row.name == name)


def signed_in(scene: Scene, who: Viewer) -> str:
    """Start a session; gives its key."""
    return sessions.key_of(sessions.start(scene.engine, who.person_id or 0))


def holds(scene: Scene, session: str) -> bool:
    return sessions.find(scene.engine, session, touch=False) is not None


def told(scene: Scene) -> list[dict[str, Any]]:
    """Give what the changes of people and settings told the audit."""
    rows = [row for row in scene.rows("audit_event") if row["object_kind"] in ("person", "site", "clinic")]
    return [json.loads(row["detail"]) for row in rows if row["action"] != "refused"]


def second_owner(scene: Scene, *, can_sign_in: bool) -> str:
    """Add Otto, who owns the clinic too."""
    otto = people.add_person(scene.engine, scene.olga, name="Otto", roles=[OWNER], login_name="otto")
    if can_sign_in:
        with writing(scene.engine) as connection:
            otto_id = row(scene, "Otto").person_id
            values = {"passphrase_hash": NOBODYS_HASH, "must_set_passphrase": False}
            connection.execute(sa.update(Account).where(col(Account.person_id) == otto_id).values(values))
    return otto


# --------------------------------------------------------------------------------------------------------------------
# Who is there
# --------------------------------------------------------------------------------------------------------------------


def test_the_owner_sees_everybody_those_who_are_switched_off_last(scene: Scene) -> None:
    people.set_active(scene.engine, scene.olga, key(scene, scene.fred), False)
    rows = people.everybody(scene.engine, scene.olga)
    assert [(row.name, row.is_active, row.roles, row.site_ids) for row in rows] == [
        ("Olga", True, {OWNER}, {scene.lakeside}),
        ("Tess", True, {THERAPIST}, {scene.lakeside}),
        ("Theo", True, {THERAPIST}, {scene.harbour}),
        ("Fred", False, {FRONT_DESK}, {scene.lakeside}),
    ]
    assert [(row.login_name, row.has_passphrase, row.can_sign_in) for row in rows[:2]] == [("olga", True, True), ("", False, False)]


def test_how_somebody_signs_in_is_said_as_yes_or_no_and_no_secret_is_given(scene: Scene) -> None:
    tess = scene.tess.person_id
    people.set_account(scene.engine, scene.olga, key(scene, scene.tess), "tess", "tess@clinic.example")
    assert (row(scene, "Tess").has_passphrase, row(scene, "Tess").can_sign_in) == (False, False)
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Account).where(col(Account.person_id) == tess).values(totp_secret="CANARY", passphrase_hash="CANARY"))
        connection.execute(sa.insert(ExternalIdentity).values(issuer="https://id.example", subject="CANARY", person_id=tess))
    found = row(scene, "Tess")
    assert (found.has_passphrase, found.has_second_factor, found.has_single_sign_on) == (False, True, True)  # not set yet by a link
    assert found.can_sign_in
    assert "CANARY" not in str(found)


def test_who_is_no_owner_finds_nobody_and_it_stands_in_the_audit(scene: Scene) -> None:
    said = set()
    for whose in (key(scene, scene.fred), "no-such-key"):
        with pytest.raises(NotFound) as caught:
            people.set_roles(scene.engine, scene.tess, whose, [OWNER])
        said.add(str(caught.value))
    with pytest.raises(NotFound) as caught:
        people.everybody(scene.engine, scene.theo)
    assert said | {str(caught.value)} == {"There is no such person here."}
    refused = [(line["actor"], line["object_kind"]) for line in scene.rows("audit_event") if line["action"] == "refused"]
    assert refused == [("Tess", "person"), ("Tess", "person"), ("Theo", "person")]
    with pytest.raises(NotFound, match="no such person"):
        people.set_roles(scene.engine, scene.olga, "no-such-key", [OWNER])


# --------------------------------------------------------------------------------------------------------------------
# Somebody new
# --------------------------------------------------------------------------------------------------------------------


def test_a_new_person_has_what_was_given_and_one_row_tells_of_it_without_names(scene: Scene) -> None:
    before = len(scene.rows("audit_event"))
    sites = [scene.lakeside, scene.harbour]
    nia = people.add_person(scene.engine, scene.olga, name=" Nia\u202e New ", roles=[THERAPIST], site_ids=sites, login_name="nia")
    found = row(scene, "Nia New")
    assert (found.key, found.roles, found.site_ids, found.login_name) == (nia, {THERAPIST}, set(sites), "nia")
    assert not found.can_sign_in
    (line,) = scene.rows("audit_event")[before:]
    assert (line["action"], line["object_kind"], line["object_key"], line["actor"]) == ("create", "person", nia, "Olga")
    assert json.loads(line["detail"])["new"] == {"roles": ["therapist"], "site_ids": sorted(sites), "account": True, "email": False}
    assert "nia" not in line["detail"].lower()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": ""}, "1 to 200 characters"),
        ({"name": "\u202e  "}, "1 to 200 characters"),
        ({"name": "x" * 201}, "1 to 200 characters"),
        ({"roles": []}, "at least one role"),
        ({"site_ids": [4711]}, "One of the sites"),
        ({"login_name": "olga"}, "The login name olga is taken"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words_and_nothing_is_added(scene: Scene, given: dict[str, Any], said: str) -> None:
    before = scene.everything()
    with pytest.raises((EntryRefused, AlreadyThere), match=said):
        people.add_person(scene.engine, scene.olga, **{"name": "Nia", "roles": [THERAPIST], **given})
    assert scene.everything() == before
    people.add_person(scene.engine, scene.olga, name="x" * 200, roles=[THERAPIST])


def test_an_address_belongs_to_one_person(scene: Scene) -> None:
    people.set_account(scene.engine, scene.olga, key(scene, scene.tess), "tess", "hips@clinic.example")
    with pytest.raises(AlreadyThere, match="The e-mail address hips@clinic"):
        people.set_account(scene.engine, scene.olga, key(scene, scene.theo), "theo", "hips@clinic.example")
    people.set_account(scene.engine, scene.olga, key(scene, scene.theo), "theo")
    people.set_account(scene.engine, scene.olga, key(scene, scene.fred), "fred")  # no address is no address in common
    people.set_account(scene.engine, scene.olga, key(scene, scene.tess), "tess.lake", "hips@clinic.example")  # their own
    assert row(scene, "Tess").login_name == "tess.lake"
    assert told(scene)[-1] == {"old": {"login_name": "as before"}, "new": {"login_name": "changed"}}


def test_in_the_demo_clinic_nobody_gets_an_account(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        made_anew(connection, is_demo=True)
    with pytest.raises(EntryRefused, match="by choosing a name"):
        people.add_person(scene.engine, scene.olga, name="Nia", roles=[THERAPIST], login_name="nia")
    assert "Nia" not in {person.name for person in queries.people(scene.engine)}
    people.add_person(scene.engine, scene.olga, name="Nia", roles=[THERAPIST])
    assert "Nia" in {person.name for person in queries.people(scene.engine)}


# --------------------------------------------------------------------------------------------------------------------
# Roles, sites, on and off
# --------------------------------------------------------------------------------------------------------------------


def test_changed_roles_end_their_sessions_and_nobody_elses(scene: Scene) -> None:
    tess, also_tess, theo = signed_in(scene, scene.tess), signed_in(scene, scene.tess), signed_in(scene, scene.theo)
    people.set_roles(scene.engine, scene.olga, key(scene, scene.tess), [THERAPIST, OWNER])
    assert [holds(scene, session) for session in (tess, also_tess, theo)] == [False, False, True]
    assert row(scene, "Tess").roles == {OWNER, THERAPIST}
    assert told(scene)[-1] == {
        "old": {"roles": ["therapist"], "open_sessions": 2},
        "new": {"roles": ["owner", "therapist"], "open_sessions": 0},
    }


def test_the_same_roles_and_sites_change_nothing_and_end_nothing(scene: Scene) -> None:
    tess, before = signed_in(scene, scene.tess), len(scene.rows("audit_event"))
    people.set_roles(scene.engine, scene.olga, key(scene, scene.tess), [THERAPIST])
    people.set_sites(scene.engine, scene.olga, key(scene, scene.tess), [scene.lakeside])
    people.set_active(scene.engine, scene.olga, key(scene, scene.tess), True)
    assert holds(scene, tess)
    assert len(scene.rows("audit_event")) == before


def test_without_a_role_nobody_is_left(scene: Scene) -> None:
    with pytest.raises(EntryRefused, match="at least one role"):
        people.set_roles(scene.engine, scene.olga, key(scene, scene.tess), [])
    assert row(scene, "Tess").roles == {THERAPIST}


def test_changed_sites_count_at_the_next_question_and_the_session_goes_on(scene: Scene) -> None:
    patient = scene.patient("THEO", scene.theo)
    scene.episode(patient, scene.theo, site_id=scene.harbour)
    tess = signed_in(scene, scene.tess)
    people.set_sites(scene.engine, scene.olga, key(scene, scene.tess), [scene.harbour])
    now = next(person for person in queries.people(scene.engine) if person.name == "Tess")
    assert queries.patient(scene.engine, now, patient).code == "THEO"
    assert holds(scene, tess)
    people.set_sites(scene.engine, scene.olga, key(scene, scene.tess), [])
    gone = next(person for person in queries.people(scene.engine) if person.name == "Tess")
    with pytest.raises(NotFound):
        queries.patient(scene.engine, gone, patient)
    assert told(scene)[-1] == {"old": {"site_ids": [scene.harbour]}, "new": {"site_ids": []}}


def test_switching_off_ends_sessions_links_and_half_done_sign_ins_and_keeps_what_was_written(scene: Scene) -> None:
    patient = scene.patient("ADA", scene.tess)
    link = scene.account(scene.tess, "tess")
    step = steps.begin(scene.engine, SignInStepKind.SECOND_FACTOR, holds=DAY, person_id=scene.tess.person_id)
    tess = signed_in(scene, scene.tess)
    people.set_active(scene.engine, scene.olga, key(scene, scene.tess), False)
    assert not holds(scene, tess)
    assert told(scene)[-1] == {"old": {"is_active": True, "open_sessions": 1}, "new": {"is_active": False, "open_sessions": 0}}
    people.set_active(scene.engine, scene.olga, key(scene, scene.tess), True)
    assert row(scene, "Tess").is_active
    # switched on again, nothing of before is awake
    assert not holds(scene, tess)
    assert not accounts.link_holds(scene.engine, link)
    assert steps.find(scene.engine, SignInStepKind.SECOND_FACTOR, step) is None
    assert [line.key for line in queries.patients(scene.engine, scene.tess)] == [patient]


@pytest.mark.parametrize(
    "name", [name for name in WHOLE_CLINIC if GRANT_OF[name].thing is Thing.PEOPLE and GRANT_OF[name].act is Act.WRITE]
)
def test_a_change_that_cannot_be_written_down_does_not_happen(scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    signed_in(scene, scene.fred)  # whom the changes are tried on
    before = scene.everything()
    monkeypatch.setattr("data.audit.record", full)
    with pytest.raises(OSError, match="disk is full"):
        WHOLE_CLINIC[name](scene.engine, scene.olga)
    assert scene.everything() == before


# --------------------------------------------------------------------------------------------------------------------
# The last owner
# --------------------------------------------------------------------------------------------------------------------


def test_the_last_owner_stays_one(scene: Scene) -> None:
    olga = key(scene, scene.olga)
    for who in (scene.olga, COMMAND_LINE):
        with pytest.raises(LastOwner, match="no owner who can sign in"):
            people.set_roles(scene.engine, who, olga, [THERAPIST])
        with pytest.raises(LastOwner):
            people.set_active(scene.engine, who, olga, False)
    people.set_roles(scene.engine, scene.olga, olga, [OWNER, THERAPIST])  # another role beside it is fine
    assert row(scene, "Olga").roles == {OWNER, THERAPIST}


@pytest.mark.parametrize("demo", [False, True])
def test_another_owner_counts_where_they_can_sign_in(scene: Scene, demo: bool) -> None:
    otto = second_owner(scene, can_sign_in=False)
    with writing(scene.engine) as connection:
        made_anew(connection, is_demo=demo)
    if not demo:  # Otto has not set a passphrase yet
        with pytest.raises(LastOwner):
            people.set_active(scene.engine, scene.olga, key(scene, scene.olga), False)
        people.set_roles(scene.engine, scene.olga, otto, [FRONT_DESK])  # Olga is there
        return
    people.set_active(scene.engine, scene.olga, key(scene, scene.olga), False)
    with pytest.raises(LastOwner):
        people.set_active(scene.engine, COMMAND_LINE, otto, False)


def test_an_owner_who_was_switched_off_is_none(scene: Scene) -> None:
    otto = second_owner(scene, can_sign_in=True)
    people.set_active(scene.engine, scene.olga, otto, False)
    with pytest.raises(LastOwner):
        people.set_active(scene.engine, scene.olga, key(scene, scene.olga), False)
    people.set_roles(scene.engine, scene.olga, otto, [THERAPIST])  # it takes nobody away
    assert row(scene, "Otto").roles == {THERAPIST}


def test_two_owners_who_switch_each_other_off_in_the_same_moment_leave_one(scene: Scene) -> None:
    otto, olga = second_owner(scene, can_sign_in=True), key(scene, scene.olga)
    start = threading.Barrier(2)

    def switch_off(whom: str) -> bool:
        start.wait()
        try:
            people.set_active(scene.engine, COMMAND_LINE, whom, False)
        except LastOwner:
            return False
        return True

    with ThreadPoolExecutor(2) as both:
        done = list(both.map(switch_off, (otto, olga)))
    assert sorted(done) == [False, True]
    assert people.has_owner(scene.engine)


# --------------------------------------------------------------------------------------------------------------------
# The first one
# --------------------------------------------------------------------------------------------------------------------


def first_owner(scene: Scene, token: str, **given: Any) -> int | None:
    fields = {"name": "Fay First", "login_name": "fay", "passphrase_hash": NOBODYS_HASH, "also_treats": False, "source": "192.0.2.7"}
    return people.add_first_owner(scene.engine, step_sha256=sessions.key_of(token), **{**fields, **given})


def without_owner(scene: Scene) -> str:
    """Take Olga's account away behind the back of data/; gives the token of a link for the first owner."""
    with writing(scene.engine) as connection:
        connection.execute(sa.delete(Account))
    return steps.begin(scene.engine, SignInStepKind.FIRST_OWNER, holds=DAY)


@pytest.mark.parametrize(("also_treats", "roles"), [(False, {OWNER}), (True, {OWNER, THERAPIST})])
def test_the_first_owner_can_sign_in_and_the_link_is_used_up(scene: Scene, also_treats: bool, roles: set[Role]) -> None:
    token = without_owner(scene)
    assert not people.has_owner(scene.engine)
    made = first_owner(scene, token, also_treats=also_treats)
    assert people.has_owner(scene.engine)
    found = row(scene, "Fay First")
    assert (found.person_id, found.roles, found.login_name, found.has_passphrase) == (made, roles, "fay", True)
    assert scene.rows("sign_in_step") == []
    (line,) = [line for line in scene.rows("audit_event") if line["action"] == "create"]
    assert (line["person_id"], line["actor"], line["source"]) == (made, "Fay First", "192.0.2.7")
    assert NOBODYS_HASH not in line["detail"]
    assert first_owner(scene, token, login_name="again") is None


@pytest.mark.parametrize("why", ["made up", "over", "of another kind", "an owner is there", "the demo clinic"])
def test_nobody_becomes_the_first_owner_without_a_link_that_holds(scene: Scene, why: str) -> None:
    token = without_owner(scene)
    if why == "made up":
        token = "made-up"
    elif why == "over":
        token = steps.begin(scene.engine, SignInStepKind.FIRST_OWNER, holds=-timedelta(seconds=1))
    elif why == "of another kind":
        token = steps.begin(scene.engine, SignInStepKind.SINGLE_SIGN_ON, holds=DAY)
    with writing(scene.engine) as connection:
        if why == "an owner is there":
            values = {"login_name": "olga", "passphrase_hash": NOBODYS_HASH, "must_set_passphrase": False}
            connection.execute(sa.insert(Account).values(person_id=scene.olga.person_id, **values))
        if why == "the demo clinic":
            made_anew(connection, is_demo=True)
    before = scene.everything()
    assert first_owner(scene, token) is None
    assert scene.everything() == before


def test_a_refused_name_leaves_the_link_as_it_was(scene: Scene) -> None:
    token = without_owner(scene)
    people.set_account(scene.engine, COMMAND_LINE, key(scene, scene.tess), "tess")
    with pytest.raises(AlreadyThere, match="login name tess is taken"):
        first_owner(scene, token, login_name="tess")
    with pytest.raises(EntryRefused, match="1 to 200"):
        first_owner(scene, token, name=" ")
    assert first_owner(scene, token) is not None


@pytest.mark.parametrize(
    ("how", "has"),
    [("passphrase", True), ("must set it", False), ("single sign-on", True), ("switched off", False), ("therapist", False), ("demo", True)],
)
def test_a_clinic_has_an_owner_when_one_can_come_in(scene: Scene, how: str, has: bool) -> None:
    olga = scene.olga.person_id
    with writing(scene.engine) as connection:
        if how in ("must set it", "single sign-on"):
            connection.execute(sa.update(Account).values(must_set_passphrase=True))
        if how == "single sign-on":
            connection.execute(sa.insert(ExternalIdentity).values(issuer="https://id.example", subject="1", person_id=olga))
        if how == "switched off":
            connection.exec_driver_sql("UPDATE person SET is_active = false WHERE name = 'Olga'")
        if how == "therapist":
            connection.exec_driver_sql("UPDATE person_role SET role = 'therapist'")
        if how == "demo":
            connection.execute(sa.delete(Account))
            made_anew(connection, is_demo=True)
    assert people.has_owner(scene.engine) is has


# --------------------------------------------------------------------------------------------------------------------
# Rules and sites
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("idle", "hours", "said"),
    [
        (4, 12, "locks itself are 5 to 30, not 4"),
        (5, 12, ""),
        (30, 12, ""),
        (31, 12, "5 to 30, not 31"),
        (15, 0, "signs in again are 1 to 24, not 0"),
        (15, 1, ""),
        (15, 24, ""),
        (15, 25, "1 to 24, not 25"),
    ],
)
def test_the_rules_of_signing_in_have_limits(scene: Scene, idle: int, hours: int, said: str) -> None:
    def save() -> None:
        records.set_sign_in_rules(scene.engine, scene.olga, idle_minutes=idle, session_hours=hours, require_second_factor=False)

    if said:
        with pytest.raises(EntryRefused, match=said):
            save()
    else:
        save()
    clinic = queries.clinic(scene.engine)
    assert (clinic.idle_minutes, clinic.session_hours) == ((15, 12) if said else (idle, hours))


def test_only_what_changed_of_the_rules_is_told(scene: Scene) -> None:
    records.set_sign_in_rules(scene.engine, scene.olga, idle_minutes=15, session_hours=8, require_second_factor=True)
    assert told(scene) == [
        {
            "old": {"session_hours": 12, "require_second_factor": False},
            "new": {"session_hours": 8, "require_second_factor": True},
        }
    ]
    records.set_sign_in_rules(scene.engine, scene.olga, idle_minutes=15, session_hours=8, require_second_factor=True)
    assert len(told(scene)) == 1


def test_a_site_is_added_once(scene: Scene) -> None:
    number = records.add_site(scene.engine, scene.olga, " Video\n", SiteKind.VIRTUAL)
    assert queries.sites(scene.engine)[-1] == (number, "Video", "virtual")
    assert told(scene) == [{"new": {"name": "Video", "kind": "virtual"}}]
    with pytest.raises(AlreadyThere, match="a site called Video"):
        records.add_site(scene.engine, scene.olga, "Video", SiteKind.IN_PERSON)
    for name in ("", "x" * 201):
        with pytest.raises(EntryRefused, match="1 to 200"):
            records.add_site(scene.engine, scene.olga, name, SiteKind.VIRTUAL)
    assert len(queries.sites(scene.engine)) == 3
