"""
Coverage-guided fuzzing of the readers, by hand: `python -m tests.fuzz_readers zip --seconds 300`, for one kind of tests/fuzz_kinds.py or any.

Needs atheris (`pip install atheris`, Linux or macOS), which the tests do not; benchmarks/fuzz_readers.py needs nothing. Each input must be
read or refused with a reason, within 10 s and 1 GB; a FIT file must mean the same to the fast reader and to fitdecode. Half of the inputs
are changed as bytes, half as files of their kind. What fails is written to the folder that is named at the start, and ends the run. The
last lines say how many inputs were tried.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

SECONDS = 60
TIMEOUT_S, MEMORY_MB, LONGEST_BYTES = 10, 1_024, 16_384


def main() -> None:
    """Fuzz until the time is over or something fails."""
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: .venv/bin/python -m pip install atheris. Without it: python -m benchmarks.fuzz_readers")
    with atheris.instrument_imports(include=["data.importers", "data.sources", "zipfile"], enable_loader_override=False):
        from tests.fuzz_kinds import Kind, kinds, tried
        from tests.fuzz_mutations import bytes_changed
        from tests.test_importers_fit_columns import MADE, compared
    every = Kind("a", tuple(seed for kind in kinds().values() for seed in kind.seeds), bytes_changed)
    found = {**kinds(), "any": every}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_readers", description="Fuzz the readers of files.")
    parser.add_argument("kind", choices=list(found))
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--seed", type=int, default=0, help="0 takes another one each time")
    options = parser.parse_args()
    kind = found[options.kind]

    def check(content: bytes) -> None:
        if options.kind == "fit":
            compared(content)
        tried(kind.file_name, content)

    def changed(content: bytes, max_bytes: int, seed: int) -> bytes:
        sure = random.Random(seed)
        return kind.changed(sure, content)[:max_bytes] if sure.random() < 0.5 else atheris.Mutate(content, max_bytes)

    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{options.kind}-"))
    (folder / "inputs").mkdir()
    for number, seed in enumerate([*kind.seeds, *(MADE.values() if options.kind == "fit" else ())]):
        if len(seed) <= LONGEST_BYTES:
            (folder / "inputs" / str(number)).write_bytes(seed)
    print(f"Fuzzing {options.kind} for {options.seconds} s. Inputs that fail go to {folder}.", flush=True)
    arguments = [
        sys.argv[0],
        f"-max_total_time={options.seconds}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={LONGEST_BYTES}",
        f"-seed={options.seed}",
        f"-artifact_prefix={folder}/failed-",
        "-print_final_stats=1",
        "-verbosity=0",
        str(folder / "inputs"),
    ]
    atheris.Setup(arguments, check, custom_mutator=changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
