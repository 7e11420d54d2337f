"""Custom resources: their functions run, and what these answer is what becomes of the resource."""

from typing import Any

from tests.emulator.account import Account, Template

# Answers what its property says, and leaves a note of every request in a parameter of Systems Manager.
CODE = """\
import json
import urllib.request

import boto3


def handler(event, context):
    wanted, ssm = event["ResourceProperties"], boto3.client("ssm")
    notes = ssm.get_parameter(Name=wanted["Notes"])["Parameter"]["Value"]
    kind = event["RequestType"]
    ssm.put_parameter(Name=wanted["Notes"], Value=f"{notes} {kind}", Overwrite=True)
    if wanted.get("Silent"):
        raise ValueError("no answer")
    answer = {
        "Status": "FAILED" if wanted.get("Fails") == kind else "SUCCESS",
        "Reason": "as it was told",
        "PhysicalResourceId": "made-by-hand",
        "Data": {"Word": wanted.get("Word", "")},
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"""
TRUST = {
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ]
}


def notes(account: Account, name: str) -> list[str]:
    """The requests that the function had."""
    found = account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return str(found).split()[1:]


def template(account: Account, name: str, **properties: Any) -> Template:
    account.client("ssm").put_parameter(Name=name, Value="-", Type="String", Overwrite=True)
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.14",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": CODE},
                },
            },
            "Made": {
                "Type": "Custom::Made",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Notes": name,
                    **properties,
                },
            },
        },
        "Outputs": {"Word": {"Value": {"Fn::GetAtt": ["Made", "Word"]}}},
    }


ALLOWED = {"Capabilities": ["CAPABILITY_IAM"]}


def test_a_function_is_called_for_each_change_and_its_answer_can_be_read(account: Account) -> None:
    stack = account.create(template(account, "lived", Word="one"), **ALLOWED)
    assert account.outputs(stack) == {"Word": "one"}
    assert account.resources(stack)["Made"] == "made-by-hand"
    changed = template(account, "lived", Word="two")
    account.update(stack, changed, **ALLOWED)
    assert account.outputs(stack) == {"Word": "two"}
    account.delete(stack)
    assert notes(account, "lived") == ["Update", "Delete"]


def test_a_failed_creation_is_told_with_its_reason_and_undone(account: Account) -> None:
    stack = account.create(template(account, "failed", Fails="Create"), **ALLOWED)
    assert account.status(stack) == "ROLLBACK_COMPLETE"
    told = "Received response status [FAILED] from custom resource. Message returned: as it was told"
    assert account.reasons(stack) == told
    assert notes(account, "failed") == ["Create", "Delete"]


def test_a_failed_deletion_fails_that_of_the_stack(account: Account) -> None:
    stack = account.create(template(account, "undeletable", Fails="Delete"), **ALLOWED)
    assert account.status(stack) == "CREATE_COMPLETE"
    account.delete(stack)
    assert account.status(stack) == "DELETE_FAILED"


def test_a_function_that_does_not_answer_fails_its_resource_in_time(account: Account) -> None:
    stack = account.create(template(account, "silent", Silent="yes", ServiceTimeout=1), **ALLOWED)
    assert account.status(stack) == "ROLLBACK_COMPLETE"
    assert "timed out after 1s" in account.reasons(stack)
