"""Change sets of a whole tree of stacks, which ministack makes for the root alone.

With `IncludeNestedStacks` every nested stack gets a change set of its own, one that does not exist yet as a stack in
REVIEW_IN_PROGRESS. The statuses and their reasons are those that users reported from AWS:
https://github.com/aws-amplify/amplify-cli/pull/14764.
"""

from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets, engine, handlers, helpers

from scripts.emulator.changesets.tree import Tree
from scripts.emulator.changesets.unknown import unknown_values
from scripts.emulator.patching import Function, replace, replace_action

Record = dict[str, Any]
_FAMILY = ("ParentChangeSetId", "RootChangeSetId", "IncludeNestedStacks")


def install() -> None:
    """Makes the ministack of this process create, describe and delete change sets of whole trees."""
    replace("_resolve_parameters", (engine, handlers, changesets), unknown_values)
    replace("_resolve_props_for_diff", (changesets,), conditional_resources)
    replace_action("CreateChangeSet", with_children)
    replace_action("DescribeChangeSet", with_family)
    replace_action("DeleteChangeSet", without_children)
    replace_action("DeleteStack", without_proposals)


def conditional_resources(original: Function) -> Function:
    """A resource comes and goes with its Condition; ministack compares the templates as if all conditions held."""

    def resolve(template: Record, parameters: Record, stack_name: str, stack_id: str) -> Record:
        resolved: Record = original(template, parameters, stack_name, stack_id)
        conditions = engine._evaluate_conditions(template, parameters)
        resources = resolved.get("Resources", {})
        present = {
            name: item for name, item in resources.items() if conditions.get(item.get("Condition"), True)
        }
        return {**resolved, "Resources": present}

    return resolve


def with_children(original: Function) -> Function:
    """CreateChangeSet with `IncludeNestedStacks`."""

    def create(params: Record) -> Any:
        answer = original(params)
        if answer[0] == 200 and helpers._p(params, "IncludeNestedStacks").lower() == "true":
            Tree(original).complete(answer)
        return answer

    return create


def with_family(original: Function) -> Function:
    """DescribeChangeSet with the nested change sets of its changes, and its own parent and root."""

    def describe(params: Record) -> Any:
        status, headers, body = original(params)
        _, change_set = changesets._find_change_set(
            helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
        )
        for change in (change_set or {}).get("Changes", []):
            resource = change["ResourceChange"]
            if "ChangeSetId" in resource:
                name = f"<LogicalResourceId>{resource['LogicalResourceId']}</LogicalResourceId>"
                nested_id = f"<ChangeSetId>{resource['ChangeSetId']}</ChangeSetId>"
                body = body.replace(name.encode(), (name + nested_id).encode())
        family = "".join(
            f"<{name}>{change_set[name]}</{name}>" for name in _FAMILY if change_set and name in change_set
        )
        return status, headers, body.replace(b"<Parameters>", family.encode() + b"<Parameters>", 1)

    return describe


def without_children(original: Function) -> Function:
    """DeleteChangeSet of a root deletes the nested ones, and the stacks that were only there to hold them."""

    def delete(params: Record) -> Any:
        change_set_id, _ = changesets._find_change_set(
            helpers._p(params, "ChangeSetName"), helpers._p(params, "StackName")
        )
        _forget_children(change_set_id)
        return original(params)

    return delete


def without_proposals(original: Function) -> Function:
    """DeleteStack deletes the change sets of the stack with all that is nested in them."""

    def delete(params: Record) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        for change_set_id, change_set in cfn._change_sets.items():
            if stack and change_set["StackId"] == stack["StackId"]:
                _forget_children(change_set_id)
        return original(params)

    return delete


def _forget_children(root_id: str | None) -> None:
    for change_set_id, change_set in cfn._change_sets.items():
        if root_id and change_set.get("RootChangeSetId") == root_id:
            del cfn._change_sets[change_set_id]
            stack = cfn._stacks.get(change_set["StackName"])
            if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS":
                del cfn._stacks[change_set["StackName"]]
