"""The second factor: which codes fit, how often, and what is kept of it. And the passphrase that is asked for again."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import sqlalchemy as sa
from sqlmodel import col

from access import accounts, asking_again, passphrases, people, second_factor, sessions, steps, throttle
from access.accounts import SignInRefused
from access.second_factor import CodeRefused, SecondFactorRequired
from access.throttle import TooManyTries
from data.database import make_engine, writing
from models import AttemptsOf, Clinic, Person, SignInStepKind
from tests.clinic_scene import Scene, add_account, made_anew, new_link, new_scene

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)  # begins a step of 30 seconds
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
STEP = timedelta(seconds=30)
GOOD = "orange kettle morning"
# RFC 6238, appendix B, SHA-1: the secret "12345678901234567890" in base 32; of its eight digits the last six are ours
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # pragma: allowlist secret
RFC_CODES = {59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"}


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def tess(scene: Scene) -> int:
    """Give Tess's id; she signs in as `tess` with GOOD and has no second factor yet."""
    assert scene.tess.person_id is not None
    add_account(scene.engine, scene.tess.person_id, "tess")
    accounts.set_passphrase(scene.engine, new_link(scene.engine, scene.tess.person_id, now=NOW), GOOD, now=NOW)
    return scene.tess.person_id


@pytest.fixture
def codes(scene: Scene, tess: int) -> list[str]:
    """Give Tess her second factor, set up an hour before NOW; gives her recovery codes."""
    return second_factor.set_up(scene.engine, tess, RFC_SECRET, _code(NOW - HOUR), now=NOW - HOUR)


def _code(at: datetime, secret: str = RFC_SECRET) -> str:
    return pyotp.TOTP(secret).at(at)


def _said(check: Callable[[], object]) -> str:
    try:
        check()
    except (CodeRefused, TooManyTries, SignInRefused) as refused:
        return type(refused).__name__
    return "fits"


def _try(scene: Scene, person_id: int, code: str, now: datetime = NOW) -> str:
    return _said(lambda: second_factor.check(scene.engine, person_id, code, now=now))


def _require(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Clinic).values(require_second_factor=True))


# --------------------------------------------------------------------------------------------------------------------
# Codes of the telephone
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES.items())
def test_the_codes_are_those_of_the_standard(scene: Scene, tess: int, seconds: int, code: str) -> None:
    now = datetime.fromtimestamp(seconds, UTC)
    assert len(second_factor.set_up(scene.engine, tess, RFC_SECRET, code, now=now)) == 10
    assert _try(scene, tess, code, now) == "CodeRefused"


@pytest.mark.parametrize(
    ("late", "said"),
    [
        (-STEP - SECOND, "CodeRefused"),  # two steps too early
        (-STEP, "fits"),
        (timedelta(), "fits"),
        (STEP, "fits"),
        (2 * STEP - SECOND, "fits"),  # the last second in which it is the code before
        (2 * STEP, "CodeRefused"),
    ],
)
def test_a_code_fits_in_its_own_step_and_the_ones_beside_it(scene: Scene, tess: int, codes: list[str], late: timedelta, said: str) -> None:
    assert _try(scene, tess, _code(NOW), NOW + late) == said


def test_no_code_works_twice_and_none_that_is_older_than_the_last(scene: Scene, tess: int, codes: list[str]) -> None:
    assert _try(scene, tess, _code(NOW)) == "fits"
    assert _try(scene, tess, _code(NOW)) == "CodeRefused"
    assert _try(scene, tess, _code(NOW), NOW + STEP) == "CodeRefused"
    assert _try(scene, tess, _code(NOW - STEP)) == "CodeRefused"
    assert _try(scene, tess, _code(NOW + STEP)) == "fits"


def test_the_code_that_set_it_up_is_used_up(scene: Scene, tess: int) -> None:
    second_factor.set_up(scene.engine, tess, RFC_SECRET, _code(NOW), now=NOW)
    assert _try(scene, tess, _code(NOW)) == "CodeRefused"
    assert _try(scene, tess, _code(NOW + STEP), NOW + STEP) == "fits"


def test_of_four_tries_at_once_with_one_code_one_passes(scene: Scene, tess: int, codes: list[str], database_url: str) -> None:
    begin, said = threading.Barrier(4), []

    def tries() -> None:
        own = make_engine(database_url)
        begin.wait()
        said.append(_said(lambda: second_factor.check(own, tess, _code(NOW), now=NOW)))
        own.dispose()

    threads = [threading.Thread(target=tries) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["CodeRefused"] * 3 + ["fits"]


@pytest.mark.parametrize("code", ["287 082", " 287082 ", "28\t7082"])
def test_a_code_may_be_typed_with_a_gap(scene: Scene, tess: int, code: str) -> None:
    assert second_factor.set_up(scene.engine, tess, RFC_SECRET, code, now=datetime.fromtimestamp(59, UTC))


@pytest.mark.parametrize("code", ["", " ", "28708", "2870820", "２８７０８２", "\ud800", "x" * 10_000, "94287082"])
def test_what_is_no_code_is_refused_like_a_wrong_one(scene: Scene, tess: int, codes: list[str], code: str) -> None:
    assert _try(scene, tess, code, datetime.fromtimestamp(59, UTC)) == "CodeRefused"


def test_who_has_no_second_factor_or_was_switched_off_or_is_not_there_is_refused_alike(scene: Scene, tess: int, codes: list[str]) -> None:
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == tess).values(is_active=False))
    for person_id in (tess, scene.theo.person_id or 0, 4711):
        assert _try(scene, person_id, _code(NOW)) == "CodeRefused"
        assert _try(scene, person_id, codes[0]) == "CodeRefused"


# --------------------------------------------------------------------------------------------------------------------
# The throttle
# --------------------------------------------------------------------------------------------------------------------


def test_the_fifth_try_may_fit_and_the_sixth_is_not_compared(scene: Scene, tess: int, codes: list[str]) -> None:
    assert [_try(scene, tess, "000000") for _ in range(4)] == ["CodeRefused"] * 4
    assert _try(scene, tess, _code(NOW)) == "fits"
    assert [_try(scene, tess, "000000") for _ in range(6)] == ["CodeRefused"] * 5 + ["TooManyTries"]
    assert _try(scene, tess, _code(NOW + STEP)) == "TooManyTries"
    assert _try(scene, tess, codes[0]) == "TooManyTries"
    later = NOW + 15 * MINUTE
    assert _try(scene, tess, _code(later - SECOND), later - SECOND) == "TooManyTries"
    assert _try(scene, tess, _code(later), later) == "fits"


def test_the_throttle_of_one_person_is_not_that_of_another_and_survives_a_restart(
    scene: Scene, tess: int, codes: list[str], database_url: str
) -> None:
    theo = scene.theo.person_id or 0
    add_account(scene.engine, theo, "theo")
    second_factor.set_up(scene.engine, theo, RFC_SECRET, _code(NOW - HOUR), now=NOW - HOUR)
    for _ in range(5):
        _try(scene, tess, "000000")
    restarted = make_engine(database_url)
    assert _said(lambda: second_factor.check(restarted, tess, _code(NOW), now=NOW)) == "TooManyTries"
    restarted.dispose()
    assert _try(scene, theo, _code(NOW)) == "fits"


def test_first_tries_at_once_are_all_counted(scene: Scene, tess: int, codes: list[str], database_url: str) -> None:
    begin, said = threading.Barrier(8), []

    def tries() -> None:
        own = make_engine(database_url)
        begin.wait()
        said.append(_said(lambda: second_factor.check(own, tess, "000000", now=NOW)))
        own.dispose()

    threads = [threading.Thread(target=tries) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["CodeRefused"] * 5 + ["TooManyTries"] * 3


# --------------------------------------------------------------------------------------------------------------------
# Recovery codes
# --------------------------------------------------------------------------------------------------------------------


def test_there_are_ten_recovery_codes_that_people_can_read(codes: list[str]) -> None:
    assert len(set(codes)) == 10
    letters = set("".join(codes)) - {"-"}
    assert letters <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert {tuple(map(len, code.split("-"))) for code in codes} == {(4, 4, 4)}  # 12 of 32 kinds: 60 bits


def test_a_recovery_code_stands_in_once(scene: Scene, tess: int, codes: list[str]) -> None:
    for left, code in zip(range(9, -1, -1), codes, strict=True):
        assert _try(scene, tess, code) == "fits"
        assert _try(scene, tess, code) == "CodeRefused"
        assert second_factor.recovery_codes_left(scene.engine, tess) == left
    assert _try(scene, tess, _code(NOW)) == "fits"


def test_a_recovery_code_may_be_typed_as_one_reads_it(scene: Scene, tess: int, codes: list[str]) -> None:
    assert _try(scene, tess, codes[0].lower()) == "fits"
    assert _try(scene, tess, f" {codes[1].replace('-', ' ')} ") == "fits"
    assert _try(scene, tess, codes[2].replace("-", "").replace("0", "O").replace("1", "l")) == "fits"


def test_new_recovery_codes_end_the_old_ones(scene: Scene, tess: int, codes: list[str]) -> None:
    _try(scene, tess, codes[0])
    anew = second_factor.new_recovery_codes(scene.engine, tess, now=NOW)
    assert second_factor.recovery_codes_left(scene.engine, tess) == 10
    assert not set(anew) & set(codes)
    assert _try(scene, tess, codes[1]) == "CodeRefused"
    assert _try(scene, tess, anew[0]) == "fits"


def test_a_recovery_code_of_another_does_not_fit(scene: Scene, tess: int, codes: list[str]) -> None:
    theo = scene.theo.person_id or 0
    add_account(scene.engine, theo, "theo")
    second_factor.set_up(scene.engine, theo, RFC_SECRET, _code(NOW - HOUR), now=NOW - HOUR)
    assert _try(scene, theo, codes[0]) == "CodeRefused"
    assert _try(scene, tess, codes[0]) == "fits"


def test_who_has_no_second_factor_gets_no_recovery_codes(scene: Scene, tess: int) -> None:
    with pytest.raises(CodeRefused):
        second_factor.new_recovery_codes(scene.engine, tess)
    assert scene.rows("recovery_code") == []


def test_no_code_is_stored_as_it_is(scene: Scene, tess: int, codes: list[str]) -> None:
    everything = str(scene.everything())
    assert not [code for code in codes if code in everything or code.replace("-", "") in everything]


# --------------------------------------------------------------------------------------------------------------------
# Setting up and taking away
# --------------------------------------------------------------------------------------------------------------------


def test_the_qr_code_names_the_clinic_and_the_login_name() -> None:
    secret = second_factor.new_secret()
    uri = urlsplit(second_factor.provisioning_uri(secret, clinic="Two Rivers & Co", login_name="tess@lake"))
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/Two Rivers & Co:tess@lake")
    assert parse_qs(uri.query) == {"secret": [secret], "issuer": ["Two Rivers & Co"]}


def test_a_secret_has_160_bits_and_is_new_each_time() -> None:
    secrets = {second_factor.new_secret() for _ in range(20)}
    assert {len(secret) for secret in secrets} == {32}
    assert len(secrets) == 20


def test_it_is_only_set_up_once_the_first_code_fits(scene: Scene, tess: int) -> None:
    with pytest.raises(CodeRefused):
        second_factor.set_up(scene.engine, tess, RFC_SECRET, "000000", now=NOW)
    assert not second_factor.has_one(scene.engine, tess)
    assert scene.rows("recovery_code") == []
    second_factor.set_up(scene.engine, tess, RFC_SECRET, _code(NOW), now=NOW)
    assert second_factor.has_one(scene.engine, tess)


def test_a_second_factor_is_not_replaced_by_setting_up_another(scene: Scene, tess: int, codes: list[str]) -> None:
    other = second_factor.new_secret()
    with pytest.raises(CodeRefused):
        second_factor.set_up(scene.engine, tess, other, _code(NOW, other), now=NOW)
    assert _try(scene, tess, _code(NOW)) == "fits"
    assert _try(scene, tess, codes[0]) == "fits"


def test_giving_up_ones_own_takes_a_code_and_takes_the_recovery_codes_with_it(scene: Scene, tess: int, codes: list[str]) -> None:
    with pytest.raises(CodeRefused):
        second_factor.give_up(scene.engine, tess, "000000", now=NOW)
    assert second_factor.has_one(scene.engine, tess)
    second_factor.give_up(scene.engine, tess, _code(NOW), now=NOW)
    assert not second_factor.has_one(scene.engine, tess)
    assert scene.rows("recovery_code") == []
    assert _try(scene, tess, codes[0]) == "CodeRefused"


def test_nobody_gives_up_what_the_clinic_requires_but_the_owner_can_take_it_away(scene: Scene, tess: int, codes: list[str]) -> None:
    _require(scene)
    with pytest.raises(SecondFactorRequired):
        second_factor.give_up(scene.engine, tess, _code(NOW), now=NOW)
    assert _try(scene, tess, _code(NOW)) == "fits"  # the code was not used up
    people.reset_second_factor(scene.olga, str(scene.rows("person", id=tess)[0]["key"]), database=scene.engine)
    assert second_factor.asked_of(scene.engine, tess) is SignInStepKind.ENROL


def test_who_is_asked_for_what(scene: Scene, tess: int) -> None:
    theo = scene.theo.person_id or 0
    add_account(scene.engine, theo, "theo")
    second_factor.set_up(scene.engine, theo, RFC_SECRET, _code(NOW), now=NOW)
    assert [second_factor.asked_of(scene.engine, who) for who in (tess, theo)] == [None, SignInStepKind.SECOND_FACTOR]
    _require(scene)
    assert [second_factor.asked_of(scene.engine, who) for who in (tess, theo)] == [SignInStepKind.ENROL, SignInStepKind.SECOND_FACTOR]
    with writing(scene.engine) as connection:
        made_anew(connection, is_demo=True)
    assert [second_factor.asked_of(scene.engine, who) for who in (tess, theo)] == [None, None]
    assert not second_factor.is_required(scene.engine)


def test_all_of_it_stands_in_the_audit_and_no_secret_does(scene: Scene, tess: int, codes: list[str]) -> None:
    _try(scene, tess, codes[0])
    anew = second_factor.new_recovery_codes(scene.engine, tess, now=NOW)
    second_factor.give_up(scene.engine, tess, _code(NOW), source="192.0.2.7", now=NOW)
    rows = [row for row in scene.rows("audit_event") if row["action"] == "permission_change" and row["object_kind"] == "account"]
    assert [(row["person_id"], row["actor"], row["object_kind"], row["object_key"], row["detail"]) for row in rows] == [
        (tess, "Tess", "account", str(tess), '{"new": {"recovery_codes": 10, "second_factor": true}, "old": {"second_factor": false}}'),
        (tess, "Tess", "account", str(tess), '{"new": {"recovery_code": "used"}}'),
        (tess, "Tess", "account", str(tess), '{"new": {"recovery_codes": 10}}'),
        (tess, "Tess", "account", str(tess), '{"new": {"second_factor": false}, "old": {"second_factor": true}}'),
    ]
    assert rows[-1]["source"] == "192.0.2.7"
    assert not [secret for secret in (RFC_SECRET, *codes, *anew) if secret in str(scene.rows("audit_event"))]


# --------------------------------------------------------------------------------------------------------------------
# The passphrase again
# --------------------------------------------------------------------------------------------------------------------


def _session(scene: Scene, person_id: int, now: datetime = NOW) -> sessions.SignedIn:
    found = sessions.find(scene.engine, sessions.key_of(sessions.start(scene.engine, person_id, now=now)), touch=False, now=now)
    assert found is not None
    return found


def test_the_passphrase_is_asked_for_again_and_throttled_by_itself(
    scene: Scene, tess: int, codes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrases, "fits", lambda _stored, passphrase: passphrase == GOOD)  # the hashing is not what is looked at here

    def again(passphrase: str, now: datetime = NOW, who: int = tess) -> str:
        return _said(lambda: asking_again.check_passphrase(scene.engine, who, passphrase, now=now))

    assert [again("wrong") for _ in range(4)] == ["SignInRefused"] * 4
    assert again(GOOD) == "fits"
    assert [again("wrong") for _ in range(6)] == ["SignInRefused"] * 5 + ["TooManyTries"]
    assert again(GOOD, NOW + 15 * MINUTE - SECOND) == "TooManyTries"
    assert accounts.sign_in(scene.engine, "tess", GOOD, address="192.0.2.7", now=NOW) == tess  # the way in is counted apart
    assert _try(scene, tess, _code(NOW)) == "fits"
    assert again(GOOD, NOW + 15 * MINUTE) == "fits"
    assert again(GOOD, who=scene.theo.person_id or 0) == "SignInRefused"  # has none


@pytest.mark.parametrize(("after", "left"), [(10 * MINUTE - SECOND, SECOND), (10 * MINUTE, timedelta())])
def test_a_proof_holds_for_ten_minutes_and_is_renewed(scene: Scene, tess: int, after: timedelta, left: timedelta) -> None:
    key = _session(scene, tess).key
    found = sessions.find(scene.engine, key, touch=False, now=NOW + after)
    assert found is not None
    assert found.proved_left == left
    sessions.prove(scene.engine, key, now=NOW + after)
    renewed = sessions.find(scene.engine, key, touch=False, now=NOW + after)
    assert renewed is not None
    assert renewed.proved_left == 10 * MINUTE


def test_a_new_passphrase_takes_the_old_one_and_ends_every_other_session_and_half_way_sign_in(scene: Scene, tess: int) -> None:
    here, elsewhere, theos = _session(scene, tess), _session(scene, tess), _session(scene, scene.theo.person_id or 0)
    half_way = steps.begin(scene.engine, SignInStepKind.SECOND_FACTOR, holds=5 * MINUTE, person_id=tess, now=NOW)
    link = new_link(scene.engine, tess, now=NOW)
    with pytest.raises(SignInRefused):
        asking_again.change_passphrase(scene.engine, here, "wrong", "violet ladder evening", now=NOW)
    with pytest.raises(passphrases.PassphraseRefused):
        asking_again.change_passphrase(scene.engine, here, GOOD, "passwordpassword", now=NOW)
    assert len(sessions.holding(scene.engine, {here.key, elsewhere.key, theos.key}, now=NOW)) == 3
    asking_again.change_passphrase(scene.engine, here, GOOD, "violet ladder evening", now=NOW)
    assert set(sessions.holding(scene.engine, {here.key, elsewhere.key, theos.key}, now=NOW)) == {here.key, theos.key}
    assert steps.find(scene.engine, SignInStepKind.SECOND_FACTOR, half_way, now=NOW) is None
    assert not accounts.link_holds(scene.engine, link, now=NOW)  # one that was out could set yet another
    assert accounts.sign_in(scene.engine, "tess", "violet ladder evening", address="192.0.2.7", now=NOW) == tess
    with pytest.raises(SignInRefused):
        accounts.sign_in(scene.engine, "tess", GOOD, address="192.0.2.7", now=NOW)
    (row,) = [row for row in scene.rows("audit_event") if "changed" in row["detail"]]
    assert (row["person_id"], row["object_kind"], row["detail"]) == (tess, "account", '{"new": {"passphrase": "changed"}}')


# --------------------------------------------------------------------------------------------------------------------
# Many sessions at once, and steps
# --------------------------------------------------------------------------------------------------------------------


def test_many_sessions_are_looked_up_at_once_each_by_its_own_limits(scene: Scene, tess: int) -> None:
    olga, theo = scene.olga.person_id or 0, scene.theo.person_id or 0
    fresh, idle = _session(scene, tess, NOW + 14 * MINUTE).key, _session(scene, tess).key
    ended, off = _session(scene, olga).key, _session(scene, theo).key
    assert sessions.holding(scene.engine, {fresh, idle, ended, off, "made-up"}, now=NOW + 15 * MINUTE - SECOND) == {
        fresh: scene.tess.roles,
        idle: scene.tess.roles,
        ended: scene.olga.roles,
        off: scene.theo.roles,
    }
    sessions.end(scene.engine, ended, now=NOW)
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == theo).values(is_active=False))
    assert set(sessions.holding(scene.engine, {fresh, idle, ended, off}, now=NOW + 15 * MINUTE - SECOND)) == {fresh, idle}
    assert set(sessions.holding(scene.engine, {fresh, idle, ended, off}, now=NOW + 15 * MINUTE)) == {fresh}
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Clinic).values(idle_minutes=30, session_hours=1))
    kept = {fresh, idle}
    with writing(scene.engine) as connection:
        connection.execute(sa.text("UPDATE sign_in_session SET last_seen_at_utc = :now"), {"now": NOW + HOUR})
    assert set(sessions.holding(scene.engine, kept, now=NOW + HOUR - SECOND)) == {fresh, idle}
    assert set(sessions.holding(scene.engine, kept, now=NOW + HOUR)) == {fresh}
    assert sessions.holding(scene.engine, set(), now=NOW) == {}


@pytest.mark.parametrize(("after", "holds"), [(5 * MINUTE - SECOND, True), (5 * MINUTE, False)])
def test_a_step_holds_for_its_time_opens_its_kind_only_and_is_used_up_once(scene: Scene, tess: int, after: timedelta, holds: bool) -> None:
    token = steps.begin(scene.engine, SignInStepKind.SECOND_FACTOR, holds=5 * MINUTE, person_id=tess, now=NOW)
    found = steps.find(scene.engine, SignInStepKind.SECOND_FACTOR, token, now=NOW + after)
    assert (found is not None) is holds
    assert steps.find(scene.engine, SignInStepKind.ENROL, token, now=NOW) is None
    assert steps.find(scene.engine, SignInStepKind.SECOND_FACTOR, sessions.key_of(token), now=NOW) is None
    assert sessions.find(scene.engine, sessions.key_of(token), touch=False, now=NOW) is None
    if found is not None:
        assert [steps.end(scene.engine, found), steps.end(scene.engine, found)] == [True, False]


def test_the_owner_unlocks_a_person_who_tried_too_often(scene: Scene, tess: int, codes: list[str]) -> None:
    for _ in range(6):
        _try(scene, tess, "000000")
    with writing(scene.engine) as connection:
        assert throttle.forget_tries(connection, throttle.Subject(AttemptsOf.SECOND_FACTOR, str(tess)))
    assert _try(scene, tess, _code(NOW)) == "fits"
