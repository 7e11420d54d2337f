"""`orthanc-aws images`: the container images of a deployment, built on this machine or in the account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generator.stacks.images import SOURCE_PREFIX
from scripts.aws import artifacts, stacks
from scripts.aws.registry import Registry, StoredImage
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.images.sources import Source, archive, key, sources
from scripts.local import bases, engine
from scripts.operations import deploy
from scripts.operations.environment import IMAGE_PARAMETERS, Environment
from scripts.operations.image_builds import How, Place, build_here, lacking, make, repository, require_own

STACK_NAME = "orthanc-aws-images"
TEMPLATE = "images.yaml"
NOT_BUILT = "sha256:" + "0" * 64


@dataclass(frozen=True)
class Options:
    """How to make images and their repositories; None for an organization leaves who may pull as it is."""

    how: How = field(default_factory=How)
    organization: str | None = None
    deployment: deploy.Options = field(default_factory=deploy.Options)


@dataclass(frozen=True)
class Listed:
    """An image of a repository, and whether it is of the sources that are here."""

    name: str
    image: StoredImage
    is_current: bool

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "Name": self.name,
            "Image": self.image.reference,
            "Tags": list(self.image.tags),
            "Pushed": self.image.pushed.isoformat(),
            "Bytes": self.image.size,
            "Findings": dict(self.image.findings),
            "Current": self.is_current,
        }


def build(environment: Environment, how: How, console: Console) -> dict[str, str]:
    """Builds the images that are not there yet on this machine; returns their names by their parameters.

    Writes a bill of materials for each. Raises OperationError where this machine cannot build them.
    """
    wanted = _wanted(environment, how.base)
    require_own(wanted[0].architecture)
    found = engine.find()
    return {source.parameter: build_here(found, source, how, console).name for source in wanted}


def push(environment: Environment, options: Options, session: Session, console: Console) -> dict[str, str]:
    """Makes the images that the account's repositories lack; returns all with their digests by their parameters.

    The repositories are deployed first, where anything about them would change. Raises OperationError with the first
    reason where any of it fails.
    """
    wanted = _wanted(environment, options.how.base)
    place = _place(environment, wanted, options, session, console)
    registry = Registry(session)
    missing = lacking(wanted, place, registry)
    if missing:
        make(missing, options.how, place, session, console)
    else:
        console.done("The images are there already: nothing to build")
    return {source.parameter: _reference(source, place, registry) for source in wanted}


def with_images(
    environment: Environment, options: deploy.Options, session: Session, console: Console
) -> Environment:
    """The environment with the images that its parameter set does not name, made where they are missing."""
    if not _lacks_images(environment):
        return environment
    console.step("The parameter set does not name all images: taking those of this project's sources")
    own = deploy.Options(options.bucket, options.tags, options.ask)
    return environment.with_made(push(environment, Options(deployment=own), session, console))


def with_known_images(environment: Environment, session: Session, console: Console) -> Environment:
    """The same without making any: an image that is not built yet has a digest of zeros."""
    if not _lacks_images(environment):
        return environment
    outputs, registry, made = _outputs(session), Registry(session), {}
    for source in _wanted(environment, bases.OFFICIAL):
        address = repository(outputs, source) if outputs else source.name
        found = registry.reference(address, source.tag) if outputs else None
        if found is None:
            console.step(f"The image {source.name} is not built yet: a deployment builds it first")
        made[source.parameter] = found or f"{address}@{NOT_BUILT}"
    return environment.with_made(made)


def listed(environment: Environment, session: Session) -> list[Listed]:
    """The images of the account's repositories, the latest first; raises OperationError where there are none."""
    outputs, registry = _outputs(session), Registry(session)
    if not outputs:
        raise OperationError(
            f"There are no image repositories in {session.region} of account {session.account}",
            "",
            f"`orthanc-aws images push {environment.arguments}` makes them, and the images.",
        )
    current = {source.tag for base in (bases.OFFICIAL, bases.DEBIAN) for source in _wanted(environment, base)}
    return [
        Listed(source.name, image, bool(current.intersection(image.tags)))
        for source in _wanted(environment, bases.OFFICIAL)
        for image in registry.images(repository(outputs, source))
    ]


def _wanted(environment: Environment, base: str) -> list[Source]:
    declared = environment.declared().get("Architecture", {})
    architecture = environment.values().get("Architecture") or str(declared.get("Default", "ARM64"))
    return sources(architecture, base)


def _lacks_images(environment: Environment) -> bool:
    asked = environment.declared().keys() & set(IMAGE_PARAMETERS)
    return bool(asked - environment.values().keys())


def _outputs(session: Session) -> Mapping[str, str]:
    """The outputs of the repositories' stack; none where it is not there, or not yet."""
    stack = stacks.find(session.cloudformation, STACK_NAME)
    return stack.outputs if stack else {}


def _reference(source: Source, place: Place, registry: Registry) -> str:
    found = registry.reference(place.repository(source), source.tag)
    if found is None:
        raise OperationError(
            f"The image {source.name} is not in its repository",
            f"there is no tag {source.tag}, although its build succeeded",
            f"Look at the builds' log group, {place.outputs['BuildLogGroup']}.",
        )
    return found


def _place(
    environment: Environment, wanted: Sequence[Source], options: Options, session: Session, console: Console
) -> Place:
    """The repositories' stack, brought up to date, and the archive of the sources, put where its builds find it."""
    bucket, packed = artifacts.artifact_bucket(session, options.deployment.bucket), archive(wanted)
    source_key = SOURCE_PREFIX + key(packed)
    artifacts.store(session, bucket, source_key, packed, "application/gzip")
    source = {"SourceBucket": bucket.name, "SourceKey": source_key}
    asked = {} if options.organization is None else {"OrganizationId": options.organization}
    stack = stacks.find(session.cloudformation, STACK_NAME)
    known = stack.parameters if stack else {}
    if known.get("SourceBucket") != bucket.name:
        # Builds may read from one bucket only.
        asked |= source
    repositories = Environment(
        name="images",
        stack_name=STACK_NAME,
        parameters=None,
        templates=environment.templates,
        arguments=environment.arguments,
        root=TEMPLATE,
        made={"Architecture": wanted[0].architecture},
    ).continuing(known, asked)
    return Place(deploy.apply(repositories, options.deployment, session, console), bucket, source_key)
