"""The linters of Dockerfiles and of NGINX's configuration find nothing but what is accepted here, with a reason."""

import subprocess
import sys
from pathlib import Path

import pytest

from nginx.configuration import common_values, fill

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


DOCKERFILES = [
    path for folder in ("nginx", "orthanc", "scripts") for path in (ROOT / folder).rglob("Dockerfile")
]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_hadolint_finds_nothing(path: Path) -> None:
    done = subprocess.run([TOOLS / "hadolint", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def gixy(path: Path, *options: str) -> str:
    """What gixy finds, once it has read the whole configuration."""
    done = subprocess.run([TOOLS / "gixy", *options, str(path)], capture_output=True, text=True)
    assert "Total issues" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_gixy_finds_nothing_in_the_front(front: str, tmp_path: Path) -> None:
    (tmp_path / "front.conf").write_text(front)
    assert "No issues found" in gixy(tmp_path / "front.conf")


def test_gixy_finds_nothing_in_the_sidecar(tmp_path: Path) -> None:
    (tmp_path / "sidecar.conf").write_text(fill("sidecar", common_values(tmp_path)))
    # hsts_header: no browser reaches the sidecar, and the front sends the header.
    assert "No issues found" in gixy(tmp_path / "sidecar.conf", "--skips", "hsts_header")
