"""
What an identity provider's ID token must say before anybody is let in by it.

Signature and claims are checked by joserfc and Authlib; what they leave open is closed here: which algorithms count, that a nonce is
always asked for, that "verified" means true, how fresh a sign-in must be.

References
----------
OpenID Connect Core 1.0, 3.1.3.7; RFC 8725 (which algorithms); RFC 8176 (what `amr` says).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

# Signed with a key that only the provider has: never "none", never HS… with a secret that both sides know.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES = frozenset({"RSA", "EC"})
RSA_MODULUS_CHARACTERS_MIN = 342  # 2,048 bits in base64url
LEEWAY_S = 60  # by which two clocks may differ
SUBJECT_CHARACTERS_MAX = 255  # OpenID Connect Core 1.0, 2
# Something one has, beside what one knows. A message to a telephone is left out, and so is a finger or a face alone.
SECOND_FACTORS = frozenset({"mfa", "otp", "hwk", "swk", "sc"})

_REGISTRY = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)


class TokenRefused(Exception):
    """
    The token proves nothing.

    Parameters
    ----------
    reason : str
        The class of error, for the log; nothing of what the token says.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Identity:
    """
    Who somebody is at the provider.

    Attributes
    ----------
    email : str, optional
        None unless the provider says that it has verified it.
    second_factor : bool
        True if the provider asked for a second factor.
    """

    issuer: str
    subject: str
    email: str | None
    second_factor: bool


@dataclass(frozen=True)
class Expected:
    """
    What a token must say.

    Attributes
    ----------
    asked_at : datetime, optional
        If given, the person must have signed in at the provider since then, not at some time before.
    """

    issuer: str
    client_id: str
    nonce: str
    asked_at: datetime | None = None


def keys_of(published: object) -> KeySet:
    """
    Read the keys that a provider publishes; those for something else than signatures, and those that are too weak, do not count.

    Raises
    ------
    TokenRefused
        If none is left.
    """
    listed = published.get("keys") if isinstance(published, Mapping) else None
    usable = [key for key in listed if _is_usable(key)] if isinstance(listed, list) else []
    try:
        return KeySet.import_key_set({"keys": usable})
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused("no_usable_key") from error


def _is_usable(key: object) -> bool:
    if not isinstance(key, dict) or key.get("kty") not in KEY_TYPES or key.get("use") not in {None, "sig"} or "d" in key:
        return False
    return key["kty"] != "RSA" or (isinstance(key.get("n"), str) and len(key["n"].rstrip("=")) >= RSA_MODULUS_CHARACTERS_MIN)


def identity(
    token: object, keys: Callable[[bool], KeySet], expected: Expected, *, now: datetime, access_token: str | None = None
) -> Identity:
    """
    Check an ID token, and say whom it proves.

    Parameters
    ----------
    token : str
        As the token endpoint gave it.
    keys : callable
        Gives the provider's keys; with True it asks the provider again. That is done once, when the token's key is not among them.
    expected : Expected
    now : datetime
    access_token : str, optional
        What came with it; `at_hash` must fit if it is there.

    Raises
    ------
    TokenRefused
    """
    if not isinstance(token, str) or not token:
        raise TokenRefused("no_id_token")
    try:
        try:
            decoded = jwt.decode(token, keys(False), registry=_REGISTRY)
        except (InvalidKeyIdError, BadSignatureError):  # without a key's name in the token, a changed key shows as a wrong signature
            decoded = jwt.decode(token, keys(True), registry=_REGISTRY)
        options = {
            "iss": {"essential": True, "value": expected.issuer},
            "sub": {"essential": True},
            "aud": {"essential": True, "value": expected.client_id},
            "exp": {"essential": True},
            "iat": {"essential": True},
            "nonce": {"essential": True, "value": expected.nonce},
        }
        told = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": access_token}
        CodeIDToken(decoded.claims, decoded.header, options, told).validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except ClaimError as error:
        raise TokenRefused(f"{error.error} {error.claim}") from error
    except JoseError as error:
        raise TokenRefused(error.error) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:  # built by somebody to be no token
        raise TokenRefused("malformed") from error
    claims = decoded.claims
    if len(claims["sub"]) > SUBJECT_CHARACTERS_MAX:
        raise TokenRefused("invalid_claim sub")
    if expected.asked_at is not None:
        _check_fresh(claims.get("auth_time"), expected.asked_at, now)
    email, methods = claims.get("email"), claims.get("amr")
    return Identity(
        issuer=expected.issuer,
        subject=claims["sub"],
        email=email if isinstance(email, str) and claims.get("email_verified") is True else None,
        second_factor=isinstance(methods, list) and any(isinstance(method, str) and method in SECOND_FACTORS for method in methods),
    )


def _check_fresh(signed_in_at: Any, asked_at: datetime, now: datetime) -> None:
    if isinstance(signed_in_at, bool) or not isinstance(signed_in_at, int | float):
        raise TokenRefused("missing_claim auth_time")
    if not asked_at.timestamp() - LEEWAY_S <= signed_in_at <= now.timestamp() + LEEWAY_S:
        raise TokenRefused("invalid_claim auth_time")
