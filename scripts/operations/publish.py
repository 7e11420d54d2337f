"""`orthanc-aws publish templates`: a version that people launch from the console, with nothing but a browser."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from generator import render
from scripts.aws import artifacts, published
from scripts.aws.package import package
from scripts.aws.published import Version
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.images.sources import archive, key, sources
from scripts.operations.environment import Environment
from scripts.operations.images import STACK_NAME, TEMPLATE, with_known_images
from scripts.operations.lint import lint

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
    _check(templates, console)
    bucket = artifacts.artifact_bucket(session, bucket_name)
    version, source_key = prepared(version_name, templates)
    console.step(f"Publishing {len(version.files)} files to s3://{bucket.name}/{version.prefix}")
    is_new = published.publish(session, bucket, version)
    console.done(f"Version {version_name} is {'published' if is_new else 'there already, and the same'}")
    mistakes = published.unresolved(session, bucket, version)
    if mistakes:
        raise OperationError("CloudFormation cannot read the published set", "\n".join(mistakes))
    console.done("CloudFormation can read every template of it")
    location = artifacts.location(bucket, version.prefix)
    source = {"SourceBucket": bucket.name, "SourceKey": version.prefix + source_key}
    given = _given(environment, session, console)
    asked = {name: given[name] for name in ("Architecture",) if name in given}
    root, images = (version.launched[purpose].key for purpose in (STORE, IMAGES))
    return {
        "Images": _link(
            session, published.url_of(session, bucket, version, images), STACK_NAME, source | asked
        ),
        "Store": _link(
            session,
            published.url_of(session, bucket, version, root),
            _stack_name(environment),
            given | location,
        ),
        "Template": published.url_of(session, bucket, version, root),
    }


def prepared(version_name: str, templates: Path) -> tuple[Version, str]:
    """The version that the templates of a folder and the images' sources make, and the name of the sources' archive."""
    packed = archive(sources("ARM64"))
    name = f"sources-{key(packed)}"
    launched = {STORE: package(templates), IMAGES: package(templates, TEMPLATE)}
    return Version(version_name, launched, {name: packed}), name


def _check(templates: Path, console: Console) -> None:
    console.step("Checking the templates")
    stale = render.check(templates) if templates == render.TEMPLATES else []
    findings = stale or lint(templates)
    if findings:
        raise OperationError(
            "The templates have findings", "\n".join(findings), "Run `orthanc-aws render`, or correct them."
        )


def _given(environment: Environment | None, session: Session, console: Console) -> dict[str, str]:
    """The values of the environment, without images that are not there yet."""
    if environment is None:
        return {}
    mistakes = environment.mistakes()
    if mistakes:
        raise OperationError("The parameter set has mistakes", "\n".join(mistakes))
    values = with_known_images(environment, session, console).values()
    return {name: value for name, value in values.items() if not value.endswith("0" * 64)}


def _stack_name(environment: Environment | None) -> str:
    return environment.stack_name if environment else "orthanc"


def _link(session: Session, url: str, stack_name: str, values: Mapping[str, str]) -> str:
    """Source: CloudFormation user guide, "Create quick-create links for CloudFormation stacks"."""
    parameters = {f"param_{name}": value for name, value in sorted(values.items())}
    query = urlencode({"templateURL": url, "stackName": stack_name, **parameters}, quote_via=quote)
    console = f"https://{session.region}.{_CONSOLES[session.partition]}/cloudformation/home"
    return f"{console}?region={session.region}#/stacks/quickcreate?{query}"
