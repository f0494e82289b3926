"""
Sign-ins that are not whole yet: a second factor is still asked for, or a provider, or the first owner is being made.

A step's token opens that step and nothing else. It lives for minutes, and only its SHA-256 is stored.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from access import sessions
from data.database import reading, writing
from models import Person, SignInStep, SignInStepKind, utc_now


@dataclass(frozen=True)
class Step:
    """A step that holds: whose it is (None: not known yet), and what was put down for it."""

    key: str
    person_id: int | None
    payload: dict[str, Any]


def begin(
    engine: sa.Engine,
    kind: SignInStepKind,
    *,
    holds: timedelta,
    person_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> str:
    """
    Put a step down; steps that ended are swept away.

    Returns
    -------
    str
        The token; it is stored nowhere else.
    """
    token, now = secrets.token_urlsafe(sessions.TOKEN_BYTES), now or utc_now()
    with writing(engine) as connection:
        connection.execute(sa.delete(SignInStep).where(col(SignInStep.expires_at_utc) <= now))
        connection.execute(
            sa.insert(SignInStep).values(
                token_sha256=sessions.key_of(token),
                kind=kind.value,
                person_id=person_id,
                payload=json.dumps(dict(payload or {})),
                created_at_utc=now,
                expires_at_utc=now + holds,
            )
        )
    return token


def find(engine: sa.Engine, kind: SignInStepKind, token: str, *, now: datetime | None = None) -> Step | None:
    """Look a step up; None if there is none of that kind, it is over, or its person was switched off."""
    with reading(engine) as connection:
        row = connection.execute(
            sa.select(col(SignInStep.token_sha256), col(SignInStep.person_id), col(SignInStep.payload), col(SignInStep.expires_at_utc))
            .outerjoin(Person, col(Person.id) == col(SignInStep.person_id))
            .where(
                col(SignInStep.token_sha256) == sessions.key_of(token),
                col(SignInStep.kind) == kind.value,
                sa.or_(col(SignInStep.person_id).is_(None), col(Person.is_active).is_(True)),
            )
        ).one_or_none()
    if row is None or row.expires_at_utc.replace(tzinfo=UTC) <= (now or utc_now()):
        return None
    return Step(row.token_sha256, row.person_id, json.loads(row.payload))


def end(engine: sa.Engine, step: Step) -> bool:
    """Use a step up. False if somebody else did so before: then what it allows must not be done."""
    with writing(engine) as connection:
        return connection.execute(sa.delete(SignInStep).where(col(SignInStep.token_sha256) == step.key)).rowcount == 1


def end_all(engine: sa.Engine, kind: SignInStepKind) -> None:
    """End every step of a kind."""
    with writing(engine) as connection:
        connection.execute(sa.delete(SignInStep).where(col(SignInStep.kind) == kind.value))
