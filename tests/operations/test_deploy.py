"""Deploying a set that is three stacks deep to the emulator, over HTTP with boto3."""

import json

import pytest

from scripts.aws import changeset
from scripts.aws.artifacts import artifact_bucket, location, upload, url
from scripts.aws.package import package
from scripts.console import Console
from scripts.emulator import Emulator
from scripts.errors import OperationError
from scripts.operations.deploy import Options
from scripts.operations.status import find, status
from tests.operations.deployer import Deployer, Interrupting, Refusing
from tests.operations.three_levels import REASON


def test_a_new_environment_is_created_protected_and_tagged(deployer: Deployer) -> None:
    assert deployer.deploy(Options(tags={"Owner": "radiology"}, ask=False)) == {"Word": "one"}
    stack = deployer.stack()
    assert stack is not None
    assert stack.status == "CREATE_COMPLETE"
    assert stack.protected
    assert stack.tags == {"Application": "orthanc-aws", "Environment": "test", "Owner": "radiology"}


def test_a_second_run_without_changes_does_nothing(
    deployer: Deployer, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer.deploy()
    before = deployer.stack()
    assert deployer.deploy() == {"Word": "one"}
    assert "nothing to do" in capsys.readouterr().err
    assert deployer.stack() == before
    assert deployer.change_sets() == []


def test_a_changed_value_reaches_the_innermost_stack(
    deployer: Deployer, capsys: pytest.CaptureFixture[str]
) -> None:
    deployer.deploy()
    capsys.readouterr()
    assert deployer.deploy(word="two") == {"Word": "two"}
    shown = capsys.readouterr().err
    assert "      ~ Value (AWS::SSM::Parameter) [Value]" in shown
    assert "UPDATE_COMPLETE      root/Middle/Inner/Value (The word)" in shown


def test_tags_given_earlier_are_kept(deployer: Deployer) -> None:
    deployer.deploy(Options(tags={"Owner": "radiology"}, ask=False))
    deployer.deploy(word="two")
    stack = deployer.stack()
    assert stack is not None
    assert stack.tags["Owner"] == "radiology"


def test_a_creation_that_fails_three_levels_deep_is_reported_with_its_reason(deployer: Deployer) -> None:
    with pytest.raises(OperationError) as raised:
        deployer.deploy(broken=True)
    assert "ROLLBACK_COMPLETE" in raised.value.what
    expected = f"root/Middle/Inner/Broken (AWS::ElasticLoadBalancingV2::Listener): {REASON}"
    assert raised.value.reason.startswith(expected)
    assert len(raised.value.reason.splitlines()) == 1
    assert "orthanc-aws deploy test" in raised.value.advice


def test_a_run_after_a_failed_creation_removes_the_rest_and_creates_anew(
    deployer: Deployer, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(OperationError):
        deployer.deploy(broken=True)
    assert deployer.deploy() == {"Word": "one"}
    shown = capsys.readouterr().err
    assert "the empty rest of a creation that was rolled back" in shown
    assert (
        f"It had failed at root/Middle/Inner/Broken (AWS::ElasticLoadBalancingV2::Listener): {REASON}"
        in shown
    )


def test_an_update_that_fails_leaves_the_stack_as_it_was_and_a_corrected_one_carries_on(
    deployer: Deployer,
) -> None:
    deployer.deploy()
    with pytest.raises(OperationError, match="UPDATE_ROLLBACK_COMPLETE: root/Middle/Inner/Broken"):
        deployer.deploy(word="two", broken=True)
    stack = deployer.stack()
    assert stack is not None
    assert stack.outputs == {"Word": "one"}
    assert deployer.deploy(word="two") == {"Word": "two"}


def test_the_status_of_a_failed_update_tells_the_reason_of_then(deployer: Deployer) -> None:
    deployer.deploy()
    with pytest.raises(OperationError):
        deployer.deploy(broken=True)
    shown = status(deployer.environment(), deployer.session)
    assert shown.failure is not None
    assert shown.failure.first.path == ("Middle", "Inner", "Broken")
    (middle,) = shown.tree.children
    (inner,) = middle.children
    assert inner.path == ("Middle", "Inner")
    assert "Value" in inner.resources


def test_a_declined_creation_leaves_nothing_behind(deployer: Deployer) -> None:
    deployer.console = Refusing()
    with pytest.raises(OperationError, match="Not deployed"):
        deployer.deploy(Options())
    assert deployer.stack() is None


def test_a_declined_update_leaves_the_stack_and_no_change_set(deployer: Deployer) -> None:
    deployer.deploy()
    before = deployer.stack()
    deployer.console = Refusing()
    with pytest.raises(OperationError, match="Not deployed"):
        deployer.deploy(Options(), word="two")
    assert deployer.stack() == before
    assert deployer.change_sets() == []


@pytest.mark.parametrize("deployed_before", [False, True])
def test_what_an_interrupted_run_proposed_is_removed_by_the_next(
    deployer: Deployer, deployed_before: bool
) -> None:
    if deployed_before:
        deployer.deploy(word="zero")
    environment, session = deployer.environment(), deployer.session
    root = package(environment.templates)
    bucket = artifact_bucket(session, None)
    upload(session, bucket, root.all)
    parameters = environment.values() | location(bucket)
    request = changeset.Request(
        environment.stack_name, url(session, bucket, root), parameters, {}, "interrupted"
    )
    left = changeset.propose(session.cloudformation, request, is_new=not deployed_before)
    assert left.id in deployer.change_sets()
    assert deployer.deploy() == {"Word": "one"}
    assert deployer.change_sets() == []


@pytest.mark.parametrize("kind", ["throttle", "drop"])
def test_a_throttled_api_or_a_lost_connection_in_the_middle_does_not_stop_it(
    deployer: Deployer, emulator: Emulator, kind: str
) -> None:
    emulator.inject(kind, "DescribeStackEvents", times=2)
    assert deployer.deploy() == {"Word": "one"}


def test_ctrl_c_tells_that_the_deployment_goes_on_and_the_next_run_finds_it_done(deployer: Deployer) -> None:
    deployer.console = Interrupting()
    with pytest.raises(OperationError, match="stopped by ctrl-C") as raised:
        deployer.deploy()
    assert "`orthanc-aws deploy test` follows it again" in raised.value.advice
    deployer.console = Console()
    assert deployer.deploy() == {"Word": "one"}
    stack = deployer.stack()
    assert stack is not None
    assert stack.protected


def test_a_stack_of_the_same_name_that_is_not_ours_is_left_alone(deployer: Deployer) -> None:
    environment, client = deployer.environment(), deployer.session.cloudformation
    theirs = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "theirs"}}
    parameters = {"Cost": {"Type": "String"}, "Word": {"Type": "String"}}
    body = json.dumps({"Parameters": parameters, "Resources": {"Value": theirs}})
    given = [{"ParameterKey": name, "ParameterValue": "x"} for name in parameters]
    client.create_stack(StackName=environment.stack_name, TemplateBody=body, Parameters=given)
    for change in (deployer.deploy, lambda: find(environment, deployer.session)):
        with pytest.raises(OperationError, match=r"was not made from root\.yaml") as raised:
            change()
        assert "Of its 2 parameters, 1 are" in raised.value.reason
    (resource,) = client.list_stack_resources(StackName=environment.stack_name)["StackResourceSummaries"]
    assert resource["LogicalResourceId"] == "Value"
