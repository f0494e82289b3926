"""
The second factor: a code of six digits from somebody's telephone (TOTP, RFC 6238), or one of ten recovery codes.

The codes are pyotp's. What it leaves open is here: no code works twice, and nobody guesses for long.
"""

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp
import sqlalchemy as sa
from sqlmodel import col

from access import throttle
from data import audit
from data.database import reading, writing
from models import Account, AttemptsOf, AuditAction, Clinic, Person, RecoveryCode, SignInStepKind, Viewer, utc_now

STEP_S = 30
STEPS_AROUND = 1  # clocks differ: the code before and the code after count too
RECOVERY_CODES = 10
RECOVERY_GROUPS, RECOVERY_GROUP = 3, 4  # 12 letters and digits of 32 kinds: 60 bits
RECOVERY_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: none looks like another  # pragma: allowlist secret
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


class CodeRefused(Exception):
    """The code does not fit. It does not say why: wrong, too old, used before, or nobody is asked for one."""

    def __init__(self) -> None:
        super().__init__("This code does not fit, or it was used already. Wait for the next one and try again.")


class SecondFactorRequired(Exception):
    """The clinic asks everybody for a second factor, so nobody takes their own away."""

    def __init__(self) -> None:
        super().__init__("This clinic asks everybody for a second factor. Yours stays on.")


# --------------------------------------------------------------------------------------------------------------------
# What is asked of whom
# --------------------------------------------------------------------------------------------------------------------


def has_one(database: sa.Engine, person_id: int) -> bool:
    """Say whether a person has set up a second factor."""
    with reading(database) as connection:
        return _secret(connection, person_id) is not None


def is_required(database: sa.Engine) -> bool:
    """Say whether the clinic asks everybody for one. The demo clinic never does."""
    with reading(database) as connection:
        row = connection.execute(sa.select(col(Clinic.require_second_factor), col(Clinic.is_demo))).one()
    return row.require_second_factor and not row.is_demo


def asked_of(database: sa.Engine, person_id: int) -> SignInStepKind | None:
    """Give what a person must do after the first factor: give a code, set a second factor up, or nothing (None)."""
    with reading(database) as connection:
        is_demo = connection.execute(sa.select(col(Clinic.is_demo))).scalar_one()
    if is_demo:
        return None
    if has_one(database, person_id):
        return SignInStepKind.SECOND_FACTOR
    return SignInStepKind.ENROL if is_required(database) else None


def recovery_codes_left(database: sa.Engine, person_id: int) -> int:
    """Count the recovery codes of a person that were not used yet."""
    with reading(database) as connection:
        unused = sa.select(sa.func.count()).where(col(RecoveryCode.person_id) == person_id, col(RecoveryCode.used_at_utc).is_(None))
        return int(connection.execute(unused).scalar_one())


# --------------------------------------------------------------------------------------------------------------------
# Setting up
# --------------------------------------------------------------------------------------------------------------------


def new_secret() -> str:
    """Make a secret of 160 bits, in base 32 as apps for codes take it."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, clinic: str, login_name: str) -> str:
    """
    Give what the QR code says: the clinic as issuer, the login name as account.

    >>> provisioning_uri("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", clinic="Two Rivers", login_name="tess")
    'otpauth://totp/Two%20Rivers:tess?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Two%20Rivers'
    """
    return pyotp.TOTP(secret).provisioning_uri(name=login_name, issuer_name=clinic)


def set_up(database: sa.Engine, person_id: int, secret: str, code: str, *, source: str = "app", now: datetime | None = None) -> list[str]:
    """
    Give a person their second factor, once the first code of it fits. That code is used up.

    Returns
    -------
    list of str
        Ten recovery codes. They are stored nowhere else.

    Raises
    ------
    CodeRefused
        If the code does not fit, or the person has a second factor already.
    TooManyTries
    """
    now, subject = now or utc_now(), _subject(person_id)
    throttle.count_try(database, subject, now=now)
    step = _step_of(secret, code, now)
    if step is None:
        raise CodeRefused()
    with writing(database) as connection:
        stored = connection.execute(
            sa.update(Account)
            .where(col(Account.person_id) == person_id, col(Account.totp_secret).is_(None))
            .values(totp_secret=secret, totp_step=step)
        )
        if stored.rowcount != 1:
            raise CodeRefused()
        throttle.forget_tries(connection, subject)
        codes = _renewed(connection, person_id)
        _told(
            connection,
            _who(connection, person_id, source),
            person_id,
            now,
            old={"second_factor": False},
            new={"second_factor": True, "recovery_codes": len(codes)},
        )
    return codes


def new_recovery_codes(database: sa.Engine, person_id: int, *, source: str = "app", now: datetime | None = None) -> list[str]:
    """
    Make ten new recovery codes; the older ones end.

    Raises
    ------
    CodeRefused
        If the person has no second factor.
    """
    now = now or utc_now()
    with writing(database) as connection:
        if _secret(connection, person_id) is None:
            raise CodeRefused()
        codes = _renewed(connection, person_id)
        _told(connection, _who(connection, person_id, source), person_id, now, new={"recovery_codes": len(codes)})
    return codes


def _renewed(connection: sa.Connection, person_id: int) -> list[str]:
    connection.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id))
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    connection.execute(sa.insert(RecoveryCode), [{"code_sha256": _kept(code), "person_id": person_id} for code in codes])
    return codes


def _recovery_code() -> str:
    return "-".join("".join(secrets.choice(RECOVERY_LETTERS) for _ in range(RECOVERY_GROUP)) for _ in range(RECOVERY_GROUPS))


def _kept(code: str) -> str:
    """Give what is kept of a recovery code, however it is typed: small letters, no hyphens, O for 0."""
    return hashlib.sha256(code.upper().translate(_READ_AS).encode("utf-8", "surrogatepass")).hexdigest()


def cleared(connection: sa.Connection, person_id: int) -> bool:
    """
    Take a second factor and its recovery codes away, and forget the tries at it; says whether there was anything.

    Who may do that the caller has asked, and writes it down.
    """
    has_one = col(Account.totp_secret).is_not(None)
    without = sa.update(Account).where(col(Account.person_id) == person_id, has_one).values(totp_secret=None, totp_step=None)
    gone = connection.execute(without).rowcount
    codes = connection.execute(sa.delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id)).rowcount
    if gone:
        throttle.forget_tries(connection, _subject(person_id))
    return bool(gone or codes)


def give_up(database: sa.Engine, person_id: int, code: str, *, source: str = "app", now: datetime | None = None) -> None:
    """
    Take one's own second factor away, by a code of it.

    Raises
    ------
    SecondFactorRequired
        If the clinic asks everybody for one.
    CodeRefused, TooManyTries
    """
    if is_required(database):
        raise SecondFactorRequired()
    check(database, person_id, code, source=source, now=now)
    with writing(database) as connection:
        if cleared(connection, person_id):
            who = _who(connection, person_id, source)
            _told(connection, who, person_id, now or utc_now(), old={"second_factor": True}, new={"second_factor": False})


# --------------------------------------------------------------------------------------------------------------------
# Checking a code
# --------------------------------------------------------------------------------------------------------------------


def check(database: sa.Engine, person_id: int, code: str, *, source: str = "app", now: datetime | None = None) -> None:
    """
    Check a code of the telephone, or a recovery code, and use it up.

    Raises
    ------
    CodeRefused
        If it does not fit, whatever the reason.
    TooManyTries
        After 5 tries within 15 minutes that did not fit. Then nothing was compared.
    """
    now, subject = now or utc_now(), _subject(person_id)
    throttle.count_try(database, subject, now=now)
    with writing(database) as connection:
        if not (_totp_fits(connection, person_id, code, now) or _recovery_fits(connection, person_id, code, source, now)):
            raise CodeRefused()
        throttle.forget_tries(connection, subject)


def _totp_fits(connection: sa.Connection, person_id: int, code: str, now: datetime) -> bool:
    secret = _secret(connection, person_id)
    step = None if secret is None else _step_of(secret, code, now)
    if step is None:
        return False
    newer = sa.or_(col(Account.totp_step).is_(None), col(Account.totp_step) < step)  # asked of the row itself: of two at once one is late
    used = connection.execute(sa.update(Account).where(col(Account.person_id) == person_id, newer).values(totp_step=step))
    return used.rowcount == 1


def _recovery_fits(connection: sa.Connection, person_id: int, code: str, source: str, now: datetime) -> bool:
    if _secret(connection, person_id) is None:
        return False
    used = connection.execute(
        sa.update(RecoveryCode)
        .where(
            col(RecoveryCode.code_sha256) == _kept(code), col(RecoveryCode.person_id) == person_id, col(RecoveryCode.used_at_utc).is_(None)
        )
        .values(used_at_utc=now)
    )
    if used.rowcount == 1:
        _told(connection, _who(connection, person_id, source), person_id, now, new={"recovery_code": "used"})
    return used.rowcount == 1


def _step_of(secret: str, code: str, now: datetime) -> int | None:
    """Give the 30-second step whose code this is, of the present one and those around it; the newest if it is several; None if of none."""
    typed = "".join(code.split()).encode("utf-8", "surrogatepass")
    present, totp = int(now.timestamp()) // STEP_S, pyotp.TOTP(secret)
    steps = range(present - STEPS_AROUND, present + STEPS_AROUND + 1)
    fitting = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return max(fitting, default=None)


def _secret(connection: sa.Connection, person_id: int) -> str | None:
    return connection.execute(
        sa.select(col(Account.totp_secret))
        .join(Person, col(Person.id) == col(Account.person_id))
        .where(col(Account.person_id) == person_id, col(Person.is_active).is_(True))
    ).scalar_one_or_none()


def _subject(person_id: int) -> throttle.Subject:
    return throttle.Subject(AttemptsOf.SECOND_FACTOR, str(person_id))


def _who(connection: sa.Connection, person_id: int, source: str) -> Viewer:
    name = connection.execute(sa.select(col(Person.name)).where(col(Person.id) == person_id)).scalar_one()
    return Viewer(person_id=person_id, name=name, roles=frozenset(), source=source)


def _told(
    connection: sa.Connection,
    by: Viewer,
    person_id: int,
    now: datetime,
    *,
    new: dict[str, object],
    old: dict[str, object] | None = None,
) -> None:
    audit.record(connection, by, AuditAction.PERMISSION_CHANGE, kind="account", key=person_id, old=old, new=new, now=now)
