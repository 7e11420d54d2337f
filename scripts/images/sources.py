"""What the images of a deployment are built from, and the tags that say so: digests of the files."""

import gzip
import hashlib
import io
import platform
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.parts.fargate import ARCHITECTURES
from scripts.local import bases
from scripts.local.images import CONTEXTS, SHIPPED, planned

# What container engines call the processors of ECS, and what Python calls them.
_ENGINE_NAMES = dict(zip(ARCHITECTURES, ("arm64", "amd64"), strict=True))
_MACHINES = {"arm64": "ARM64", "aarch64": "ARM64", "x86_64": "X86_64", "amd64": "X86_64"}
LIST_PARTS = Path(__file__).parent / "list-parts"


@dataclass(frozen=True)
class Source:
    """An image to be: the name of its folder, the parameter that asks for it, the digest of what it is made of.

    `architecture` is ARM64 or X86_64, `base` one of `scripts.local.bases`.
    """

    name: str
    parameter: str
    digest: str
    architecture: str
    base: str = bases.OFFICIAL

    @property
    def tag(self) -> str:
        """The tag of the built image: the same files for the same processors have the same one."""
        return f"{self.digest}-{_ENGINE_NAMES[self.architecture]}"


def sources(architecture: str, base: str = bases.OFFICIAL) -> list[Source]:
    """The images of a deployment, whose tasks run on processors of `architecture`, ARM64 or X86_64."""
    return [
        Source(name, f"{name.capitalize()}Image", planned(name, base).rpartition(":")[2], architecture, base)
        for name in SHIPPED
    ]


def own_architecture() -> str:
    """The processors of this machine, as ECS calls them, or what Python calls them where ECS has no such."""
    machine = platform.machine().lower()
    return _MACHINES.get(machine, machine)


def archive(wanted: Iterable[Source]) -> bytes:
    """The folders of all images in a compressed tar archive, with a list of those wanted.

    The same files give the same bytes. The build specification of `generator/stacks/images.py` unpacks it.
    """
    listed = "".join(f"{source.name} {source.digest}\n" for source in wanted)
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        _add(tar, "images", listed.encode(), False)
        _add(tar, "list-parts", LIST_PARTS.read_bytes(), True)
        for name, file in _files():
            _add(tar, name, file.read_bytes(), bool(file.stat().st_mode & 0o100))
    return packed.getvalue()


def key(packed: bytes) -> str:
    """What an archive is called where it is kept."""
    return f"{hashlib.sha256(packed).hexdigest()[:16]}.tar.gz"


def _files() -> Iterator[tuple[str, Path]]:
    for title in SHIPPED:
        for file in sorted(CONTEXTS[title].rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield f"{title}/{file.relative_to(CONTEXTS[title]).as_posix()}", file


def _add(tar: tarfile.TarFile, name: str, content: bytes, executable: bool) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = 0o755 if executable else 0o644
    tar.addfile(entry, io.BytesIO(content))
