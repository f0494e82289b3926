"""
The identity provider of a clinic that has one: where it is, and what is asked of it.

Without the settings below nothing is asked of anybody. With them, the only requests that leave this machine go to the configured issuer and
to the endpoints that it names.
"""

import functools
import ipaddress
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from access.id_token import Expected, Identity, TokenRefused, identity, keys_of
from models import utc_now

Kept = TypeVar("Kept")
PATIENCE_S = 5.0  # for the provider to answer
KEPT_S = 3_600.0  # what it says of itself, and its keys; a key that it has taken back counts no longer than this
SCOPES = "openid email"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
# What a provider may answer (RFC 6749, 4.1.2.1 and 5.2; OpenID Connect Core 1.0, 3.1.2.6). Other texts are not repeated in the log.
KNOWN_ERRORS = frozenset(
    [
        "access_denied",
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "login_required",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_response_type",
    ]
)


class SingleSignOnUnusable(Exception):
    """The settings of single sign-on cannot be used; the text says what to do."""


class ProviderSilent(Exception):
    """
    The provider does not answer, or not as one.

    Parameters
    ----------
    reason : str
        The class of error, for the log.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


# --------------------------------------------------------------------------------------------------------------------
# Settings
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """
    How this app is known at the provider.

    Attributes
    ----------
    client_secret : str, optional
        None for a client that has none: then PKCE alone binds the code to this app.
    name : str
        What people call the provider.
    address : str, optional
        Where people reach this app, as `https://clinic.example`; None: as each request says.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    name: str = ""
    address: str | None = None


def is_safe_address(url: object, *, loopback: bool) -> bool:
    """
    Say whether a secret may be sent to an address: by TLS, or, where `loopback` allows it, within this machine.

    >>> is_safe_address("https://id.example/token", loopback=False), is_safe_address("http://id.example/token", loopback=True)
    (True, False)
    >>> is_safe_address("http://127.0.0.1:9400/token", loopback=True), is_safe_address("http://127.0.0.1:9400/token", loopback=False)
    (True, False)
    """
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or any(character in url for character in ' "<>\\'):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def configured() -> Settings | None:
    """
    Read the settings of single sign-on; None if it is not wanted.

    Raises
    ------
    SingleSignOnUnusable
        If they are incomplete or unsafe.
    """
    issuer, client_id, name, address = (_set_to(name) for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_NAME", "ADDRESS"))
    secret = _secret()
    if not issuer and not client_id and not secret:
        return None
    if not issuer or not client_id:
        raise SingleSignOnUnusable("Single sign-on needs both STILL_RUNNING_OIDC_ISSUER and STILL_RUNNING_OIDC_CLIENT_ID.")
    if not is_safe_address(issuer, loopback=True) or urlsplit(issuer).query:
        raise SingleSignOnUnusable(
            "STILL_RUNNING_OIDC_ISSUER must be the provider's https address, without a query. Plain http is for this machine only."
        )
    if address and (not is_safe_address(address, loopback=True) or urlsplit(address).path.strip("/") or urlsplit(address).query):
        raise SingleSignOnUnusable("STILL_RUNNING_ADDRESS must be this app's https address alone, such as https://clinic.example.")
    return Settings(issuer, client_id, secret, name or urlsplit(issuer).hostname or issuer, address.rstrip("/") or None)


def _set_to(name: str) -> str:
    return os.environ.get(f"STILL_RUNNING_{name}", "").strip()


def _secret() -> str | None:
    secret, named = _set_to("OIDC_CLIENT_SECRET"), _set_to("OIDC_CLIENT_SECRET_FILE")
    if secret or not named:
        return secret or None
    path = Path(named)
    if not path.is_file():
        raise SingleSignOnUnusable(f"There is no file {path} with the client secret (STILL_RUNNING_OIDC_CLIENT_SECRET_FILE).")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise SingleSignOnUnusable(f"The file of the client secret {path} can be read by others (mode {mode:04o}). Run: chmod 600 {path}")
    secret = path.read_text(encoding="utf-8", errors="replace").strip()
    if not secret:
        raise SingleSignOnUnusable(f"The file of the client secret {path} is empty.")
    return secret


# --------------------------------------------------------------------------------------------------------------------
# The provider
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A question to the provider: what was sent with it, and must fit when the answer comes."""

    nonce: str
    verifier: str  # of PKCE: only its SHA-256 goes along with the question
    redirect_uri: str


class Provider:
    """The configured provider. What it says of itself and its keys are kept for an hour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def where_to_sign_in(self, state: str, asked: Asked, *, anew: bool = False) -> str:
        """
        Give the address at the provider to which the browser goes.

        Parameters
        ----------
        state : str
            Comes back with the answer.
        asked : Asked
        anew : bool
            The provider shall ask for the passphrase again, whoever is signed in there.

        Raises
        ------
        ProviderSilent
        """
        more = {"prompt": "login", "max_age": "0"} if anew else {}
        with self._client(asked.redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._said()["authorization_endpoint"], state=state, code_verifier=asked.verifier, nonce=asked.nonce, **more
            )
        return str(url)

    def identity(self, code: str, asked: Asked, expected: Expected) -> Identity:
        """
        Change a code into an ID token, and check it. Of all that the provider gives, only what this returns is kept.

        Raises
        ------
        ProviderSilent
            If it cannot be asked.
        TokenRefused
            If it refuses, or the token does not hold.
        """
        said = self._said()
        try:
            with self._client(asked.redirect_uri, said) as client:
                given = client.fetch_token(
                    said["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    redirect_uri=asked.redirect_uri,
                    code_verifier=asked.verifier,
                )
        except AuthlibBaseError as error:
            raise TokenRefused(known_error(error.error)) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise ProviderSilent(type(error).__name__) from error
        access_token = given.get("access_token")
        return identity(
            given.get("id_token"), self._keys, expected, now=utc_now(), access_token=access_token if isinstance(access_token, str) else None
        )

    def answers_for_itself(self, issuer: str | None) -> bool:
        """Say whether an answer names this provider, if it has promised to (RFC 9207): another one's must not be taken for it."""
        if issuer is None:
            return self._said().get("authorization_response_iss_parameter_supported") is not True
        return issuer == self.settings.issuer

    def _said(self) -> dict[str, Any]:
        """Give what the provider says of itself (OpenID Connect Discovery 1.0, 4)."""

        def fetched() -> dict[str, Any]:
            said = self._get(get_well_known_url(self.settings.issuer, external=True))
            if not isinstance(said, dict) or said.get("issuer") != self.settings.issuer:
                raise ProviderSilent("names_another_issuer")
            inside = urlsplit(self.settings.issuer).scheme == "http"
            if not all(is_safe_address(said.get(endpoint), loopback=inside) for endpoint in ENDPOINTS):
                raise ProviderSilent("unsafe_endpoint")
            return said

        return self._remembered("said", fetched)

    def _keys(self, anew: bool) -> KeySet:
        return self._remembered("keys", lambda: keys_of(self._get(self._said()["jwks_uri"])), anew=anew)

    def _remembered(self, what: str, fetch: Callable[[], Kept], *, anew: bool = False) -> Kept:
        with self._lock:
            at, value = self._kept.get(what, (0.0, None))
        if value is not None and not anew and time.monotonic() - at < KEPT_S:
            return cast("Kept", value)
        fetched = fetch()
        with self._lock:
            self._kept[what] = (time.monotonic(), fetched)
        return fetched

    def _get(self, url: str) -> Any:
        try:
            with self._client() as client:
                answer = client.request("GET", url, withhold_token=True, headers={"accept": "application/json"})
            if answer.status_code != httpx2.codes.OK:
                raise ProviderSilent(f"status_{answer.status_code}")
            return answer.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise ProviderSilent(type(error).__name__) from error

    def _client(self, redirect_uri: str | None = None, said: Mapping[str, Any] | None = None) -> OAuth2Client:
        return OAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            token_endpoint_auth_method=_way_to_prove_oneself(self.settings, said or {}),
            scope=SCOPES,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=PATIENCE_S,
            follow_redirects=False,  # what it names is where we go, nowhere else
            trust_env=False,  # no proxy and no password file of whoever started the server
        )


def _way_to_prove_oneself(settings: Settings, said: Mapping[str, Any]) -> str:
    if settings.client_secret is None:
        return "none"
    supported = said.get("token_endpoint_auth_methods_supported")
    only_in_the_form = isinstance(supported, list) and "client_secret_basic" not in supported and "client_secret_post" in supported
    return "client_secret_post" if only_in_the_form else "client_secret_basic"


def known_error(error: object) -> str:
    """Name an error of the provider, if it is one of those that there are."""
    return error if isinstance(error, str) and error in KNOWN_ERRORS else "unknown_error"


@functools.cache
def provider() -> Provider | None:
    """
    Give the process's provider; None if single sign-on is not configured.

    Raises
    ------
    SingleSignOnUnusable
        See `configured`.
    """
    settings = configured()
    return None if settings is None else Provider(settings)
