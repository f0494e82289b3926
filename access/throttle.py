"""
The throttle: how often somebody may try, by name, by network address, or by person. It is kept in the database, so a restart forgets nothing.

A try is counted before anything is compared, so that tries at the same time are counted too. Names and addresses are kept as SHA-256. A
name that does not exist is counted like one that does.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from data.database import writing
from models import AttemptsOf, FailedSignIn


@dataclass(frozen=True)
class Limit:
    """
    How many tries fit into a window, and how long one waits after they were used up.

    Attributes
    ----------
    longest : datetime.timedelta
        Each window that is filled right after a filled one is twice as long, up to this.
    in_a_row : int, optional
        After so many tries without one that fits, only the owner opens the way again.
    """

    tries: int
    window: timedelta
    longest: timedelta
    in_a_row: int | None = None


LIMITS = {
    AttemptsOf.ACCOUNT: Limit(5, timedelta(minutes=15), timedelta(hours=1), 100),
    AttemptsOf.ADDRESS: Limit(60, timedelta(minutes=1), timedelta(minutes=1)),
    AttemptsOf.SECOND_FACTOR: Limit(5, timedelta(minutes=15), timedelta(hours=1), 100),
    AttemptsOf.CONFIRMATION: Limit(5, timedelta(minutes=15), timedelta(hours=1), 100),
}
KEPT = timedelta(days=30)  # a subject that nobody tried for so long is forgotten


class TooManyTries(Exception):
    """
    Somebody tried too often. The text says how long to wait.

    Parameters
    ----------
    wait : datetime.timedelta, optional
        None if waiting does not help any more.
    """

    def __init__(self, wait: timedelta | None) -> None:
        self.wait_s = None if wait is None else max(1, int(wait.total_seconds()) + 1)
        if self.wait_s is None:
            super().__init__("Too many tries. This name is locked until the clinic's owner unlocks it.")
            return
        minutes = -(-self.wait_s // 60)
        super().__init__(f"Too many tries. Please wait {minutes} minute{'s' if minutes > 1 else ''}, then try again.")

    @property
    def headers(self) -> dict[str, str]:
        """Give what an HTTP answer says of it."""
        return {} if self.wait_s is None else {"retry-after": str(self.wait_s)}


@dataclass(frozen=True)
class Subject:
    """Whose tries are counted: a folded name, a network address, or a person's number."""

    attempts_of: AttemptsOf
    name: str

    @property
    def sha256(self) -> str:
        """Give what is kept of it."""
        return hashlib.sha256(self.name.encode("utf-8", "surrogatepass")).hexdigest()


def count_try(database: sa.Engine, *subjects: Subject, now: datetime) -> None:
    """
    Count a try of each subject, before anything is compared.

    Raises
    ------
    TooManyTries
        If one of them has none left.
    """
    with writing(database) as connection:
        connection.execute(sa.delete(_TABLE).where(_TABLE.c.window_started_at_utc <= now - KEPT))
        refusals = [refusal for subject in subjects if (refusal := _counted(connection, subject, now))]
    for refusal in refusals:
        if refusal.wait_s is None:
            raise refusal
    if refusals:
        raise max(refusals, key=lambda refusal: refusal.wait_s or 0)


_TABLE = FailedSignIn.metadata.tables["failed_sign_in"]


def _counted(connection: sa.Connection, subject: Subject, now: datetime) -> TooManyTries | None:
    limit, same = LIMITS[subject.attempts_of], _same(subject)
    row = connection.execute(sa.select(_TABLE).where(*same).with_for_update()).one_or_none()
    if row is None:
        key = {"attempts_of": subject.attempts_of.value, "subject_sha256": subject.sha256}
        first = sa.insert(_TABLE).values(**key, window_started_at_utc=now, tries=1, windows_filled=0, in_a_row=1)
        try:
            with connection.begin_nested():
                connection.execute(first)
        except sa.exc.IntegrityError:  # of two first tries at once this one is the second, and the first may be forgotten again already
            return _counted(connection, subject, now)
        return None
    refusal = _refusal(row, limit, now)
    if refusal is not None:
        return refusal
    if _left_of_window(row, limit, now) > timedelta(0):
        connection.execute(sa.update(_TABLE).where(*same).values(tries=row.tries + 1, in_a_row=row.in_a_row + 1))
        return None
    filled = min(row.windows_filled + 1, 10) if row.tries >= limit.tries else 0
    anew = {"window_started_at_utc": now, "tries": 1, "windows_filled": filled, "in_a_row": row.in_a_row + 1}
    connection.execute(sa.update(_TABLE).where(*same).values(anew))
    return None


def _refusal(row: sa.Row[*tuple[Any, ...]], limit: Limit, now: datetime) -> TooManyTries | None:
    if limit.in_a_row is not None and row.in_a_row >= limit.in_a_row:
        return TooManyTries(None)
    left = _left_of_window(row, limit, now)
    return TooManyTries(left) if left > timedelta(0) and row.tries >= limit.tries else None


def _left_of_window(row: sa.Row[*tuple[Any, ...]], limit: Limit, now: datetime) -> timedelta:
    window = min(limit.window * 2**row.windows_filled, limit.longest)
    left: timedelta = window - (now - row.window_started_at_utc.replace(tzinfo=UTC))
    return left


def _same(subject: Subject) -> tuple[sa.ColumnElement[bool], ...]:
    return (_TABLE.c.attempts_of == subject.attempts_of.value, _TABLE.c.subject_sha256 == subject.sha256)


def forget_tries(connection: sa.Connection, subject: Subject) -> bool:
    """Let a subject start anew: a try fitted, or the owner unlocks. Says whether there was anything to forget."""
    return connection.execute(sa.delete(_TABLE).where(*_same(subject))).rowcount > 0


def is_locked(connection: sa.Connection, subject: Subject, *, now: datetime) -> bool:
    """Say whether a subject has no try left at present."""
    row = connection.execute(sa.select(_TABLE).where(*_same(subject))).one_or_none()
    return row is not None and _refusal(row, LIMITS[subject.attempts_of], now) is not None


def give_back(connection: sa.Connection, subject: Subject) -> None:
    """Take the last try of a subject back: it was no failed one, but others may have been."""
    one_less = {"tries": _TABLE.c.tries - 1, "in_a_row": _TABLE.c.in_a_row - 1}
    connection.execute(sa.update(_TABLE).where(*_same(subject), _TABLE.c.tries > 0).values(one_less))
