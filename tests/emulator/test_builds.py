"""Builds of CodeBuild: the project's own commands run, against the emulator's S3 and ECR."""

import io
import tarfile
import time
import uuid
from typing import Any

import pytest

from tests.emulator.account import BUCKET, Account

SPECIFICATION = """\
version: 0.2
phases:
  build:
    commands:
      - aws s3 cp --quiet "s3://$SOURCE_BUCKET/$SOURCE_KEY" - | tar --extract --gzip
      - docker build --tag "$REPOSITORY:$TAG" image
      - docker push --quiet "$REPOSITORY:$TAG"
      - echo "on $(docker version --format x)"
"""


def archive(*names: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    return packed.getvalue()


@pytest.fixture
def project(account: Account) -> dict[str, str]:
    """A project with its repository and log group, made through CloudFormation."""
    variables = {"SOURCE_BUCKET": BUCKET, "SOURCE_KEY": "none", "TAG": "1"}
    given: list[dict[str, Any]] = [{"Name": name, "Value": value} for name, value in variables.items()]
    given.append({"Name": "REPOSITORY", "Value": {"Fn::GetAtt": ["Repository", "RepositoryUri"]}})
    group = f"builds-{uuid.uuid4().hex[:8]}"
    template = {
        "Resources": {
            "Repository": {
                "Type": "AWS::ECR::Repository",
                "Properties": {"ImageTagMutability": "IMMUTABLE"},
            },
            "Project": {
                "Type": "AWS::CodeBuild::Project",
                "Properties": {
                    "ServiceRole": "arn:aws:iam::000000000000:role/any",
                    "Artifacts": {"Type": "NO_ARTIFACTS"},
                    "Source": {"Type": "NO_SOURCE", "BuildSpec": SPECIFICATION},
                    "Environment": {
                        "Type": "LINUX_CONTAINER",
                        "Image": "any",
                        "ComputeType": "BUILD_GENERAL1_SMALL",
                        "EnvironmentVariables": given,
                    },
                    "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": group}},
                },
            },
        }
    }
    return {**account.resources(account.create(template)), "Group": group}


def build(account: Account, project: dict[str, str], content: bytes, **overrides: Any) -> dict[str, Any]:
    """Starts a build of an archive and waits for its end."""
    key = f"{uuid.uuid4()}.tar.gz"
    account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
    client = account.client("codebuild")
    started = client.start_build(
        projectName=project["Project"],
        environmentVariablesOverride=[{"name": "SOURCE_KEY", "value": key}],
        **overrides,
    )["build"]
    while (found := client.batch_get_builds(ids=[started["id"]])["builds"][0])[
        "buildStatus"
    ] == "IN_PROGRESS":
        time.sleep(0.02)
    return dict(found)


def lines(account: Account, found: dict[str, Any]) -> list[str]:
    place = found["logs"]
    events = account.client("logs").get_log_events(
        logGroupName=place["groupName"], logStreamName=place["streamName"]
    )["events"]
    return [event["message"] for event in events]


def test_a_build_pushes_its_image_and_writes_into_the_projects_log_group(
    account: Account, project: dict[str, str]
) -> None:
    found = build(account, project, archive("image/Dockerfile"))
    assert found["buildStatus"] == "SUCCEEDED"
    assert found["logs"]["groupName"] == project["Group"]
    assert lines(account, found)[-1] == "on amd64"
    images = account.client("ecr").describe_images(repositoryName=project["Repository"])["imageDetails"]
    assert [image["imageTags"] for image in images] == [["1"]]


def test_a_build_may_be_asked_for_another_machine(account: Account, project: dict[str, str]) -> None:
    found = build(account, project, archive("image/Dockerfile"), environmentTypeOverride="ARM_CONTAINER")
    assert lines(account, found)[-1] == "on arm64"


def test_a_command_that_fails_ends_the_build_and_is_named(account: Account, project: dict[str, str]) -> None:
    found = build(account, project, archive("image/README"))
    assert found["buildStatus"] == "FAILED"
    (context,) = found["phases"][-1]["contexts"]
    assert "docker build" in context["message"]
    assert "there is no image/Dockerfile" in lines(account, found)[-1]


def test_an_image_that_is_not_there_is_not_described(account: Account, project: dict[str, str]) -> None:
    client = account.client("ecr")
    with pytest.raises(client.exceptions.ImageNotFoundException):
        client.describe_images(repositoryName=project["Repository"], imageIds=[{"imageTag": "2"}])
