"""What a run does with a stack that it finds in the middle of something, or stuck."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.aws.package import Template
from scripts.console import Console
from scripts.errors import OperationError
from scripts.operations.carry_on import settle
from scripts.operations.deployment import Deployment
from scripts.operations.environment import Environment
from tests.aws import scripted
from tests.aws.scripted import EXPIRED, RefusalError, Timeline, record, stack_id

TEMPLATE = Template(key="root-0.yaml", body="", resources={}, children={}, parameters=frozenset())
ENVIRONMENT = Environment("test", "root", Path("test.json"), Path(), "test")
CLUSTER = {
    "LogicalResourceId": "Cluster",
    "PhysicalResourceId": "cluster",
    "ResourceType": "AWS::RDS::DBCluster",
    "ResourceStatus": "UPDATE_COMPLETE",
}


@dataclass
class Account:
    """An account with one stack `root`, whose statuses follow one another with each look at it."""

    statuses: list[str]
    timeline: Timeline
    change_sets: list[dict[str, Any]] = field(default_factory=list)

    def deployment(self) -> Deployment:
        client = scripted.client(
            "cloudformation",
            DescribeStacks=self._describe,
            DescribeStackEvents=self.timeline.describe_stack_events,
            DescribeChangeSet=lambda _: {"Description": "orthanc-aws deploy test, by jane"},
            ListChangeSets=lambda _: {"Summaries": self.change_sets},
            ContinueUpdateRollback=self._continue,
            DeleteStack=lambda _: {},
            ListStackResources=lambda _: {"StackResourceSummaries": [CLUSTER]},
            GetStackPolicy=lambda _: {},
            SetStackPolicy=lambda _: {},
        )
        self.client = client
        session: Any = SimpleNamespace(cloudformation=client)
        return Deployment(ENVIRONMENT, TEMPLATE, session, Console())

    def _describe(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status == "DELETE_COMPLETE" and arguments["StackName"] == "root":
            raise RefusalError("ValidationError", "Stack with id root does not exist")
        stack = {"StackName": "root", "StackId": stack_id("root"), "CreationTime": scripted.EPOCH}
        more = {"ChangeSetId": "arn:change-set", "EnableTerminationProtection": True}
        return {"Stacks": [stack | {"StackStatus": status, **more}]}

    def _continue(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.timeline.hidden.clear()
        return {}


def test_a_deployment_under_way_is_followed_to_its_end_and_its_author_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = [record("root", "root", "UPDATE_IN_PROGRESS", 1), record("root", "root", "UPDATE_COMPLETE", 2)]
    account = Account(["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"], Timeline(events))
    stack = settle(account.deployment())
    assert stack is not None
    assert stack.status == "UPDATE_COMPLETE"
    shown = capsys.readouterr().err
    assert "root is UPDATE_IN_PROGRESS (orthanc-aws deploy test, by jane): following it first" in shown
    assert "UPDATE_COMPLETE      root" in shown


def test_a_deployment_under_way_that_fails_is_reported_and_not_tried_again_and_data_guarded() -> None:
    events = [
        record("root", "root", "UPDATE_IN_PROGRESS", 1),
        record("root", "Cluster", "UPDATE_FAILED", 2, "no capacity", ResourceType="AWS::RDS::DBCluster"),
        record(
            "root", "root", "UPDATE_ROLLBACK_IN_PROGRESS", 3, "The following resource(s) failed to update"
        ),
        record("root", "root", "UPDATE_ROLLBACK_COMPLETE", 4),
    ]
    account = Account(["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"], Timeline(events))
    with pytest.raises(OperationError, match=r"root/Cluster \(AWS::RDS::DBCluster\): no capacity"):
        settle(account.deployment())
    (set_policy,) = scripted.asked(account.client, "SetStackPolicy")
    assert "LogicalResourceId/Cluster" in set_policy["StackPolicyBody"]


def test_a_deletion_under_way_is_followed_to_its_end_and_what_is_gone_can_be_created_anew() -> None:
    events = [record("root", "root", "DELETE_IN_PROGRESS", 1), record("root", "root", "DELETE_COMPLETE", 2)]
    account = Account(["DELETE_IN_PROGRESS", "DELETE_COMPLETE"], Timeline(events))
    assert settle(account.deployment()) is None
    assert not scripted.asked(account.client, "DeleteStack")


STUCK_UPDATE = [
    record("root", "root", "UPDATE_IN_PROGRESS", 1),
    record("root", "Cluster", "UPDATE_FAILED", 2, "no capacity"),
    record("root", "root", "UPDATE_ROLLBACK_IN_PROGRESS", 3),
    record(
        "root", "root", "UPDATE_ROLLBACK_FAILED", 4, "The following resource(s) failed to update: [Cluster]"
    ),
]


def test_a_rollback_that_got_stuck_is_continued() -> None:
    continued = [
        record("root", "root", "UPDATE_ROLLBACK_IN_PROGRESS", 5, "User Initiated"),
        record("root", "root", "UPDATE_ROLLBACK_COMPLETE", 6),
    ]
    timeline = Timeline([*STUCK_UPDATE, *continued])
    timeline.hidden[stack_id("root")] = 2
    account = Account(["UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_COMPLETE"], timeline)
    stack = settle(account.deployment())
    assert stack is not None
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert len(scripted.asked(account.client, "ContinueUpdateRollback")) == 1


def test_a_rollback_that_gets_stuck_again_tells_what_stands_in_its_way() -> None:
    continued = [
        record("root", "root", "UPDATE_ROLLBACK_IN_PROGRESS", 5, "User Initiated"),
        record("root", "Service", "UPDATE_FAILED", 6, "image is gone", ResourceType="AWS::ECS::Service"),
        record("root", "root", "UPDATE_ROLLBACK_FAILED", 7, "The following resource(s) failed to update"),
    ]
    timeline = Timeline([*STUCK_UPDATE, *continued])
    timeline.hidden[stack_id("root")] = 3
    account = Account(["UPDATE_ROLLBACK_FAILED"], timeline)
    with pytest.raises(OperationError, match="image is gone") as raised:
        settle(account.deployment())
    assert "--resources-to-skip" in raised.value.advice


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_FAILED", "`orthanc-aws destroy test`"),
        ("DELETE_FAILED", "--retain-resources"),
        ("CREATE_FAILED", "`orthanc-aws destroy test`"),
        ("UPDATE_FAILED", "rollback-stack --stack-name root"),
    ],
)
def test_a_stack_that_only_a_person_can_help_is_left_alone_with_the_reason_and_the_way_out(
    status: str, advice: str
) -> None:
    events = [
        record("root", "root", "CREATE_IN_PROGRESS", 1),
        record("root", "Bucket", "DELETE_FAILED", 2, "the bucket is not empty"),
        record("root", "root", status, 3, "The following resource(s) failed to delete: [Bucket]."),
    ]
    account = Account([status], Timeline(events))
    with pytest.raises(OperationError, match="the bucket is not empty") as raised:
        settle(account.deployment())
    assert advice in raised.value.advice
    assert {name for name, _ in account.client.requests} == {"DescribeStacks", "DescribeStackEvents"}


def test_credentials_that_expire_in_the_middle_end_in_advice_how_to_find_it_again() -> None:
    timeline = Timeline([record("root", "root", "UPDATE_IN_PROGRESS", 1)])
    account = Account(["UPDATE_IN_PROGRESS"], timeline)
    original = timeline.describe_stack_events
    answers = iter([original])

    def expire(arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer = next(answers, None)
        if answer is None:
            raise EXPIRED
        return answer(arguments)

    timeline.describe_stack_events = expire  # type: ignore[method-assign]
    with pytest.raises(OperationError, match=r"root is no longer followed: .*ExpiredToken") as raised:
        settle(account.deployment())
    assert "Renew the credentials" in raised.value.advice
    assert "The operation goes on in AWS" in raised.value.advice


def test_a_change_set_of_somebody_else_is_not_touched() -> None:
    other = {
        "ChangeSetId": "arn:other",
        "ChangeSetName": "other",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
    }
    account = Account(["UPDATE_COMPLETE"], Timeline([]), change_sets=[other])
    settle(account.deployment())
    assert not scripted.asked(account.client, "DeleteChangeSet")


def test_a_stack_whose_removal_starts_late_is_waited_for() -> None:
    events = [
        record("root", "root", "CREATE_IN_PROGRESS", 1),
        record("root", "Bucket", "CREATE_FAILED", 2, "the name is taken"),
        record("root", "root", "ROLLBACK_COMPLETE", 3),
    ]
    statuses = ["ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    account = Account(statuses, Timeline(events))
    assert settle(account.deployment()) is None
    assert scripted.asked(account.client, "DeleteStack") == [{"StackName": stack_id("root")}]


def test_the_remains_of_a_failed_creation_that_cannot_be_removed_are_told() -> None:
    account = Account(["ROLLBACK_COMPLETE", "DELETE_FAILED"], Timeline([]))
    with pytest.raises(OperationError, match="root is DELETE_FAILED"):
        settle(account.deployment())
