"""
By which names the app may be asked for.

Another site can point its own name at this computer (DNS rebinding); its page would then count as one of ours. Such a page is always
known by a name. So numbers are let in, and of names this computer's own and those of `server.allowedHosts` in .streamlit/config.toml.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")


def is_ours(host: str, allowed: Iterable[str] = ()) -> bool:
    """
    Say whether a Host header names this app.

    Parameters
    ----------
    host : str
        The header: a name or an address, with or without a port.
    allowed : iterable of str
        Names by which others reach the app; `*.clinic.example` stands for all below it, `*` for every name.

    Examples
    --------
    >>> is_ours("localhost:8501"), is_ours("127.0.0.1:8501"), is_ours("[::1]:8501"), is_ours("evil.example:8501")
    (True, True, True, False)
    >>> is_ours("clinic.example", ["clinic.example"]), is_ours("a.clinic.example", ["*.clinic.example"])
    (True, True)
    """
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    name = found[1].strip("[]").rstrip(".")
    if name == "localhost" or name.endswith(".localhost") or _is_address(name):
        return True
    patterns = [pattern.strip().lower().rstrip(".") for pattern in allowed]
    return any(pattern in {"*", name} or (pattern.startswith("*.") and name.endswith(pattern[1:])) for pattern in patterns)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
