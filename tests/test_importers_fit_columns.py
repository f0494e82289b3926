"""The fast FIT reader: it gives what fitdecode gives, to the last bit, or steps aside. Never another answer, never an error of its own."""

import random
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.importers.base import FileRefused, unpacked
from data.importers.fit_columns import parts_of
from data.importers.fit_messages import decoded, parts_by_fitdecode, with_its_size
from data.importers.fit_parts import LIMITS, FitPart
from models import ImportOutcome
from tests import fit_bytes as fb
from tests.fit_bytes import FitBytes
from tests.run_files import (
    CYCLING,
    START,
    START_TIMER,
    STOP_TIMER,
    FitRun,
    activity_message,
    file_id,
    fit_file,
    fit_run,
    fit_time,
    timer_event,
)

RUNS = Path(__file__).resolve().parents[2] / "shared" / "runs"
MUTATIONS = 4_000  # in an ordinary test run; the nightly profile takes 40 times as many

# Real files that are not plain, and why; fitdecode reads them.
STEPS_ASIDE = {
    "fit/fr70_compressed-speed-distance.fit",  # speed and distance share three bytes
}


def said(parts: list[FitPart], broken: str) -> object:
    """All that was read, so that two readers can be compared; NaN equals NaN."""
    whole = [
        (
            part.header,
            part.sessions,
            part.sport,
            part.activity,
            part.timer_events,
            list(part.record_sports.items()),
            {name: column.tobytes() for name, column in sorted(_canonical(part).items())},
        )
        for part in parts
    ]
    return whole, broken


def _canonical(part: FitPart) -> dict[str, np.ndarray]:
    assert all(np.isfinite(column).any() and column.dtype == np.float64 for column in part.columns.values())
    return {name: np.where(np.isnan(column), np.nan, column) for name, column in part.columns.items()}


def outcome(reader: Callable[[bytes, str], tuple[list[FitPart], str] | None], content: bytes) -> object:
    """What a reader says, or how it refuses; None if it steps aside."""
    content, broken = with_its_size(content)
    try:
        found = reader(content, broken)
    except FileRefused as refusal:
        return refusal.reason
    return None if found is None else said(*found)


def compared(content: bytes) -> bool:
    """Check that the fast reader agrees with fitdecode; tell whether it did not step aside."""
    fast = outcome(parts_of, content)
    assert fast is None or fast == outcome(parts_by_fitdecode, content)
    return fast is not None


# -- what devices write ----------------------------------------------------------------------------------------------


def real_files() -> list[Path]:
    if not RUNS.exists():
        print(f"No recordings at {RUNS}: the two readers are compared on made files only.")
    found = [path for folder in ("fit", "malformed", "nonrun", "strava_bulk/activities") for path in sorted((RUNS / folder).glob("*.fit*"))]
    return [path for path in found if path.suffix in {".fit", ".gz"}]


def test_real_recordings_are_read_alike_or_left_to_fitdecode() -> None:
    aside = {path.relative_to(RUNS).as_posix() for path in real_files() if not compared(unpacked(path.read_bytes()))}
    print(f"{len(real_files())} real files, {len(aside)} of them left to fitdecode: {sorted(aside)}")
    assert aside == (STEPS_ASIDE if RUNS.exists() else set())


def made_files() -> dict[str, bytes]:
    run = FitRun(seconds=9)
    ride = FitRun(seconds=9, sport=CYCLING, start=run.start)
    several = [file_id(), *run.records(), run.summary(), *ride.records(), ride.summary()]
    pauses = [timer_event(START, START_TIMER), timer_event(START, STOP_TIMER)]
    sport = ("sport", {"sport": 1, "sub_sport": 0})
    halves = [message for record in run.records() for message in (record, ("record", {"timestamp": record[1]["timestamp"], "cadence": 80}))]
    return {
        "plain": fit_run(run),
        "old header": fit_file([file_id(), *run.records(), run.summary()], header_size=12),
        "several": fit_file([*several, activity_message(START)]),
        "summary first": fit_file([file_id(), sport, *pauses, run.summary(), *run.records()]),
        "two kinds of record in turns": fit_file([file_id(), *halves, run.summary()]),
        "compressed": fit_file([file_id(), *pauses, *FitRun(seconds=70).records()], compressed_timestamps=True),
        "compressed without a full time": fit_file([file_id(), *run.records()], compressed_timestamps=True),
        "big endian": fit_file([file_id(), *pauses, *run.records(), run.summary(), activity_message(START)], big_endian=True),
        "defined before each message": fit_file([file_id(), *run.records(), run.summary()], always_define=True),
        "chained": fit_run(run) + fit_run(run.changed(gps=False)),
        "empty": fit_file([]),
        "unfinished": fit_run(run)[:4] + bytes(4) + fit_run(run)[8:],
        "an array of speeds": record_of((fb.TIMESTAMP, 4, fb.UINT32), (73, 8, fb.UINT32), payload=b"\1\1\1\1\xff\xff\xff\xff\7\0\0\0"),
        "as many values as a record may have": record_of(*[(4, 1, fb.UINT8)] * 64),
        "heart rates of a strap": heart_rates(bytes(range(12))),
        "stryd": pod_file(("Ground Time", "Milliseconds", fb.UINT16), ("Vertical Oscillation", "Centimeters", fb.FLOAT32)),
        "runscribe": pod_file(("GCT_L", "ms", fb.SINT16), ("GCT_R", "ms", fb.SINT16)),
    }


def pod_file(*described: tuple[str, str, int], sizes: dict[int, int] | None = None) -> bytes:
    """Ten records with developer fields, 0 in the first, 241 in the others (where they are whole numbers)."""
    sizes = fb.SIZES | (sizes or {})
    content = FitBytes().developer(3, 0)
    for number, (name, units, base_type) in enumerate(described):
        content.describe(4, 0, number, base_type, name, units)
    developer = [(number, sizes[base_type], 0) for number, (_, _, base_type) in enumerate(described)]
    content.define(0, fb.RECORD, [(fb.TIMESTAMP, 4, fb.UINT32), (4, 1, fb.UINT8)], developer)
    for second in range(10):
        values = b"".join(
            struct.pack("<f", 7.5) if base_type == fb.FLOAT32 else (second and 241).to_bytes(sizes[base_type], "little")
            for _, _, base_type in described
        )
        content.data(0, struct.pack("<IB", fit_time(START) + second, 85) + values)
    return content.whole()


def record_of(*fields: tuple[int, int, int], payload: bytes = bytes(range(1, 30)), message: int = fb.RECORD) -> bytes:
    content = FitBytes().define(0, message, fields)
    return content.data(0, (payload * 20)[: sum(size for _, size, _ in fields)]).whole()


def heart_rates(packed: bytes) -> bytes:
    """A full time, then packed ones, as a chest strap sends them after a swim; and a record."""
    content = FitBytes().define(0, fb.HEART_RATE, [(fb.TIMESTAMP, 4, fb.UINT32), (9, 4, fb.UINT32), (6, 1, fb.UINT8)])
    content.packed(0, "<IIB", fit_time(START), 2048, 120).define(1, fb.HEART_RATE, [(10, 12, fb.BYTE), (6, 8, fb.UINT8)])
    content.data(1, packed + bytes(8)).define(2, fb.RECORD, [(fb.TIMESTAMP, 4, fb.UINT32), (4, 1, fb.UINT8)])
    return content.packed(2, "<IB", fit_time(START), 85).whole()


MADE = made_files()


@pytest.mark.parametrize("name", MADE)
def test_made_files_are_read_fast_and_alike(name: str) -> None:
    assert compared(MADE[name])


def test_records_of_several_kinds_keep_their_order() -> None:
    found = parts_of(MADE["two kinds of record in turns"])
    assert found is not None
    times = found[0][0].columns["time_s"]
    assert times.tolist() == [fit_time(START) + second // 2 for second in range(20)]
    assert found[0][0].columns["strides_per_min"].tolist() == [85, 80] * 10


def test_compressed_times_go_on_from_the_last_full_one() -> None:
    # 30 s past a multiple of 32: the low bits run over after two seconds
    content = FitBytes().define(0, fb.EVENT, [(fb.TIMESTAMP, 4, fb.UINT32)]).packed(0, "<I", 32 * 1000 + 30)
    content.define(1, fb.RECORD, [(4, 1, fb.UINT8)])
    for last_bits in (30, 31, 0, 1, 31, 30):
        content.packed(1, "<B", 85, last_bits=last_bits)
    content.packed(0, "<I", 64_000).packed(0, "<I", 0xFFFFFFFF).packed(1, "<B", 85, last_bits=3)
    found = parts_of(content.whole())
    assert found is not None
    assert found[0][0].columns["time_s"].tolist() == [32_030, 32_031, 32_032, 32_033, 32_063, 32_094, 64_003]
    assert compared(content.whole())


# -- what is not plain -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "content"),
    [
        ("an array of altitudes", record_of((fb.TIMESTAMP, 4, fb.UINT32), (2, 4, fb.UINT16))),
        ("more values than a record has", record_of(*[(4, 1, fb.UINT8)] * 65)),
        ("another base type", record_of((6, 4, fb.UINT32))),
        ("a field of no size", record_of((4, 0, fb.UINT8))),
        ("half a number", record_of((5, 3, fb.UINT32))),
        ("speed and distance in three bytes", record_of((8, 3, fb.BYTE))),
        ("a time of two bytes", record_of((fb.TIMESTAMP, 2, fb.UINT16), message=fb.HRV)),
        ("packed times of heart rates without a full one", record_of((10, 12, fb.BYTE), message=fb.HEART_RATE)),
        ("packed times that are empty", heart_rates(b"\xff" * 12)),
        ("a session that names its sport twice", record_of((5, 1, fb.ENUM), (5, 1, fb.ENUM), message=fb.SESSION)),
        ("an array of contact times", pod_file(("GCT", "ms", fb.SINT16), sizes={fb.SINT16: 4})),
        ("a developer field of half a number", pod_file(("Power", "Watts", fb.UINT32), sizes={fb.UINT32: 3})),
        ("a field of a developer who was not announced", FitBytes().describe(0, 1, 0, fb.UINT16, "GCT", "ms").whole()),
        ("a base type that does not exist", FitBytes().developer(0, 0).describe(1, 0, 0, 0x42, "GCT", "ms").whole()),
        (
            "two times in one message",
            FitBytes().define(0, fb.RECORD, [(fb.TIMESTAMP, 4, fb.UINT32)]).packed(0, "<I", 1000, last_bits=9).whole(),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_plain_is_left_to_fitdecode(why: str, content: bytes) -> None:
    assert not compared(content)
    assert said(*decoded(content)) == said(*parts_by_fitdecode(content))


@pytest.mark.parametrize(
    "content",
    [
        fit_run()[:-1],
        fit_run()[:-3],
        fit_run()[:40],
        fit_run()[:13],
        fit_run() + b"\x0e",
        fit_run() + b"\x0c" + bytes(30),
        fit_run()[:13] + b"\x77" + fit_run()[14:],
        fit_run()[:-1] + b"\x77",
        FitBytes().define(0, fb.RECORD, [(4, 1, fb.UINT8)]).packed(0, "<B", 80).data(5, b"").whole(),
        record_of((4, 1, fb.UINT8)) + record_of((4, 1, fb.UINT8))[:-4],
    ],
)
def test_damage_is_found_at_the_same_place(content: bytes) -> None:
    assert compared(content)


# -- whatever the bytes ----------------------------------------------------------------------------------------------

_NUMBERS = {
    fb.FILE_ID: (0, 1, 2, 3, 4, 8), fb.SPORT: (0, 1, 3), fb.SESSION: (253, 2, 5, 6, 7, 8, 9, 14, 18, 89, 91, 92), fb.LAP: (253, 2, 13, 42),
    fb.RECORD: (253, 0, 1, 2, 3, 4, 5, 6, 39, 41, 42, 53, 73, 78, 99), fb.HEART_RATE: (253, 1, 6, 9, 10), fb.EVENT: (253, 0, 1, 2, 3), fb.ACTIVITY: (253, 0, 5), fb.HRV: (0,), 400: (0, 253),
}  # fmt: skip
_PROFILE_TYPES = {
    253: fb.UINT32, (fb.FILE_ID, 0): fb.ENUM, (fb.FILE_ID, 1): fb.UINT16, (fb.FILE_ID, 2): fb.UINT16, (fb.FILE_ID, 3): fb.UINT32Z, (fb.FILE_ID, 4): fb.UINT32,
    (fb.FILE_ID, 8): fb.STRING, (fb.SPORT, 0): fb.ENUM, (fb.SPORT, 1): fb.ENUM, (fb.SPORT, 3): fb.STRING,
    **{(fb.SESSION, number): fb.UINT32 for number in (2, 7, 8, 9)}, **{(fb.SESSION, number): fb.UINT16 for number in (14, 89, 91)},
    **{(fb.SESSION, number): fb.UINT8 for number in (18, 92)}, (fb.SESSION, 5): fb.ENUM, (fb.SESSION, 6): fb.ENUM,
    (fb.LAP, 2): fb.UINT32, (fb.LAP, 13): fb.UINT16, (fb.LAP, 42): fb.UINT16,
    **{(fb.RECORD, number): fb.UINT8 for number in (3, 4, 53, 99)}, **{(fb.RECORD, number): fb.UINT16 for number in (2, 6, 39, 41)},
    **{(fb.RECORD, number): fb.UINT32 for number in (5, 73, 78)}, **{(fb.RECORD, number): fb.SINT32 for number in (0, 1)}, (fb.RECORD, 42): fb.ENUM,
    **{(fb.EVENT, number): fb.ENUM for number in (0, 1)}, (fb.EVENT, 2): fb.UINT16, (fb.EVENT, 3): fb.UINT32,
    (fb.HEART_RATE, 9): fb.UINT32, (fb.HEART_RATE, 10): fb.BYTE, (fb.ACTIVITY, 0): fb.UINT32, (fb.ACTIVITY, 5): fb.UINT32, (fb.HRV, 0): fb.UINT16, (400, 0): fb.FLOAT64,
}  # fmt: skip
_PODS = (("Ground Time", "Milliseconds"), ("Vertical Oscillation", "Centimeters"), ("GCT", "ms"), ("GCT_L", "ms"), ("Power", "Watts"))


def payload(sure: random.Random, size: int) -> bytes:
    """Values that mean something often, nothing often, and anything else."""
    filling = sure.choice((b"\xff", b"\x00", b"\x01", b"\x7f\xff", b"\xff\x7f", b"\x00\x01", bytes(sure.randrange(256) for _ in range(8))))
    return (filling * size)[:size] if sure.random() < 0.4 else bytes(sure.randrange(256) for _ in range(size))


def any_fit(sure: random.Random, *, odd: float) -> bytes:
    """A FIT file of some messages; `odd` is the share of fields that are not as the profile has them."""
    content, sizes = FitBytes(), dict[int, int]()
    with_developer = sure.random() < 0.4
    if with_developer:
        content.developer(15, 0)
        for number, (name, units) in enumerate(_PODS):
            content.describe(14, 0, number, sure.choice((fb.UINT16, fb.SINT16, fb.FLOAT32, fb.UINT8)), name, units)
    for _ in range(sure.randrange(1, 14)):
        if sure.random() < 0.5 or not sizes:
            local, message = sure.randrange(6), sure.choice((fb.RECORD, fb.RECORD, *_NUMBERS))
            numbers = sure.sample(_NUMBERS[message], sure.randrange(1, len(_NUMBERS[message]) + 1))
            fields = [_field(sure, message, number, odd) for number in numbers]
            developer = None
            if with_developer and sure.random() < 0.5:
                developer = [(sure.randrange(6), sure.choice((1, 2, 2, 4)), 0) for _ in range(sure.randrange(4))]
            content.define(local, message, fields, developer, big_endian=sure.random() < 0.4)
            sizes[local] = sum(size for _, size, _ in fields) + sum(size for _, size, _ in developer or ())
        local = sure.choice(list(sizes))
        last_bits = sure.randrange(32) if local < 4 and sure.random() < 0.15 else None
        for _ in range(sure.choice((1, 1, 2, 3, 20))):
            content.data(
                local, payload(sure, sizes[local]), last_bits=last_bits if last_bits is None else (last_bits + sure.randrange(3)) % 32
            )
    return content.whole(header_size=sure.choice((12, 14)))


def _field(sure: random.Random, message: int, number: int, odd: float) -> tuple[int, int, int]:
    base_type = _PROFILE_TYPES.get((message, number)) or (_PROFILE_TYPES[253] if number == 253 else fb.UINT8)
    if (message, number) in {
        (fb.FILE_ID, 0),
        (fb.SPORT, 0),
        (fb.SPORT, 1),
        (fb.SESSION, 5),
        (fb.SESSION, 6),
        (fb.RECORD, 42),
        (fb.EVENT, 0),
        (fb.EVENT, 1),
    }:
        base_type = fb.ENUM  # 0 is false
    size = sure.randrange(1, 9) if base_type == fb.STRING else fb.SIZES[base_type]
    if sure.random() < odd:
        base_type, size = sure.choice(list(fb.SIZES)), sure.choice((1, 2, 3, 4, 8))
    return number, size, base_type


def many(count: int) -> hypothesis.settings:
    """So many examples in an ordinary run, 40 times as many in a nightly one."""
    ordinary = hypothesis.settings.get_profile("default").max_examples
    return hypothesis.settings(max_examples=count * hypothesis.settings.default.max_examples // ordinary)


@pytest.mark.parametrize("odd", [0.0, 0.02, 0.3])
def test_made_up_messages_are_read_alike(odd: float) -> None:
    counts = Counter[bool]()

    @many(300)
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        counts.update([compared(any_fit(random.Random(seed), odd=odd))])

    check()
    print(f"{counts.total()} made files, {odd:.0%} odd fields: {counts[True]} read fast, the others left to fitdecode")
    assert counts[True] > (0.2 * counts.total() if odd < 0.1 else 0)


SEEDS = [content for name, content in MADE.items() if len(content) < 700]


def mutated(sure: random.Random) -> bytes:
    content = bytearray(sure.choice(SEEDS))
    for _ in range(sure.choice((1, 1, 2, 5))):
        place = sure.randrange(len(content))
        match sure.randrange(4):
            case 0:
                content[place] ^= 1 << sure.randrange(8)
            case 1:
                content[place] = sure.randrange(256)
            case 2:
                del content[place : place + sure.choice((1, 1, 3, 40))]
            case _:
                content[place:place] = sure.choice((sure.randbytes(sure.randrange(1, 6)), bytes(content[place : place + 20])))
        if not content:
            break
    if sure.random() < 0.3:
        del content[sure.randrange(len(content) + 1) :]
    return bytes(content)


def test_mutated_files_are_read_alike_or_left_to_fitdecode() -> None:
    counts = Counter[bool]()

    @many(MUTATIONS)
    @given(st.integers(0, 2**64))
    def check(seed: int) -> None:
        counts.update([compared(mutated(random.Random(seed)))])

    check()
    print(f"{counts.total()} mutated files: {counts[True]} read fast, {counts[False]} left to fitdecode")
    assert counts[True] > counts.total() / 2


@given(st.binary(max_size=300))
def test_random_bodies_are_read_alike(body: bytes) -> None:
    content = FitBytes()
    content.define(0, fb.RECORD, [(fb.TIMESTAMP, 4, fb.UINT32), (4, 1, fb.UINT8)]).body.extend(body)
    compared(content.whole())


# -- limits ----------------------------------------------------------------------------------------------------------


def tiny(count: int) -> bytes:
    """A definition and messages of two bytes."""
    content = FitBytes().define(0, 400, [(0, 1, fb.UINT8)])
    content.body += b"\x00\x01" * count
    return content.whole()


def test_as_many_messages_as_the_limit_are_read_and_one_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "messages", (1_000, LIMITS["messages"][1]))
    counted_for_the_definition = 2  # itself and its one field
    assert parts_of(tiny(1_000 - counted_for_the_definition)) is not None
    with pytest.raises(FileRefused, match="more than 1,000 messages"):
        parts_of(tiny(1_001 - counted_for_the_definition))


def many_sessions(count: int) -> bytes:
    content = FitBytes().define(0, fb.SESSION, [(5, 1, fb.ENUM)])
    content.body += b"\x00\x01" * count
    return content.whole()


def many_timer_events(count: int) -> bytes:
    content = FitBytes().define(0, fb.EVENT, [(fb.TIMESTAMP, 4, fb.UINT32), (0, 1, fb.ENUM), (1, 1, fb.ENUM)])
    content.body += (b"\x00" + struct.pack("<IBB", 1_000_000_000, 0, 0)) * count
    return content.whole()


def many_points(count: int) -> bytes:
    content = FitBytes().define(0, fb.RECORD, [(4, 1, fb.UINT8)])
    content.body += b"\x00\x50" * count
    return content.whole()


@pytest.mark.parametrize("reader", [parts_of, parts_by_fitdecode])
@pytest.mark.parametrize(
    ("what", "made", "sentence"),
    [
        ("points", many_points, "The recording has more than 20 points. No run is that long."),
        ("sessions", many_sessions, "The file names more than 20 sessions. No device writes that."),
        ("timer_events", many_timer_events, "The file stops and starts its clock more than 20 times. No device writes that."),
        (
            "files",
            lambda count: record_of((4, 1, fb.UINT8)) * count,
            "More than 20 FIT files are joined in this one. Import them one by one.",
        ),
    ],
)
def test_both_readers_allow_as_much_as_the_limit_and_no_more(
    reader: Callable[[bytes], object], what: str, made: Callable[[int], bytes], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, what, (20, LIMITS[what][1]))
    reader(made(20))
    with pytest.raises(FileRefused) as refused:
        reader(made(21))
    assert (refused.value.outcome, refused.value.reason) == (ImportOutcome.UNREADABLE, sentence)


def test_a_record_may_be_defined_in_a_thousand_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIMITS, "kinds_of_record", (2, LIMITS["kinds_of_record"][1]))
    content = (
        FitBytes()
        .define(0, fb.RECORD, [(4, 1, fb.UINT8)])
        .define(0, fb.RECORD, [(3, 1, fb.UINT8)])
        .define(1, fb.RECORD, [(4, 1, fb.UINT8)])
    )
    assert parts_of(content.whole())
    with pytest.raises(FileRefused, match="in more than 2 ways"):
        parts_of(content.define(1, fb.RECORD, [(53, 1, fb.UINT8)]).whole())


def test_the_slow_reader_takes_no_more_values_and_bytes_than_it_can_read_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    content = record_of((4, 1, fb.UINT8))  # a definition of one field and a message of one value: twice two
    monkeypatch.setitem(LIMITS, "values_read_slowly", (4, LIMITS["values_read_slowly"][1]))
    assert parts_by_fitdecode(content)
    monkeypatch.setitem(LIMITS, "values_read_slowly", (3, LIMITS["values_read_slowly"][1]))
    with pytest.raises(FileRefused, match="more than 3 values"):
        parts_by_fitdecode(content)
    monkeypatch.setitem(LIMITS, "values_read_slowly", (4, ""))
    monkeypatch.setitem(LIMITS, "bytes_read_slowly", (len(content), LIMITS["bytes_read_slowly"][1]))
    assert parts_by_fitdecode(content)
    with pytest.raises(FileRefused, match="larger than"):
        parts_by_fitdecode(content + b"\0")


def test_sixteen_kinds_defined_again_and_again_are_refused() -> None:
    definitions = b"".join(bytes([0x40 | local, 0, 0, fb.RECORD, 0, 1, 4, 1, fb.UINT8]) for local in range(16))
    content = b"\x0c\x20" + struct.pack("<HI4s", 2132, len(definitions) * 40_000, b".FIT") + definitions * 40_000
    with pytest.raises(FileRefused) as refused:
        decoded(content + b"\0\0")
    assert refused.value.reason.startswith("The file holds more than 1,000,000 messages.")
    assert "Export it again" in refused.value.reason


def test_endless_tiny_messages_are_refused() -> None:
    content = FitBytes().define(0, 400, [(0, 1, fb.UINT8)]).define(1, 400, [(0, 1, fb.UINT8)])
    body = bytes(content.body) + b"\x00\x01\x01\x01" * 2_000_000
    with pytest.raises(FileRefused, match="more than 1,000,000 messages"):
        decoded(b"\x0c\x20" + struct.pack("<HI4s", 2132, len(body), b".FIT") + body + b"\0\0")
