"""
Coverage-guided fuzzing of the readers, by hand: `python -m tests.fuzz_readers fit --seconds 300`, for one of fit, tcx, gpx, csv or any.

Needs atheris (`pip install atheris`, Linux or macOS), which the tests do not. Each input must be read or refused with a reason, within
10 s and 1 GB; a FIT file must mean the same to the fast reader and to fitdecode. What fails is written to the folder that is named at the
start, and ends the run. The last lines say how many inputs were tried.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

SECONDS = 60
TIMEOUT_S, MEMORY_MB, LONGEST_BYTES = 10, 1_024, 4_096
FORMATS = ("fit", "tcx", "gpx", "csv", "any")


def main() -> None:
    """Fuzz until the time is over or something fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_readers", description="Fuzz the readers of run files.")
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--seed", type=int, default=0, help="0 takes another one each time")
    options = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed: .venv/bin/python -m pip install atheris")
    with atheris.instrument_imports(include=["data.importers"], enable_loader_override=False):
        from tests.test_importers_fit_columns import MADE, compared
        from tests.test_importers_fuzz import SEEDS, checked

    def fit(content: bytes) -> None:
        compared(content)
        checked(content)

    seeds = {"fit": [*SEEDS[:2], *MADE.values()], "tcx": SEEDS[2:3], "gpx": SEEDS[3:4], "csv": SEEDS[4:], "any": SEEDS}[options.format]
    check: Callable[[bytes], None] = fit if options.format == "fit" else checked
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{options.format}-"))
    (folder / "inputs").mkdir()
    for number, seed in enumerate(seeds):
        if len(seed) <= LONGEST_BYTES or options.format != "fit":
            (folder / "inputs" / str(number)).write_bytes(seed)
    print(f"Fuzzing {options.format} for {options.seconds} s. Inputs that fail go to {folder}.", flush=True)
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
    atheris.Setup(arguments, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
