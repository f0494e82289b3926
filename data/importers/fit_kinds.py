"""
How the messages of one definition lie in a FIT file: sizes, places and types of the fields that are kept.

Names, numbers, scales and words come from the profile that fitdecode carries; nothing of it is written down a second time.
"""

import struct
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from fitdecode import profile, types
from numpy.typing import NDArray

from data.importers.base import Floats
from data.importers.fit_parts import POD_FIELDS, RECORD_COLUMNS, RECORD_FIELDS, SUMMARY_FIELDS, Message

RECORD, DEVELOPER_DATA_ID, FIELD_DESCRIPTION, HEART_RATE = 20, 207, 206, 132
TIMESTAMP = 253  # the number of the time in every message
_COMPRESSED_SPEED_DISTANCE = 8
_EVENT_TIMESTAMP, _EVENT_TIMESTAMP_12 = 9, 10  # of heart rates
FULL_TIME, PACKED_TIMES = "full time of a heart rate", "packed times of heart rates"
_ENUM, _STRING, _BYTE, _UINT8, _UINT32 = 0x00, 0x07, 0x0D, 0x02, 0x86
_DEFINITION_FIXED, _FIELD_BYTES = 5, 3  # reserved, byte order, number (2), count; then number, size, type of each field
_PLACES_MAX = 64  # kept values of one record; devices write up to 20
_KINDS_REMEMBERED = 500  # the same watch writes the same definitions into each file

# Base type -> what stands for "nothing" (FIT protocol, table of base types); a float says nothing by not being a number.
INVALID: dict[int, int] = {
    0x00: 0xFF, 0x01: 0x7F, 0x02: 0xFF, 0x83: 0x7FFF, 0x84: 0xFFFF, 0x85: 0x7FFFFFFF, 0x86: 0xFFFFFFFF, 0x0A: 0, 0x8B: 0, 0x8C: 0,
}  # fmt: skip
_FLOATS = frozenset({0x88, 0x89})
_DEVELOPER_FIELDS = {  # number -> base type: whose field it is, its number, base type, name, unit; and the developer's own index
    "field_description": {0: _UINT8, 1: _UINT8, 2: _UINT8, 3: _STRING, 8: _STRING},
    "developer_data_id": {3: _UINT8},
}


@dataclass(frozen=True)
class DeveloperField:
    """A developer field as its field_description announces it."""

    name: str | None = None
    units: str | None = None
    base_type: int = _BYTE  # what fitdecode takes for one that nobody described


@dataclass(frozen=True)
class Column:
    """One field of a record: where it lies in the block and how it becomes numbers."""

    name: str
    place: str
    invalid: int | None
    scale: float | None
    offset: float | None

    def values(self, block: NDArray[np.void]) -> Floats | None:
        """Take the numbers out of a block of records, NaN where nothing is written; None if nothing is written in any."""
        values: Floats = block[self.place].astype(np.float64)
        empty = values == self.invalid if self.invalid is not None else ~np.isfinite(values)
        count = np.count_nonzero(empty)
        if count == len(values):
            return None
        if self.scale is not None:
            values /= self.scale
        if self.offset is not None:
            values -= self.offset
        if count:
            values[empty] = np.nan
        return values


@dataclass(frozen=True)
class Kind:
    """
    The messages of one definition.

    Attributes
    ----------
    name : str
        `record`, a name of `SUMMARY_FIELDS`, `developer_data_id`, `field_description`, `FULL_TIME`, `PACKED_TIMES`, or empty for all
        that is passed over.
    size : int
        Bytes of one message with its header byte.
    plain : bool
        False if only fitdecode knows what to make of it.
    block : dtype
        Of a record, its header byte included.
    columns : tuple of Column
        Of a record, in the order of the fields.
    sport : str
        Where a record names its sport in the block, else empty.
    stamp : int
        Where the time lies, counted from the header byte; 0 if it has none.
    """

    name: str = ""
    size: int = 1
    plain: bool = True
    big_endian: bool = False
    block: np.dtype[np.void] = field(default_factory=lambda: np.dtype([]))
    columns: tuple[Column, ...] = ()
    sport: str = ""
    stamp: int = 0
    unpack: struct.Struct = field(default_factory=lambda: struct.Struct(""))
    fields: tuple[tuple[int, int | None], ...] = ()  # number and "nothing" of what `unpack` gives

    def raw_values(self, content: bytes, at: int) -> dict[int, Any]:
        """Give the written fields of one message by their numbers, as they are stored."""
        raw: dict[int, Any] = {}
        for (number, invalid), value in zip(self.fields, self.unpack.unpack_from(content, at + 1), strict=True):
            if invalid is None:
                if (text := types.BASE_TYPES[_STRING].parse(value)) is not None:
                    raw[number] = text
            elif value != invalid:
                raw[number] = value
        return raw

    def values(self, content: bytes, at: int) -> Message:
        """Give the written fields of one message by their names, as the profile means them."""
        raw = self.raw_values(content, at)
        wanted, described = SUMMARY_FIELDS[self.name], _PROFILE_OF[self.name].fields
        values: Message = {}
        for number, stored in raw.items():
            one = described[number]
            for other in one.subfields or ():
                if any(raw.get(reference.def_num) == reference.raw_value for reference in other.ref_fields):
                    one = other
                    break
            if one.name not in wanted:
                continue
            words = one.type.enum
            value = words.get(stored, stored) if words else stored
            values[one.name] = value / one.scale if one.scale and not isinstance(value, str) else value
        return values


_PROFILE_OF = {name: next(kind for kind in profile.MESSAGE_TYPES.values() if kind.name == name) for name in (*SUMMARY_FIELDS, "record")}
_NAME_OF = {kind.mesg_num: name for name, kind in _PROFILE_OF.items()} | {
    DEVELOPER_DATA_ID: "developer_data_id",
    FIELD_DESCRIPTION: "field_description",
}
_ACTIVITY_TYPE = next(number for number, one in _PROFILE_OF["record"].fields.items() if one.name == "activity_type")
ACTIVITY_TYPES: dict[int, str] = _PROFILE_OF["record"].fields[_ACTIVITY_TYPE].type.enum


@lru_cache(maxsize=_KINDS_REMEMBERED)
def kind_of(definition: bytes, developer: tuple[tuple[int, int, DeveloperField], ...] = ()) -> Kind:
    """
    Read a definition.

    Parameters
    ----------
    definition : bytes
        From the reserved byte to the last field of the profile.
    developer : tuple of (number, size, DeveloperField)
        The developer fields that follow.

    Returns
    -------
    Kind
        Of a definition that is not plain, no more than that.
    """
    big_endian = definition[1] != 0
    number = int.from_bytes(definition[2:4], "big" if big_endian else "little")
    name = _NAME_OF.get(number, "")
    described = profile.MESSAGE_TYPES.get(number)
    at, stamp = 1, 0
    kept: list[tuple[int, int, int, int]] = []  # number, place, size, base type
    for start in range(_DEFINITION_FIXED, len(definition), _FIELD_BYTES):
        which, size, written_as = definition[start : start + _FIELD_BYTES]
        one = described.fields.get(which) if described else None
        if not size or not _harmless(number, which, size, written_as, one):
            return Kind(plain=False)
        if which == TIMESTAMP:
            stamp = at
        if name and _is_kept(name, which, one):
            kept.append((which, at, size, written_as))
        at += size
    pods = []
    for which, size, one in developer:
        base = types.BASE_TYPES[one.base_type]
        if not size or size % base.size or which == TIMESTAMP:  # fitdecode reads another number of bytes then
            return Kind(plain=False)
        if name == "record" and (column := POD_FIELDS.get((one.name or "", one.units or ""))):
            if size != base.size or one.base_type not in INVALID.keys() | _FLOATS:
                return Kind(plain=False)
            pods.append((column, at, one.base_type))
        at += size
    kind = Kind(name=name, size=at, big_endian=big_endian, stamp=stamp)
    if name == "record":
        return _record(kind, kept, pods)
    if number == HEART_RATE:
        return _heart_rate(kind, definition)
    return _summary(kind, kept) if name else kind


def _harmless(number: int, which: int, size: int, written_as: int, one: Any) -> bool:
    """Tell whether a field, kept or not, is one that fitdecode reads without a surprise."""
    if which == TIMESTAMP:  # it counts for compressed timestamps in whatever message it stands
        return size == 4 and written_as == _UINT32
    if (number, which) == (RECORD, _COMPRESSED_SPEED_DISTANCE):
        return False
    if one is None or not (one.components or any(other.components for other in one.subfields or ())):
        return True
    if one.base_type.identifier == _BYTE:
        return written_as == _BYTE
    return _is_written(written_as, size) and written_as in INVALID  # its parts are bits of one whole number


def _is_written(written_as: int, size: int, described: int | None = None) -> bool:
    """Tell whether a field holds one value of its base type; that may be an enum instead of a byte without sign, which is the same."""
    alike = described is None or written_as == described or {written_as, described} == {_ENUM, _UINT8}
    return alike and written_as in types.BASE_TYPES and size == types.BASE_TYPES[written_as].size


def _is_kept(name: str, which: int, one: Any) -> bool:
    if name == "record":
        return one is not None and (one.name in RECORD_FIELDS or which == _ACTIVITY_TYPE)
    if name in SUMMARY_FIELDS:
        return one is not None and bool({one.name, *(other.name for other in one.subfields or ())} & SUMMARY_FIELDS[name])
    return which in _DEVELOPER_FIELDS[name]


def _record(kind: Kind, kept: list[tuple[int, int, int, int]], pods: list[tuple[str, int, int]]) -> Kind:
    fields, order = _PROFILE_OF["record"].fields, ">" if kind.big_endian else "<"
    columns: list[Column] = []
    places: list[tuple[str, str, int]] = []  # name, format, offset
    sport = ""
    for index, (which, at, size, written_as) in enumerate(kept):
        one = fields[which]
        base = one.base_type
        is_array = size > base.size and size % base.size == 0 and not one.components and which not in {TIMESTAMP, _ACTIVITY_TYPE}
        if not _is_written(written_as, base.size if is_array else size, base.identifier) or (which == _ACTIVITY_TYPE and sport):
            return Kind(plain=False)
        if len(places) > _PLACES_MAX:
            break
        for start in range(at, at + size, base.size):  # of an array the first value that is written counts
            places.append((f"f{index}at{start}", order + base.fmt, start))
            if which == _ACTIVITY_TYPE:
                sport = places[-1][0]
            else:
                columns.append(Column(RECORD_FIELDS[one.name], places[-1][0], INVALID[written_as], one.scale, one.offset))
    if len(places) + len(pods) > _PLACES_MAX:
        return Kind(plain=False)
    for index, (column, at, written_as) in enumerate(pods):
        places.append((f"p{index}", order + types.BASE_TYPES[written_as].fmt, at))
        columns.append(Column(column, f"p{index}", INVALID.get(written_as), None, None))
    columns.sort(key=lambda column: RECORD_COLUMNS.index(column.name))  # stable: of two for one column the first stays first
    names, formats, offsets = ([place[part] for place in places] for part in range(3))
    layout: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": kind.size}
    return replace(kind, block=np.dtype(layout), columns=tuple(columns), sport=sport)


def _heart_rate(kind: Kind, definition: bytes) -> Kind:
    """
    Heart rates that a strap kept while its watch was under water, sent afterwards.

    Nothing of them is kept, but fitdecode fails on packed times that follow no full one, or that are empty.
    """
    numbers, sizes = definition[_DEFINITION_FIXED::_FIELD_BYTES], definition[_DEFINITION_FIXED + 1 :: _FIELD_BYTES]
    places = {number: 1 + sum(sizes[:index]) for index, number in enumerate(numbers)}
    if len(places) < len(numbers) or {_EVENT_TIMESTAMP, _EVENT_TIMESTAMP_12} <= places.keys():
        return Kind(plain=False)
    if _EVENT_TIMESTAMP_12 in places:
        at, size = places[_EVENT_TIMESTAMP_12], sizes[numbers.index(_EVENT_TIMESTAMP_12)]
        return replace(kind, name=PACKED_TIMES, unpack=struct.Struct(f"{at - 1}x{size}s"))
    if _EVENT_TIMESTAMP in places:
        return replace(kind, name=FULL_TIME, plain=0 < kind.stamp < places[_EVENT_TIMESTAMP])
    return kind


def _summary(kind: Kind, kept: list[tuple[int, int, int, int]]) -> Kind:
    layout, at = (">" if kind.big_endian else "<"), 1
    fields: list[tuple[int, int | None]] = []
    for which, place, size, written_as in kept:
        if any(which == other for other, _ in fields):
            return Kind(plain=False)
        if kind.name in SUMMARY_FIELDS:
            as_described = _PROFILE_OF[kind.name].fields[which].base_type.identifier
        else:
            as_described = _DEVELOPER_FIELDS[kind.name][which]
        base = types.BASE_TYPES[as_described]
        if not (written_as == as_described == _STRING or _is_written(written_as, size, as_described)):
            return Kind(plain=False)
        layout += f"{place - at}x" + (f"{size}s" if written_as == _STRING else base.fmt)
        at = place + size
        fields.append((which, INVALID.get(written_as)))
    return replace(kind, unpack=struct.Struct(layout), fields=tuple(fields))
