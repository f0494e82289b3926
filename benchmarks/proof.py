"""
`make proof`: run the proofs at full size and write docs/proof.md from what they print, with the date and the commit.

To add one, add a line to `PROOFS`: its heading, what it shows, and the command whose last lines are the figures.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.serving import ROOT

PAGE = ROOT / "docs" / "proof.md"
PYTEST = ("-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "--no-header")


@dataclass(frozen=True)
class Proof:
    """
    One thing that is shown by trying.

    Attributes
    ----------
    command : tuple of str
        What Python is started with; exit code 0 means that it holds.
    figures : str
        Lines of its output that match are the figures.
    environment : tuple of (str, str)
        Further environment variables, for the full size.
    """

    name: str
    shows: str
    command: tuple[str, ...]
    figures: str
    environment: tuple[tuple[str, str], ...] = ()


PROOFS = (
    Proof(
        "Who reaches whom, through the data layer",
        "Each role, and each set of roles, at each function and each kind of patient, on both databases (tests/test_data_permissions.py).",
        (*PYTEST, "tests/test_data_permissions.py"),
        r"pairs of role and object tried|passed|failed",
    ),
    Proof(
        "Who reaches whom, at the served app",
        "Each role at each page and key by address, by the raw WebSocket and by forged widgets (tests/test_security_reach.py).",
        (*PYTEST, "tests/test_security_reach.py"),
        r"tries|forged|passed|failed",
    ),
    Proof(
        "Nobody is taken for another",
        "60 people at once; forged headers, origins and hosts; windows and uploads of others (tests/test_security_identity.py).",
        (*PYTEST, "tests/test_security_identity.py"),
        r"saw themselves|passed|failed",
    ),
    Proof(
        "A name that is not there costs as long as one that is",
        "200 tries of each at the served app (benchmarks/sign_in_timing.py).",
        ("-m", "benchmarks.sign_in_timing"),
        r"median|apart",
    ),
    Proof(
        "Killed in the middle of an import",
        "The real server and its reading process, killed with SIGKILL at 200 random moments of an import (benchmarks/server_kills.py).",
        ("-m", "benchmarks.server_kills"),
        r"kills of|Half-written|told of|Kills by",
    ),
    Proof(
        "Fifty people at work",
        "50 people signed in at once, each at a patient of their own, clicking for two minutes (benchmarks/fifty_people.py).",
        ("-m", "benchmarks.fifty_people"),
        r"people|Wrong|click|Server",
    ),
    Proof(
        "Nothing of anybody is left behind",
        "The canary run: every text is found nowhere else; everything is driven, faults are forced, every byte is searched (tests/test_security_canaries.py).",
        (*PYTEST, "tests/test_security_canaries.py"),
        r"hits|passed|failed",
    ),
    Proof(
        "Texts stay texts",
        "Hostile texts in every field and list, every sixteenth on pages of its own, in a real browser, with the policy and without it (tests/test_security_hostile_texts.py; `HOSTILE=1` opens pages for each, for hours).",
        (*PYTEST, "tests/test_security_hostile_texts.py"),
        r"hostile texts|passed|failed",
        (("HOSTILE", "16"),),
    ),
    Proof(
        "The audit shows what was done to it",
        "Rows changed, removed, moved, inserted, cut off, re-hashed (benchmarks/audit_tampering.py).",
        ("-m", "benchmarks.audit_tampering"),
        r"found|append|Checking",
    ),
    Proof(
        "A direction is told where there is none in 5 of 100 runners, as it claims",
        "3,000 simulated runners in each situation, through the sentence that is shown: told direction, percent, beside the naive look (benchmarks/association.py).",
        ("-m", "benchmarks.association", "--series", "3000"),
        r"effect|harm|too little|percent|naive",
    ),
    Proof(
        "A change of cadence is found, and its interval holds it",
        "1,000 series of 30 runs in each of four scenes, +5 % planted at the sixteenth (benchmarks/cadence_change.py).",
        ("-m", "benchmarks.cadence_change"),
        r"interval holds",
    ),
    Proof(
        "The tests of the engine notice what is changed in it",
        "rehab/ is changed in one place at a time, all of it (benchmarks/mutation.py).",
        ("-m", "benchmarks.mutation"),
        r"^rehab|Mutation score",
    ),
    Proof(
        "No file breaks its reader, and none is half imported",
        "100,000 changed files of every kind, a quarter of them guided by coverage, each with 10 s and 300 MB; 2,000 more into a database (benchmarks/fuzz_readers.py).",
        ("-m", "benchmarks.fuzz_readers"),
        r"inputs|imported into",
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What a proof said, and whether it holds."""

    proof: Proof
    holds: bool
    lines: tuple[str, ...]
    took_s: float


def tried(proof: Proof) -> Outcome:
    """Run one proof."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *proof.command],
        cwd=ROOT,
        env={**os.environ, **dict(proof.environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [
        re.sub(r" in \d+\.\d+s.*", "", line.lstrip(".").strip()) for line in done.stdout.splitlines() if re.search(proof.figures, line)
    ]
    if done.returncode:
        print(done.stdout[-4_000:], done.stderr[-2_000:], file=sys.stderr)
    return Outcome(proof, done.returncode == 0, tuple(lines), time.monotonic() - began)


def written(outcomes: Iterable[Outcome], *, commit: str, at: datetime) -> str:
    """Write the page."""
    parts = [
        "# What was tried, and what came of it",
        f"Written by `make proof` on {at:%Y-%m-%d %H:%M} UTC at commit {commit}. "
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores. A share of each runs with `make test`.",
    ]
    for outcome in outcomes:
        said = "\n".join(f"    {line}" for line in outcome.lines) or "    (it printed no figure)"
        verdict = "Holds" if outcome.holds else "**DOES NOT HOLD**"
        parts.append(f"## {outcome.proof.name}\n\n{outcome.proof.shows}\n\n{said}\n\n{verdict}. It took {outcome.took_s:.0f} s.")
    return "\n\n".join(parts) + "\n"


def commit_now() -> str:
    """Name the commit that is tried; with a plus if files differ from it."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def main() -> None:
    """Run the proofs and write the page; exit code 1 if one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof", description="Run the proofs at full size and write docs/proof.md.")
    parser.add_argument("only", nargs="*", help="parts of names; then the page is printed and not written")
    options = parser.parse_args()
    chosen = [proof for proof in PROOFS if not options.only or any(part.lower() in proof.name.lower() for part in options.only)]
    commit, outcomes = commit_now(), []
    for proof in chosen:
        print(f"{proof.name} …", file=sys.stderr, flush=True)
        outcomes.append(tried(proof))
        print(f"  {'holds' if outcomes[-1].holds else 'DOES NOT HOLD'}, {outcomes[-1].took_s:.0f} s", file=sys.stderr, flush=True)
    page = written(outcomes, commit=commit, at=datetime.now(UTC))
    if options.only:
        print(page)
    else:
        PAGE.write_text(page, encoding="utf-8")
    sys.exit(0 if outcomes and all(outcome.holds for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
