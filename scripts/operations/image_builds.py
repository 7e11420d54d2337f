"""Makes images for the repositories of an account: with a container engine of this machine, or by CodeBuild there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from generator.stacks.images import BUILD_MACHINES, PARTS_PREFIX
from scripts.aws import artifacts
from scripts.aws.builds import Builds, Machine
from scripts.aws.errors import interrupted
from scripts.aws.patience import UnreachableError
from scripts.aws.registry import Registry
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.images import plugin
from scripts.images.sources import LIST_PARTS, Source, own_architecture
from scripts.local import bases, engine
from scripts.local.engine import Engine
from scripts.local.images import build_one

AUTO, ENGINE, ACCOUNT = "auto", "engine", "account"
BILLS = Path(__file__).resolve().parents[2] / "build" / "images"
_CYCLONEDX = (
    "application/vnd.cyclonedx+json"  # Source: CycloneDX 1.6, "Recognized file patterns and media types"
)


@dataclass(frozen=True)
class How:
    """How to build: on what base, who builds, and the folder that bills of materials are written to."""

    base: str = bases.OFFICIAL
    builder: str = AUTO
    bills: Path = BILLS


@dataclass(frozen=True)
class Place:
    """Where images are made: the outputs of the repositories' stack, and where in S3 the archive of the sources is."""

    outputs: Mapping[str, str]
    bucket: artifacts.Bucket
    source_key: str

    def repository(self, source: Source) -> str:
        """The address of an image's repository."""
        return repository(self.outputs, source)


def repository(outputs: Mapping[str, str], source: Source) -> str:
    """The address of an image's repository, as the stack puts it out."""
    return outputs[f"{source.name.capitalize()}Repository"]


def lacking(wanted: Sequence[Source], place: Place, registry: Registry) -> list[Source]:
    """The images that their repositories do not have."""
    return [source for source in wanted if registry.reference(place.repository(source), source.tag) is None]


def make(missing: Sequence[Source], how: How, place: Place, session: Session, console: Console) -> None:
    """Builds images and pushes them; writes the bill of materials of each."""
    registry = Registry(session)
    found = _engine(how, missing[0].architecture, registry, console)
    if found:
        _push_from_here(found, missing, how, place, registry, console)
    else:
        _build_in_account(missing, place, registry, session, console)
        _fetch_bills(missing, how, place, session, console)


class Built(NamedTuple):
    """An image on this machine: its name, and the list of its parts."""

    name: str
    parts: str


def build_here(found: Engine, source: Source, how: How, console: Console) -> Built:
    """Builds an image with an engine, unless it is there; writes its bill of materials."""
    name = build_one(found, source.name, source.base, console.step)
    built = Built(name, found.output(name, LIST_PARTS.read_text("utf-8")))
    _write_bill(source, built.parts, how, console)
    return built


def require_own(architecture: str) -> None:
    """Raises OperationError where this machine has other processors than the tasks."""
    if own_architecture() != architecture:
        raise OperationError(
            f"Images for {architecture} cannot be built here",
            f"this machine is {own_architecture()}",
            "`orthanc-aws images push --builder account ENV` builds them in the account.",
        )


def _engine(how: How, architecture: str, registry: Registry, console: Console) -> Engine | None:
    """The engine to build with, or None to build in the account; says why."""
    if how.builder == ENGINE:
        require_own(architecture)
        return engine.find()
    if how.base != bases.OFFICIAL:
        raise OperationError(
            f"Images on the base {how.base} are not built in the account",
            "that base is made on the machine that builds",
            "Build with a container engine: --builder engine.",
        )
    why = _why_not_here(how, architecture, registry)
    if why:
        console.step(f"Building in the account: {why}")
        return None
    return engine.find()


def _why_not_here(how: How, architecture: str, registry: Registry) -> str:
    if how.builder == ACCOUNT:
        return "as asked for"
    if registry.is_emulated:
        return "the emulator takes a second for it"
    if own_architecture() != architecture:
        return f"the images are for {architecture} and this machine is {own_architecture()}"
    try:
        engine.find()
    except OperationError as error:
        return error.reason
    return ""


def _push_from_here(
    found: Engine, missing: Sequence[Source], how: How, place: Place, registry: Registry, console: Console
) -> None:
    for source in missing:
        built = build_here(found, source, how, console)
        address = place.repository(source)
        console.step(f"Pushing {source.name}:{source.tag}")
        for tag in plugin.tags(source, built.parts):
            # An interrupted run may have come to one of them, and none can be moved.
            if registry.reference(address, tag) is None:
                _push(found, built.name, address, tag, registry)
        console.done(f"{source.name}:{source.tag} is pushed")


def _push(found: Engine, name: str, address: str, tag: str, registry: Registry) -> None:
    """Pushes an image, unless somebody else who pushed the same at the same time was faster."""
    try:
        found.push(name, f"{registry.push_address(address)}:{tag}", registry.login(address))
    except OperationError:
        if registry.reference(address, tag) is None:
            raise


def _build_in_account(
    missing: Sequence[Source], place: Place, registry: Registry, session: Session, console: Console
) -> None:
    builds = Builds(session, place.outputs["Project"])
    machine = Machine(*BUILD_MACHINES[missing[0].architecture])
    variables = {"SOURCE_BUCKET": place.bucket.name, "SOURCE_KEY": place.source_key}
    build_id = builds.under_way(variables, machine)
    if build_id is None and not lacking(missing, place, registry):
        return  # One ended after they had been looked for.
    build_id = build_id or builds.start(variables, machine)
    console.step(f"Build {build_id}")
    try:
        builds.follow(build_id, console.step)
    except (KeyboardInterrupt, UnreachableError, BotoCoreError, ClientError) as error:
        raise interrupted(
            f"Build {build_id} is no longer followed",
            error,
            "It goes on in AWS; the same command, run again, follows it.",
        ) from None
    console.done(f"Built in the account: {', '.join(f'{source.name}:{source.tag}' for source in missing)}")


def _fetch_bills(
    missing: Sequence[Source], how: How, place: Place, session: Session, console: Console
) -> None:
    """Writes the bill of each image by the list of its parts in the bucket, and puts it there beside it."""
    for source in missing:
        listed = f"{PARTS_PREFIX}{source.name}-{source.tag}"
        parts = artifacts.fetch(session, place.bucket, listed)
        if parts is None:
            console.step(f"The build of {source.name} left no list of its parts: no bill of materials")
        else:
            file = _write_bill(source, parts.decode(), how, console)
            try:
                artifacts.store(session, place.bucket, f"{listed}.cdx.json", file.read_bytes(), _CYCLONEDX)
            except OperationError as error:
                # The images are there, and nothing of them depends on it.
                console.step(f"The bill of materials is not kept in the bucket: {error.what}")


def _write_bill(source: Source, parts: str, how: How, console: Console) -> Path:
    from scripts.images.bill import bill

    how.bills.mkdir(parents=True, exist_ok=True)
    file = how.bills / f"{source.name}-{source.tag}.cdx.json"
    file.write_text(bill(source, parts), encoding="utf-8")
    console.done(f"Bill of materials: {file}")
    return file
