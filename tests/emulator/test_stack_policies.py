"""What a stack's policy does not allow is refused, as AWS does it."""

import json
import uuid
from typing import Any

from tests.emulator.account import Account

Template = dict[str, Any]
ALLOW = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
DENY = {"Effect": "Deny", "Action": ["Update:Replace", "Update:Delete"], "Principal": "*"}
GUARDED = {"Statement": [ALLOW, {**DENY, "Resource": ["LogicalResourceId/Group"]}]}


def groups(days: int = 30, other: bool = True, **names: str) -> Template:
    """A template of log groups, of which `Other` may be left out, and all of which keep their lines for some days."""
    present = {"Group": names.get("Group"), **({"Other": names.get("Other")} if other else {})}
    return {
        "Resources": {
            logical_id: {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {"LogGroupName": name, "RetentionInDays": days},
            }
            for logical_id, name in present.items()
            if name
        }
    }


def guarded(account: Account, policy: Template, **names: str) -> str:
    stack_id = account.create(groups(**names))
    account.client("cloudformation").set_stack_policy(StackName=stack_id, StackPolicyBody=json.dumps(policy))
    return stack_id


def name() -> str:
    return f"/test/{uuid.uuid4()}"


def test_a_replacement_is_refused_and_rolled_back(account: Account) -> None:
    mine, other = name(), name()
    stack_id = guarded(account, GUARDED, Group=mine, Other=other)

    account.update(stack_id, groups(Group=name(), Other=other))

    assert account.status(stack_id) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Statement [#1] does not allow [Update:Replace] for resource [LogicalResourceId/Group]" in (
        account.reasons(stack_id)
    )
    assert account.resources(stack_id)["Group"] == mine


def test_a_removal_is_refused_and_rolled_back(account: Account) -> None:
    mine, other = name(), name()
    stack_id = guarded(account, GUARDED, Group=mine, Other=other)

    account.update(stack_id, groups(Other=other))

    assert account.status(stack_id) == "UPDATE_ROLLBACK_COMPLETE"
    assert "does not allow [Update:Delete]" in account.reasons(stack_id)
    assert account.resources(stack_id)["Group"] == mine


def test_what_no_statement_denies_goes_on(account: Account) -> None:
    mine, new = name(), name()
    stack_id = guarded(account, GUARDED, Group=mine, Other=name())

    account.update(stack_id, groups(60, Group=mine, Other=new))

    assert account.status(stack_id) == "UPDATE_COMPLETE"
    assert account.resources(stack_id) == {"Group": mine, "Other": new}


def test_what_no_statement_allows_is_denied(account: Account) -> None:
    policy = {"Statement": [{**ALLOW, "Action": "Update:Modify"}]}
    mine = name()
    stack_id = guarded(account, policy, Group=mine)

    account.update(stack_id, groups(Group=name()))

    assert account.resources(stack_id) == {"Group": mine}
