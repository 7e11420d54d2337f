"""A published version is whole, never changes, and can be launched with what its links say and nothing else."""

import json
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from generator import yaml_text
from scripts.aws import published
from scripts.aws.artifacts import artifact_bucket
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations import publish as publishing
from scripts.operations.environment import Environment
from scripts.operations.publish import prepared
from tests.operations.three_levels import write

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"


class Publisher:
    """Publishes a small set of templates, which is not linted, to a bucket of the test."""

    def __init__(self, folder: Path, session: Session, bucket: str) -> None:
        self.folder, self.session, self.bucket = folder, session, bucket

    def publish(
        self, version: str, templates: Path | None = None, environment: Environment | None = None
    ) -> dict[str, str]:
        folder = templates or self.folder
        return publishing.publish(version, folder, environment, self.bucket, self.session, Console())

    def objects(self) -> list[str]:
        listed = self.session.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"] for item in listed]


@pytest.fixture
def publisher(tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    monkeypatch.setattr(publishing, "lint_unless_clean", lambda _: [])
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder)
    shutil.copy(TEMPLATES / "images.yaml", folder)
    bucket = f"published-{time.time_ns()}"
    session.s3.create_bucket(Bucket=bucket)
    return Publisher(folder, session, bucket)


def test_a_version_lies_under_a_prefix_of_its_own(publisher: Publisher) -> None:
    publisher.publish("1.0")
    assert {key.rpartition("/")[0] for key in publisher.objects()} == {"orthanc-aws/1.0"}
    assert "orthanc-aws/1.0/manifest.json" in publisher.objects()
    assert len(publisher.objects()) == 3 + 1 + 1 + 1  # a root with two below, images, sources, manifest


def test_the_same_version_may_be_published_again_and_nothing_changes(publisher: Publisher) -> None:
    first = publisher.publish("1.0")
    keys = publisher.objects()
    assert publisher.publish("1.0") == first
    assert publisher.objects() == keys


def test_a_version_with_other_content_is_refused_and_nothing_is_uploaded(publisher: Publisher) -> None:
    publisher.publish("1.0")
    keys = publisher.objects()
    inner = publisher.folder / "inner.yaml"
    inner.write_text(inner.read_text() + "# changed\n")
    with pytest.raises(OperationError, match=r"Version 1\.0 is published .* with other content"):
        publisher.publish("1.0")
    assert publisher.objects() == keys
    assert publisher.publish("1.1")["Store"] != ""


def test_two_who_publish_other_content_at_once_are_told_apart(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = publisher.folder / "inner.yaml"
    bucket = artifact_bucket(publisher.session, publisher.bucket)
    late = prepared("1.0", publisher.folder, bucket, {})
    inner.write_text(inner.read_text() + "# changed\n")
    early = prepared("1.0", publisher.folder, bucket, {})
    with monkeypatch.context() as patched:
        # Both have looked before either has written.
        patched.setattr(published, "_is_new", lambda *_: True)
        published.publish(publisher.session, bucket, early)
    with pytest.raises(OperationError, match="with other content"):
        published._claim(publisher.session, bucket, late.prefix + "manifest.json", late)


def test_a_file_that_somebody_changed_is_noticed(publisher: Publisher) -> None:
    publisher.publish("1.0")
    (key,) = [key for key in publisher.objects() if "/inner-" in key]
    publisher.session.s3.put_object(Bucket=publisher.bucket, Key=key, Body=b"Resources: {}")
    with pytest.raises(OperationError, match="is not what was published"):
        publisher.publish("1.0")


def test_an_address_that_does_not_resolve_is_named(publisher: Publisher) -> None:
    publisher.publish("1.0")
    bucket = artifact_bucket(publisher.session, publisher.bucket)
    version = prepared("1.0", publisher.folder, bucket, {})
    (key,) = [key for key in publisher.objects() if "/inner-" in key]
    publisher.session.s3.delete_object(Bucket=publisher.bucket, Key=key)
    (mistake,) = published.unresolved(publisher.session, bucket, version)
    assert mistake.startswith("middle-")
    assert key in mistake


def test_findings_in_the_templates_are_told_before_anything_is_uploaded(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "lint_unless_clean", lambda _: ["root.yaml:1:1: E0000 broken"])
    with pytest.raises(OperationError, match="E0000"):
        publisher.publish("1.0")
    assert publisher.objects() == []


def test_a_parameter_set_with_mistakes_makes_no_link(publisher: Publisher, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"Word": "NO"}')
    environment = Environment("wrong", "orthanc-wrong", wrong, publisher.folder, "wrong")
    with pytest.raises(OperationError, match="The parameter set has mistakes"):
        publisher.publish("1.0", environment=environment)


def test_the_published_root_knows_where_the_others_lie(publisher: Publisher) -> None:
    publisher.publish("1.0")
    (key,) = [key for key in publisher.objects() if "/root-" in key]
    body = publisher.session.s3.get_object(Bucket=publisher.bucket, Key=key)["Body"].read().decode()
    declared = yaml_text.load(body)["Parameters"]
    assert declared["TemplateBucket"]["Default"] == publisher.bucket
    assert declared["TemplateRegion"]["Default"] == "us-east-1"
    assert declared["TemplateKeyPrefix"]["Default"] == "orthanc-aws/1.0/"


def launched(session: Session, link: str, name: str, **more: str) -> dict[str, Any]:
    """The stack that the form of a link makes once it is sent, with what a person fills in besides."""
    page, _, query = link.partition("#/stacks/quickcreate?")
    assert page == "https://us-east-1.console.aws.amazon.com/cloudformation/home?region=us-east-1"
    fields = dict(parse_qsl(query, strict_parsing=True))
    given = {key.removeprefix("param_"): value for key, value in fields.items() if key.startswith("param_")}
    client = session.cloudformation
    client.create_stack(
        StackName=name,
        TemplateURL=fields["templateURL"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in {**given, **more}.items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    stack: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def built(session: Session, project: str) -> dict[str, str]:
    """The images that a build without any changes names at the end of its log."""
    client = session.client("codebuild")
    build = client.start_build(projectName=project)["build"]
    while build["buildStatus"] == "IN_PROGRESS":
        time.sleep(0.1)
        build = client.batch_get_builds(ids=[build["id"]])["builds"][0]
    place = build["logs"]
    events = session.client("logs").get_log_events(
        logGroupName=place["groupName"], logStreamName=place["streamName"], startFromHead=True
    )["events"]
    lines = [event["message"].split(": ") for event in events if "Image: " in event["message"]]
    return dict(lines)


def test_a_store_is_launched_with_nothing_but_a_browser(
    publisher: Publisher, session: Session, tmp_path: Path
) -> None:
    domain = f"{publisher.bucket}.example.org"
    small = json.loads((PROJECT / "parameters" / "small.json").read_text())
    file = tmp_path / "small.json"
    file.write_text(json.dumps({**small, "DomainName": domain}))
    environment = Environment("small", "orthanc-small", file, TEMPLATES, "small")
    links = publisher.publish("1.0", TEMPLATES, environment)
    assert f"param_TemplateBucket={publisher.bucket}" in unquote(links["Store"])

    images = built(session, launched(session, links["Images"], f"images-{publisher.bucket}")["Project"])
    assert images.keys() == {"OrthancImage", "NginxImage"}
    outputs = launched(session, links["Store"], f"store-{publisher.bucket}", **images)
    assert outputs["DicomWebUrl"] == f"https://{domain}/dicom-web/"
