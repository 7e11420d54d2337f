"""Clients for one account and one region."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from scripts.errors import OperationError

_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=10,
    read_timeout=60,
    user_agent_extra="orthanc-aws",
)
_STANDARD_ENDPOINT = Config(
    ignore_configured_endpoint_urls=True, use_dualstack_endpoint=False, use_fips_endpoint=False
)


@dataclass(frozen=True)
class Connection:
    """How to reach AWS; what is None is found as the AWS CLI finds it, in the environment and the profile."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


class Session:
    """One signed-in identity in one region, from which the clients of all services come."""

    def __init__(self, connection: Connection) -> None:
        self._endpoint_url = connection.endpoint_url
        # The AWS CLI knows this variable, boto3 does not.
        region = connection.region or os.environ.get("AWS_REGION")
        self._boto = boto3.Session(profile_name=connection.profile, region_name=region)
        if self._boto.region_name is None:
            raise OperationError(
                "No AWS region", "", "Name one with --region, such as --region eu-central-1."
            )
        self.region: str = self._boto.region_name
        self.partition: str = self._boto.get_partition_for_region(self.region)

    def client(self, service: str) -> Any:
        """A boto3 client that makes five attempts at a throttled or failed request, with growing delays."""
        return self._boto.client(service, endpoint_url=self._endpoint_url, config=_CONFIG)

    @cached_property
    def cloudformation(self) -> Any:
        """The CloudFormation client."""
        return self.client("cloudformation")

    @cached_property
    def s3(self) -> Any:
        """The S3 client."""
        return self.client("s3")

    @cached_property
    def caller(self) -> str:
        """ARN of the identity that signs the requests."""
        return str(self._identity["Arn"])

    @property
    def account(self) -> str:
        """The account's twelve digits."""
        return str(self._identity["Account"])

    @cached_property
    def url_suffix(self) -> str:
        """What `AWS::URLSuffix` gives in this region: `amazonaws.com`, `amazonaws.com.cn` …"""
        host = self._boto.client("cloudformation", config=_STANDARD_ENDPOINT).meta.endpoint_url
        return str(host.split(f".{self.region}.", 1)[1])

    @cached_property
    def _identity(self) -> dict[str, Any]:
        identity: dict[str, Any] = self.client("sts").get_caller_identity()
        return identity
