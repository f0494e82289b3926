"""Reading JSON from strangers: no endless depth, no numbers that are none, a sentence where it is damaged."""

import json
import re
from collections.abc import Mapping
from typing import Any

from data.importers.base import FileRefused
from models import ImportOutcome

JSON_MAX_BYTES = 12_000_000  # a marathon with a value a second and a route takes about 3 MB
PARTS_MAX = 500_000  # objects and lists, of which each costs memory: an archive of eight hours has 200,000
# Half of a character that takes two \\u…: nobody can write it in UTF-8.
_HALF_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)

Json = Mapping[str, Any]


def is_json(content: bytes) -> bool:
    """
    Tell whether a file begins like JSON.

    >>> is_json(b'{"a": 1}'), is_json(b"date,nprs")
    (True, False)
    """
    return content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"["))


def parsed_json(content: bytes) -> Any:
    """
    Parse JSON.

    Raises
    ------
    FileRefused
        If it is too large, nested too deep, or no JSON.
    """
    if len(content) > JSON_MAX_BYTES:
        raise FileRefused(
            ImportOutcome.UNREADABLE, f"The JSON file is larger than {JSON_MAX_BYTES // 1_000_000} MB. A single run is smaller."
        )
    if content.count(b"{") + content.count(b"[") > PARTS_MAX:
        raise FileRefused(ImportOutcome.UNREADABLE, f"The JSON file has more than {PARTS_MAX:,} parts. No device writes that.")
    try:
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
        return json.loads(_HALF_CHARACTER.sub(r"\\ufffd", text), parse_constant=lambda _: None)
    except RecursionError:
        raise FileRefused(ImportOutcome.UNREADABLE, "The JSON file nests too deep. No device writes that.") from None
    except ValueError:
        raise FileRefused(ImportOutcome.UNREADABLE, "The JSON file is damaged or cut off. Export the run again.") from None


def number_of(value: Any) -> float | None:
    """
    Read a number, also one that is written as text; None if it is none.

    >>> number_of("3.5"), number_of(7), number_of("x"), number_of(True)
    (3.5, 7.0, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
