"""Change sets of a whole tree of stacks, which ministack makes for the root alone.

With `IncludeNestedStacks` every nested stack gets a change set of its own, one that does not exist yet as a
stack in REVIEW_IN_PROGRESS. What a change set cannot know before it is executed, such as an output of a stack
still to be created, stands as `{{IntrinsicFunction:STACK/RESOURCE.ATTRIBUTE/Fn::GetAtt}}` in the parameters
of the nested stacks, and no constraint is applied to it.

The statuses and reasons are those that users reported from AWS: https://github.com/aws-cloudformation/
cloudformation-coverage-roadmap/issues/759 (Fn::Select of what is not known yet fails),
aws-amplify/amplify-cli pull request 14764 (the reasons), aws-cloudformation/cfn-language-discussion issue 152
(the placeholder).
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import changesets, engine, handlers, helpers, provisioners

from scripts.emulator import nested
from scripts.emulator.fixes.requests import with_stack_id
from scripts.emulator.patching import Function, replace, replace_action
from scripts.emulator.schemas import STACK

Record = dict[str, Any]
PLACEHOLDER = "{{IntrinsicFunction:"
_CONSTRAINTS = ("AllowedPattern", "AllowedValues", "MaxLength", "MaxValue", "MinLength", "MinValue")
_NO_CHANGES = "The submitted information didn't contain changes."
_CHANGE_SET_ID = re.compile(r"<Id>(.*?)</Id>")


def install() -> None:
    """Makes the ministack of this process create, describe and delete change sets of whole trees."""
    replace("_resolve_parameters", (engine, handlers, changesets), unknown_values)
    replace_action("CreateChangeSet", with_children)
    replace_action("DescribeChangeSet", with_family)
    replace_action("DeleteChangeSet", without_children)
    replace_action("DeleteStack", without_proposals)


def with_children(original: Function) -> Function:
    """CreateChangeSet with `IncludeNestedStacks`."""

    def create(params: Record) -> Any:
        answer = original(params)
        if answer[0] == 200 and helpers._p(params, "IncludeNestedStacks").lower() == "true":
            _Tree(original).include(_made(answer))
        return answer

    return create


def unknown_values(original: Function) -> Function:
    """A parameter whose value is not known yet passes every constraint."""

    def resolve(template: Record, provided: list[Record], *rest: Any) -> Any:
        unknown = {item["Key"] for item in provided if PLACEHOLDER in item["Value"]}
        declared = {
            name: _unconstrained(definition) if name in unknown else definition
            for name, definition in template.get("Parameters", {}).items()
        }
        return original({**template, "Parameters": declared}, provided, *rest)

    return resolve


def _unconstrained(definition: Record) -> Record:
    kind = "String" if definition["Type"] == "Number" else definition["Type"]
    return {name: value for name, value in definition.items() if name not in _CONSTRAINTS} | {"Type": kind}


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


def _made(answer: tuple[int, Record, bytes]) -> Record:
    match = _CHANGE_SET_ID.search(answer[2].decode())
    assert match, answer
    change_set: Record = cfn._change_sets[match[1]]
    return change_set


class _Unknown(dict[str, str]):
    """The attributes of a resource that is still to be created: each one is there, none is known."""

    def __init__(self, stack_name: str, logical_id: str) -> None:
        super().__init__()
        self._resource = f"{stack_name}/{logical_id}"

    def __contains__(self, _attribute: object) -> bool:
        return True

    def __missing__(self, attribute: str) -> str:
        return f"{PLACEHOLDER}{self._resource}.{attribute}/Fn::GetAtt}}}}"


class _Tree:
    """The change sets below one root, made by ministack's own CreateChangeSet."""

    def __init__(self, create_change_set: Function) -> None:
        self._create_change_set = create_change_set

    def include(self, change_set: Record) -> dict[str, str]:
        """Adds the nested change sets to a change set; returns the outputs that are known."""
        change_set["IncludeNestedStacks"] = "true"
        stack = cfn._stacks[change_set["StackName"]]
        template, parameters = change_set["_template"], change_set["_resolved_params"]
        conditions = engine._evaluate_conditions(template, parameters)
        known = _known_resources(stack, change_set)

        def resolve(node: Any) -> Any:
            mappings = template.get("Mappings", {})
            return engine._resolve_refs(
                copy.deepcopy(node),
                known,
                parameters,
                conditions,
                mappings,
                stack["StackName"],
                stack["StackId"],
            )

        for logical_id in engine._topological_sort(template["Resources"], conditions):
            definition = template["Resources"][logical_id]
            if definition["Type"] == STACK and conditions.get(definition.get("Condition"), True):
                child, outputs = self._child(stack, change_set, logical_id, resolve(definition["Properties"]))
                known[logical_id] = {"PhysicalResourceId": child["StackId"], "Attributes": outputs}
                _link(change_set, logical_id, child)
        return _outputs(template, conditions, resolve)

    def _child(
        self, parent: Record, parent_set: Record, logical_id: str, properties: Record
    ) -> tuple[Record, dict[str, str]]:
        existing = parent["_resources"].get(logical_id)
        if existing:
            stack_id = existing["PhysicalResourceId"]
            name = handlers._resolve_stack(stack_id)["StackName"]
        else:
            name, stack_id = nested.reserved(parent["StackName"], logical_id) or nested.new_child(
                parent["StackName"], logical_id
            )
        tagged = provisioners._with_stack_tags(
            STACK,
            properties,
            parent_set["Tags"] or parent["Tags"],
            parent["StackName"],
            parent["StackId"],
            logical_id,
        )
        child = self._propose(name, stack_id, bool(existing), tagged, parent_set)
        child |= {
            "ParentChangeSetId": parent_set["ChangeSetId"],
            "RootChangeSetId": parent_set.get("RootChangeSetId", parent_set["ChangeSetId"]),
            "ExecutionStatus": "UNAVAILABLE",
        }
        if child["Status"] == "FAILED" and _NO_CHANGES not in child["StatusReason"]:
            return child, _Unknown(parent["StackName"], logical_id)
        if not existing:
            cfn._stacks[name] |= nested.family(parent, logical_id)
        return child, self.include(child)

    def _propose(
        self, name: str, stack_id: str, exists: bool, properties: Record, parent_set: Record
    ) -> Record:
        kind = "UPDATE" if exists else "CREATE"
        set_name = f"{parent_set['ChangeSetName']}-{new_uuid()[:8]}"
        request = {
            **nested.request(properties, parent_set),
            "Action": ["CreateChangeSet"],
            "StackName": [name],
            "ChangeSetName": [set_name],
            "ChangeSetType": [kind],
        }
        try:
            answer = (
                self._create_change_set(request)
                if exists
                else with_stack_id(stack_id, lambda: self._create_change_set(request))
            )
            reason = nested.refusal(answer)
        except ValueError as error:
            reason = str(error)
        if reason:
            return _failed(name, stack_id, set_name, reason)
        child = _made(answer)
        if child["Status"] == "CREATE_COMPLETE":
            child["StatusReason"] = "Only executable from the root change set."
            impossible = next(
                _impossible_selections(child["_template"]["Resources"], child["_resolved_params"]), ""
            )
            if impossible:
                child |= {"Status": "FAILED", "StatusReason": impossible}
        return child


def _known_resources(stack: Record, change_set: Record) -> Record:
    replaced = {
        change["ResourceChange"]["LogicalResourceId"]
        for change in change_set["Changes"]
        if change["ResourceChange"].get("Replacement") == "True"
    }
    return {
        logical_id: stack["_resources"][logical_id]
        if logical_id in stack["_resources"] and logical_id not in replaced
        else {
            "PhysicalResourceId": f"{PLACEHOLDER}{stack['StackName']}/{logical_id}/Ref}}}}",
            "Attributes": _Unknown(stack["StackName"], logical_id),
        }
        for logical_id in change_set["_template"]["Resources"]
    }


def _outputs(template: Record, conditions: dict[str, bool], resolve: Function) -> dict[str, str]:
    return {
        f"Outputs.{name}": str(resolve(output["Value"]))
        for name, output in template.get("Outputs", {}).items()
        if conditions.get(output.get("Condition"), True)
    }


def _link(parent: Record, logical_id: str, child: Record) -> None:
    """Puts a nested change set into its parent's changes, and its failure into the parent's status."""
    failed = child["Status"] == "FAILED" and _NO_CHANGES not in child["StatusReason"]
    if failed:
        reason = (
            f"Nested change set {child['ChangeSetId']} was not successfully created: Currently in FAILED."
        )
        parent |= {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": reason}
    changes = [change["ResourceChange"] for change in parent["Changes"]]
    own = next((change for change in changes if change["LogicalResourceId"] == logical_id), None)
    if own is None and child["Changes"]:
        own = {"Action": "Modify", "LogicalResourceId": logical_id, "ResourceType": STACK}
        own |= {"PhysicalResourceId": child["StackId"], "Replacement": "False", "Scope": [], "Details": []}
        parent["Changes"].append({"ResourceChange": own})
        if _NO_CHANGES in parent["StatusReason"]:
            status = "UNAVAILABLE" if "ParentChangeSetId" in parent else "AVAILABLE"
            parent |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": status, "StatusReason": ""}
    if own:
        own["ChangeSetId"] = child["ChangeSetId"]


def _failed(name: str, stack_id: str, set_name: str, reason: str) -> Record:
    set_id = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:changeSet/{set_name}/{new_uuid()}"
    change_set = {
        "ChangeSetId": set_id,
        "ChangeSetName": set_name,
        "StackId": stack_id,
        "StackName": name,
        "Status": "FAILED",
        "StatusReason": reason,
        "CreationTime": now_iso(),
        "Changes": [],
    }
    cfn._change_sets[set_id] = change_set
    return change_set


def _impossible_selections(node: Any, parameters: Record) -> Iterator[str]:
    """Why AWS refuses each Fn::Select of anything but the first item of a list that is not known yet."""
    if isinstance(node, list):
        for item in node:
            yield from _impossible_selections(item, parameters)
    elif isinstance(node, dict):
        index, source = node.get("Fn::Select", (0, None))
        source = source.get("Fn::Split", (None, source))[1] if isinstance(source, dict) else source
        name = source.get("Ref") if isinstance(source, dict) else None
        if name in parameters and PLACEHOLDER in parameters[name]["Value"] and str(index) != "0":
            yield f"Template error: Fn::Select cannot select nonexistent value at index {index}"
        for item in node.values():
            yield from _impossible_selections(item, parameters)


_FAMILY = ("ParentChangeSetId", "RootChangeSetId", "IncludeNestedStacks")
