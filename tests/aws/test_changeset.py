"""Change sets: read through every nested stack, refused with the innermost reason, and never left behind."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.aws import changeset
from scripts.aws.changeset import Change, ChangeSet
from scripts.aws.clock import Clock
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import LOST, NESTED, RefusalError, stack_id

INSTANT = Clock(now=lambda: 0.0, sleep=lambda seconds: None)


def arn(name: str) -> str:
    """The id of a change set."""
    return f"arn:aws:cloudformation:us-east-1:111122223333:changeSet/orthanc-aws-{name}/0001"


def change(
    action: str, logical_id: str, resource_type: str = "AWS::SSM::Parameter", **more: Any
) -> dict[str, Any]:
    detail = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": resource_type}
    return {"Type": "Resource", "ResourceChange": detail | more}


class Sets:
    """Change sets by name, each with the pages of its changes or with the reason why it failed."""

    def __init__(self, **sets: list[list[dict[str, Any]]] | str) -> None:
        self._sets = {arn(name): content for name, content in sets.items()}
        self.stack_status = "UPDATE_COMPLETE"

    def forget(self, name: str) -> None:
        del self._sets[arn(name)]

    def client(self, **more: scripted.Answer) -> Any:
        answers: dict[str, scripted.Answer] = {
            "DescribeChangeSet": self._describe,
            "DeleteChangeSet": self._delete,
            "ListChangeSets": lambda _: {"Summaries": [self._summary(name) for name in self._sets]},
            "DescribeStacks": lambda _: {"Stacks": [self._stack()]},
            "DeleteStack": self._delete_stack,
        }
        return scripted.client("cloudformation", **(answers | more))

    def _describe(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        name = arguments["ChangeSetName"]
        content = self._sets[name]
        known = {"ChangeSetId": name, "StackName": "orthanc-test", "Changes": []}
        if isinstance(content, str):
            return known | {"Status": "FAILED", "StatusReason": content}
        page = int(arguments.get("NextToken", 0))
        following = {"NextToken": str(page + 1)} if page + 1 < len(content) else {}
        return known | {"Status": "CREATE_COMPLETE", "Changes": content[page]} | following

    def _delete(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._sets.pop(arguments["ChangeSetName"], None)
        return {}

    def _delete_stack(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.stack_status = "DELETE_COMPLETE"
        return {}

    def _summary(self, name: str) -> dict[str, Any]:
        return {"ChangeSetId": name, "ChangeSetName": name.split("/")[1], "ExecutionStatus": "AVAILABLE"}

    def _stack(self) -> dict[str, Any]:
        return {
            "StackId": stack_id("root"),
            "StackName": "orthanc-test",
            "StackStatus": self.stack_status,
            "CreationTime": scripted.EPOCH,
        }


def change_set(client: Any, name: str = "root") -> ChangeSet:
    return ChangeSet(client, arn(name), stack_id("root"), "orthanc-test")


def shape(changes: tuple[Change, ...]) -> dict[str, Any]:
    """The tree of logical ids."""
    return {change.logical_id: shape(change.children) for change in changes}


def test_the_tree_has_every_page_of_every_nested_change_set() -> None:
    sets = Sets(
        root=[[change("Add", "First")], [change("Modify", "Middle", NESTED, ChangeSetId=arn("middle"))]],
        middle=[[change("Add", "Inner", NESTED, ChangeSetId=arn("inner"))]],
        inner=[[change("Add", "One")], [change("Add", "Two")], [change("Add", "Three")]],
    )
    assert shape(change_set(sets.client()).changes()) == {
        "First": {},
        "Middle": {"Inner": {"One": {}, "Two": {}, "Three": {}}},
    }


def test_a_nested_stack_in_which_nothing_changes_is_left_out() -> None:
    sets = Sets(
        root=[
            [
                change("Modify", "Quiet", NESTED, ChangeSetId=arn("quiet")),
                change("Add", "New", NESTED, ChangeSetId=arn("quiet")),
            ]
        ],
        quiet="The submitted information didn't contain changes. Submit different information ...",
    )
    assert shape(change_set(sets.client()).changes()) == {"New": {}}


@pytest.mark.parametrize(
    ("action", "resource_type", "replacement", "endangers"),
    [
        ("Modify", "AWS::RDS::DBCluster", "True", True),
        ("Modify", "AWS::RDS::DBCluster", "Conditional", True),
        ("Modify", "AWS::RDS::DBCluster", "False", False),
        ("Remove", "AWS::S3::Bucket", "", True),
        ("Modify", NESTED, "True", True),
        ("Add", "AWS::S3::Bucket", "", False),
        ("Modify", "AWS::ECS::TaskDefinition", "True", False),
    ],
)
def test_data_is_in_danger_where_what_bears_it_goes(
    action: str, resource_type: str, replacement: str, endangers: bool
) -> None:
    sets = Sets(root=[[change(action, "It", resource_type, Replacement=replacement)]])
    (only,) = change_set(sets.client()).changes()
    assert only.endangers_data is endangers


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_that_fails_for_want_of_changes_is_no_failure(reason: str) -> None:
    assert change_set(Sets(root=reason).client()).wait(INSTANT) is False


def test_a_refused_change_set_gives_the_reason_of_the_innermost_nested_one() -> None:
    sets = Sets(
        root=f"Nested change set {arn('middle')} was not successfully created: Currently in FAILED.",
        middle=f"Nested change set {arn('inner')} was not successfully created: Currently in FAILED.",
        inner="Parameters: [Word] must have values",
    )
    with pytest.raises(OperationError, match=r"Parameters: \[Word\] must have values"):
        change_set(sets.client()).wait(INSTANT)


def test_a_change_set_that_fails_validation_names_the_resource_and_the_property() -> None:
    failure = {
        "LogicalResourceId": "Cluster",
        "ValidationPath": "/Resources/Cluster/Properties/Engine",
        "ValidationStatusReason": "unknown engine",
    }
    sets = Sets(root="The following validation failed: [AWS::EarlyValidation::PropertyValidation].")
    client = sets.client(DescribeEvents=lambda _: {"OperationEvents": [failure]})
    with pytest.raises(OperationError, match="Cluster /Resources/Cluster/Properties/Engine: unknown engine"):
        change_set(client).wait(INSTANT)


def test_a_change_set_that_never_completes_ends_in_an_error() -> None:
    times = iter(range(0, 10_000, 100))
    clock = Clock(now=lambda: float(next(times)), sleep=lambda seconds: None)
    client = scripted.client("cloudformation", DescribeChangeSet=lambda _: {"Status": "CREATE_IN_PROGRESS"})
    with pytest.raises(OperationError, match="not complete after 15 minutes"):
        change_set(client).wait(clock)


def test_one_that_was_not_executed_is_removed_and_the_stack_stays() -> None:
    client = Sets(root=[[]]).client()
    with change_set(client):
        pass
    assert scripted.asked(client, "DeleteChangeSet")
    assert not scripted.asked(client, "DeleteStack")


def test_the_stack_that_only_held_it_is_removed_with_it() -> None:
    sets = Sets(root=[[]])
    sets.stack_status = "REVIEW_IN_PROGRESS"
    client = sets.client()
    with change_set(client):
        pass
    assert scripted.asked(client, "DeleteStack") == [{"StackName": stack_id("root")}]


def test_the_stack_stays_where_somebody_else_reviews_a_change_set_of_it() -> None:
    sets = Sets(root=[[]], another=[[]])
    sets.stack_status = "REVIEW_IN_PROGRESS"
    client = sets.client()
    with change_set(client):
        pass
    assert not scripted.asked(client, "DeleteStack")


def test_one_that_was_executed_is_left_alone() -> None:
    client = Sets(root=[[]]).client(ExecuteChangeSet=lambda _: {})
    with change_set(client) as executed:
        executed.execute()
    assert not scripted.asked(client, "DeleteChangeSet")
    (arguments,) = scripted.asked(client, "ExecuteChangeSet")
    assert arguments["RetainExceptOnCreate"] is True


@pytest.mark.parametrize("code", ["ChangeSetNotFound", "InvalidChangeSetStatus"])
def test_another_deployment_in_between_is_told(code: str) -> None:
    def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
        raise RefusalError(code, "no longer")

    with (
        pytest.raises(OperationError, match="another deployment was started"),
        change_set(Sets(root=[[]]).client(ExecuteChangeSet=refuse)) as overtaken,
    ):
        overtaken.execute()


def test_one_whose_execution_may_have_begun_when_the_connection_was_lost_is_not_removed() -> None:
    def lose(_: Mapping[str, Any]) -> dict[str, Any]:
        raise LOST

    client = Sets(root=[[]]).client(ExecuteChangeSet=lose)
    with pytest.raises(type(LOST)), change_set(client) as executed:
        executed.execute()
    assert not scripted.asked(client, "DeleteChangeSet")


def test_a_failing_removal_does_not_hide_what_went_wrong_before() -> None:
    def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
        raise RefusalError("AccessDenied", "not allowed", 403)

    with pytest.raises(KeyError, match="first"), change_set(Sets(root=[[]]).client(DeleteChangeSet=refuse)):
        raise KeyError("first")


def test_only_change_sets_of_this_tool_that_were_never_executed_are_leftovers() -> None:
    names = {"orthanc-aws-1": "AVAILABLE", "orthanc-aws-2": "EXECUTE_COMPLETE", "someone-elses": "AVAILABLE"}
    summaries = [
        {"ChangeSetId": name, "ChangeSetName": name, "Status": "CREATE_COMPLETE", "ExecutionStatus": status}
        for name, status in names.items()
    ]
    client = scripted.client("cloudformation", ListChangeSets=lambda _: {"Summaries": summaries})
    assert changeset.leftovers(client, "orthanc-test") == ["orthanc-aws-1"]


def test_what_a_change_set_says_of_its_author_is_empty_once_it_is_gone() -> None:
    def gone(_: Mapping[str, Any]) -> dict[str, Any]:
        raise RefusalError("ChangeSetNotFound", "gone", 404)

    known = scripted.client("cloudformation", DescribeChangeSet=lambda _: {"Description": "by jane"})
    assert changeset.description_of(known, arn("root")) == "by jane"
    forgotten = scripted.client("cloudformation", DescribeChangeSet=gone)
    assert changeset.description_of(forgotten, arn("root")) == ""


def test_a_change_set_whose_removal_takes_time_is_waited_for_before_the_stack_is_removed() -> None:
    sets = Sets(root=[[]])
    sets.stack_status = "REVIEW_IN_PROGRESS"
    client = sets.client(DeleteChangeSet=lambda _: {})
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        sets.forget("root")

    changeset.discard(client, "orthanc-test", arn("root"), Clock(now=lambda: 0.0, sleep=sleep))
    assert len(waits) == 1
    assert scripted.asked(client, "DeleteStack")


def test_of_a_nested_stack_that_is_removed_all_that_goes_with_it_is_told() -> None:
    listed = [
        {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": name, "ResourceStatus": "OK"}
        for name, kind in (("Images", "AWS::S3::Bucket"), ("Password", "AWS::SecretsManager::Secret"))
    ]
    template = {"Images": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"}}
    template["Password"] = {"Type": "AWS::SecretsManager::Secret"}
    client = Sets(root=[[change("Remove", "Storage", NESTED, PhysicalResourceId="storage")]]).client(
        ListStackResources=lambda _: {"StackResourceSummaries": listed},
        GetTemplate=lambda _: {"TemplateBody": {"Resources": template}},
    )
    (storage,) = change_set(client).changes()
    assert [(each.logical_id, each.policy, each.endangers_data) for each in storage.children] == [
        ("Images", "Retain", True),
        ("Password", "Delete", False),
    ]


def test_an_operation_that_began_since_the_stack_was_looked_at_is_told() -> None:
    def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
        raise RefusalError(
            "ValidationError", "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."
        )

    client = Sets().client(CreateChangeSet=refuse)
    request = changeset.Request("orthanc-test", "https://templates/root.yaml", {}, {}, "by jane")
    with pytest.raises(OperationError, match="has begun meanwhile") as raised:
        changeset.propose(client, request, is_new=False)
    assert "follows that one first" in raised.value.advice
