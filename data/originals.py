"""The bytes of imported files, kept once for each content, so that a better reader can read them again."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from data.importers.base import unpacked
from data.many_rows import insert_rows
from models import ImportBatch, ImportFile, ImportOriginal, ImportOutcome, Packing

ORIGINAL = ImportOriginal.metadata.tables["import_original"]
LEVEL = 1  # zlib's quickest: a recording packs to within a tenth of the best, in a quarter of the time
# A file that gave nothing is not kept: a ride or a stranger's file is no fact of this patient.
NOT_KEPT = frozenset({ImportOutcome.NOT_A_RUN, ImportOutcome.UNREADABLE, ImportOutcome.NO_DATA})


@dataclass(frozen=True)
class Original:
    """A file packed for keeping."""

    content_sha256: str
    packing: Packing
    size_bytes: int
    packed: bytes


def is_worth_keeping(outcome: ImportOutcome) -> bool:
    """Say whether the bytes of a file with that outcome are kept."""
    return outcome not in NOT_KEPT


def packed_original(content_sha256: str, content: bytes, inflated: bytes) -> Original:
    """Pack a file; one that came as gzip stays as it came."""
    if content is not inflated and content.startswith(b"\x1f\x8b"):
        return Original(content_sha256, Packing.GZIP, len(inflated), content)
    return Original(content_sha256, Packing.ZLIB, len(inflated), zlib.compress(inflated, LEVEL))


def keep(connection: sa.Connection, files: Sequence[Original], now: datetime) -> None:
    """Store the contents that are not kept yet, inside a writing transaction."""
    by_content = {file.content_sha256: file for file in files}
    hashes = sorted(by_content)
    there: set[str] = set()
    for start in range(0, len(hashes), 400):
        some = hashes[start : start + 400]
        there |= set(connection.execute(sa.select(ORIGINAL.c.content_sha256).where(ORIGINAL.c.content_sha256.in_(some))).scalars())
    rows = [
        (file.content_sha256, file.packing.value, file.size_bytes, file.packed, now)
        for file in by_content.values()
        if file.content_sha256 not in there
    ]
    insert_rows(connection, ORIGINAL, ("content_sha256", "packing", "size_bytes", "packed", "kept_at_utc"), rows)


def kept_bytes(connection: sa.Connection, content_sha256: str) -> bytes | None:
    """Give the unpacked bytes of a content that is kept, inside a transaction whose caller asked the lock; None if it is not."""
    row = connection.execute(
        sa.select(ORIGINAL.c.packing, ORIGINAL.c.packed).where(ORIGINAL.c.content_sha256 == content_sha256)
    ).one_or_none()
    if row is None:
        return None
    return zlib.decompress(row.packed) if row.packing == Packing.ZLIB else unpacked(row.packed)


def forget(connection: sa.Connection, file_ids: Sequence[int]) -> None:
    """Delete the contents of some files of an undone import, unless another import that stands has them too."""
    file, batch = ImportFile.metadata.tables["import_file"], ImportBatch.metadata.tables["import_batch"]
    for start in range(0, len(file_ids), 400):
        theirs = sa.select(file.c.content_sha256).where(file.c.id.in_(file_ids[start : start + 400]))
        still = (
            sa.select(file.c.content_sha256)
            .join(batch, batch.c.id == file.c.batch_id)
            .where(batch.c.undone_at_utc.is_(None), file.c.content_sha256 == ORIGINAL.c.content_sha256)
        )
        connection.execute(sa.delete(ORIGINAL).where(ORIGINAL.c.content_sha256.in_(theirs), ~sa.exists(still)))
