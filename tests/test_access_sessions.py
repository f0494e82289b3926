"""Sessions, accounts, the throttle: what holds, until when, and what a wrong try costs."""

import statistics
import time
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from access import accounts, passphrases, sessions, throttle
from access.accounts import LinkRefused, SignInRefused
from access.passphrases import PassphraseRefused
from access.throttle import TooManyTries
from data.database import make_engine, writing
from models import Account, AttemptsOf, Clinic, Person, SetPasswordLink, SignInSession
from tests.clinic_scene import Scene, add_account, new_link, new_scene

NOW = datetime(2025, 3, 31, 18, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
GOOD = "orange kettle morning"
HERE = "192.0.2.7"


@pytest.fixture
def scene(engine: sa.Engine) -> Scene:
    return new_scene(engine)


@pytest.fixture
def tess(scene: Scene) -> int:
    """Give Tess's id; she signs in as `tess` with GOOD."""
    assert scene.tess.person_id is not None
    add_account(scene.engine, scene.tess.person_id, "Tess")
    accounts.set_passphrase(scene.engine, new_link(scene.engine, scene.tess.person_id, now=NOW), GOOD, now=NOW)
    return scene.tess.person_id


def _holds(engine: sa.Engine, token: str, now: datetime, *, touch: bool = False) -> bool:
    return sessions.find(engine, sessions.key_of(token), touch=touch, now=now) is not None


# --------------------------------------------------------------------------------------------------------------------
# Sessions
# --------------------------------------------------------------------------------------------------------------------


def test_a_session_names_its_person_and_its_token_is_stored_nowhere(scene: Scene) -> None:
    assert scene.tess.person_id is not None
    token = sessions.start(scene.engine, scene.tess.person_id, now=NOW)
    found = sessions.find(scene.engine, sessions.key_of(token), touch=False, now=NOW)
    assert found is not None
    assert (found.person_id, found.idle_left) == (scene.tess.person_id, 15 * MINUTE)
    assert len(token) == 43  # 256 bits
    (row,) = scene.rows("sign_in_session")
    assert token not in str(row)
    assert sessions.find(scene.engine, token, touch=False, now=NOW) is None


@pytest.mark.parametrize(
    ("after", "holds"), [(15 * MINUTE - timedelta(seconds=1), True), (15 * MINUTE, False), (15 * MINUTE + timedelta(seconds=1), False)]
)
def test_a_session_locks_itself_after_fifteen_idle_minutes(scene: Scene, after: timedelta, holds: bool) -> None:
    token = sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW)
    assert _holds(scene.engine, token, NOW + after) is holds


def test_only_what_a_person_did_keeps_a_session_alive(scene: Scene) -> None:
    clicked, left = (sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW) for _ in range(2))
    assert _holds(scene.engine, clicked, NOW + 14 * MINUTE, touch=True)
    assert _holds(scene.engine, left, NOW + 14 * MINUTE, touch=False)
    assert _holds(scene.engine, clicked, NOW + 28 * MINUTE)
    assert not _holds(scene.engine, left, NOW + 28 * MINUTE)


def test_a_session_that_locked_itself_is_not_woken_by_a_click(scene: Scene) -> None:
    token = sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW)
    assert not _holds(scene.engine, token, NOW + 16 * MINUTE, touch=True)
    assert not _holds(scene.engine, token, NOW + 16 * MINUTE, touch=True)


@pytest.mark.parametrize(("after", "holds"), [(12 * HOUR - timedelta(seconds=1), True), (12 * HOUR, False)])
def test_a_session_ends_after_twelve_hours_whatever_was_clicked(scene: Scene, after: timedelta, holds: bool) -> None:
    token = sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW)
    moment = NOW
    while moment + 10 * MINUTE < NOW + after:
        moment += 10 * MINUTE
        assert _holds(scene.engine, token, moment, touch=True)
    assert _holds(scene.engine, token, NOW + after) is holds


def test_the_clinic_sets_the_limits(scene: Scene) -> None:
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Clinic).values(idle_minutes=5, session_hours=1))
    token = sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW)
    assert _holds(scene.engine, token, NOW + 4 * MINUTE)
    assert not _holds(scene.engine, token, NOW + 5 * MINUTE)


@pytest.mark.parametrize(("column", "wrong"), [("idle_minutes", 4), ("idle_minutes", 31), ("session_hours", 0), ("session_hours", 25)])
def test_the_database_refuses_limits_that_protect_nobody(scene: Scene, column: str, wrong: int) -> None:
    with pytest.raises(sa.exc.IntegrityError), writing(scene.engine) as connection:
        connection.execute(sa.update(Clinic).values({column: wrong}))


def test_an_ended_session_stays_ended_and_others_go_on(scene: Scene) -> None:
    tess, theo = (sessions.start(scene.engine, who.person_id or 0, now=NOW) for who in (scene.tess, scene.theo))
    assert sessions.end(scene.engine, sessions.key_of(tess), now=NOW)
    assert not sessions.end(scene.engine, sessions.key_of(tess), now=NOW)
    assert not _holds(scene.engine, tess, NOW, touch=True)
    assert _holds(scene.engine, theo, NOW)


def test_a_person_who_was_switched_off_has_no_session_any_more(scene: Scene) -> None:
    token = sessions.start(scene.engine, scene.tess.person_id or 0, now=NOW)
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == scene.tess.person_id).values(is_active=False))
    assert not _holds(scene.engine, token, NOW)


# --------------------------------------------------------------------------------------------------------------------
# Signing in
# --------------------------------------------------------------------------------------------------------------------


def _try(engine: sa.Engine, name: str, passphrase: str, *, address: str = HERE, now: datetime = NOW) -> str:
    try:
        return str(accounts.sign_in(engine, name, passphrase, address=address, now=now))
    except (SignInRefused, TooManyTries) as refused:
        return type(refused).__name__


def test_name_and_passphrase_sign_in_and_all_else_is_answered_alike(scene: Scene, tess: int) -> None:
    assert _try(scene.engine, " TESS ", GOOD) == str(tess)
    assert scene.theo.person_id is not None
    add_account(scene.engine, scene.theo.person_id, "theo")  # has not set a passphrase yet
    answers = set()
    for name, passphrase in (("tess", GOOD.upper()), ("tess", ""), ("nobody", GOOD), ("theo", ""), ("", ""), ("tess", GOOD + "x" * 300)):
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in(scene.engine, name, passphrase, address=HERE, now=NOW)
        answers.add(str(refused.value))
    assert answers == {"This name and passphrase do not fit together."}


def test_a_passphrase_is_the_same_in_either_way_of_writing_its_accents(scene: Scene, tess: int) -> None:
    accounts.set_passphrase(scene.engine, new_link(scene.engine, tess, now=NOW), "caf\u00e9 kettle morning", now=NOW)
    assert _try(scene.engine, "tess", "cafe\u0301 kettle morning") == str(tess)


def test_somebody_who_was_switched_off_cannot_sign_in(scene: Scene, tess: int) -> None:
    with writing(scene.engine) as connection:
        connection.execute(sa.update(Person).where(col(Person.id) == tess).values(is_active=False))
    assert _try(scene.engine, "tess", GOOD) == "SignInRefused"


def test_only_an_argon2id_hash_is_stored(scene: Scene, tess: int) -> None:
    (row,) = scene.rows("account", person_id=tess)
    assert row["passphrase_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert GOOD not in str(scene.everything())


def test_five_wrong_tries_throttle_a_name_even_after_a_restart_and_others_go_on(scene: Scene, tess: int, database_url: str) -> None:
    assert [_try(scene.engine, "tess", "wrong") for _ in range(6)] == ["SignInRefused"] * 5 + ["TooManyTries"]
    restarted = make_engine(database_url)
    assert _try(restarted, "Tess", GOOD, address="198.51.100.1", now=NOW + 14 * MINUTE) == "TooManyTries"
    assert _try(restarted, "theo", "wrong") == "SignInRefused"
    assert _try(restarted, "tess", GOOD, now=NOW + 15 * MINUTE) == str(tess)
    restarted.dispose()


def test_a_name_that_is_not_there_is_throttled_alike(scene: Scene, tess: int) -> None:
    assert [_try(scene.engine, "nobody", "wrong") for _ in range(6)] == ["SignInRefused"] * 5 + ["TooManyTries"]


def test_a_try_that_fits_clears_the_count(scene: Scene, tess: int) -> None:
    for _ in range(3):
        assert [_try(scene.engine, "tess", "wrong") for _ in range(4)] == ["SignInRefused"] * 4
        assert _try(scene.engine, "tess", GOOD) == str(tess)


def test_sixty_tries_a_minute_throttle_an_address_whatever_the_names(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passphrases, "fits", lambda _stored, _passphrase: False)  # the hashing is not what is looked at here
    answers = [_try(scene.engine, f"name-{number}", "wrong") for number in range(61)]
    assert answers == ["SignInRefused"] * 60 + ["TooManyTries"]
    assert _try(scene.engine, "name-99", "wrong", address="198.51.100.1") == "SignInRefused"
    assert _try(scene.engine, "name-98", "wrong", now=NOW + MINUTE) == "SignInRefused"


def test_neither_names_nor_addresses_are_kept_with_the_count(scene: Scene) -> None:
    _try(scene.engine, "my-passphrase-in-the-wrong-field", "wrong")
    said = str(scene.rows("failed_sign_in"))
    assert "passphrase" not in said
    assert HERE not in said


@pytest.mark.parametrize(("later", "kept"), [(30 * DAY - SECOND, 2), (30 * DAY, 1)], ids=["below", "on"])
def test_a_count_that_nobody_added_to_for_thirty_days_is_swept_away(scene: Scene, later: timedelta, kept: int) -> None:
    _try(scene.engine, "nobody", "wrong")
    _try(scene.engine, "nobody-else", "wrong", now=NOW + later)
    assert len([row for row in scene.rows("failed_sign_in") if row["attempts_of"] == "account"]) == kept


def _filled(scene: Scene, name: str, start: datetime) -> timedelta:
    """Use up a window and give how long one then waits."""
    for _ in range(5):
        assert _try(scene.engine, name, "wrong", now=start) == "SignInRefused"
    with pytest.raises(TooManyTries) as refused:
        accounts.sign_in(scene.engine, name, "wrong", address=HERE, now=start)
    return timedelta(seconds=(refused.value.wait_s or 0) - 1)


def test_each_window_that_is_filled_right_after_another_is_twice_as_long_up_to_an_hour(scene: Scene, tess: int) -> None:
    start, waits = NOW, []
    for _ in range(4):
        waits.append(_filled(scene, "tess", start))
        start += waits[-1]
    assert waits == [15 * MINUTE, 30 * MINUTE, HOUR, HOUR]
    assert _try(scene.engine, "tess", GOOD, now=start) == str(tess)
    assert _filled(scene, "tess", start) == 15 * MINUTE


@pytest.mark.parametrize("name", ["tess", "nobody"])
def test_after_a_hundred_wrong_tries_in_a_row_only_the_owner_opens_the_way(
    scene: Scene, tess: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passphrases, "fits", lambda _stored, passphrase: passphrase == GOOD)  # the hashing is not what is looked at here
    tried = [_try(scene.engine, name, "wrong", now=NOW + number * HOUR) for number in range(99)]
    assert set(tried) == {"SignInRefused"}
    if name == "tess":
        assert _try(scene.engine, name, GOOD, now=NOW + 99 * HOUR) == str(tess)
        for number in range(99):
            _try(scene.engine, name, "wrong", now=NOW + (100 + number) * HOUR)
    assert _try(scene.engine, name, "wrong", now=NOW + 200 * HOUR) == "SignInRefused"
    with pytest.raises(TooManyTries) as refused:
        accounts.sign_in(scene.engine, name, GOOD, address=HERE, now=NOW + 400 * HOUR)
    assert refused.value.wait_s is None
    with writing(scene.engine) as connection:
        assert throttle.forget_tries(connection, throttle.Subject(AttemptsOf.ACCOUNT, name))
    assert _try(scene.engine, name, GOOD, now=NOW + 401 * HOUR) == (str(tess) if name == "tess" else "SignInRefused")


def test_a_name_that_is_not_there_costs_a_whole_hash_too(scene: Scene, tess: int) -> None:
    """The proof that the same work is done; `test_a_passphrase…` and the rest say that the answer is the same."""
    took: dict[str, list[float]] = {"tess": [], "nobody": []}
    _try(scene.engine, "nobody", "wrong")  # makes the hash that nobody has
    for number in range(4):
        for name, times in took.items():
            start = time.process_time()
            _try(scene.engine, name, "wrong", now=NOW + number * HOUR)
            times.append(time.process_time() - start)
    known, unknown = (statistics.median(took[name]) for name in ("tess", "nobody"))
    assert 0.5 < unknown / known < 2


# --------------------------------------------------------------------------------------------------------------------
# Passphrases and links
# --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passphrase", "said"),
    [
        ("kettle 5 ow", "at least 12"),
        ("x" * 257, "at most 256"),
        ("1qaz2wsx3edc", "common"),
        ("1QAZ2WSX3EDC", "common"),
        ("passwordpassword", "easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("123456789012345", "easy to guess"),
        ("Tess Lakeside", "easy to guess"),
    ],
)
def test_a_passphrase_that_others_would_guess_is_refused(passphrase: str, said: str) -> None:
    with pytest.raises(PassphraseRefused, match=said):
        passphrases.check_passphrase(passphrase, ("tess", "Tess Lakeside"))


@pytest.mark.parametrize("passphrase", ["orange kettle morning", "kettle 5 owl", "k" + "\u00fc\u4e2d" * 60])
def test_a_long_and_rare_passphrase_is_taken_whatever_its_characters(passphrase: str) -> None:
    passphrases.check_passphrase(passphrase)


def test_a_link_works_once_and_signs_out_everywhere(scene: Scene, tess: int) -> None:
    signed_in = sessions.start(scene.engine, tess, now=NOW)
    token = new_link(scene.engine, tess, now=NOW)
    with pytest.raises(PassphraseRefused):
        accounts.set_passphrase(scene.engine, token, "short", now=NOW)
    assert accounts.set_passphrase(scene.engine, token, "violet ladder evening", now=NOW) == tess
    with pytest.raises(LinkRefused):
        accounts.set_passphrase(scene.engine, token, "another ladder evening", now=NOW)
    assert not _holds(scene.engine, signed_in, NOW)
    assert _try(scene.engine, "tess", GOOD) == "SignInRefused"
    assert _try(scene.engine, "tess", "violet ladder evening") == str(tess)


@pytest.mark.parametrize(("after", "holds"), [(48 * HOUR - timedelta(seconds=1), True), (48 * HOUR, False)])
def test_a_link_holds_for_two_days(scene: Scene, tess: int, after: timedelta, holds: bool) -> None:
    token = new_link(scene.engine, tess, now=NOW)
    assert accounts.link_holds(scene.engine, token, now=NOW + after) is holds


def test_a_new_link_ends_the_older_one_and_no_token_is_stored(scene: Scene, tess: int) -> None:
    first, second = new_link(scene.engine, tess, now=NOW), new_link(scene.engine, tess, now=NOW)
    assert not accounts.link_holds(scene.engine, first, now=NOW)
    assert accounts.link_holds(scene.engine, second, now=NOW)
    with scene.engine.connect() as connection:
        assert second not in str(connection.execute(sa.select(SetPasswordLink.metadata.tables["set_password_link"])).all())


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "TESS"])
def test_a_login_name_that_is_empty_too_long_or_taken_is_refused(scene: Scene, tess: int, name: str) -> None:
    with pytest.raises(ValueError, match="login name"):
        add_account(scene.engine, scene.theo.person_id or 0, name)
    with scene.engine.connect() as connection:
        theos = sa.select(col(Account.login_name)).where(col(Account.person_id) == scene.theo.person_id)
        assert connection.execute(theos).all() == []
        assert connection.execute(sa.select(sa.func.count()).select_from(SignInSession)).scalar_one() == 0
