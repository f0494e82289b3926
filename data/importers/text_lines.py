"""
Text from strangers, line by line: UTF-8, UTF-16 or Windows' Western letters, any end of line, NUL taken out, a line of a megabyte named.
"""

import codecs
import io
from collections.abc import Iterator

LINE_MAX_CHARS = 100_000
HEAD_BYTES = 100_000
_PIECE_BYTES = 1_000_000
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def physical_lines(content: bytes, encoding: str) -> Iterator[tuple[int, str]]:
    """Give the lines with their numbers, whatever ends them, without NUL; of one that is too long, a part that is too long as well."""
    number = 0
    with io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors="replace", newline=None) as text:
        while line := text.readline(LINE_MAX_CHARS + 1):
            number += 1
            piece = line
            while len(piece) > LINE_MAX_CHARS and not piece.endswith("\n"):
                piece = text.readline(LINE_MAX_CHARS + 1)
            yield number, line.replace("\0", "")


def encoding_of(content: bytes) -> str | None:
    """Find the encoding in which the whole file can be read and its head is text."""
    head = content[:HEAD_BYTES]
    candidates = [name for bom, name in _BOMS if head.startswith(bom)][:1]
    if not candidates:
        if b"\0" in head[:4]:  # UTF-16 without its mark: every other byte of plain letters is 0
            candidates.append("utf-16-be" if head[0] == 0 else "utf-16-le")
        candidates += ["utf-8", "cp1252"]
    for candidate in candidates:
        decoder = codecs.getincrementaldecoder(candidate)()  # it forgives half a character at the end
        try:
            if not _is_text(decoder.decode(head)[:4096]):
                continue
            for start in range(HEAD_BYTES, len(content), _PIECE_BYTES):
                decoder.decode(content[start : start + _PIECE_BYTES])
        except UnicodeDecodeError:
            continue
        return candidate
    return None


def _is_text(head: str) -> bool:
    odd = sum(1 for char in head if not char.isprintable() and char not in "\r\n\t\0\ufeff")
    return odd * 50 <= len(head) and "�" not in head
