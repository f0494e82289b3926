"""
Reading XML from strangers: no DTD, no entities, no depth, and what came before a break is kept.
"""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError  # nosec - only the types; the parser is defusedxml's

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from data.importers.base import FileRefused
from models import ImportOutcome

DEPTH_MAX = 100
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ASCII_SPACES = b" \t\n\r\v\f\x1c\x1d\x1e\x1f"  # what \s is below 128
# A piece once found is never looked for in another way (?>…): else thirty of them could be cut in a thousand million ways.
_PROLOG = re.compile(r"\s*+(?>(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)\s*)*+<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)", re.DOTALL)
_ROOT_TAG = re.compile(rb"<[A-Za-z_][\w.:-]*")
_DECLARED = re.compile(rb"xmlns:([A-Za-z_][\w.-]*)\s*=")
_USED = re.compile(rb"<([A-Za-z_][\w.-]*):|\s([A-Za-z_][\w.-]*):[\w.-]+\s*=")
_OLDEST, _NEWEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def root_name(content: bytes) -> str | None:
    """
    Name the first element of an XML file, without its namespace.

    >>> root_name(b'<?xml version="1.0"?><a:gpx xmlns:a="b">'), root_name(b"date,nprs")
    ('gpx', None)
    """
    head = content[:65536]
    begins = head.removeprefix(codecs.BOM_UTF8).lstrip(_ASCII_SPACES)[:1]
    if b"\0" < begins < b"\x80" and begins != b"<" and head[:2] not in _UTF_16:  # nearly all that is no XML
        return None
    encoding = "utf-16" if head[:2] in _UTF_16 else "utf-8-sig"
    found = _PROLOG.match(head.decode(encoding, errors="replace"))
    return found.group(1) if found else None


class XmlStream:
    """
    The elements of an XML file, one after the other.

    Iterating gives `(event, path, element)`: event is "start" or "end", path the names from the root to the element without
    namespaces. An element named in `forgotten` is dropped after its end, with its neighbours, so that memory stays small.

    Attributes
    ----------
    broken : str
        After iterating: what is wrong and in which line, empty if the file is whole. An element that is not whole never ends.
    """

    def __init__(self, content: bytes, forgotten: frozenset[str] = frozenset()) -> None:
        self.broken = ""
        self._content = _with_prefixes_declared(content)
        self._forgotten = forgotten

    def __iter__(self) -> Iterator[tuple[str, list[str], Element]]:
        path: list[str] = []
        elements: list[Element] = []
        try:
            for event, element in iterparse(BytesIO(self._content), events=("start", "end"), forbid_dtd=True):
                if event == "start":
                    path.append(local_name(element))
                    elements.append(element)
                    if len(path) > DEPTH_MAX:
                        raise FileRefused(
                            ImportOutcome.UNREADABLE, f"The file nests more than {DEPTH_MAX} elements. No device writes that."
                        )
                yield event, path, element
                if event == "end":
                    path.pop()
                    elements.pop()
                    if elements and local_name(element) in self._forgotten:
                        elements[-1].clear()
        except DefusedXmlException:
            raise FileRefused(
                ImportOutcome.UNREADABLE,
                "The file declares a document type (DTD) or entities, which can be used for attacks. Export the run again.",
            ) from None
        except ParseError as error:
            self.broken = f"The XML breaks off in line {error.position[0]}."
        except (LookupError, ValueError):
            self.broken = "The XML names an encoding that cannot be read."


def local_name(element: Element) -> str:
    """Name an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def number_in(text: str | None) -> float | None:
    """Read a number as XML writes it; None if it is none."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def time_in(text: str | None) -> datetime | None:
    """
    Read a time as XML writes it.

    Returns
    -------
    datetime or None
        Aware if the text names a zone, else naive; None if it is no time between 1970 and 2100.
    """
    try:
        read = datetime.fromisoformat((text or "").strip())
        compared = read if read.tzinfo else read.replace(tzinfo=UTC)
        return read if _OLDEST <= compared < _NEWEST else None
    except (ValueError, OverflowError):
        return None


def utc_seconds(read: datetime) -> float:
    """Seconds since 1970; a time without a zone counts as if it were UTC."""
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def _with_prefixes_declared(content: bytes) -> bytes:
    """Declare prefixes that are used but never declared (an `xsi:type` without its `xmlns:xsi`), so that the file can be parsed."""
    used = {name for pair in _USED.findall(content) for name in pair if name}
    missing = used - set(_DECLARED.findall(content)) - {b"xml", b"xmlns"}
    root = _ROOT_TAG.search(content)
    if not missing or len(missing) > 20 or root is None:
        return content
    declared = b"".join(b' xmlns:%b="urn:undeclared:%b"' % (name, name) for name in sorted(missing))
    return content[: root.end()] + declared + content[root.end() :]
