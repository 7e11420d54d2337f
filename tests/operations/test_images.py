"""Images of a deployment, made in the account of the emulator, which runs the template's own build specification."""

import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scripts.aws import stacks
from scripts.aws.artifacts import artifact_bucket
from scripts.aws.registry import Registry
from scripts.aws.session import Session
from scripts.console import Console
from scripts.errors import OperationError
from scripts.images.plugin import Plugin
from scripts.images.sources import Source, archive
from scripts.local.engine import Engine
from scripts.operations import deploy, images
from scripts.operations.environment import Environment
from scripts.operations.image_builds import How, _push

TEMPLATES = Path(__file__).parents[2] / "templates"
pytestmark = pytest.mark.xdist_group("images")


@pytest.fixture
def stack_name(monkeypatch: pytest.MonkeyPatch) -> str:
    """A stack of repositories of the test's own."""
    name = f"images-{uuid.uuid4().hex[:8]}"
    monkeypatch.setattr(images, "STACK_NAME", name)
    return name


class Pusher:
    """Pushes the images of one environment, with bills of materials in a folder of the test."""

    def __init__(self, folder: Path, session: Session, stack_name: str) -> None:
        self.folder, self.session, self.stack_name = folder, session, stack_name

    def environment(self, **values: str) -> Environment:
        file = self.folder / "hospital.json"
        file.write_text(json.dumps(values))
        return Environment("hospital", "orthanc-hospital", file, TEMPLATES, "hospital")

    def options(self, **more: Any) -> images.Options:
        how = How(bills=self.folder / "bills")
        return replace(images.Options(how=how, deployment=deploy.Options(ask=False)), **more)

    def push(self, environment: Environment | None = None, **more: Any) -> dict[str, str]:
        asked = environment or self.environment()
        return images.push(asked, self.options(**more), self.session, Console())

    def stack(self) -> stacks.Stack:
        stack = stacks.find(self.session.cloudformation, self.stack_name)
        assert stack is not None
        return stack

    def builds(self) -> list[str]:
        project = self.stack().outputs["Project"]
        ids = self.session.client("codebuild").list_builds_for_project(projectName=project)["ids"]
        return list(ids)


@pytest.fixture
def pusher(tmp_path: Path, session: Session, stack_name: str) -> Pusher:
    return Pusher(tmp_path, session, stack_name)


def test_images_are_built_once_and_named_by_their_digests(pusher: Pusher) -> None:
    made = pusher.push()
    assert made.keys() == {"OrthancImage", "NginxImage"}
    outputs = pusher.stack().outputs
    assert made["NginxImage"].startswith(f"{outputs['NginxRepository']}@sha256:")
    assert pusher.push() == made
    assert len(pusher.builds()) == 1


def test_each_image_has_a_bill_of_materials(pusher: Pusher) -> None:
    pusher.push()
    bills = [json.loads(file.read_text()) for file in (pusher.folder / "bills").iterdir()]
    assert sorted(bill["metadata"]["component"]["name"] for bill in bills) == [
        "orthanc-aws/nginx",
        "orthanc-aws/orthanc",
    ]


def test_the_log_of_the_build_is_shown_and_kept_in_the_stacks_own_group(
    pusher: Pusher, capsys: pytest.CaptureFixture[str]
) -> None:
    made = pusher.push()
    assert f"… OrthancImage: {made['OrthancImage']}" in capsys.readouterr().err
    group = pusher.stack().outputs["BuildLogGroup"]
    streams = pusher.session.client("logs").describe_log_streams(logGroupName=group)["logStreams"]
    assert len(streams) == 1


def test_the_tags_of_an_image_tell_its_plugin(pusher: Pusher, session: Session) -> None:
    made = pusher.push()
    (orthanc, nginx) = (Registry(session).tags(made[name]) for name in ("OrthancImage", "NginxImage"))
    assert Plugin.of_tags(orthanc) == Plugin("10.3", 10)
    assert orthanc == (orthanc[0], f"{orthanc[0]}-postgresql-10.3")
    assert Plugin.of_tags(nginx) is None


@pytest.mark.parametrize(
    "image",
    [
        f"registry.example.org/orthanc@sha256:{'a' * 64}",
        f"123456789012.dkr.ecr.eu-west-9.amazonaws.com/orthanc@sha256:{'a' * 64}",
        f"123456789012.dkr.ecr.us-east-1.amazonaws.com/nowhere@sha256:{'a' * 64}",
    ],
)
def test_an_image_that_cannot_be_asked_for_has_no_tags(session: Session, image: str) -> None:
    assert Registry(session).tags(image) == ()


def test_images_for_other_processors_are_others(pusher: Pusher) -> None:
    arm = pusher.push(pusher.environment(Architecture="ARM64"))
    intel = pusher.push(pusher.environment(Architecture="X86_64"))
    tags = {
        name: tag
        for item in images.listed(pusher.environment(Architecture="X86_64"), pusher.session)
        for name, tag in ((item.image.reference, item.image.tags[0]),)
    }
    assert tags[arm["NginxImage"]].endswith("-arm64")
    assert tags[intel["NginxImage"]].endswith("-amd64")
    assert pusher.stack().parameters["Architecture"] == "ARM64"


def test_who_may_pull_stays_as_it_is_until_somebody_says_otherwise(pusher: Pusher) -> None:
    pusher.push(organization="o-a1b2c3d4e5")
    pusher.push()
    assert pusher.stack().parameters["OrganizationId"] == "o-a1b2c3d4e5"
    pusher.push(organization="")
    assert pusher.stack().parameters["OrganizationId"] == ""


def test_the_repositories_are_deleted_as_the_documentation_says(pusher: Pusher) -> None:
    pusher.push()
    client = pusher.session.cloudformation
    with pytest.raises(client.exceptions.ClientError, match="TerminationProtection"):
        client.delete_stack(StackName=pusher.stack_name)
    client.update_termination_protection(StackName=pusher.stack_name, EnableTerminationProtection=False)
    client.delete_stack(StackName=pusher.stack_name)
    client.get_waiter("stack_delete_complete").wait(StackName=pusher.stack_name, WaiterConfig={"Delay": 1})
    assert stacks.find(client, pusher.stack_name) is None


def test_the_list_marks_what_the_sources_here_make(pusher: Pusher) -> None:
    pusher.push()
    listed = images.listed(pusher.environment(), pusher.session)
    assert [(item.name, item.is_current) for item in listed] == [("orthanc", True), ("nginx", True)]
    assert json.dumps([item.as_json() for item in listed])


def test_without_repositories_the_list_says_how_to_get_them(pusher: Pusher) -> None:
    with pytest.raises(OperationError, match="no image repositories") as raised:
        images.listed(pusher.environment(), pusher.session)
    assert "orthanc-aws images push hospital" in raised.value.advice


def test_a_build_that_fails_tells_its_log(pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive([Source("nowhere", "NowhereImage", "0" * 16, "ARM64")])
    monkeypatch.setattr(images, "archive", lambda _: packed)
    monkeypatch.setattr("scripts.aws.builds._LOG_DELAY", 0.0)
    with pytest.raises(OperationError) as raised:
        pusher.push()
    assert "ended with FAILED" in raised.value.what
    assert "BUILD: Error while executing command" in raised.value.reason
    assert pusher.stack().outputs["BuildLogGroup"] in raised.value.advice


def test_a_deployment_makes_the_images_that_its_parameter_set_lacks(pusher: Pusher) -> None:
    given = f"registry.example.org/orthanc@sha256:{'a' * 64}"
    asked = pusher.environment(OrthancImage=given)
    made = images.with_images(asked, deploy.Options(ask=False), pusher.session, Console()).values()
    assert made["OrthancImage"] == given
    assert made["NginxImage"].startswith(pusher.stack().outputs["NginxRepository"])


def test_a_deployment_with_both_images_given_makes_none(pusher: Pusher) -> None:
    image = f"registry.example.org/any@sha256:{'a' * 64}"
    asked = pusher.environment(OrthancImage=image, NginxImage=image)
    assert images.with_images(asked, deploy.Options(ask=False), pusher.session, Console()) is asked
    assert stacks.find(pusher.session.cloudformation, pusher.stack_name) is None


def test_a_difference_is_asked_for_without_building(
    pusher: Pusher, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = images.with_known_images(pusher.environment(), pusher.session, Console()).values()
    assert unknown["NginxImage"].endswith("0" * 64)
    assert "not built yet" in capsys.readouterr().err
    made = pusher.push()
    known = images.with_known_images(pusher.environment(), pusher.session, Console()).values()
    assert known == made


def test_an_engine_reaches_the_emulators_registry_and_elsewhere_the_repository_itself(
    session: Session,
) -> None:
    registry = Registry(session)
    assert registry.push_address("1.dkr.ecr.us-east-1.amazonaws.com/a/b").startswith("127.0.0.1:")
    (address,) = registry.login("1.dkr.ecr.us-east-1.amazonaws.com/a/b")["auths"]
    assert address.startswith("127.0.0.1:")


def test_images_on_a_base_of_this_machine_are_not_built_in_the_account(pusher: Pusher) -> None:
    with pytest.raises(OperationError, match="not built in the account"):
        pusher.push(how=How(base="debian", bills=pusher.folder))


def test_images_for_other_processors_are_not_built_here(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(OperationError, match="Images for ARM64 cannot be built here"):
        images.build(pusher.environment(Architecture="ARM64"), How(), Console())


def test_ctrl_c_leaves_a_build_that_the_next_run_finds_done(
    pusher: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("scripts.aws.builds.Builds.follow", interrupt)
        with pytest.raises(OperationError, match=r"stopped by ctrl-C") as raised:
            pusher.push()
    assert "follows it" in raised.value.advice
    pusher.push()
    assert len(pusher.builds()) == 1


def test_of_two_who_push_the_same_at_once_the_slower_one_takes_what_the_faster_one_pushed(
    pusher: Pusher,
) -> None:
    class Slow(Engine):
        def push(self, image: str, address: str, login: Any) -> None:
            pusher.push()
            raise OperationError("podman push failed", "the tag is immutable, and there already")

    address, tag = "1.dkr.ecr.us-east-1.amazonaws.com/any/nginx", "none"
    registry = Registry(pusher.session)
    pusher.session.client("ecr").create_repository(repositoryName="any/nginx")
    with pytest.raises(OperationError, match="podman push failed"):
        _push(Slow("podman"), "nginx", address, tag, registry)
    listed = images.listed(pusher.environment(), pusher.session)[0].image
    _push(Slow("podman"), "orthanc", listed.reference.partition("@")[0], listed.tags[0], registry)


def test_builds_may_read_the_bucket_that_the_archive_is_put_into(pusher: Pusher, session: Session) -> None:
    pusher.push()
    bucket = f"other-{uuid.uuid4().hex[:8]}"
    session.s3.create_bucket(Bucket=bucket)
    pusher.push(
        pusher.environment(Architecture="X86_64"), deployment=deploy.Options(bucket=bucket, ask=False)
    )
    source = pusher.stack().parameters
    assert source["SourceBucket"] == bucket
    assert session.s3.head_object(Bucket=bucket, Key=source["SourceKey"])["ContentLength"] > 1000
    assert source["Architecture"] == "ARM64"


def test_what_a_later_template_declares_no_more_is_not_sent(pusher: Pusher) -> None:
    earlier = {"OrganizationId": "o-a1b2c3d4e5", "Architecture": "ARM64", "Forgotten": "value"}
    made = replace(pusher.environment(), root=images.TEMPLATE).continuing(earlier, {"Architecture": "X86_64"})
    assert made.values() == {"OrganizationId": "o-a1b2c3d4e5", "Architecture": "X86_64"}


def test_the_source_archive_lies_where_the_project_may_read_it(pusher: Pusher, session: Session) -> None:
    pusher.push()
    bucket = artifact_bucket(session, None)
    key = pusher.stack().parameters["SourceKey"]
    assert key.startswith("images/")
    assert session.s3.head_object(**bucket.address, Key=key)["ContentLength"] > 1000
