"""The images of a local store, built from the shipped Dockerfiles. An unchanged build context builds nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.local import bases
from scripts.local.bases import Say
from scripts.local.engine import Engine

PROJECT = Path(__file__).resolve().parent.parent.parent
CONTEXTS = {
    "orthanc": PROJECT / "orthanc",
    "nginx": PROJECT / "nginx",
    "postgresql": PROJECT / "scripts" / "local" / "postgresql",
    "balancer": PROJECT / "scripts" / "local" / "balancer",
}
_SHIPPED = ("orthanc", "nginx")
_DIGITS = 16


@dataclass(frozen=True)
class Images:
    """The names of the built images by the names of their contexts, and which bases they stand on."""

    names: Mapping[str, str]
    base: str


def build(engine: Engine, base: str | None, say: Say) -> Images:
    """Builds what is not built yet; `base` is official, debian, or None for the first of the two that can be had."""
    chosen = base or _reachable(engine)
    names = {title: _build(engine, title, chosen, say) for title in CONTEXTS}
    return Images(names, chosen)


def _reachable(engine: Engine) -> str:
    """Official where the Dockerfiles' own bases are here or can be pulled."""
    for title in _SHIPPED:
        name = f"docker.io/{_default_base(CONTEXTS[title])}"
        if not (engine.succeeds("image", "inspect", name) or engine.succeeds("pull", "--quiet", name)):
            return bases.DEBIAN
    return bases.OFFICIAL


def _default_base(context: Path) -> str:
    lines = (context / "Dockerfile").read_text("utf-8").splitlines()
    name = next(line for line in lines if line.startswith("ARG BASE=")).removeprefix("ARG BASE=")
    return name if "/" in name else f"library/{name}"


def _build(engine: Engine, title: str, base: str, say: Say) -> str:
    context = CONTEXTS[title]
    if title not in _SHIPPED:
        return _built(engine, context, title, {"DEBIAN": bases.debian(engine, bases.STABLE, say)}, say)
    if base == bases.OFFICIAL:
        return _built(engine, context, title, {"BASE": f"docker.io/{_default_base(context)}"}, say)
    release = bases.debian(engine, bases.TESTING, say)
    stand_in = _built(engine, context / "stand-in", f"{title}-stand-in", {"DEBIAN": release}, say)
    return _built(engine, context, title, {"BASE": stand_in}, say)


def _built(engine: Engine, context: Path, title: str, arguments: Mapping[str, str], say: Say) -> str:
    image = f"localhost/orthanc-aws-{title}:{digest(context, arguments)}"
    if not engine.succeeds("image", "inspect", image):
        say(f"Building the image {title}")
        engine.build(context, image, arguments)
    return image


def digest(context: Path, arguments: Mapping[str, str]) -> str:
    """The first digits of a digest of all that a build depends on: its files, their modes and its arguments."""
    found = hashlib.sha256(repr(sorted(arguments.items())).encode())
    for file in sorted(context.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            found.update(repr((file.relative_to(context).as_posix(), file.stat().st_mode & 0o111)).encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:_DIGITS]
