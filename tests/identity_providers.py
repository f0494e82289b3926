"""
Identity providers on loopback: the one that PyPI ships as `oidc-provider-mock`, as a process of its own; and a token endpoint of the tests,
for tokens that no provider would give.
"""

import base64
import hashlib
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, RSAKey
from joserfc.jws import JWSRegistry

from tests.serving import free_port

PATIENCE_S = 60.0


def asked(address: str, method: str, path: str, body: str | None = None, kind: str = "application/json") -> tuple[int, str, str]:
    """Ask a server; gives status, Location and text."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE_S)
    connection.request(method, path, body=body, headers={} if body is None else {"Content-Type": kind})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("location", ""), text


# --------------------------------------------------------------------------------------------------------------------
# The real one
# --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShippedProvider:
    """The provider from PyPI: it knows registered clients only, holds them to their redirect address and secret, and signs by RS256."""

    address: str

    def register(self, redirect_uri: str) -> tuple[str, str]:
        """Register a client; gives its id and its secret."""
        status, _, text = asked(
            self.address, "POST", "/oauth2/clients", json.dumps({"redirect_uris": [redirect_uri], "scope": "openid email"})
        )
        assert status == 201, text
        client = json.loads(text)
        return client["client_id"], client["client_secret"]

    def knows(self, subject: str, **claims: Any) -> None:
        """Say what the provider's tokens tell of somebody; what is said here stands above what it would say by itself."""
        assert asked(self.address, "PUT", f"/users/{subject}", json.dumps(claims))[0] == 204

    def sign_in(self, url: str, subject: str) -> str:
        """Sign in at the provider as a browser would that was sent to `url`; gives where it sends the browser then."""
        return self._answer(url, {"sub": subject})

    def deny(self, url: str) -> str:
        """Press the provider's other button."""
        return self._answer(url, {"action": "deny"})

    def _answer(self, url: str, form: dict[str, str]) -> str:
        parts = urlsplit(url)
        status, location, text = asked(
            self.address, "POST", f"{parts.path}?{parts.query}", urlencode(form), "application/x-www-form-urlencoded"
        )
        assert status in {302, 303}, text
        return location


@contextmanager
def shipped_provider(log: Path) -> Iterator[ShippedProvider]:
    """Run the provider from PyPI on a free port until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-registration", "--require-nonce"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        provider = ShippedProvider(f"http://127.0.0.1:{port}")
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                asked(provider.address, "GET", "/.well-known/openid-configuration")
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"The provider did not start:\n{log.read_text(errors='replace')}") from None
                try:
                    process.wait(0.05)  # the pause between two tries
                except subprocess.TimeoutExpired:
                    continue
        yield provider
    finally:
        process.terminate()
        process.wait(10)


# --------------------------------------------------------------------------------------------------------------------
# The one that breaks its tokens
# --------------------------------------------------------------------------------------------------------------------


@dataclass
class BrokenProvider:
    """Endpoints whose answers the test writes. It checks PKCE, as a provider does, and counts what it was asked."""

    address: str
    keys: list[Key]
    token: Callable[[str], object] = field(default=lambda _nonce: None)  # from the nonce
    said: dict[str, Any] = field(default_factory=dict)  # over what it says of itself; None leaves out
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    challenges: dict[str, tuple[str, str]] = field(default_factory=dict)  # by code

    def sign_in(self, url: str) -> str:
        """Take a browser that was sent here; gives where it sends it then."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = (query["code_challenge"], query["nonce"])
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, object]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            of_itself = {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/jwks",
                **self.said,
            }
            return 200, {name: value for name, value in of_itself.items() if value is not None}
        if path == "/moved":
            return 302, f"{self.address}/jwks"
        if path == "/jwks":
            return 200, {"keys": [key.as_dict(private=False) for key in self.keys]}
        if path == "/token":
            self.forms.append(form)
            challenge, nonce = self.challenges.pop(form.get("code", ""), ("", ""))
            sent = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if sent != challenge:
                return 400, {"error": "invalid_grant"}
            return 200, {"access_token": "opens-nothing", "token_type": "Bearer", "id_token": self.token(nonce)}
        return 404, {}


@contextmanager
def broken_provider(*keys: Key) -> Iterator[BrokenProvider]:
    """Serve a token endpoint of the test's own on a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, answer = provider.answer(self.path, form)
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            if status == 302:
                self.send_header("location", str(answer))
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = _handle  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = BrokenProvider(f"http://127.0.0.1:{server.server_port}", list(keys))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rsa_key() -> RSAKey:
    """Make a key of 2,048 bits with a name."""
    return RSAKey.generate_key(2048, auto_kid=True)


def signed(claims: dict[str, Any], key: Key, algorithm: str = "RS256", **header: Any) -> str:
    """Sign claims. A claim or a part of the header that is None is left out."""
    said = {name: value for name, value in {"alg": algorithm, "kid": key.kid, **header}.items() if value is not None}
    told = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(said, told, key, registry=JWSRegistry(algorithms=[algorithm], strict_check_header=False))


def b64(value: object) -> str:
    """Write a part of a token by hand."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
