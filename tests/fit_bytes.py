"""FIT files written field by field, for shapes that no device writes often: both byte orders, developer fields, anything redefined."""

import struct
from collections.abc import Sequence

from tests.run_files import fit_wrapped

ENUM, SINT8, UINT8, SINT16, UINT16, SINT32, UINT32 = 0x00, 0x01, 0x02, 0x83, 0x84, 0x85, 0x86
STRING, FLOAT32, FLOAT64, UINT8Z, UINT16Z, UINT32Z, BYTE, SINT64 = 0x07, 0x88, 0x89, 0x0A, 0x8B, 0x8C, 0x0D, 0x8E
SIZES = {
    ENUM: 1, SINT8: 1, UINT8: 1, SINT16: 2, UINT16: 2, SINT32: 4, UINT32: 4, STRING: 1, FLOAT32: 4, FLOAT64: 8, UINT8Z: 1, UINT16Z: 2,
    UINT32Z: 4, BYTE: 1, SINT64: 8,
}  # fmt: skip
FILE_ID, SPORT, SESSION, LAP, RECORD, EVENT, ACTIVITY, HRV, FIELD_DESCRIPTION, DEVELOPER_DATA_ID = 0, 12, 18, 19, 20, 21, 34, 78, 206, 207
HEART_RATE, TIMESTAMP = 132, 253

Field = tuple[int, int, int]  # number, size, base type; of a developer field number, size, index of its developer


class FitBytes:
    """Messages one after the other; `whole` puts header and checksum around them."""

    def __init__(self) -> None:
        self.body = bytearray()

    def define(
        self, local: int, message: int, fields: Sequence[Field], developer: Sequence[Field] | None = None, *, big_endian: bool = False
    ) -> "FitBytes":
        """Bind a local number to a message; `developer` adds developer fields."""
        self.body.append(0x40 | (0x20 if developer is not None else 0) | local)
        self.body += b"\0" + bytes([big_endian]) + message.to_bytes(2, "big" if big_endian else "little") + bytes([len(fields)])
        for one in fields:
            self.body += bytes(one)
        if developer is not None:
            self.body.append(len(developer))
            for one in developer:
                self.body += bytes(one)
        return self

    def data(self, local: int, payload: bytes, *, last_bits: int | None = None) -> "FitBytes":
        """Add a message; `last_bits` are those of its time in a compressed header."""
        self.body.append(local if last_bits is None else 0x80 | local << 5 | last_bits)
        self.body += payload
        return self

    def packed(self, local: int, layout: str, *values: float | bytes, last_bits: int | None = None) -> "FitBytes":
        """Add a message by a layout of `struct`, with its byte order."""
        return self.data(local, struct.pack(layout, *values), last_bits=last_bits)

    def developer(self, local: int, index: int) -> "FitBytes":
        """Announce a developer."""
        return self.define(local, DEVELOPER_DATA_ID, [(1, 16, BYTE), (3, 1, UINT8)]).data(local, bytes(range(16)) + bytes([index]))

    def describe(self, local: int, index: int, number: int, base_type: int, name: str, units: str) -> "FitBytes":
        """Describe a developer field."""
        self.define(local, FIELD_DESCRIPTION, [(0, 1, UINT8), (1, 1, UINT8), (2, 1, UINT8), (3, 24, STRING), (8, 16, STRING)])
        return self.packed(local, "<BBB24s16s", index, number, base_type, name.encode(), units.encode())

    def whole(self, *, header_size: int = 14) -> bytes:
        return fit_wrapped(bytes(self.body), header_size=header_size)
