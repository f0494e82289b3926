"""The settings of single sign-on, and what is believed of what a provider says of itself."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from access.id_token import Expected, TokenRefused
from access.identity_provider import Asked, Provider, ProviderSilent, known_error
from access.single_sign_on_settings import Settings, SingleSignOnUnusable, configured
from tests.identity_providers import BrokenProvider, broken_provider, rsa_key, signed
from tests.serving import free_port

KEY, NEXT_KEY = rsa_key(), rsa_key()
# verifier and challenge are the example of RFC 7636, appendix B
VERIFIER, CHALLENGE = (
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",  # pragma: allowlist secret
    "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",  # pragma: allowlist secret
)
ASKED = Asked(nonce="n-1", verifier=VERIFIER, redirect_uri="http://127.0.0.1:1/sso/back")
NAMES = ("ADDRESS", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_CLIENT_SECRET_FILE", "OIDC_NAME")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(f"STILL_RUNNING_{name}", raising=False)


def set_to(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"STILL_RUNNING_{name}", value)


# --------------------------------------------------------------------------------------------------------------------
# Settings
# --------------------------------------------------------------------------------------------------------------------


def test_without_settings_there_is_no_single_sign_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured() is None
    set_to(monkeypatch, ADDRESS="https://clinic.example", OIDC_NAME="Lakeside ID")  # these alone ask for nothing
    assert configured() is None


def test_the_settings_are_read_and_the_secret_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to(monkeypatch, OIDC_ISSUER="https://id.example/realm", OIDC_CLIENT_ID="app", OIDC_CLIENT_SECRET="canary-secret")
    assert configured() == Settings("https://id.example/realm", "app", "canary-secret", "id.example", None)
    assert "canary-secret" not in repr(configured())
    set_to(monkeypatch, ADDRESS="https://clinic.example/", OIDC_NAME="Lakeside ID", OIDC_CLIENT_SECRET="")
    assert configured() == Settings("https://id.example/realm", "app", None, "Lakeside ID", "https://clinic.example")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "needs both"),
        ({"OIDC_CLIENT_ID": "app"}, "needs both"),
        ({"OIDC_CLIENT_SECRET": "secret"}, "needs both"),  # pragma: allowlist secret
        ({"OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "http://127.0.0.1.id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "http://localhost@id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        (
            {"OIDC_ISSUER": "https://user:pass@id.example", "OIDC_CLIENT_ID": "app"},  # pragma: allowlist secret
            "https",
        ),
        ({"OIDC_ISSUER": "https://id.example?realm=1", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "https://id.example/#x", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "ftp://id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "https://[id.example", "OIDC_CLIENT_ID": "app"}, "https"),
        ({"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "app", "ADDRESS": "http://clinic.example"}, "STILL_RUNNING_ADDRESS"),
        ({"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "app", "ADDRESS": "https://clinic.example/app"}, "STILL_RUNNING_ADDRESS"),
        ({"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "app", "OIDC_CLIENT_SECRET_FILE": "/no/such/file"}, "no file"),
    ],
)
def test_settings_that_are_incomplete_or_unsafe_are_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], said: str
) -> None:
    set_to(monkeypatch, **values)
    with pytest.raises(SingleSignOnUnusable, match=said):
        configured()


@pytest.mark.parametrize("issuer", ["http://localhost:9400", "http://127.0.0.1:9400", "http://[::1]:9400", "http://127.3.2.1/realm"])
def test_plain_http_is_for_this_machine(monkeypatch: pytest.MonkeyPatch, issuer: str) -> None:
    set_to(monkeypatch, OIDC_ISSUER=issuer, OIDC_CLIENT_ID="app")
    settings = configured()
    assert settings is not None
    assert settings.issuer == issuer


@pytest.mark.parametrize(("mode", "readable"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o620, False)])
def test_a_secret_file_that_others_can_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, readable: bool) -> None:
    path = tmp_path / "client-secret"
    path.write_text("canary-secret\n")
    path.chmod(mode)
    set_to(monkeypatch, OIDC_ISSUER="https://id.example", OIDC_CLIENT_ID="app", OIDC_CLIENT_SECRET_FILE=os.fspath(path))
    if readable:
        settings = configured()
        assert settings is not None
        assert settings.client_secret == "canary-secret"  # pragma: allowlist secret
    else:
        with pytest.raises(SingleSignOnUnusable, match=rf"mode {mode:04o}\). Run: chmod 600"):
            configured()


def test_an_empty_secret_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "client-secret"
    path.touch(mode=0o600)
    set_to(monkeypatch, OIDC_ISSUER="https://id.example", OIDC_CLIENT_ID="app", OIDC_CLIENT_SECRET_FILE=os.fspath(path))
    with pytest.raises(SingleSignOnUnusable, match="is empty"):
        configured()


# --------------------------------------------------------------------------------------------------------------------
# What the provider says of itself
# --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def endpoints() -> Iterator[BrokenProvider]:
    with broken_provider(KEY) as served:
        served.token = lambda nonce: signed(
            {
                "iss": served.address,
                "sub": "subject-1",
                "aud": "app",
                "iat": int(time.time()),
                "exp": int(time.time()) + 300,
                "nonce": nonce,
            },
            KEY,
        )
        yield served


def provider_at(address: str, secret: str | None = "secret") -> Provider:
    return Provider(Settings(address, "app", secret, "Lakeside ID"))


def signed_in(provider: Provider, endpoints: BrokenProvider) -> str:
    """Go through a sign-in; gives the subject."""
    answer = endpoints.sign_in(provider.where_to_sign_in("s", ASKED))
    code = parse_qs(urlsplit(answer).query)["code"][0]
    return provider.identity(code, ASKED, Expected(endpoints.address, "app", ASKED.nonce)).subject


def test_the_browser_is_sent_with_what_must_come_back_and_never_with_the_verifier(endpoints: BrokenProvider) -> None:
    url = provider_at(endpoints.address).where_to_sign_in("the-state", ASKED)
    assert url.startswith(f"{endpoints.address}/authorize?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["app"],
        "redirect_uri": [ASKED.redirect_uri],
        "scope": ["openid email"],
        "state": ["the-state"],
        "nonce": ["n-1"],
        "code_challenge": [CHALLENGE],
        "code_challenge_method": ["S256"],
    }
    anew = parse_qs(urlsplit(provider_at(endpoints.address).where_to_sign_in("the-state", ASKED, anew=True)).query)
    assert (anew["prompt"], anew["max_age"]) == (["login"], ["0"])


def test_what_a_provider_says_of_itself_and_its_keys_are_asked_for_once(endpoints: BrokenProvider) -> None:
    provider = provider_at(endpoints.address)
    assert endpoints.asked == []
    assert [signed_in(provider, endpoints) for _ in range(3)] == ["subject-1"] * 3
    assert endpoints.asked == ["/.well-known/openid-configuration", "/token", "/jwks", "/token", "/token"]


def test_a_key_that_the_provider_has_changed_is_fetched_once(endpoints: BrokenProvider) -> None:
    provider = provider_at(endpoints.address)
    signed_in(provider, endpoints)
    good = endpoints.token
    endpoints.keys = [NEXT_KEY]
    endpoints.token = lambda nonce: signed(
        {
            "iss": endpoints.address,
            "sub": "subject-2",
            "aud": "app",
            "iat": int(time.time()),
            "exp": int(time.time()) + 300,
            "nonce": nonce,
        },
        NEXT_KEY,
    )
    assert [signed_in(provider, endpoints) for _ in range(2)] == ["subject-2"] * 2
    assert endpoints.asked.count("/jwks") == 2
    endpoints.token = good  # signed by the key that the provider has taken back
    with pytest.raises(TokenRefused):
        signed_in(provider, endpoints)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": "https://evil.example"}, "names_another_issuer"),
        ({"issuer": None}, "names_another_issuer"),
        ({"token_endpoint": "http://id.example/token"}, "unsafe_endpoint"),
        ({"jwks_uri": "http://id.example/jwks"}, "unsafe_endpoint"),
        ({"authorization_endpoint": "http://id.example/authorize"}, "unsafe_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "unsafe_endpoint"),
        ({"authorization_endpoint": "https://id.example/\r\nset-cookie: a=b"}, "unsafe_endpoint"),
        ({"token_endpoint": "file:///etc/passwd"}, "unsafe_endpoint"),
        ({"token_endpoint": 7}, "unsafe_endpoint"),
        ({"jwks_uri": None}, "unsafe_endpoint"),
    ],
)
def test_a_provider_that_names_another_issuer_or_an_unsafe_endpoint_is_not_asked(
    endpoints: BrokenProvider, said: dict[str, object], reason: str
) -> None:
    endpoints.said = said
    with pytest.raises(ProviderSilent) as silent:
        provider_at(endpoints.address).where_to_sign_in("s", ASKED)
    assert silent.value.reason == reason
    assert endpoints.asked == ["/.well-known/openid-configuration"]


def test_a_redirect_of_the_provider_is_not_followed(endpoints: BrokenProvider) -> None:
    endpoints.said = {"jwks_uri": f"{endpoints.address}/moved"}
    with pytest.raises(ProviderSilent) as silent:
        signed_in(provider_at(endpoints.address), endpoints)
    assert silent.value.reason == "status_302"


def test_a_code_without_its_verifier_opens_nothing(endpoints: BrokenProvider) -> None:
    provider = provider_at(endpoints.address)
    code = parse_qs(urlsplit(endpoints.sign_in(provider.where_to_sign_in("s", ASKED))).query)["code"][0]
    another = Asked(nonce=ASKED.nonce, verifier="w" * 64, redirect_uri=ASKED.redirect_uri)
    with pytest.raises(TokenRefused) as refused:
        provider.identity(code, another, Expected(endpoints.address, "app", ASKED.nonce))
    assert refused.value.reason == "invalid_grant"


@pytest.mark.parametrize(
    ("secret", "methods", "in_the_form"),
    [
        ("secret", None, {}),
        ("secret", ["client_secret_post", "client_secret_basic"], {}),
        ("secret", ["client_secret_post"], {"client_id": "app", "client_secret": "secret"}),  # pragma: allowlist secret
        (None, None, {"client_id": "app"}),
    ],
)
def test_the_client_proves_itself_in_the_way_that_the_provider_takes(
    endpoints: BrokenProvider, secret: str | None, methods: list[str] | None, in_the_form: dict[str, str]
) -> None:
    endpoints.said = {"token_endpoint_auth_methods_supported": methods}
    signed_in(provider_at(endpoints.address, secret), endpoints)
    (form,) = endpoints.forms
    assert {name: form[name] for name in ("client_id", "client_secret") if name in form} == in_the_form


@pytest.mark.parametrize(
    ("promised", "issuer", "holds"),
    [(None, None, True), (True, None, False), (True, "ours", True), (None, "ours", True), (None, "https://evil.example", False)],
)
def test_an_answer_that_names_another_provider_is_not_taken(
    endpoints: BrokenProvider, promised: bool | None, issuer: str | None, holds: bool
) -> None:
    endpoints.said = {"authorization_response_iss_parameter_supported": promised}
    named = endpoints.address if issuer == "ours" else issuer
    assert provider_at(endpoints.address).answers_for_itself(named) is holds


def test_a_provider_that_is_down_is_said_to_be_silent() -> None:
    with pytest.raises(ProviderSilent) as silent:
        provider_at(f"http://127.0.0.1:{free_port()}").where_to_sign_in("s", ASKED)
    assert silent.value.reason == "ConnectError"


def test_a_provider_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("access.identity_provider.PATIENCE_S", 0.1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        with pytest.raises(ProviderSilent) as silent:
            provider_at(f"http://127.0.0.1:{mute.getsockname()[1]}").where_to_sign_in("s", ASKED)
    assert silent.value.reason == "ReadTimeout"


def test_only_errors_that_there_are_come_into_the_log() -> None:
    assert [known_error(error) for error in ("access_denied", "tess@clinic.example", None, 7)] == ["access_denied", *["unknown_error"] * 3]
