"""`orthanc-aws publish templates`: a version that people launch from the console, with nothing but a browser."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from generator import render
from scripts.aws import artifacts, published
from scripts.aws.package import package, with_defaults
from scripts.aws.published import Version
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.images.sources import archive, key, sources
from scripts.operations.environment import Environment
from scripts.operations.images import NOT_BUILT, STACK_NAME, TEMPLATE, with_known_images
from scripts.operations.lint import lint_unless_clean

STORE, IMAGES = "store", "images"
# Source: AWS General Reference, the console's addresses in the partitions; the same as in `generator/stacks/root.py`.
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}


def publish(
    version_name: str,
    templates: Path,
    environment: Environment | None,
    bucket_name: str | None,
    session: Session,
    console: Console,
) -> dict[str, str]:
    """Publishes the rendered set of a folder as a version; returns links that open the console's forms for it.

    The forms are filled in with what `environment` gives, if there is one. Raises OperationError where the set has
    findings, where the version exists with other content, or where an address in it does not resolve.
    """
    check(templates, console)
    bucket = artifacts.artifact_bucket(session, bucket_name)
    given = form_values(environment, session, console)
    version = prepared(version_name, templates, bucket, given)
    put(version, bucket, session, console)
    location = artifacts.location(bucket, version.prefix)
    source = {"SourceBucket": bucket.name, "SourceKey": version.prefix + next(iter(version.others))}
    asked = {name: given[name] for name in ("Architecture",) if name in given}
    root, images = (
        published.url_of(session, bucket, version, version.launched[purpose].key)
        for purpose in (STORE, IMAGES)
    )
    return {
        "Images": _link(session, images, STACK_NAME, source | asked),
        "Store": _link(session, root, _stack_name(environment), given | location),
        "Template": root,
    }


def check(templates: Path, console: Console) -> None:
    """Raises OperationError with all findings where the rendered set of a folder is stale or has any."""
    console.step("Checking the templates")
    stale = render.check(templates) if templates == render.TEMPLATES else []
    findings = stale or lint_unless_clean(templates)
    if findings:
        raise OperationError(
            "The templates have findings", "\n".join(findings), "Run `orthanc-aws render`, or correct them."
        )


def form_values(environment: Environment | None, session: Session, console: Console) -> dict[str, str]:
    """What the form begins with: the values of the environment, without images that are not there yet.

    A parameter set must be valid; where there is none, the person who launches fills in what has no default.
    """
    if environment is None:
        return {}
    mistakes = environment.mistakes() if environment.parameters else []
    if mistakes:
        raise OperationError("The parameter set has mistakes", "\n".join(mistakes))
    values = with_known_images(environment, session, console).values()
    return {name: value for name, value in values.items() if not value.endswith(NOT_BUILT)}


def prepared(
    version_name: str, templates: Path, bucket: artifacts.Bucket, given: Mapping[str, str]
) -> Version:
    """The version that a folder's templates and the images' sources make.

    The root's parameters have what is given for their defaults, and where the nested templates will lie, so that nobody
    has to fill that in.
    """
    packed = archive(sources("ARM64"))
    location = artifacts.location(bucket, published.prefix_of(version_name))
    launched = {
        STORE: with_defaults(package(templates), {**given, **location}),
        IMAGES: package(templates, TEMPLATE),
    }
    return Version(version_name, launched, {f"sources-{key(packed)}": packed})


def put(version: Version, bucket: artifacts.Bucket, session: Session, console: Console) -> None:
    """Puts a version into a bucket, and has CloudFormation read it there."""
    console.step(f"Publishing {len(version.files)} files to s3://{bucket.name}/{version.prefix}")
    is_new = published.publish(session, bucket, version)
    console.done(f"Version {version.name} is {'published' if is_new else 'there already, and the same'}")
    mistakes = published.unresolved(session, bucket, version)
    if mistakes:
        raise OperationError("CloudFormation cannot read the published set", "\n".join(mistakes))
    console.done("CloudFormation can read every template of it")


def _stack_name(environment: Environment | None) -> str:
    return environment.stack_name if environment else "orthanc"


def _link(session: Session, url: str, stack_name: str, values: Mapping[str, str]) -> str:
    """Source: CloudFormation user guide, "Create quick-create links for CloudFormation stacks"."""
    parameters = {f"param_{name}": value for name, value in sorted(values.items())}
    query = urlencode({"templateURL": url, "stackName": stack_name, **parameters}, quote_via=quote)
    console = f"https://{session.region}.{_CONSOLES[session.partition]}/cloudformation/home"
    return f"{console}?region={session.region}#/stacks/quickcreate?{query}"
