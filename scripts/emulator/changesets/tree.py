"""The change sets of the stacks that are nested in one."""

import copy
import re
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import engine, handlers, provisioners

from scripts.emulator import nested
from scripts.emulator.changesets.unknown import (
    UnknownAttributes,
    impossible_selections,
    unknown_resource,
)
from scripts.emulator.fixes.requests import with_stack_id
from scripts.emulator.patching import Function
from scripts.emulator.schemas import STACK

Record = dict[str, Any]
Answer = tuple[int, Record, bytes]
_NO_CHANGES = "The submitted information didn't contain changes."
_CHANGE_SET_ID = re.compile(r"<Id>(.*?)</Id>")


class Tree:
    """The change sets below one root, each made by ministack's own CreateChangeSet."""

    def __init__(self, create_change_set: Function) -> None:
        self._create_change_set = create_change_set

    def complete(self, answer: Answer) -> None:
        """Adds the nested change sets to the one that CreateChangeSet answered with."""
        self._include(_made(answer))

    def _include(self, change_set: Record) -> dict[str, str]:
        """Adds the nested change sets to a change set; returns the outputs of its stack, as far as known."""
        change_set["IncludeNestedStacks"] = "true"
        stack = cfn._stacks[change_set["StackName"]]
        resources = change_set["_template"]["Resources"]
        scope = _Scope(stack, change_set)
        try:
            for logical_id in engine._topological_sort(resources, scope.conditions):
                if resources[logical_id]["Type"] == STACK and scope.has(resources[logical_id]):
                    properties = scope.resolve(resources[logical_id]["Properties"])
                    child, outputs = self._child(stack, change_set, logical_id, properties)
                    scope.known[logical_id] = {"PhysicalResourceId": child["StackId"], "Attributes": outputs}
                    _link(change_set, logical_id, child)
            return scope.outputs()
        except ValueError as error:
            _fail(change_set, str(error))
            return UnknownAttributes(stack["StackName"], "Outputs")

    def _child(
        self, parent: Record, parent_set: Record, logical_id: str, properties: Record
    ) -> tuple[Record, dict[str, str]]:
        existing = logical_id in parent["_resources"]
        name, stack_id = _identity(parent, logical_id)
        location = parent["StackName"], parent["StackId"], logical_id
        tags = parent_set["Tags"] or parent["Tags"]
        tagged = provisioners._with_stack_tags(STACK, properties, tags, *location)
        child = self._propose(name, stack_id, existing, nested.request(tagged, parent_set))
        child |= {
            "ParentChangeSetId": parent_set["ChangeSetId"],
            "RootChangeSetId": parent_set.get("RootChangeSetId", parent_set["ChangeSetId"]),
            "ExecutionStatus": "UNAVAILABLE",
        }
        if _has_failed(child):
            return child, UnknownAttributes(parent["StackName"], logical_id)
        if not existing:
            cfn._stacks[name] |= nested.family(parent, logical_id)
        return child, self._include(child)

    def _propose(self, name: str, stack_id: str, exists: bool, wanted: Record) -> Record:
        set_name = f"nested-{new_uuid()}"
        request = {
            **wanted,
            "Action": ["CreateChangeSet"],
            "StackName": [name],
            "ChangeSetName": [set_name],
            "ChangeSetType": ["UPDATE" if exists else "CREATE"],
        }
        answer = with_stack_id(None if exists else stack_id, lambda: self._create_change_set(request))
        reason = nested.refusal(answer)
        if reason:
            return _failed_change_set(name, stack_id, set_name, reason)
        child = _made(answer)
        if child["Status"] == "CREATE_COMPLETE":
            child["StatusReason"] = "Only executable from the root change set."
            for problem in impossible_selections(child["_template"]["Resources"], child["_resolved_params"]):
                _fail(child, problem)
        return child


class _Scope:
    """What the expressions in the template of a change set can refer to."""

    def __init__(self, stack: Record, change_set: Record) -> None:
        self._stack = stack
        self._template = change_set["_template"]
        self._parameters = change_set["_resolved_params"]
        self.conditions: dict[str, bool] = engine._evaluate_conditions(self._template, self._parameters)
        self.known = _known_resources(stack, change_set)

    def has(self, item: Record) -> bool:
        """Whether the condition of a resource or output holds."""
        return self.conditions.get(item.get("Condition", ""), True)

    def resolve(self, node: Any) -> Any:
        """An expression of the template with all its functions evaluated."""
        sections = self._parameters, self.conditions, self._template.get("Mappings", {})
        stack = self._stack["StackName"], self._stack["StackId"]
        return engine._resolve_refs(copy.deepcopy(node), self.known, *sections, *stack)

    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, as the attributes that its parent can read."""
        present = {name: item for name, item in self._template.get("Outputs", {}).items() if self.has(item)}
        return {f"Outputs.{name}": str(self.resolve(item["Value"])) for name, item in present.items()}


def _known_resources(stack: Record, change_set: Record) -> Record:
    changes = [change["ResourceChange"] for change in change_set["Changes"]]
    replaced = {change["LogicalResourceId"] for change in changes if change.get("Replacement") == "True"}
    return {
        logical_id: unknown_resource(stack["StackName"], logical_id)
        if logical_id in replaced or logical_id not in stack["_resources"]
        else stack["_resources"][logical_id]
        for logical_id in change_set["_template"]["Resources"]
    }


def _identity(parent: Record, logical_id: str) -> tuple[str, str]:
    """Name and id of a child: of the one that is there, of the one under review, or of one to be made."""
    existing = parent["_resources"].get(logical_id)
    if existing:
        stack_id = existing["PhysicalResourceId"]
        return handlers._resolve_stack(stack_id)["StackName"], stack_id
    name = parent["StackName"]
    return nested.reserved(name, logical_id) or nested.new_child(name, logical_id)


def _link(parent: Record, logical_id: str, child: Record) -> None:
    """Puts a nested change set into its parent's changes, and its failure into the parent's status."""
    changes = [change["ResourceChange"] for change in parent["Changes"]]
    own = next((change for change in changes if change["LogicalResourceId"] == logical_id), None)
    if own is None and (child["Changes"] or _has_failed(child)):
        own = {"Action": "Modify", "LogicalResourceId": logical_id, "ResourceType": STACK}
        own |= {"PhysicalResourceId": child["StackId"], "Replacement": "False", "Scope": [], "Details": []}
        parent["Changes"].append({"ResourceChange": own})
        if _NO_CHANGES in parent["StatusReason"]:
            status = "UNAVAILABLE" if "ParentChangeSetId" in parent else "AVAILABLE"
            parent |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": status, "StatusReason": ""}
    if own:
        own["ChangeSetId"] = child["ChangeSetId"]
    if _has_failed(child) and not _has_failed(parent):
        _fail(
            parent,
            f"Nested change set {child['ChangeSetId']} was not successfully created: Currently in FAILED.",
        )


def _has_failed(change_set: Record) -> bool:
    return change_set["Status"] == "FAILED" and _NO_CHANGES not in change_set["StatusReason"]


def _fail(change_set: Record, reason: str) -> None:
    change_set |= {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": reason}


def _failed_change_set(name: str, stack_id: str, set_name: str, reason: str) -> Record:
    """The change set of a child that CreateChangeSet refused, which on AWS exists all the same."""
    set_id = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:changeSet/{set_name}/{new_uuid()}"
    identity = {"ChangeSetId": set_id, "ChangeSetName": set_name, "StackId": stack_id, "StackName": name}
    change_set = {**identity, "CreationTime": now_iso(), "Changes": []}
    _fail(change_set, reason)
    cfn._change_sets[set_id] = change_set
    return change_set


def _made(answer: Answer) -> Record:
    match = _CHANGE_SET_ID.search(answer[2].decode())
    assert match, answer
    change_set: Record = cfn._change_sets[match[1]]
    return change_set
