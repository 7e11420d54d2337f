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
SHIPPED = ("orthanc", "nginx")
_DIGITS = 16


@dataclass(frozen=True)
class Images:
    """The names of the built images by the names of their contexts, and which bases they stand on."""

    names: Mapping[str, str]
    base: str


def build(engine: Engine, base: str | None, say: Say) -> Images:
    """Builds what is not built yet; `base` is official, debian, or None for the first of the two that can be had."""
    chosen = base or _reachable(engine)
    names = {title: build_one(engine, title, chosen, say) for title in CONTEXTS}
    return Images(names, chosen)


def _reachable(engine: Engine) -> str:
    """Official where the Dockerfiles' own bases are here or can be pulled."""
    for title in SHIPPED:
        name = official_base(title)
        if not (engine.succeeds("image", "inspect", name) or engine.succeeds("pull", "--quiet", name)):
            return bases.DEBIAN
    return bases.OFFICIAL


def official_base(title: str) -> str:
    """The base that the Dockerfile of a shipped image names."""
    lines = (CONTEXTS[title] / "Dockerfile").read_text("utf-8").splitlines()
    name = next(line for line in lines if line.startswith("ARG BASE=")).removeprefix("ARG BASE=")
    return f"docker.io/{name if '/' in name else f'library/{name}'}"


def planned(title: str, base: str) -> str:
    """The name of a shipped image as it is once it is built."""
    return _name(title, CONTEXTS[title], {"BASE": _base_of(title, base)})


def build_one(engine: Engine, title: str, base: str, say: Say) -> str:
    """Builds an image, unless there is one of the same content, and returns its name."""
    context = CONTEXTS[title]
    if title not in SHIPPED:
        return _built(engine, context, title, {"DEBIAN": bases.debian(engine, bases.STABLE, say)}, say)
    if base == bases.DEBIAN:
        release = bases.debian(engine, bases.TESTING, say)
        _built(engine, context / "stand-in", f"{title}-stand-in", {"DEBIAN": release}, say)
    return _built(engine, context, title, {"BASE": _base_of(title, base)}, say)


def _base_of(title: str, base: str) -> str:
    if base == bases.OFFICIAL:
        return official_base(title)
    release = {"DEBIAN": bases.name(bases.TESTING)}
    return _name(f"{title}-stand-in", CONTEXTS[title] / "stand-in", release)


def _name(title: str, context: Path, arguments: Mapping[str, str]) -> str:
    return f"localhost/orthanc-aws-{title}:{digest(context, arguments)}"


def _built(engine: Engine, context: Path, title: str, arguments: Mapping[str, str], say: Say) -> str:
    image = _name(title, context, arguments)
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
