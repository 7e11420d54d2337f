"""Faults appear when they are asked for, as often as they are asked for, and nowhere else."""

import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from scripts.emulator import EmulatorError
from tests.emulator.account import Account

TOPIC = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


@pytest.fixture
def impatient(account: Account) -> "boto3.client":
    """A client that tries once and reports what it met."""
    return boto3.client(
        "cloudformation",
        endpoint_url=account.emulator.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_a_throttled_action_is_refused_as_often_as_asked(account: Account, impatient: "boto3.client") -> None:
    account.emulator.inject("throttle", "ListExports", times=2)

    for _ in range(2):
        with pytest.raises(ClientError, match="Throttling"):
            impatient.list_exports()
    impatient.describe_stacks()
    impatient.list_exports()


def test_a_client_with_retries_does_not_notice_throttling(account: Account) -> None:
    account.emulator.inject("throttle", "ListExports", times=1)

    assert account.client("cloudformation").list_exports()["Exports"] == []


def test_a_dropped_request_was_not_carried_out(account: Account, impatient: "boto3.client") -> None:
    account.emulator.inject("drop", "CreateStack")
    name = f"test-{uuid.uuid4().hex[:8]}"

    with pytest.raises(ConnectionClosedError):
        impatient.create_stack(StackName=name, TemplateBody=TOPIC)

    with pytest.raises(ClientError, match="does not exist"):
        account.stack(name)


def test_a_lost_answer_belongs_to_a_request_that_was_carried_out(
    account: Account, impatient: "boto3.client"
) -> None:
    account.emulator.inject("lose", "CreateStack")
    name = f"test-{uuid.uuid4().hex[:8]}"

    with pytest.raises(ConnectionClosedError):
        impatient.create_stack(StackName=name, TemplateBody=TOPIC)

    assert account.status(account.wait(name)) == "CREATE_COMPLETE"


def test_an_action_of_a_json_service_can_fail_too(account: Account) -> None:
    account.emulator.inject("throttle", "ListSecrets")
    client = account.client("secretsmanager")
    client.meta.events.register("needs-retry.secrets-manager.ListSecrets", lambda **_: None)

    assert client.list_secrets()["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_resource_fails_in_whatever_stack_it_is(account: Account) -> None:
    account.emulator.inject("fail", "Fragile", reason="no capacity")
    child = {"Resources": {"Fragile": {"Type": "AWS::SNS::Topic"}}}

    stack_id = account.create({"Resources": {"Child": account.nest(child)}})

    assert account.status(stack_id) == "ROLLBACK_COMPLETE"
    failed = account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    child_id = next(event["PhysicalResourceId"] for event in failed if event["LogicalResourceId"] == "Child")
    assert account.reasons(child_id) == "no capacity"


def test_an_unknown_kind_of_fault_is_refused(account: Account) -> None:
    with pytest.raises(EmulatorError, match="throttle, drop, lose, fail"):
        account.emulator.inject("explode", "CreateStack")
