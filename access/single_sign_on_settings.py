"""How a clinic's identity provider is configured, by environment variables; docs/deploying.md tells of them."""

import ipaddress
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


class SingleSignOnUnusable(Exception):
    """The settings of single sign-on cannot be used; the text says what to do."""


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
        raise SingleSignOnUnusable("STILL_RUNNING_ADDRESS must be this app's https address alone, such as https:// and the clinic's name.")
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
