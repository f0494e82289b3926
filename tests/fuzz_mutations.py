"""
How the fuzz programs change files: bytes of any file, pieces of a text, members and headers of a zip.

A change is drawn from a `random.Random` alone, so that the same seed gives the same file.
"""

import gzip
import io
import json
import random
import re
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

INTERESTING = (
    b"\x00", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f",
    b"\xfe\xff\xff\xff", b"\1\0\0\0", b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\r\n", b'"', b"<", b">", b"&", b",", b";", b"PK",
)  # fmt: skip
ODD_NUMBERS = (
    "1e999", "-1", "NaN", "9" * 400, "", "0x10", "١٢", "-0.0", "1e-320", "0", "1,5", "1_000", "2147483648", "99999999999999999999", "1e308", "-1e308",
    "Infinity", "12:99", "26:42:00", "PT0S", "PT1e9S", "9999-12-31T23:59:59Z", "0001-01-01", "2025-02-30", "1969-12-31T23:59:59-23:59", "null", "true", "[]", "{}",
)  # fmt: skip
ODD_TEXTS = (
    "\0", "\ufeff", "\ud7ff", "\U0001f3c3", "\u202e", "‘", "=1+1", "&lt;", "&#0;", "&a;", "<!--", "]]>", "<![CDATA[", '""', "'", "\\", "\\u0000", "\\ud800", "\x1b",
    "a" * 5_000, "(" * 500, "[" * 2_000, "<a>" * 200, " " * 1_000, "\t", "\r", "\x85", "\u2028", "é", "/", "../", ": ", " › ",
)  # fmt: skip
_NUMBER = re.compile(r"[-+]?\d+(?:[.,:\-T]\d+)*Z?")
_PIECE = re.compile(r"<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|\"[^\"]*\"|[^\n]*\n|[^,;\t]+[,;\t]")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1")

Mutation = Callable[[random.Random, bytes], bytes]


def bytes_changed(sure: random.Random, content: bytes) -> bytes:
    """Flip, set, delete, double and insert some bytes; sometimes cut the rest off."""
    changed = bytearray(content)
    for _ in range(sure.choice((1, 1, 2, 4, 16))):
        place = sure.randrange(len(changed) + 1)
        length = sure.choice((1, 1, 2, 4, 40, 400))
        match sure.randrange(6):
            case 0 if place < len(changed):
                changed[place] ^= 1 << sure.randrange(8)
            case 1 if place < len(changed):
                changed[place] = sure.randrange(256)
            case 2:
                del changed[place : place + length]
            case 3:
                changed[place:place] = changed[place : place + length]
            case 4:
                odd = sure.choice(INTERESTING)
                changed[place : place + len(odd)] = odd
            case _:
                changed[place:place] = sure.choice((sure.randbytes(sure.randrange(1, 9)), sure.choice(INTERESTING)))
    if sure.random() < 0.15:
        del changed[sure.randrange(len(changed) + 1) :]
    return bytes(changed)


def text_changed(sure: random.Random, content: bytes) -> bytes:
    """Put odd numbers and texts in, take pieces (a tag, a line, a value, a list) out, double them or let them change places."""
    if sure.random() < 0.2:
        return bytes_changed(sure, content)
    text = content.decode("utf-8", "replace")
    for _ in range(sure.choice((1, 1, 2, 5))):
        match sure.randrange(5):
            case 0 | 1:
                text = _replaced(text, _one(sure, _NUMBER, text), sure.choice(ODD_NUMBERS))
            case 2:
                text = _replaced(text, _one(sure, _PIECE, text), "")
            case 3:
                first, second = _one(sure, _PIECE, text), _one(sure, _PIECE, text)
                text = _replaced(text, first, text[slice(*second)] * sure.choice((1, 2, 30)))
            case _:
                place = sure.randrange(len(text) + 1)
                text = _replaced(text, (place, place), sure.choice((*ODD_TEXTS, *ODD_NUMBERS)))
    if sure.random() < 0.1:
        text = text[: sure.randrange(len(text) + 1)]
    return text.encode(sure.choice(_ENCODINGS) if sure.random() < 0.1 else "utf-8", "replace")


_ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 10**30, 0.1, "", "x", [], {}, [[]], {"value": []}, "1e999", "NaN", 2**63, [None] * 3, "2025-02-30T25:61:00", "PT9H" * 99, "\ud800", -1e-320,
)  # fmt: skip


def json_changed(sure: random.Random, content: bytes) -> bytes:
    """Put an odd value into a JSON file, take one out, double it or let two change places, so that it stays JSON."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):  # it was changed before, and is no JSON any more or too deep
        return text_changed(sure, content)
    places: list[tuple[Any, Any]] = []
    _walked(tree, places)
    if not places or sure.random() < 0.1:
        return text_changed(sure, content)
    for _ in range(sure.choice((1, 1, 2, 6))):
        parent, key = sure.choice(places)
        if (key not in parent) if isinstance(parent, dict) else key >= len(parent):
            continue  # it was taken out a moment ago
        match sure.randrange(5):
            case 0:
                del parent[key]
            case 1:
                other, place = sure.choice(places)
                if (place in other) if isinstance(other, dict) else place < len(other):
                    parent[key] = json.loads(json.dumps(other[place]))  # a copy: a tree has no rings
            case 2 if isinstance(parent[key], str):
                parent[key] = text_changed(sure, parent[key].encode("utf-8", "replace")).decode("utf-8", "replace")
            case _:
                parent[key] = sure.choice((*_ODD_VALUES, *ODD_NUMBERS))
    return json.dumps(tree).encode()


def _walked(tree: Any, places: list[tuple[Any, Any]]) -> None:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        places.append((tree, key))
        _walked(tree[key], places)


def _one(sure: random.Random, pattern: re.Pattern[str], text: str) -> tuple[int, int]:
    """Find a piece near a place; nothing at the end if there is none."""
    begun = sure.randrange(len(text) + 1)
    found = pattern.search(text, begun) or pattern.search(text)
    return found.span() if found else (len(text), len(text))


def _replaced(text: str, span: tuple[int, int], new: str) -> str:
    return text[: span[0]] + new + text[span[1] :]


def gzipped(sure: random.Random, content: bytes) -> bytes:
    """Pack a file with gzip; sometimes damage it, join a second one to it, or pack it twice."""
    packed = gzip.compress(content, sure.choice((0, 1, 9)), mtime=0)
    match sure.randrange(6):
        case 0:
            return bytes_changed(sure, packed)
        case 1:
            return packed + sure.choice((packed, gzip.compress(b""), packed[:-5], b"\x1f\x8b", bytes(40), packed[:20]))
        case 2:
            return gzip.compress(packed, mtime=0)
        case 3:
            return packed[: sure.randrange(len(packed))]
        case _:
            return packed


# -- zips ------------------------------------------------------------------------------------------------------------

LOCAL, ENTRY, END, END64, LOCATOR = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
# where a number stands in a header, and how many bytes it takes
_FIELDS = {
    LOCAL: ((4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)),
    ENTRY: ((4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (36, 2), (38, 4), (42, 4)),
    END: ((4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)),
    END64: ((4, 8), (24, 8), (32, 8), (40, 8), (48, 8)),
    LOCATOR: ((4, 4), (8, 8), (16, 4)),
}  # fmt: skip
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_METHOD_NUMBERS = (0, 1, 6, 8, 9, 12, 14, 93, 95, 97, 98, 99, 0xFFFF)
HOSTILE_NAMES = (
    "../../etc/passwd", "/etc/passwd", "C:\\runs\\a.fit", "a\0b.fit", "\0", "", ".", "..", "/", " ", " › ", "a › ", "a: b.zip", "con", "x" * 5_000, "é.fit", "\u202e.fit",
    "a.zip/", "a.ZIP", "__MACOSX/a.fit", "activities.csv", "activities/a.fit.gz", "apple_health_export/export.xml", "export.xml", "xl/workbook.xml", "a/" * 300 + "a.fit",
)  # fmt: skip


def plain_zip(*files: tuple[str, bytes]) -> bytes:
    """Write a zip as every computer does."""
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files:
            made.writestr(zipfile.ZipInfo(name, (2025, 3, 4, 7, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def zipped(sure: random.Random, files: Sequence[tuple[str, bytes]]) -> bytes:
    """Write a zip as some program might: any method, names and sizes behind the data, comments, a directory in the zip64 form."""
    out = io.BytesIO()
    stream: io.BytesIO = _Unseekable() if sure.random() < 0.2 else out  # then sizes follow the data
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(stream, "w") as made:  # two files of one name are meant
        for name, content in files:
            info = zipfile.ZipInfo(name, (2025, 3, 4, 7, 0, 0))
            info.filename = name  # as it is, also with what zipfile would take out
            info.compress_type = sure.choice(METHODS)
            info.comment = sure.choice((b"", b"", b"a comment", b"x" * 65_535 if sure.random() < 0.1 else b""))
            info.extra = sure.choice((b"", b"", b"", b"", _extra(sure)))
            with made.open(info, "w", force_zip64=sure.random() < 0.2) as member:
                member.write(content)
        made.comment = sure.choice((b"", b"", b"", b"", b"a comment", END + bytes(18), b"x" * 65_535))
    return stream.getvalue()


class _Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


def _extra(sure: random.Random) -> bytes:
    """Give an extra field: a time, a zip64 claim, another name, or what is none."""
    kind = sure.choice((0x5455, 0x0001, 0x7075, 0x9901, sure.randrange(0x10000)))
    body = sure.choice((b"", b"\1\0\0\0\0", b"\xff" * 24, bytes(24), struct.pack("<QQQ", 1 << 40, 1 << 40, 1 << 63), sure.randbytes(9)))
    return struct.pack("<HH", kind, len(body) + sure.choice((0, 0, 0, 1, 60_000))) + body


def zip_changed(sure: random.Random, content: bytes) -> bytes:
    """Change fields of the headers of a zip, its directory as a whole, or any bytes."""
    for _ in range(sure.choice((1, 1, 2, 4))):
        content = sure.choice(_ZIP_CHANGES)(sure, content)
    return content


def _field_changed(sure: random.Random, content: bytes) -> bytes:
    signature = sure.choice((LOCAL, ENTRY, ENTRY, END, END64, LOCATOR))
    places = [found.start() for found in re.finditer(re.escape(signature), content)]
    if not places:
        return content
    begun = sure.choice(places)
    at, size = sure.choice(_FIELDS[signature])
    changed = bytearray(content)
    whole = 1 << 8 * size
    before = int.from_bytes(changed[begun + at : begun + at + size], "little")
    odd = (0, 1, whole - 1, whole // 2, whole - 2, before + 1, before - 1, before * 2, before // 2, before ^ 1, before ^ 8, len(content))
    number = sure.choice((*odd, sure.randrange(whole), sure.choice(_METHOD_NUMBERS)))
    changed[begun + at : begun + at + size] = (number % whole).to_bytes(size, "little")
    return bytes(changed)


def _flag_set(sure: random.Random, content: bytes) -> bytes:
    """Set a flag of one member in both of its headers: locked, sizes behind, patched, names in UTF-8."""
    flag = sure.choice((0, 3, 5, 6, 11, 13))
    changed = bytearray(content)
    for signature, at in ((LOCAL, 6), (ENTRY, 8)):
        place = changed.find(signature)
        if 0 <= place < len(changed) - at - 2:
            changed[place + at + flag // 8] ^= 1 << flag % 8
    return bytes(changed)


def _method_swapped(sure: random.Random, content: bytes) -> bytes:
    """Say that a member is packed otherwise than it is."""
    method = sure.choice(_METHOD_NUMBERS)
    changed = bytearray(content)
    for signature, at in ((LOCAL, 8), (ENTRY, 10)):
        place = changed.rfind(signature)
        if 0 <= place < len(changed) - at - 2:
            struct.pack_into("<H", changed, place + at, method)
    return bytes(changed)


def _entries_changed(sure: random.Random, content: bytes) -> bytes:
    """Double, drop or turn round the entries of the directory; the closing record says so or does not."""
    end = content.rfind(END)
    first = content.find(ENTRY)
    if not 0 <= first < end <= len(content) - 22:
        return content
    starts = [found.start() for found in re.finditer(re.escape(ENTRY), content[:end])]
    entries = [content[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    entries = sure.choice((entries * sure.choice((2, 50)), entries[:-1], entries[::-1], [sure.choice(entries), *entries]))
    closing = bytearray(content[end:])
    if sure.random() < 0.8:
        struct.pack_into("<HHI", closing, 8, len(entries) % 65_536, len(entries) % 65_536, sum(map(len, entries)))
    return content[:first] + b"".join(entries) + bytes(closing)


def _zip64_closed(sure: random.Random, content: bytes) -> bytes:
    """Put a closing record of the zip64 form before the plain one, true or not."""
    end, first = content.rfind(END), content.find(ENTRY)
    if not 0 <= first < end:
        return content
    size = sure.choice((end - first, end - first, 1 << 32, (1 << 64) - 1, (1 << 63) - 1, 0, len(content)))
    start = sure.choice((first, first, 0, 1 << 40, (1 << 64) - 1, 1 << 63))
    record = END64 + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, start)
    locator = LOCATOR + struct.pack("<IQI", 0, sure.choice((end, 0, (1 << 64) - 1)), sure.choice((1, 1, 2)))
    return content[:end] + record + locator + content[end:]


def _joined(sure: random.Random, content: bytes) -> bytes:
    """Put something before, behind or between; or the same archive once more."""
    odd = sure.choice((content, b"#!/bin/sh\n", bytes(30), END + bytes(18), LOCAL, sure.randbytes(50)))
    half = len(content) // 2
    return sure.choice((odd + content, content + odd, content[:half] + odd + content[half:]))


_ZIP_CHANGES: tuple[Mutation, ...] = (
    _field_changed, _field_changed, _field_changed, _flag_set, _method_swapped, _entries_changed, _zip64_closed, _joined, bytes_changed,
)  # fmt: skip


def repacked(sure: random.Random, content: bytes, inside: Mutation) -> bytes:
    """Change one member of a zip by what it holds, and write the zip anew, whole; one that cannot be opened is changed as bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            files = [(info.filename, old.read(info)) for info in old.infolist()]
        if not files:
            return bytes_changed(sure, content)
        at = sure.randrange(len(files))
        files[at] = (files[at][0], inside(sure, files[at][1]))
        return plain_zip(*files)
    except Exception:  # noqa: BLE001 - it was changed before, and anything may be wrong with it
        return bytes_changed(sure, content)
