"""
A fast reader for FIT files that are written as watches write them; fitdecode reads all others and stays the authority.

It gives exactly what fit_messages.py makes of fitdecode's answer, or steps aside (None). Tests hold it to that on real, made and mutated
files. It is fast because a run of messages of one kind is one step: after a message with header byte h and size s the next ones of its
kind are found by one slice of every s-th byte, and become columns as one structured array over the file's own bytes.

The facts of the format that it rests on are those of the public description of the protocol ("FIT Protocol", developer.garmin.com/fit):

- A file is a header of 12 or 14 bytes (size, protocol, profile, size of the body, `.FIT`; in the longer one a checksum, which may be 0),
  a body of messages, and a checksum of both (CRC-16, polynomial 0x8005 reflected, as ARC). Files may follow each other.
- The header byte of a message: bit 7 says that the low 5 bits are the last ones of its time and bits 5 and 6 its local number
  (compressed timestamp); else bit 6 says that it is a definition, bit 5 that developer fields follow in it, the low 4 bits are the number.
- A definition binds a local number to a message of the profile until it is defined anew: reserved byte, byte order (0 little, 1 big),
  number of the message, count of fields, and for each field its number, its size and its base type. A developer field has number, size
  and index of its developer; a `field_description` before it gives its base type, name and unit.
- A time of 5 bits goes on from the last full one: if it is smaller than that one's last 5 bits, 32 seconds have passed in between.
"""

from dataclasses import dataclass, field
from typing import Any

import fastcrc
import numpy as np
from numpy.typing import NDArray

from data.importers.base import Floats
from data.importers.fit_kinds import ACTIVITY_TYPES, FULL_TIME, INVALID, PACKED_TIMES, DeveloperField, Kind, kind_of
from data.importers.fit_parts import SUMMARY_FIELDS, Counted, FitPart

HEADER_SIZES = (12, 14)
CHECKSUM_BYTES = 2
DAMAGED = "The file is damaged or cut off."
HEADER_CHANGED = "The checksum of the file's header is wrong: it was changed or damaged."
FILE_CHANGED = "The checksum of the file is wrong: it was changed or damaged."

_COMPRESSED, _DEFINITION, _DEVELOPER, _LAST_BITS = 0x80, 0x40, 0x20, 0x1F
_FIRST_LOOK = 16  # messages; a longer run is looked at in ever larger steps
_COUNT_EVERY = 50_000  # messages
_UINT32, _NO_SPORT = 0x86, 0xFF
_DEVELOPER_INDEX = {"developer_data_id": 3, "field_description": 0}  # the number of its field
_BASE_TYPES_OF_FIELDS = frozenset((*INVALID, 0x07, 0x0D, 0x88, 0x89, 0x8E, 0x8F, 0x90))


class _StepAside(Exception):
    pass


class _Broken(Exception):
    pass


def parts_of(content: bytes, broken: str = "") -> tuple[list[FitPart], str] | None:
    """
    Read a FIT file if it is plain.

    Parameters
    ----------
    content : bytes
        One or several chained FIT files.
    broken : str
        What is known to be broken already.

    Returns
    -------
    tuple of list and str, or None
        As `fit_messages.decoded`; None if fitdecode has to decide.

    Raises
    ------
    FileRefused
        If the file holds more than `fit_parts.LIMITS` allows.
    """
    parts: list[FitPart] = []
    counted, at = Counted(), 0
    try:
        while at < len(content):
            header_size = content[at]
            if header_size not in HEADER_SIZES or content[at + 8 : at + 12] != b".FIT" or at + header_size > len(content):
                raise _Broken
            counted.add("files")
            end = at + header_size + int.from_bytes(content[at + 4 : at + 8], "little")
            stored = int.from_bytes(content[at + 12 : at + header_size], "little")
            if stored and stored != checksum(content[at : at + 12]):
                broken = broken or HEADER_CHANGED
            _read_body(content, at + header_size, end, parts, counted)
            if end + CHECKSUM_BYTES > len(content):
                raise _Broken
            if checksum(content[at:end]) != int.from_bytes(content[end : end + CHECKSUM_BYTES], "little"):
                broken = broken or FILE_CHANGED
            at = end + CHECKSUM_BYTES
    except _Broken:
        broken = DAMAGED
    except _StepAside:
        return None
    return parts, broken


def checksum(content: bytes) -> int:
    """
    Compute the checksum of the FIT protocol.

    >>> hex(checksum(b"123456789"))
    '0xbb3d'
    """
    return fastcrc.crc16.arc(content)


class _TimesNeeded(Exception):
    pass


def _read_body(content: bytes, at: int, end: int, parts: list[FitPart], counted: Counted) -> None:
    """Read the messages of one file into a new part; what came before a break is in it although this raises."""
    before = counted.held.copy()
    parts.append(FitPart())
    body = _Body(content, min(end, len(content)), parts[-1], counted)
    try:
        try:
            body.read(at)
        except _TimesNeeded:  # by old watches only: read it again and follow the times
            counted.held = before
            parts[-1] = FitPart()
            body = _Body(content, body.end, parts[-1], counted, follows_times=True)
            body.read(at)
        if end > len(content):
            raise _Broken
    except _Broken:
        body.finish()
        raise
    body.finish()


Block = tuple[int, int, int]  # records of one kind that lie together: row of the first one, its place in the file, count


@dataclass
class _Body:
    """The state of reading one file's messages."""

    content: bytes
    end: int
    part: FitPart
    counted: Counted
    follows_times: bool = False
    kinds: list[Kind | None] = field(default_factory=lambda: [None] * 16)  # by local number
    # By header byte: the size of a message that is kept in blocks or passed over, 0 for one to be looked at; and where its blocks go.
    sizes: list[int] = field(default_factory=lambda: [0] * 256)
    kept: list[list[Block] | None] = field(default_factory=lambda: [None] * 256)
    developers: dict[int, dict[int, DeveloperField]] = field(default_factory=dict)
    blocks: dict[int, tuple[Kind, list[Block]]] = field(default_factory=dict)  # of records, by identity of their kind
    times: list[tuple[int, list[int]]] = field(default_factory=list)  # compressed ones: first row, and one time a row
    rows: int = 0
    rows_counted: int = 0
    last_time: int = 0
    heart_rates_begun: bool = False

    def read(self, at: int) -> None:
        """Go from message to message; this loop is what a file costs."""
        content, end, sizes, kept = self.content, self.end, self.sizes, self.kept
        passed = 0
        while at < end:
            header = content[at]
            size = sizes[header]
            if not size:
                at = self._look_at(at, header)
                passed += 1
            else:
                following = at + size
                if following < end and content[following] == header:
                    count = self._count(at, header, size)
                    following = at + count * size
                    passed += count
                    if (blocks := kept[header]) is not None:
                        blocks.append((self.rows, at, count))
                        self.rows += count
                else:
                    if following > end:
                        raise _Broken
                    passed += 1
                    if (blocks := kept[header]) is not None:
                        blocks.append((self.rows, at, 1))
                        self.rows += 1
                at = following
            if passed > _COUNT_EVERY:
                self._count_up(passed)
                passed = 0
        self._count_up(passed)

    def _count_up(self, messages: int) -> None:
        self.counted.add("messages", messages)
        self.counted.add("points", self.rows - self.rows_counted)
        self.rows_counted = self.rows

    def _count(self, at: int, header: int, size: int) -> int:
        """Count the whole messages with this header byte that follow each other, by looking at every size-th byte."""
        count, look, fitting = 1, _FIRST_LOOK, (self.end - at) // size
        wanted = bytes([header])
        while count < fitting:
            first = at + count * size
            heads = self.content[first : min(first + look * size, at + fitting * size) : size]
            same = len(heads) - len(heads.lstrip(wanted))
            count += same
            if same < len(heads):
                break
            look *= 8
        return count

    def _look_at(self, at: int, header: int) -> int:
        """Read a message that is not simply kept or passed over; give where the next one begins."""
        if header & _COMPRESSED:
            return self._compressed(at, header)
        if header & _DEFINITION:
            return self._definition(at, header)
        kind = self._kind(header & 0x0F)
        if at + kind.size > self.end:
            raise _Broken
        if kind.name == "record":
            self._keep(kind, at, 1)
        elif kind.name in SUMMARY_FIELDS:
            self.part.keep(kind.name, kind.values(self.content, at), self.counted)
        elif kind.name == PACKED_TIMES:
            if not self.heart_rates_begun or not kind.unpack.unpack_from(self.content, at + 1)[0].strip(b"\xff"):
                raise _StepAside
        elif kind.name and kind.name != FULL_TIME:
            self._describe(kind.name, kind.raw_values(self.content, at))
        if kind.stamp:
            time_s = int.from_bytes(self.content[at + kind.stamp : at + kind.stamp + 4], "big" if kind.big_endian else "little")
            if kind.name == FULL_TIME:
                if time_s in {0, INVALID[_UINT32]}:
                    raise _StepAside
                self.heart_rates_begun = True
            self.last_time = time_s if time_s != INVALID[_UINT32] else self.last_time
        return at + kind.size

    def _kind(self, local: int) -> Kind:
        kind = self.kinds[local]
        if kind is None:
            raise _Broken  # never defined
        if not kind.plain:
            raise _StepAside
        return kind

    def _definition(self, at: int, header: int) -> int:
        content = self.content
        fields_end = at + 6 + 3 * content[at + 5] if at + 6 <= self.end else self.end + 1
        following, developer = fields_end, []
        if header & _DEVELOPER and fields_end < self.end:
            following += 1 + 3 * content[fields_end]
            if following <= self.end:
                developer = [self._developer_field(*content[start : start + 3]) for start in range(fields_end + 1, following, 3)]
        if following > self.end or (header & _DEVELOPER and fields_end == self.end):
            raise _Broken
        self.counted.add("messages", (following - at - 6) // 3)  # its fields take time too
        kind = kind_of(content[at + 1 : fields_end], tuple(developer))
        local = header & 0x0F
        self.kinds[local] = kind
        in_blocks = kind.plain and kind.name in {"", "record"} and not (self.follows_times and kind.stamp)
        for spare_bits in range(0, _DEFINITION, 0x10):
            self.sizes[spare_bits | local] = kind.size if in_blocks else 0
            self.kept[spare_bits | local] = self._blocks_of(kind) if kind.name == "record" else None
        return following

    def _developer_field(self, number: int, size: int, index: int) -> tuple[int, int, DeveloperField]:
        return number, size, self.developers.setdefault(index, {}).setdefault(number, DeveloperField())

    def _describe(self, name: str, raw: dict[int, Any]) -> None:
        """Learn of a developer, or of one of its fields."""
        index = raw.get(_DEVELOPER_INDEX[name])
        if index is None:
            raise _StepAside
        if name == "developer_data_id":
            self.developers[index] = {}
        elif index not in self.developers or 1 not in raw or raw.get(2) not in _BASE_TYPES_OF_FIELDS:
            raise _StepAside
        else:
            self.developers[index][raw[1]] = DeveloperField(raw.get(3), raw.get(8), raw[2])

    def _compressed(self, at: int, header: int) -> int:
        """Read a run of messages of one kind whose times go on from the last full one."""
        if not self.follows_times:
            raise _TimesNeeded
        kind = self._kind(header >> 5 & 0x03)
        if kind.stamp or kind.name in {FULL_TIME, PACKED_TIMES}:
            raise _StepAside  # two times in one message
        most = min((self.end - at) // kind.size, _COUNT_EVERY if kind.name in {"", "record"} else 1)
        if not most:
            raise _Broken
        times: list[int] = []
        following = at
        while len(times) < most and self.content[following] >> 5 == header >> 5:
            self.last_time += (self.content[following] - self.last_time) & _LAST_BITS
            times.append(self.last_time)
            following += kind.size
        if kind.name == "record":
            self.times.append((self.rows, times))
            self._keep(kind, at, len(times))
        elif kind.name in SUMMARY_FIELDS:
            with_time = {"timestamp": self.last_time} if "timestamp" in SUMMARY_FIELDS[kind.name] else {}
            self.part.keep(kind.name, kind.values(self.content, at) | with_time, self.counted)
        elif kind.name:
            self._describe(kind.name, kind.raw_values(self.content, at))
        self.counted.add("messages", len(times) - 1)
        return following

    def _blocks_of(self, kind: Kind) -> list[Block]:
        if id(kind) not in self.blocks:
            self.counted.add("kinds_of_record")
            self.blocks[id(kind)] = kind, []
        return self.blocks[id(kind)][1]

    def _keep(self, kind: Kind, at: int, count: int) -> None:
        self._blocks_of(kind).append((self.rows, at, count))
        self.rows += count

    def finish(self) -> None:
        """Make columns of the records."""
        self._count_up(0)
        columns: dict[str, Floats] = {}
        sports = np.full(self.rows, _NO_SPORT, dtype=np.uint8)
        for kind, blocks in self.blocks.values():
            if not blocks:
                continue
            block, where = self._joined(kind, blocks), _rows(blocks, self.rows)
            for column in kind.columns:
                if (values := column.values(block)) is not None:
                    _fill(columns, column.name, self.rows, where, values)
            if kind.sport:
                sports[where] = block[kind.sport]
        for first_row, times in self.times:
            _fill(columns, "time_s", self.rows, slice(first_row, first_row + len(times)), np.array(times, dtype=np.float64))
        self.part.columns = columns
        named = sports[sports != _NO_SPORT]
        if len(named):
            numbers, first, counts = np.unique(named, return_index=True, return_counts=True)
            self.part.record_sports = {
                ACTIVITY_TYPES.get(number, str(number)): count
                for _, number, count in sorted(zip(first.tolist(), numbers.tolist(), counts.tolist(), strict=True))
            }

    def _joined(self, kind: Kind, blocks: list[Block]) -> NDArray[np.void]:
        """The records of one kind as a structured array: over the file's own bytes if they lie together."""
        content, size = self.content, kind.size
        if len(blocks) == 1:
            _, at, count = blocks[0]
            return np.frombuffer(content, kind.block, count, at)
        return np.frombuffer(b"".join([content[at : at + count * size] for _, at, count in blocks]), kind.block)


def _rows(blocks: list[Block], total: int) -> Any:
    """Which rows the blocks of one kind fill."""
    first, _, counts = np.array(blocks, dtype=np.intp).T
    filled = int(counts.sum())
    if filled == total:
        return slice(None)
    before = np.cumsum(counts) - counts
    return np.repeat(first - before, counts) + np.arange(filled)


def _fill(columns: dict[str, Floats], name: str, total: int, where: Any, values: Floats) -> None:
    """Put values into a column; what an earlier field of the same record has written stays."""
    if name not in columns:
        if len(values) == total:
            columns[name] = values
            return
        columns[name] = np.full(total, np.nan)
    before = columns[name][where]
    columns[name][where] = np.where(np.isnan(before), values, before)
