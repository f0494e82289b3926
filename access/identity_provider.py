"""
The identity provider of a clinic that has one: where it is, and what is asked of it.

Without settings nothing is asked of anybody. With them, the only requests that leave this machine go to the configured issuer and
to the endpoints that it names.
"""

import functools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.discovery import get_well_known_url
from joserfc.jwk import KeySet

from access.id_token import Expected, Identity, TokenRefused, identity, keys_of
from access.single_sign_on_settings import Settings, configured, is_safe_address
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
        See `single_sign_on_settings.configured`.
    """
    settings = configured()
    return None if settings is None else Provider(settings)
