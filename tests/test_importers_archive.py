"""Zips: what is inside, in order, under limits that do not believe the directory."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from data.importers import archive
from data.importers.archive import Member, is_archive, members
from data.importers.base import FileRefused
from models import ImportOutcome


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in files:
            made.writestr(name, content)
    return out.getvalue()


def opened(content: bytes) -> list[Member | FileRefused]:
    return list(members(io.BytesIO(content), "runs.zip"))


def read(content: bytes) -> list[tuple[str, bytes]]:
    found = opened(content)
    assert all(isinstance(one, Member) for one in found)
    return [(one.name, one.read()) for one in found if isinstance(one, Member)]


def refusal(content: bytes) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        read(content)
    return refused.value


def test_files_come_in_order_with_the_way_to_them_and_folders_do_not() -> None:
    content = zipped(("b.fit", b"B"), ("folder/", b""), ("folder/a.gpx", b"A"))
    assert read(content) == [("runs.zip › b.fit", b"B"), ("runs.zip › folder/a.gpx", b"A")]


def test_a_zip_in_a_zip_is_opened_in_its_place_and_a_fourth_one_is_refused() -> None:
    content = zipped(("deep.fit", b"D"))
    for depth in ("three.zip", "two.zip"):
        content = zipped((depth, content))
    assert read(content) == [("runs.zip › two.zip › three.zip › deep.fit", b"D")]
    (refused,) = opened(zipped(("one.zip", content)))
    assert isinstance(refused, FileRefused)
    assert "archives inside archives are opened 3 deep" in refused.reason


def test_a_damaged_zip_inside_does_not_stop_the_files_after_it() -> None:
    broken, after = opened(zipped(("broken.zip", b"PK\x03\x04 no zip"), ("after.fit", b"A")))
    assert isinstance(broken, FileRefused)
    assert broken.reason.startswith("runs.zip › broken.zip: The archive is damaged")
    assert isinstance(after, Member)
    assert after.read() == b"A"


@pytest.mark.parametrize("name", ["__MACOSX/a.fit", ".hidden/a.fit", "folder/.DS_Store", "Thumbs.db"])
def test_what_computers_put_beside_files_is_left_out(name: str) -> None:
    assert opened(zipped((name, b"x"))) == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [("../../etc/passwd", "etc/passwd"), ("/abs/a.fit", "abs/a.fit"), ("C:\\runs\\a.fit", "runs/a.fit"), ("..", "file")],
)
def test_a_name_leads_nowhere(name: str, shown: str) -> None:
    assert read(zipped((name, b"x"))) == [(f"runs.zip › {shown}", b"x")]


def test_a_workbook_is_no_archive_and_an_empty_zip_is_one() -> None:
    assert not is_archive(io.BytesIO(zipped(("[Content_Types].xml", b""), ("xl/workbook.xml", b""))))
    assert is_archive(io.BytesIO(zipped(("a.fit", b""))))
    assert is_archive(io.BytesIO(zipped()))
    assert not is_archive(io.BytesIO(b"date,nprs\n"))


@pytest.mark.parametrize(("extra", "is_read"), [(0, True), (1, False)], ids=["on the limit", "above"])
def test_a_member_grows_to_its_limit_and_not_beyond(extra: int, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "FILE_MAX_BYTES", 5_000)
    content = zipped(("a.csv", b"x" * (5_000 + extra)), method=zipfile.ZIP_STORED)
    if is_read:
        assert len(read(content)[0][1]) == 5_000
    else:
        assert "larger than" in refusal(content).reason


@pytest.mark.parametrize(("megabytes", "is_read"), [(1, True), (3, False)], ids=["small enough to be no bomb", "a bomb"])
def test_what_is_packed_more_than_a_hundred_to_one_is_refused_while_it_is_read(megabytes: int, is_read: bool) -> None:
    content = zipped(("zeros.csv", b"\0" * megabytes * 1024 * 1024))
    assert len(content) * 100 < megabytes * 1024 * 1024
    if is_read:
        assert len(read(content)[0][1]) == 1024 * 1024
    else:
        assert "packed more than 100 to 1" in refusal(content).reason


def test_a_directory_that_lies_about_the_size_changes_nothing() -> None:
    """The directory says 10 bytes; three megabytes come."""
    content = bytearray(zipped(("zeros.csv", b"\0" * 3 * 1024 * 1024)))
    entry = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, entry + 24, 10)
    try:
        got = read(bytes(content))[0][1]
    except FileRefused:
        return
    assert len(got) <= 10


def test_all_files_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = list(members(io.BytesIO(zipped(("a", b"x" * 600), ("b", b"x" * 600))), "runs.zip", budget=archive.Budget(1_000)))
    assert isinstance(found[0], Member)
    assert isinstance(found[1], Member)
    assert len(found[0].read()) == 600
    with pytest.raises(FileRefused, match="unpacks to far more"):
        found[1].read()


@pytest.mark.parametrize(("count", "is_read"), [(3, True), (4, False)], ids=["on the limit", "above"])
def test_an_archive_holds_so_many_files(count: int, is_read: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS_MAX", 3)
    content = zipped(*((f"{number}.fit", b"x") for number in range(count)))
    if is_read:
        assert len(read(content)) == 3
    else:
        assert "more than 3 files" in refusal(content).reason


def closed_in_zip64(content: bytes, size: int) -> bytes:
    """Put a closing record of the zip64 form before the plain one: it counts, whatever the plain one says."""
    first, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, size, first)
    return content[:end] + record + b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1) + content[end:]


@pytest.mark.parametrize(("spare", "is_read"), [(0, True), (-1, False)], ids=["on the limit", "above"])
@pytest.mark.parametrize("in_zip64", [False, True])
def test_a_directory_that_is_too_large_is_refused_before_it_is_loaded(
    spare: int, is_read: bool, in_zip64: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = zipped(("a.fit", b"x"), ("b.fit", b"x"))
    size = 2 * (46 + len("a.fit"))
    if in_zip64:
        content = closed_in_zip64(content, size)
    monkeypatch.setattr(archive, "DIRECTORY_MAX_BYTES", size + spare)
    if is_read:
        assert len(read(content)) == 2
    else:
        assert "more than 20,000 files" in refusal(content).reason


def test_a_directory_that_claims_more_than_there_is_is_refused() -> None:
    content = bytearray(zipped(("a.fit", b"x")))
    struct.pack_into("<I", content, content.rindex(b"PK\x05\x06") + 12, 0xFFFFFFFE)
    assert refusal(bytes(content)).outcome is ImportOutcome.UNREADABLE
    assert refusal(closed_in_zip64(zipped(("a.fit", b"x")), 2**64 - 1)).outcome is ImportOutcome.UNREADABLE


def test_archives_inside_count_as_part_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """One.zip and two.zip with two files each: six files in all."""
    inner = zipped(("a.fit", b"x"), ("b.fit", b"x"))
    content = zipped(("one.zip", inner), ("two.zip", inner))
    monkeypatch.setattr(archive, "MEMBERS_MAX", 6)
    assert len(read(content)) == 4
    monkeypatch.setattr(archive, "MEMBERS_MAX", 5)
    *first, refused = opened(content)
    assert len(first) == 2
    assert isinstance(refused, FileRefused)
    assert "more than 5 files" in refused.reason


def test_archives_inside_are_held_in_memory_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = zipped(("a.fit", b"x"))
    content = zipped(("one.zip", inner), ("two.zip", inner))
    monkeypatch.setattr(archive, "INNER_MAX_BYTES", 2 * len(inner))
    assert len(read(content)) == 2
    monkeypatch.setattr(archive, "INNER_MAX_BYTES", 2 * len(inner) - 1)
    first, refused = opened(content)
    assert isinstance(first, Member)
    assert isinstance(refused, FileRefused)
    assert "archives inside take more than" in refused.reason


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_is_packed_otherwise_than_computers_do_is_refused_before_it_is_unpacked(method: int) -> None:
    """A few bytes of these unpack to megabytes at once, before anybody can count them."""
    assert "packed in a way that is not read here" in refusal(zipped(("a.fit", bytes(100_000)), method=method)).reason


def test_a_file_without_a_name_is_a_file() -> None:
    """Python's zipfile takes a name for what stands before its first zero byte."""
    assert read(zipped(("a.fit", b"x")).replace(b"a.fit", b"\0.fit")) == [("runs.zip › file", b"x")]


@pytest.mark.parametrize("place", [2**63, 2**64 - 1])
def test_a_place_beyond_any_archive_is_refused(place: int) -> None:
    content = bytearray(zipped(("a.fit", b"x")))
    entry, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    extra = struct.pack("<HHQ", 1, 8, place)
    struct.pack_into("<I", content, entry + 42, 0xFFFFFFFF)  # the place stands in the extra field
    struct.pack_into("<H", content, entry + 30, len(extra))
    struct.pack_into("<I", content, end + 12, end - entry + len(extra))
    assert "damaged inside the archive" in refusal(bytes(content[:end]) + extra + bytes(content[end:])).reason


def test_a_locked_and_a_damaged_member_are_refused_in_words() -> None:
    locked = bytearray(zipped(("a.fit", b"secret")))
    for place in (locked.index(b"PK\x03\x04") + 6, locked.index(b"PK\x01\x02") + 8):
        locked[place] |= 1
    assert "locked with a password" in refusal(bytes(locked)).reason
    damaged = bytearray(zipped(("a.fit", b"some content of a file"), method=zipfile.ZIP_STORED))
    damaged[damaged.index(b"some")] ^= 1
    assert "damaged inside the archive" in refusal(bytes(damaged)).reason


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 200, zipped(("a.fit", b"x"))[:-10]])
def test_an_archive_that_is_cut_off_is_refused_in_words(content: bytes) -> None:
    refused = refusal(content)
    assert refused.outcome == ImportOutcome.UNREADABLE
    assert "damaged or cut off" in refused.reason


@pytest.mark.parametrize(
    ("size", "left"), [(5_000_000, 200_000_000), (5_000_001, 200_000_040), (100_000_000, 4_000_000_000), (100_000_001, 4_000_000_000)]
)
def test_an_archive_may_unpack_to_forty_times_its_size_within_limits(size: int, left: int) -> None:
    assert archive.Budget.for_archive(size).left == left


def test_members_that_share_their_bytes_are_refused_before_they_are_read() -> None:
    """Ten entries of the directory point at the same data, as a bomb of a few kilobytes does."""
    content = zipped(("a.fit", bytes(range(256)) * 40))
    entry, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    directory = content[entry:end] * 10
    closing = bytearray(content[end:])
    struct.pack_into("<HHII", closing, 8, 10, 10, len(directory), entry)
    assert "claims to hold more" in refusal(content[:entry] + directory + bytes(closing)).reason


def test_a_member_that_is_read_twice_counts_once() -> None:
    (found,) = members(io.BytesIO(zipped(("a", b"x" * 600))), "runs.zip", budget=archive.Budget(1_000))
    assert isinstance(found, Member)
    assert found.read() == found.read() == b"x" * 600


def _answer(read: Callable[[], bytes]) -> bytes | str:
    try:
        return read()
    except FileRefused as refused:
        return refused.reason


def test_members_that_are_stored_as_they_are_come_whole_and_in_any_order() -> None:
    content = zipped(("a.fit", b"A" * 10_000), ("üb.fit", b"B"), ("empty.fit", b""), method=zipfile.ZIP_STORED)
    members_of = [one for one in opened(b"before" + content) if isinstance(one, Member)]
    assert [one.read() for one in reversed(members_of)] == [b"", b"B", b"A" * 10_000]
    assert [one.plain() for one in members_of] == [b"A" * 10_000, b"B", b""]


def test_a_stored_member_that_claims_to_begin_before_its_archive_is_refused_in_words() -> None:
    content = bytearray(zipped(("a.fit", b"A" * 10_000), method=zipfile.ZIP_STORED))
    at = content.rindex(b"PK\x05\x06") + 16
    content[at : at + 4] = (int.from_bytes(content[at : at + 4], "little") + 28).to_bytes(4, "little")
    (member,) = opened(bytes(content))
    assert isinstance(member, Member)
    assert member.plain() is None
    assert "damaged" in str(_answer(member.read))


def test_a_packed_member_is_not_taken_for_one_that_lies_there_as_it_is() -> None:
    (packed,) = opened(zipped(("a.fit", b"A" * 10_000)))
    assert isinstance(packed, Member)
    assert packed.plain() is None
    assert packed.read() == b"A" * 10_000


@pytest.mark.parametrize(
    ("at", "byte"),
    [(30 + 5 + 7, 0x00), (30, 0x00), (8, 0x08), (0, 0x00), (6, 0x01), (26, 0xFF)],
    ids=["its bytes", "its name", "how it is packed", "its mark", "its flags", "the length of its name"],
)
def test_a_stored_member_with_a_changed_byte_has_the_answer_of_the_stream(at: int, byte: int) -> None:
    content = bytearray(zipped(("a.fit", b"A" * 10_000), method=zipfile.ZIP_STORED))
    content[at] = byte
    (member,) = opened(bytes(content))
    assert isinstance(member, Member)
    assert member.plain() is None
    assert _answer(member.read) == _answer(lambda: member.open(archive.FILE_MAX_BYTES).read())


def test_stored_members_are_charged_to_the_budget_once_each() -> None:
    content = zipped(("a.fit", b"A" * 600), ("b.fit", b"B" * 600), method=zipfile.ZIP_STORED)
    budget = archive.Budget(1_000)
    first, second = members(io.BytesIO(content), "runs.zip", budget=budget)
    assert isinstance(first, Member)
    assert isinstance(second, Member)
    assert first.read() == first.read() == b"A" * 600
    assert budget.left == 400
    with pytest.raises(FileRefused, match="unpacks to far more than its size"):
        second.read()
