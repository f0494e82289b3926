"""What a patient sends in the tries of killing the server: an archive of made run files, and what has to become of each."""

import io
import random
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import fastcrc

from models import ImportOutcome
from tests.fit_bytes import BYTE, FitBytes
from tests.run_files import START, fit_run, tcx_run

# A transaction ends after 32 MB of files (data/imports.py): with 8 of these files. Smaller ones come between them.
LARGE_BYTES = 4_100_000
PADDING_FIELD_BYTES = 250
PADDED_MESSAGE = FitBytes().define(15, 0xFF00, [(0, PADDING_FIELD_BYTES, BYTE)])  # of a kind that nobody knows: passed over
RANDOM_BYTES = 6  # of each such message; a file packed more than 100 to 1 is refused
SPEED_M_S = 3


@dataclass(frozen=True)
class SentFile:
    """One file, what has to become of it, and the run that only it brings: its local day, its start by the clock in UTC, its metres."""

    name: str
    outcome: ImportOutcome
    run: tuple[date, str, int] | None = None
    entries: int = 0


@dataclass(frozen=True)
class Sent:
    """An archive, and its files in the order in which they are imported."""

    archive: bytes
    files: tuple[SentFile, ...]
    earlier_scores: tuple[date, ...]  # days of scores that were told before

    @property
    def distance_m(self) -> int:
        return sum(file.run[2] for file in self.files if file.run)


def sent_runs(variant: int, *, large: int = 24, small: int = 36) -> Sent:
    """
    Make an archive of FIT files, one run a day, and four special ones: a run again from another source and by its very bytes, rubbish, scores.

    Parameters
    ----------
    variant : int
        From 0; archives of two variants share no file, so that no original is there from another patient.
    large, small : int
        How many FIT files of which size.
    """
    chance = random.Random(variant)
    sizes = [LARGE_BYTES] * large + [0] * small
    chance.shuffle(sizes)
    contents: list[tuple[SentFile, bytes]] = []
    for number, size in enumerate(sizes):
        start = START + timedelta(days=number, minutes=number * 7 % 50, seconds=variant + 1)
        seconds = 120 + number
        content = _padded(fit_run(start=start, seconds=seconds), size, chance)
        run = (start.date(), start.isoformat(), SPEED_M_S * seconds)
        contents.append((SentFile(f"{number:02}.fit", ImportOutcome.ADDED, run), content))
    middle = len(contents) // 2
    start = START + timedelta(days=middle, minutes=middle * 7 % 50, seconds=variant + 1)
    copied = tcx_run(start=start, seconds=120 + middle, speed_m_s=SPEED_M_S)
    contents += [
        (SentFile("copy.tcx", ImportOutcome.DUPLICATE), copied),
        (SentFile("again.fit", ImportOutcome.DUPLICATE), contents[middle][1]),
        (SentFile("rubbish.fit", ImportOutcome.UNREADABLE), b"\0\1no run %d" % variant),
    ]
    days = [START.date() + timedelta(days=day) for day in range(0, len(sizes), 3)]
    scores = "".join(f"{day},during,{(variant + index) % 11},left\n" for index, day in enumerate(days))
    contents.append((SentFile("scores.csv", ImportOutcome.ADDED, entries=len(days)), f"date,moment,nprs,side\n{scores}".encode()))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file, content in contents:
            archive.writestr(file.name, content)
    mornings = tuple(START.date() + timedelta(days=day) for day in range(1, len(sizes), 2))
    return Sent(packed.getvalue(), tuple(file for file, _ in contents), mornings)


def _padded(content: bytes, size: int, chance: random.Random) -> bytes:
    """Make a FIT file larger by messages that mean nothing."""
    count = size // (1 + PADDING_FIELD_BYTES)
    if not count:
        return content
    noise = chance.randbytes(count * RANDOM_BYTES)
    zeros = bytes(PADDING_FIELD_BYTES - RANDOM_BYTES)
    padding = b"".join(b"\x0f" + noise[at : at + RANDOM_BYTES] + zeros for at in range(0, len(noise), RANDOM_BYTES))
    body = content[14:-2] + bytes(PADDED_MESSAGE.body) + padding
    header = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    header += struct.pack("<H", fastcrc.crc16.arc(header))
    return header + body + struct.pack("<H", fastcrc.crc16.arc(header + body))


def runs_of(files: Sequence[SentFile]) -> list[tuple[date, str, int]]:
    """Give the runs that some files bring."""
    return sorted(file.run for file in files if file.run)
