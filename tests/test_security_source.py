"""What may not stand in the source: no secret, and no recording of a real person."""

import subprocess
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

from tests.serving import ROOT


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def secrets_in(*paths: Path) -> list[str]:
    found = SecretsCollection()
    with default_settings():
        for path in paths:
            found.scan_file(str(path))
    return [f"{Path(name).name}:{secret.line_number} {secret.type}" for name, secret in found]


def test_no_secret_stands_in_the_project() -> None:
    assert secrets_in(*_tracked()) == []


def test_a_secret_that_stood_there_would_be_found(tmp_path: Path) -> None:
    planted = tmp_path / "settings.py"
    planted.write_text(f'KEY = "AKIA{"A1B2C3D4" * 2}"\nURL = "postgresql://clinic:{"orange" + "kettle"}@db/clinic"\n')  # made up
    assert [line.split(" ", 1)[0] for line in secrets_in(planted)] == ["settings.py:1", "settings.py:2"]


def test_no_recording_is_kept_with_the_project() -> None:
    endings = (".fit", ".gpx", ".tcx", ".gz", ".zip", ".xlsx", ".db", ".key", ".pem")
    assert [path.name for path in _tracked() if path.name.lower().endswith(endings)] == []
