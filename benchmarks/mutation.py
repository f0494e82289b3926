"""
`python -m benchmarks.mutation [modules…]`: change rehab/ in one place at a time and count how many of the changes its tests notice.

Works in a copy. Without names all of rehab/ is changed, which takes an hour or so; with names such as `decision` or `charts.theme` only those modules are. Ends
with exit code 1 if fewer than 85 % are noticed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.serving import ROOT

SCORE_MIN = 85.0
TESTS = ("test_rehab_", "test_charts_", "test_flags_")
BESIDE = (
    "models.py",
    "data",
    "clinic",
    "access",
    "benchmarks",
    "pages",
    "dashboard.py",
    "docs",
    ".streamlit",
    "Makefile",
    "README.md",
    "CHANGELOG.md",
    "requirements.txt",
    "requirements-dev.txt",
)
NOTICED = {"killed", "timeout", "segfault", "suspicious"}


def copied(root: Path) -> Path:
    """Copy the project's files, as they lie here, and tell mutmut what to change and what to run."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    tests = sorted(path.relative_to(root).as_posix() for path in (root / "tests").glob("test_*.py") if path.name.startswith(TESTS))
    settings = {
        "source_paths": ["rehab"],
        "also_copy": list(BESIDE),
        "pytest_add_cli_args": ["-q", "-x", "-p", "no:cacheprovider", f"--basetemp={root / 'pytest'}"],
        "pytest_add_cli_args_test_selection": tests,
    }
    with (root / "pyproject.toml").open("a", encoding="utf-8") as project:
        project.write("\n[tool.mutmut]\n" + "".join(f"{name} = {values!r}\n" for name, values in settings.items()))
    return root


def counted(lines: Iterable[str]) -> dict[str, Counter[str]]:
    """Count the outcomes of each module from what `mutmut results` prints."""
    modules: dict[str, Counter[str]] = {}
    for line in lines:
        if match := re.fullmatch(r"\s*(rehab[\w.]*?)\.x[_ǁ]\S*__mutmut_\d+: (.+?)\s*", line):
            modules.setdefault(match[1], Counter())[match[2]] += 1
    return modules


def score(outcomes: Counter[str]) -> float:
    """Percent of the changes that a test noticed; those that no test reaches count as not noticed."""
    tried = outcomes.total() - outcomes["not checked"]
    return 100 * sum(outcomes[name] for name in NOTICED) / tried if tried else 0.0


def main() -> None:
    """Change, count, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules of rehab/ without its name")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--survivors", action="store_true", help="print each change that no test noticed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="still-running-mutation-") as made:
        root = copied(Path(made))
        mutmut = [sys.executable, "-m", "mutmut"]
        wanted = [f"rehab.{name}.x*" for name in options.modules]
        done = subprocess.run(
            [*mutmut, "run", "--max-children", str(options.at_once), *wanted], cwd=root, capture_output=True, text=True, check=False
        )
        listed = subprocess.run([*mutmut, "results", "--all", "true"], cwd=root, capture_output=True, text=True, check=False)
        modules = counted(listed.stdout.splitlines())
        total: Counter[str] = Counter()
        for name, outcomes in sorted(modules.items()):
            if outcomes.total() > outcomes["not checked"]:
                total += outcomes
                print(f"{name}: {score(outcomes):.1f} % of {outcomes.total() - outcomes['not checked']}")
        if not total:
            print(done.stdout[-4_000:], done.stderr[-4_000:], file=sys.stderr)
            sys.exit(1)
        if options.survivors:
            for line in listed.stdout.splitlines():
                if line.strip().endswith((": survived", ": no tests")):
                    shown = subprocess.run(
                        [*mutmut, "show", line.strip().split(":")[0]], cwd=root, capture_output=True, text=True, check=False
                    )
                    print(line.strip(), *[each for each in shown.stdout.splitlines() if re.match(r"[-+] ", each)], sep="\n  ")
        print(f"Mutation score of rehab: {score(total):.1f} % of {total.total() - total['not checked']} changes noticed")
        sys.exit(0 if score(total) >= SCORE_MIN else 1)


if __name__ == "__main__":
    main()
