"""The images that ours are built on: the official ones, or stand-ins of Debian's packages where none can be had."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from scripts.errors import OperationError
from scripts.local.engine import Engine

OFFICIAL, DEBIAN = "official", "debian"
# The releases that the stand-ins come from: the one that PostgreSQL 17 is in, and the one that Orthanc 1.13 is in.
STABLE, TESTING = "trixie", "forky"
_PREFIX = "localhost/orthanc-aws-base"

Say = Callable[[str], None]


def name(release: str) -> str:
    """What the image of a Debian release is called on this machine."""
    return f"{_PREFIX}:{release}"


def debian(engine: Engine, release: str, say: Say) -> str:
    """The name of an image of a Debian release: pulled, or else made with mmdebstrap."""
    own = name(release)
    if engine.succeeds("image", "inspect", own):
        return own
    official = f"docker.io/library/debian:{release}-slim"
    if engine.succeeds("pull", "--quiet", official):
        engine.run("tag", official, own)
        return own
    say(f"No registry can be reached: making an image of Debian {release} with mmdebstrap")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / f"{release}.tar"
        _bootstrap(release, archive)
        engine.run("import", str(archive), own)
    return own


def _bootstrap(release: str, archive: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise OperationError(
            "No image of Debian can be had",
            "no registry can be reached, and there is no mmdebstrap",
            "On Debian, as root: `scripts/setup containers`.",
        )
    command = ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", "--quiet"]
    for option in ('Acquire::Languages "none"', 'Acquire::Check-Valid-Until "false"'):
        command.append(f"--aptopt={option}")
    for folder in ("doc", "man", "locale"):
        command.append(f"--dpkgopt=path-exclude=/usr/share/{folder}/*")
    mirror = "http://deb.debian.org/debian"
    done = subprocess.run(
        [*command, release, str(archive), mirror], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OperationError(f"mmdebstrap cannot make Debian {release}", done.stderr.strip()[-1000:])
