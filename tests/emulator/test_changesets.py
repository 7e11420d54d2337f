"""A change set shows the whole tree of stacks before anything is done."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account

Template = dict[str, Any]
Changes = dict[str, Any]


def topic(display_name: str = "") -> Template:
    return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display_name}}


def producer(display_name: str = "", topic_name: str = "") -> Template:
    """A child whose output is the name of a topic."""
    resource = topic(display_name)
    if topic_name:
        resource["Properties"]["TopicName"] = topic_name
    return {
        "Resources": {"Topic": resource},
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]}}},
    }


CONSUMER: Template = {
    "Parameters": {"Name": {"Type": "String", "AllowedPattern": "[a-zA-Z0-9-]+"}},
    "Resources": {
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Name"}},
        }
    },
}


class Proposals:
    """Change sets of one stack."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client = account.client("cloudformation")
        self.stack_name = f"test-{uuid.uuid4().hex[:8]}"

    def propose(self, template: Template, kind: str = "CREATE") -> dict[str, Any]:
        answer = self.client.create_change_set(
            StackName=self.stack_name,
            ChangeSetName=f"set-{uuid.uuid4().hex[:8]}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(template),
            IncludeNestedStacks=True,
        )
        return self.describe(answer["Id"])

    def describe(self, change_set_id: str) -> dict[str, Any]:
        return dict(self.client.describe_change_set(ChangeSetName=change_set_id))

    def tree(self, change_set_id: str) -> Changes:
        """Logical id to action, or for a nested stack to what changes in it."""
        changes = [change["ResourceChange"] for change in self.describe(change_set_id)["Changes"]]
        return {
            change["LogicalResourceId"]: self.tree(change["ChangeSetId"])
            if "ChangeSetId" in change
            else change["Action"]
            for change in changes
        }

    def child(self, change_set: dict[str, Any], logical_id: str) -> dict[str, Any]:
        changes = (change["ResourceChange"] for change in change_set["Changes"])
        return self.describe(
            next(change["ChangeSetId"] for change in changes if change["LogicalResourceId"] == logical_id)
        )

    def execute(self, change_set: dict[str, Any]) -> str:
        self.client.execute_change_set(ChangeSetName=change_set["ChangeSetId"])
        stack_id = str(change_set["StackId"])
        self.account.wait(stack_id)
        return stack_id

    def wait_executed(self, change_set_id: str) -> str:
        while (status := self.describe(change_set_id)["ExecutionStatus"]) == "EXECUTE_IN_PROGRESS":
            time.sleep(0.02)
        return str(status)


@pytest.fixture
def proposals(account: Account) -> Proposals:
    return Proposals(account)


def two_children(account: Account, first: Template, second: Template = CONSUMER) -> Template:
    name = {"Fn::GetAtt": ["First", "Outputs.Name"]}
    return {"Resources": {"First": account.nest(first), "Second": account.nest(second, Name=name)}}


def test_a_new_tree_is_shown_to_its_leaves(account: Account, proposals: Proposals) -> None:
    root = {"Resources": {"Upper": account.nest(two_children(account, producer())), "Own": topic()}}

    change_set = proposals.propose(root)

    expected = {"Own": "Add", "Upper": {"First": {"Topic": "Add"}, "Second": {"Parameter": "Add"}}}
    assert proposals.tree(change_set["ChangeSetId"]) == expected
    assert change_set["Status"] == "CREATE_COMPLETE"


def test_nested_change_sets_name_their_parent_and_root(account: Account, proposals: Proposals) -> None:
    root = proposals.propose({"Resources": {"Upper": account.nest(two_children(account, producer()))}})

    upper = proposals.child(root, "Upper")
    first = proposals.child(upper, "First")

    assert upper["ParentChangeSetId"] == upper["RootChangeSetId"] == root["ChangeSetId"]
    assert (first["ParentChangeSetId"], first["RootChangeSetId"]) == (
        upper["ChangeSetId"],
        root["ChangeSetId"],
    )
    assert root["IncludeNestedStacks"]


def test_a_child_to_be_created_awaits_review_and_keeps_its_id(account: Account, proposals: Proposals) -> None:
    change_set = proposals.propose({"Resources": {"Child": account.nest(producer())}})
    child = proposals.child(change_set, "Child")
    assert account.status(child["StackId"]) == "REVIEW_IN_PROGRESS"

    stack_id = proposals.execute(change_set)

    assert account.resources(stack_id)["Child"] == child["StackId"]
    assert account.status(child["StackId"]) == "CREATE_COMPLETE"
    assert proposals.wait_executed(change_set["ChangeSetId"]) == "EXECUTE_COMPLETE"


def test_only_the_root_can_be_executed(account: Account, proposals: Proposals) -> None:
    change_set = proposals.propose({"Resources": {"Child": account.nest(producer())}})
    child = proposals.child(change_set, "Child")

    assert child["StatusReason"] == "Only executable from the root change set."
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        proposals.client.execute_change_set(ChangeSetName=child["ChangeSetId"])


def test_what_is_not_known_yet_is_a_placeholder_and_passes_constraints(
    account: Account, proposals: Proposals
) -> None:
    change_set = proposals.propose(two_children(account, producer()))

    parameters = proposals.child(change_set, "Second")["Parameters"]

    assert parameters[0]["ParameterValue"].startswith("{{IntrinsicFunction:")


def test_the_output_of_an_unchanged_resource_is_known(account: Account, proposals: Proposals) -> None:
    stack_id = proposals.execute(proposals.propose(two_children(account, producer("before"))))
    name = account.outputs(account.resources(stack_id)["First"])["Name"]

    change_set = proposals.propose(two_children(account, producer("after")), "UPDATE")

    assert proposals.tree(change_set["ChangeSetId"])["First"] == {"Topic": "Modify"}
    assert proposals.child(change_set, "Second")["Parameters"] == [
        {"ParameterKey": "Name", "ParameterValue": name}
    ]


def test_a_replacement_in_one_child_shows_in_the_child_that_reads_its_output(
    account: Account, proposals: Proposals
) -> None:
    proposals.execute(proposals.propose(two_children(account, producer(topic_name="before"))))

    change_set = proposals.propose(two_children(account, producer(topic_name="after")), "UPDATE")

    assert proposals.tree(change_set["ChangeSetId"])["Second"] == {"Parameter": "Modify"}


def test_a_change_three_levels_down_makes_a_change_set_of_an_otherwise_equal_root(
    account: Account, proposals: Proposals
) -> None:
    grandchild = account.nest({"Resources": {"Topic": topic()}})
    root = {"Resources": {"Child": account.nest({"Resources": {"Grandchild": grandchild}})}}
    proposals.execute(proposals.propose(root))
    key = grandchild["Properties"]["TemplateURL"].rpartition("/")[2]
    body = json.dumps({"Resources": {"Topic": topic("changed")}})
    account.client("s3").put_object(Bucket="templates", Key=key, Body=body)

    change_set = proposals.propose(root, "UPDATE")

    assert change_set["ExecutionStatus"] == "AVAILABLE"
    assert proposals.tree(change_set["ChangeSetId"]) == {"Child": {"Grandchild": {"Topic": "Modify"}}}


def test_resources_come_and_go_with_their_conditions(account: Account, proposals: Proposals) -> None:
    def template(has_first: str) -> Template:
        holds = {"Fn::Equals": [has_first, "true"]}
        first, second = account.nest(producer()), topic()
        return {
            "Conditions": {"HasFirst": holds, "HasSecond": {"Fn::Not": [{"Condition": "HasFirst"}]}},
            "Resources": {
                "First": {**first, "Condition": "HasFirst"},
                "Second": {**second, "Condition": "HasSecond"},
                "Always": topic(),
            },
        }

    created = proposals.propose(template("true"))
    assert proposals.tree(created["ChangeSetId"]) == {"First": {"Topic": "Add"}, "Always": "Add"}
    proposals.execute(created)

    changed = proposals.propose(template("false"), "UPDATE")

    assert proposals.tree(changed["ChangeSetId"]) == {"First": "Remove", "Second": "Add"}


def test_a_tree_without_changes_says_so(account: Account, proposals: Proposals) -> None:
    root = two_children(account, producer())
    proposals.execute(proposals.propose(root))

    change_set = proposals.propose(root, "UPDATE")

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in change_set["StatusReason"]


def test_a_child_that_is_refused_fails_the_root_and_keeps_the_reason(
    account: Account, proposals: Proposals
) -> None:
    wrong = account.nest(CONSUMER, Name="not allowed!")

    change_set = proposals.propose({"Resources": {"Child": wrong}})

    child = proposals.child(change_set, "Child")
    assert change_set["StatusReason"] == (
        f"Nested change set {child['ChangeSetId']} was not successfully created: Currently in FAILED."
    )
    assert (change_set["Status"], child["Status"]) == ("FAILED", "FAILED")
    assert "AllowedPattern" in child["StatusReason"] or "pattern" in child["StatusReason"]


def test_selecting_from_a_list_that_is_not_known_yet_fails(account: Account, proposals: Proposals) -> None:
    second = {
        "Parameters": {"Name": {"Type": "CommaDelimitedList"}},
        "Resources": {"Topic": topic()},
        "Outputs": {},
    }
    second["Resources"]["Topic"]["Properties"] = {"DisplayName": {"Fn::Select": [1, {"Ref": "Name"}]}}

    change_set = proposals.propose(two_children(account, producer(), second))

    reason = proposals.child(change_set, "Second")["StatusReason"]
    assert reason == "Template error: Fn::Select cannot select nonexistent value at index 1"


def test_deleting_a_change_set_removes_what_it_had_prepared(account: Account, proposals: Proposals) -> None:
    change_set = proposals.propose({"Resources": {"Child": account.nest(producer())}})
    child = proposals.child(change_set, "Child")

    proposals.client.delete_change_set(ChangeSetName=change_set["ChangeSetId"])

    with pytest.raises(ClientError, match="does not exist"):
        proposals.describe(child["ChangeSetId"])
    with pytest.raises(ClientError, match="does not exist"):
        account.stack(child["StackId"])


def test_another_change_set_for_a_stack_under_review_keeps_its_id(proposals: Proposals) -> None:
    first = proposals.propose({"Resources": {"Topic": topic()}})
    second = proposals.propose({"Resources": {"Topic": topic(), "More": topic()}})

    assert first["StackId"] == second["StackId"]
    assert proposals.describe(first["ChangeSetId"])["Status"] == "CREATE_COMPLETE"


def test_an_output_that_a_child_does_not_have_fails_the_change_set(
    account: Account, proposals: Proposals
) -> None:
    root = two_children(account, producer())
    root["Resources"]["Second"]["Properties"]["Parameters"]["Name"] = {
        "Fn::GetAtt": ["First", "Outputs.Typo"]
    }

    change_set = proposals.propose(root)

    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "Outputs.Typo" in change_set["StatusReason"]
