"""What a newcomer types: make, and what it says when something is missing."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests import browser
from tests.browser import BrowserMissing, find_browser
from tests.serving import ROOT, free_port, wait_until_healthy

TOOLS = ("sh", "make", "cmp", "rm", "awk", "cp")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the project as a clone would have it, with the environment of these tests in place of a new one."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    folder = tmp_path_factory.mktemp("clone")
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture
def few_tools(tmp_path: Path) -> Path:
    """Give a folder for PATH that holds what make needs, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or "missing")
    return folder


def make(*arguments: str, folder: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make with nothing in the environment but PATH."""
    environment = {"PATH": path or os.environ["PATH"]}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_make_alone_lists_each_target_with_what_it_does() -> None:
    said = make(folder=ROOT)
    listed = re.findall(r"^  make (\S+) +\S", said.stdout, re.MULTILINE)
    assert listed == ["help", "run", "demo", "test", "check", "bench", "nightly", "proof", "screenshots"]
    assert said.returncode == 0


@pytest.fixture
def running(clone: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Start `make run` with only PATH and HOME set; give its address and what it said."""
    port, log = free_port(), tmp_path / "make-run.log"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with log.open("wb") as output:
        started = subprocess.Popen(
            ["make", "run", f"PORT={port}"], cwd=clone, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(started, address, log, patience_s=180)
        yield address, log
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGINT)  # what Ctrl-C sends
            started.wait(20)


def test_make_run_serves_a_ready_demo_clinic_from_an_empty_environment(clone: Path, running: tuple[str, Path]) -> None:
    address, log = running
    with urlopen(Request(f"{address}/patient?episode=a-key", headers={"Accept": "text/html"}), timeout=10) as answer:
        assert answer.status == 200
        assert answer.url == f"{address}/login?next=%2Fpatient%3Fepisode%3Da-key"
    said = log.read_text()
    assert "a-key" not in said
    assert f"{address} " in said
    assert "80 synthetic patients" in said
    assert (clone / "var" / "clinic.db").exists()


def test_make_run_says_when_the_port_is_taken_and_makes_nothing(clone: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        said = make("run", f"PORT={port}", folder=clone)
    assert said.returncode != 0
    assert f"Port {port} cannot be used" in said.stderr
    assert "make run PORT=8600" in said.stderr


@pytest.mark.parametrize(
    ("pythons", "expected"),
    [
        ({}, "needs Python 3.11 or newer, and there is none"),
        ({"python3": "exit 1"}, "needs Python 3.11 or newer, and there is none"),  # too old: the version check fails
        ({"python3": 'case "$*" in *ensurepip*) exit 1;; esac'}, "(as python3), but without its venv module"),
    ],
    ids=["no python", "an old python", "python without venv"],
)
def test_a_missing_python_is_said_with_what_to_install(tmp_path: Path, few_tools: Path, pythons: dict[str, str], expected: str) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name, script in pythons.items():
        program(few_tools, name, script)
    said = make("run", folder=tmp_path, path=str(few_tools))
    assert said.returncode != 0
    assert expected in said.stderr
    assert "apt-get install" in said.stderr


def test_an_environment_that_has_the_packages_is_left_alone(tmp_path: Path, few_tools: Path) -> None:
    for name in ("Makefile", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    program(environment / "bin", "python", 'case "$*" in *pip*) echo installs;; esac')
    first = make("install", folder=tmp_path, path=str(few_tools))
    second = make("install", folder=tmp_path, path=str(few_tools))
    (tmp_path / "requirements.txt").write_text("streamlit==9.9.9\n")
    third = make("install", folder=tmp_path, path=str(few_tools))
    assert ["installs" in said.stdout for said in (first, second, third)] == [True, False, True]


def test_ci_runs_all_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in script
    assert re.search(r"^make test$", script, re.MULTILINE)


def test_a_missing_browser_fails_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch, few_tools: Path) -> None:
    monkeypatch.setattr("tests.browser.MACOS_PLACES", ())
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(few_tools))
    with pytest.raises(BrowserMissing, match="sudo apt-get install chromium"):
        find_browser()
    program(few_tools, "google-chrome", "exit 0")
    assert find_browser() == str(few_tools / "google-chrome")


def test_the_browser_that_chromium_names_is_taken_or_refused(monkeypatch: pytest.MonkeyPatch, few_tools: Path) -> None:
    program(few_tools, "my-browser", "exit 0")
    monkeypatch.setenv("CHROMIUM", str(few_tools / "my-browser"))
    assert find_browser() == str(few_tools / "my-browser")
    monkeypatch.setenv("CHROMIUM", str(few_tools / "gone"))
    with pytest.raises(BrowserMissing, match="no such program"):
        find_browser()


@pytest.mark.parametrize(("on_debian_as_root", "ends_with"), [(True, 0), (False, 1)])
def test_a_missing_browser_is_installed_on_debian_by_root_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, few_tools: Path, on_debian_as_root: bool, ends_with: int
) -> None:
    monkeypatch.setattr("tests.browser.MACOS_PLACES", ())
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(few_tools))
    monkeypatch.setattr(browser, "can_install", lambda: on_debian_as_root)
    monkeypatch.setattr(browser, "install_browser", lambda: program(few_tools, "chromium", "exit 0"))
    assert browser.main() == ends_with
    assert (few_tools / "chromium").exists() is on_debian_as_root


def test_the_docs_name_only_targets_and_files_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"^make ([a-z][a-z-]*)", text, re.MULTILINE) + re.findall(r"`make ([a-z][a-z-]*)", text)
        wrong += [f"{page.name}: make {target}" for target in named if target not in targets]
        links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
        wrong += [f"{page.name}: {link}" for link in links if link and not (page.parent / link).exists()]
    assert wrong == []
