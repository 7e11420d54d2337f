"""The image repositories of an account, in Amazon ECR."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws.errors import code_of
from scripts.aws.session import Session

_REFERENCE = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<name>[^@]+)@(?P<digest>sha256:\w+)"
)


@dataclass(frozen=True)
class StoredImage:
    """An image of a repository, by its digest; `findings` are the numbers of known weaknesses by severity."""

    reference: str
    tags: tuple[str, ...]
    pushed: datetime
    size: int
    findings: Mapping[str, int]


class Registry:
    """Finds images in repositories, which are named by their addresses, such as those that the stack puts out."""

    def __init__(self, session: Session) -> None:
        self._ecr = session.client("ecr")
        self._region = session.region

    def reference(self, repository: str, tag: str) -> str | None:
        """An image by its digest, `REPOSITORY@sha256:…`, or None where there is no such tag."""
        try:
            found = self._ecr.describe_images(repositoryName=_name(repository), imageIds=[{"imageTag": tag}])
        except ClientError as error:
            if code_of(error) == "ImageNotFoundException":
                return None
            raise
        return f"{repository}@{found['imageDetails'][0]['imageDigest']}"

    def tags(self, reference: str) -> tuple[str, ...]:
        """All tags of an image that is named by its digest, in a repository of any account.

        Empty where they cannot be told: in another registry or region, or where this identity may not ask.
        """
        image = _REFERENCE.fullmatch(reference)
        if not image or image["region"] != self._region:
            return ()
        try:
            found = self._ecr.describe_images(
                registryId=image["account"],
                repositoryName=image["name"],
                imageIds=[{"imageDigest": image["digest"]}],
            )
        except (BotoCoreError, ClientError):
            return ()
        return tuple(sorted(found["imageDetails"][0].get("imageTags", [])))

    def images(self, repository: str) -> list[StoredImage]:
        """The tagged images of a repository, the latest first."""
        pages = self._ecr.get_paginator("describe_images").paginate(
            repositoryName=_name(repository), filter={"tagStatus": "TAGGED"}
        )
        found = [_stored(repository, detail) for page in pages for detail in page["imageDetails"]]
        return sorted(found, key=lambda image: image.pushed, reverse=True)

    def login(self, repository: str) -> dict[str, Any]:
        """What a container engine's configuration file must hold for it to push to a repository, for twelve hours."""
        token = self._ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
        return {"auths": {self.push_address(repository).partition("/")[0]: {"auth": token}}}

    @property
    def is_emulated(self) -> bool:
        """Whether requests go to an emulator of AWS on this machine."""
        return (self._endpoint.hostname or "").startswith("127.")

    def push_address(self, repository: str) -> str:
        """Where a container engine reaches a repository: its address, or on an emulator, the emulator's."""
        return f"{self._endpoint.netloc}/{_name(repository)}" if self.is_emulated else repository

    @property
    def _endpoint(self) -> SplitResult:
        return urlsplit(self._ecr.meta.endpoint_url)


def _name(repository: str) -> str:
    return repository.partition("/")[2]


def _stored(repository: str, detail: dict[str, Any]) -> StoredImage:
    counts = detail.get("imageScanFindingsSummary", {}).get("findingSeverityCounts", {})
    return StoredImage(
        reference=f"{repository}@{detail['imageDigest']}",
        tags=tuple(sorted(detail.get("imageTags", []))),
        pushed=detail["imagePushedAt"],
        size=detail.get("imageSizeInBytes", 0),
        findings=counts,
    )
