"""Nested stacks behave as on AWS: children are stacks of their own that live and die with their parent."""

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.account import Account

Template = dict[str, Any]


def topic(name: str | None = None, **attributes: str) -> Template:
    properties = {"DisplayName": name} if name else {}
    return {"Type": "AWS::SNS::Topic", "Properties": properties, **attributes}


def parent(child: Template, **more: Template) -> Template:
    return {"Resources": {"Child": child, **more}}


FAILING: Template = {
    "Type": "AWS::ElasticLoadBalancingV2::Listener",
    "Properties": {
        "LoadBalancerArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/none/1",
        "Port": 443,
        "Protocol": "HTTPS",
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    },
}


def test_a_childs_outputs_reach_its_parent(account: Account) -> None:
    child = {"Resources": {"Topic": topic()}, "Outputs": {"Arn": {"Value": {"Ref": "Topic"}}}}
    root = parent(account.nest(child)) | {
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Arn"]}}}
    }

    stack_id = account.create(root)

    assert account.outputs(stack_id)["Arn"].startswith("arn:aws:sns:")


def test_a_child_names_its_parent_and_the_root(account: Account) -> None:
    grandchild = account.nest({"Resources": {"Topic": topic()}})
    root = account.create(parent(account.nest(parent(grandchild))))

    child = account.resources(root)["Child"]
    lowest = account.resources(child)["Child"]

    assert account.stack(child)["ParentId"] == account.stack(child)["RootId"] == root
    assert (account.stack(lowest)["ParentId"], account.stack(lowest)["RootId"]) == (child, root)
    assert "ParentId" not in account.stack(root)


def test_the_parents_events_name_the_child_while_it_is_created(account: Account) -> None:
    root = account.create(parent(account.nest({"Resources": {"Topic": topic()}})))

    events = account.client("cloudformation").describe_stack_events(StackName=root)["StackEvents"]
    begun = [event for event in events if event["ResourceStatus"] == "CREATE_IN_PROGRESS"]

    assert account.resources(root)["Child"] in {event["PhysicalResourceId"] for event in begun}


def test_an_update_keeps_the_attributes_of_what_did_not_change(account: Account) -> None:
    def child(display_name: str) -> Template:
        resources = {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}},
            },
            "Topic": topic(display_name),
        }
        return {"Resources": resources, "Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}}}}

    outputs = {"Outputs": {"KeyArn": {"Value": {"Fn::GetAtt": ["Child", "Outputs.KeyArn"]}}}}
    stack_id = account.create(parent(account.nest(child("before"))) | outputs)
    before = account.outputs(stack_id)

    account.update(stack_id, parent(account.nest(child("after"))) | outputs)

    assert account.status(stack_id) == "UPDATE_COMPLETE"
    assert account.outputs(stack_id) == before
    topics = account.client("sns").get_topic_attributes(
        TopicArn=account.resources(account.resources(stack_id)["Child"])["Topic"]
    )
    assert topics["Attributes"]["DisplayName"] == "after"


def test_an_update_looks_into_a_child_whose_properties_are_the_same(account: Account) -> None:
    child = account.nest({"Resources": {"Topic": topic("before")}})
    stack_id = account.create(parent(child))
    key = child["Properties"]["TemplateURL"].rpartition("/")[2]
    changed = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "More": {"Type": "AWS::SNS::Topic"}}}'
    account.client("s3").put_object(Bucket="templates", Key=key, Body=changed)

    account.update(stack_id, parent(child, Other=topic()))

    assert set(account.resources(account.resources(stack_id)["Child"])) == {"Topic", "More"}


def test_a_failure_three_levels_down_rolls_everything_back(account: Account) -> None:
    name = f"left-over-{uuid.uuid4().hex[:8]}"
    grandchild = {"Resources": {"Listener": FAILING | {"DependsOn": "Log"}, "Log": log_group(name)}}
    root = parent(account.nest(parent(account.nest(grandchild))), First=topic())

    stack_id = account.create(root)

    assert account.status(stack_id) == "ROLLBACK_COMPLETE"
    assert account.resources(stack_id) == {}
    child = next(id_ for name, id_, _ in created(account, stack_id) if name == "Child")
    lowest = next(id_ for name, id_, _ in created(account, child) if name == "Child")
    assert {account.status(child), account.status(lowest)} == {"DELETE_COMPLETE"}
    assert not account.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert f"Embedded stack {child} was not successfully created" in account.reasons(stack_id)
    assert "[Listener]" in account.reasons(child)
    assert "arn:aws:elasticloadbalancing" in account.reasons(lowest)


def created(account: Account, stack_id: str) -> list[tuple[str, str, str]]:
    events = account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    return [
        (event["LogicalResourceId"], event["PhysicalResourceId"], event["ResourceStatus"])
        for event in reversed(events)
        if event.get("PhysicalResourceId") and event["ResourceStatus"] == "CREATE_IN_PROGRESS"
    ]


def log_group(name: str, **attributes: str) -> Template:
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name}, **attributes}


def test_a_failed_update_of_a_child_returns_everything_to_what_it_was(account: Account) -> None:
    good = {"Resources": {"Topic": topic("before")}}
    bad = {"Resources": {"Topic": topic("after"), "Listener": FAILING | {"DependsOn": "Topic"}}}
    stack_id = account.create(parent(account.nest(good)))

    account.update(stack_id, parent(account.nest(bad)))

    child = account.resources(stack_id)["Child"]
    assert account.status(stack_id) == "UPDATE_ROLLBACK_COMPLETE"
    attributes = account.client("sns").get_topic_attributes(TopicArn=account.resources(child)["Topic"])[
        "Attributes"
    ]
    assert attributes["DisplayName"] == "before"
    assert "was not successfully updated" in account.reasons(stack_id)


def test_a_failed_child_stays_for_inspection_where_rollback_is_disabled(account: Account) -> None:
    stack_id = account.create(
        parent(account.nest({"Resources": {"Listener": FAILING}})), OnFailure="DO_NOTHING"
    )

    child = account.resources(stack_id)["Child"]
    assert (account.status(stack_id), account.status(child)) == ("CREATE_FAILED", "CREATE_FAILED")

    account.delete(stack_id)
    assert (account.status(stack_id), account.status(child)) == ("DELETE_COMPLETE", "DELETE_COMPLETE")


def test_deleting_the_parent_retains_what_the_child_says(account: Account) -> None:
    kept, gone = f"kept-{uuid.uuid4().hex[:8]}", f"gone-{uuid.uuid4().hex[:8]}"
    child = {"Resources": {"Kept": log_group(kept, DeletionPolicy="Retain"), "Gone": log_group(gone)}}
    stack_id = account.create(parent(account.nest(child)))

    account.delete(stack_id)

    assert account.status(stack_id) == "DELETE_COMPLETE"
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert {kept, gone} & {group["logGroupName"] for group in groups} == {kept}


def test_a_child_refuses_a_parameter_that_it_does_not_declare(account: Account) -> None:
    stack_id = account.create(parent(account.nest({"Resources": {"Topic": topic()}}, Unknown="x")))

    assert account.status(stack_id) == "ROLLBACK_COMPLETE"
    assert "Parameters: [Unknown] do not exist in the template" in account.reasons(stack_id)


def test_a_child_refuses_a_list_for_a_parameter(account: Account) -> None:
    child = {"Parameters": {"Names": {"Type": "CommaDelimitedList"}}, "Resources": {"Topic": topic()}}
    root = parent(account.nest(child, Names={"Ref": "Names"}))
    root["Parameters"] = {"Names": {"Type": "CommaDelimitedList", "Default": "a,b"}}

    assert "must be an object with String" in account.reasons(account.create(root))


def test_the_parents_tags_reach_the_childs_resources(account: Account) -> None:
    stack_id = account.create(
        parent(account.nest({"Resources": {"Topic": topic()}})), Tags=[{"Key": "owner", "Value": "radiology"}]
    )

    arn = account.resources(account.resources(stack_id)["Child"])["Topic"]
    tags = account.client("sns").list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert {"Key": "owner", "Value": "radiology"} in tags


def test_iam_in_a_child_needs_the_capability_of_the_parent(account: Account) -> None:
    trust = {"Version": "2012-10-17", "Statement": []}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    root = parent(account.nest({"Resources": {"Role": role}}))

    assert "CAPABILITY_IAM" in account.reasons(account.create(root))
    assert account.status(account.create(root, Capabilities=["CAPABILITY_IAM"])) == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="CAPABILITY_IAM"):
        account.create({"Resources": {"Role": role}})
