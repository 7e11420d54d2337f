"""Published versions: sets of files under a prefix of their own in S3, which are never replaced by others."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from generator import yaml_text
from generator.stacks.launch_role import PUBLISHED_PREFIX
from scripts.aws import artifacts
from scripts.aws.artifacts import Bucket
from scripts.aws.errors import code_of, message_of
from scripts.aws.package import Template, address
from scripts.aws.session import Session
from scripts.aws.vocabulary import NESTED_STACK
from scripts.errors import OperationError

_MANIFEST = "manifest.json"
_CHANGED_MEANWHILE = ("412", "PreconditionFailed")


def prefix_of(version_name: str) -> str:
    """What the keys of a version's files begin with."""
    return f"{PUBLISHED_PREFIX}{version_name}/"


@dataclass(frozen=True)
class Version:
    """What is published as one version.

    `launched` are the packaged templates that people launch, by what they are for; `others` further files by name.
    """

    name: str
    launched: Mapping[str, Template]
    others: Mapping[str, bytes]

    @property
    def prefix(self) -> str:
        """What the keys of its files begin with."""
        return prefix_of(self.name)

    @cached_property
    def templates(self) -> dict[str, Template]:
        """Every template of the set by its name, each once."""
        return {inner.key: inner for template in self.launched.values() for inner in template.all}

    @cached_property
    def files(self) -> dict[str, bytes]:
        """The content of every file by its name."""
        texts = {name: template.body.encode() for name, template in self.templates.items()}
        return {**texts, **self.others}

    @property
    def manifest(self) -> bytes:
        """What the version consists of: the same content has the same manifest."""
        digests = {name: hashlib.sha256(body).hexdigest() for name, body in sorted(self.files.items())}
        launched = {purpose: template.key for purpose, template in sorted(self.launched.items())}
        return (
            json.dumps({"Version": self.name, "Launched": launched, "Files": digests}, indent=2) + "\n"
        ).encode()


def publish(session: Session, bucket: Bucket, version: Version) -> bool:
    """Uploads a version; False where it was there already, with the same content.

    The manifest comes last, as the sign that all is there. Raises OperationError where the version exists with other
    content, and where a file of it was changed after it was published.
    """
    manifest = version.prefix + _MANIFEST
    is_new = _is_new(session, bucket, version)
    for name, body in version.files.items():
        kind = "application/yaml" if name in version.templates else "application/gzip"
        artifacts.store(session, bucket, version.prefix + name, body, kind)
        if artifacts.fetch(session, bucket, version.prefix + name) != body:
            raise OperationError(
                f"s3://{bucket.name}/{version.prefix}{name} is not what was published",
                "somebody changed it",
                "Restore the object's first version, and find out who may write to the bucket.",
            )
    if is_new:
        _claim(session, bucket, manifest, version)
    return is_new


def unresolved(session: Session, bucket: Bucket, version: Version) -> list[str]:
    """What CloudFormation says of each template address in the set that it cannot read, a sentence each.

    Addresses are those that the templates themselves come to with the location's parameters filled in.
    """
    location = {**artifacts.location(bucket, version.prefix), "AWS::URLSuffix": session.url_suffix}
    found = []
    for where, url in sorted({*_launched(session, bucket, version), *_nested(version, location)}):
        try:
            session.cloudformation.validate_template(TemplateURL=url)
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            found.append(f"{where}: {url}: {message_of(error)}")
    return found


def url_of(session: Session, bucket: Bucket, version: Version, name: str) -> str:
    """The address of a file of a version."""
    return address(bucket.name, bucket.region, session.url_suffix, version.prefix, name)


def _is_new(session: Session, bucket: Bucket, version: Version) -> bool:
    there = artifacts.fetch(session, bucket, version.prefix + _MANIFEST)
    if there not in (None, version.manifest):
        raise _taken(version, bucket)
    return there is None


def _claim(session: Session, bucket: Bucket, key: str, version: Version) -> None:
    """Writes the manifest unless somebody else did meanwhile."""
    try:
        session.s3.put_object(
            **bucket.address,
            Key=key,
            Body=version.manifest,
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if code_of(error) not in _CHANGED_MEANWHILE:
            raise
        _is_new(session, bucket, version)


def _taken(version: Version, bucket: Bucket) -> OperationError:
    return OperationError(
        f"Version {version.name} is published in s3://{bucket.name} with other content",
        "A published version never changes, neither its templates nor what its form begins with.",
        "Publish under another version, or with the same --parameters.",
    )


def _launched(session: Session, bucket: Bucket, version: Version) -> Iterator[tuple[str, str]]:
    for purpose, template in version.launched.items():
        yield purpose, url_of(session, bucket, version, template.key)


def _nested(version: Version, location: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, template in version.templates.items():
        for logical_id, resource in yaml_text.load(template.body)["Resources"].items():
            if resource["Type"] == NESTED_STACK:
                yield f"{name}, {logical_id}", _filled_in(resource["Properties"]["TemplateURL"], location)


def _filled_in(expression: Mapping[str, Any], location: Mapping[str, str]) -> str:
    text = str(expression["Fn::Sub"])
    for name, value in location.items():
        text = text.replace(f"${{{name}}}", value)
    return text
