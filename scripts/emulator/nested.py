"""Nested stacks, each run by the full engine as a stack of its own.

ministack deploys a nested stack with a shorter engine of its own: a failed child is left behind, its
resources are not rolled back, its DeletionPolicy is ignored when it is deleted, and an update loses the
attributes of its unchanged resources. Here a child is created, updated and deleted by the same actions as a
stack that a user asked for, in a thread of its own, and its parent waits for it, as on AWS.
"""

import asyncio
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid, now_iso
from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import handlers, provisioners, stacks

from scripts.emulator.fixes.requests import with_stack_id
from scripts.emulator.patching import Function, replace
from scripts.emulator.schemas import STACK

Record = dict[str, Any]
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_NO_UPDATES = "No updates are to be performed."


def install() -> None:
    """Makes the ministack of this process run nested stacks in this way."""
    provisioners._RESOURCE_HANDLERS[STACK] = {"create": create, "update": update, "delete": delete}
    replace("_update_resource", (provisioners, stacks), always_updated)
    replace("_roll_back_operation", (stacks, handlers), with_failed_child)


def create(logical_id: str, properties: Record, parent_name: str) -> tuple[str, Record]:
    """Creates the child, or the one that a change set reserved; returns its id and outputs."""
    parent = cfn._stacks[parent_name]
    name, stack_id = reserved(parent_name, logical_id) or new_child(parent_name, logical_id)
    cfn._stacks.pop(name, None)
    wanted = {
        **request(properties, parent),
        "StackName": [name],
        "DisableRollback": [str(bool(parent.get("DisableRollback"))).lower()],
    }

    def adopt() -> None:
        cfn._stacks[name] |= family(parent, logical_id)
        reason = "Resource creation Initiated"
        stacks._add_event(
            parent["StackId"], parent_name, logical_id, STACK, "CREATE_IN_PROGRESS", reason, stack_id
        )

    _operate("CreateStack", wanted, adopt, stack_id)
    child = cfn._stacks[name]
    if child["StackStatus"] != "CREATE_COMPLETE":
        parent["_resources"][logical_id] = _failed_record(logical_id, stack_id, properties)
        raise ValueError(
            f"Embedded stack {stack_id} was not successfully created: {_reason(child, 'create')}"
        )
    return stack_id, _outputs(child)


def update(physical_id: str, _old: Record, new: Record, parent_name: str) -> tuple[str, Record]:
    """Updates the child where its template, parameters or tags changed; returns its id and outputs."""
    child = handlers._resolve_stack(physical_id)
    if child["StackStatus"].endswith("_FAILED"):
        _operate("RollbackStack", {"StackName": [physical_id]})
    try:
        _operate("UpdateStack", {**request(new, cfn._stacks[parent_name]), "StackName": [physical_id]})
    except ValueError as error:
        if str(error) != _NO_UPDATES:
            raise
        return physical_id, _outputs(child)
    if child["StackStatus"] != "UPDATE_COMPLETE":
        reason = _reason(child, "update")
        raise ValueError(
            f"Embedded stack {physical_id} was not successfully updated. "
            f"Currently in {child['StackStatus']} with reason: {reason}"
        )
    return physical_id, _outputs(child)


def delete(physical_id: str, _properties: Record) -> None:
    """Deletes the child; raises ValueError where something in it could not be deleted."""
    child = handlers._resolve_stack(physical_id)
    if child is None:
        return
    _operate("DeleteStack", {"StackName": [physical_id]})
    if child["StackStatus"] != "DELETE_COMPLETE":
        raise ValueError(
            f"Embedded stack {physical_id} was not successfully deleted: {child['StackStatusReason']}"
        )


def always_updated(original: Function) -> Function:
    """A child is looked at in every update of its parent: what its TemplateURL holds may have changed."""

    def update_resource(resource_type: str, physical_id: str, old: Record, new: Record, *rest: Any) -> Any:
        if resource_type == STACK and old == new:
            return update(physical_id, old, new, rest[0])
        return original(resource_type, physical_id, old, new, *rest)

    return update_resource


def with_failed_child(original: Function) -> Function:
    """A rollback deletes the child whose creation failed, as on AWS; ministack leaves it behind."""

    async def roll_back(name: str, stack_id: str, stack: Record, operation: Record, *rest: Any) -> None:
        failed = operation["failed_logical_id"]
        record = stack["_resources"].get(failed, {})
        if record.get("ResourceStatus") == "CREATE_FAILED" and failed not in operation["created"]:
            operation["created"].append(failed)
        await original(name, stack_id, stack, operation, *rest)

    return roll_back


def new_child(parent_name: str, logical_id: str) -> tuple[str, str]:
    """A name and an id for a child, made as AWS makes them."""
    name = f"{parent_name}-{logical_id}"[:115] + "-" + new_uuid().replace("-", "")[:12].upper()
    return name, f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stack/{name}/{new_uuid()}"


def reserved(parent_name: str, logical_id: str) -> tuple[str, str] | None:
    """The name and id of the child that a nested change set holds in REVIEW_IN_PROGRESS, if there is one."""
    parent_id = cfn._stacks[parent_name]["StackId"]
    for child in cfn._stacks.values():
        mine = child.get("ParentId") == parent_id and child["_logical_id"] == logical_id
        if mine and child["StackStatus"] == "REVIEW_IN_PROGRESS":
            return child["StackName"], child["StackId"]
    return None


def family(parent: Record, logical_id: str) -> Record:
    """What the record of a child says about where it belongs."""
    return {
        "ParentId": parent["StackId"],
        "RootId": parent.get("RootId", parent["StackId"]),
        "_parent_stack_name": parent["StackName"],
        "_logical_id": logical_id,
    }


def form_members(name: str, members: list[Record]) -> Record:
    """A list of structures as the Query protocol writes it: `Name.member.1.Key`."""
    return {
        f"{name}.member.{number}.{key}": [value]
        for number, member in enumerate(members, 1)
        for key, value in member.items()
    }


def parameters_of(properties: Record) -> list[Record]:
    """The parameters that an AWS::CloudFormation::Stack passes on, as strings; ValueError for a list."""
    parameters = properties.get("Parameters") or {}
    if any(isinstance(value, list | dict) for value in parameters.values()):
        raise ValueError(
            "Value of property Parameters must be an object with String (or simple type) properties"
        )
    return [
        {"ParameterKey": key, "ParameterValue": str(value).lower() if isinstance(value, bool) else str(value)}
        for key, value in parameters.items()
    ]


def request(properties: Record, parent: Record) -> Record:
    """What a parent asks for its child, as the Query protocol writes it."""
    tags = [tag for tag in properties.get("Tags") or [] if not tag["Key"].startswith("aws:")]
    capabilities = enumerate(parent.get("Capabilities", []), 1)
    return {
        "TemplateURL": [properties["TemplateURL"]],
        **form_members("Parameters", parameters_of(properties)),
        **form_members("Tags", tags),
        **{f"Capabilities.member.{number}": [name] for number, name in capabilities},
    }


def _operate(
    action: str, wanted: Record, started: Callable[[], None] = lambda: None, stack_id: str | None = None
) -> None:
    """Runs a stack operation to its end on an event loop of its own; ValueError where it is refused."""

    async def run() -> None:
        handler = cfn._ACTION_HANDLERS[action]
        params = {"Action": [action], **wanted}
        reason = refusal(with_stack_id(stack_id, lambda: handler(params)))
        if reason:
            raise ValueError(reason)
        started()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(run())


def refusal(answer: tuple[int, Record, bytes]) -> str:
    """The message of an action that was refused; empty where it was accepted."""
    status, _, body = answer
    message = _MESSAGE.search(body.decode()) if status >= 400 else None
    return unescape(message[1]) if message else ""


def _reason(child: Record, verb: str) -> str:
    events = cfn._stack_events[child["StackId"]]
    own = [index for index, event in enumerate(events) if event["PhysicalResourceId"] == child["StackId"]]
    begun = max(index for index in own if events[index]["ResourceStatus"] == f"{verb.upper()}_IN_PROGRESS")
    failed = [
        event["LogicalResourceId"]
        for index, event in enumerate(events)
        if index > begun
        and index not in own
        and event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED")
    ]
    if not failed:
        return child["StackStatusReason"] or events[-1]["ResourceStatusReason"]
    return f"The following resource(s) failed to {verb}: [{', '.join(failed)}]. "


def _outputs(child: Record) -> Record:
    return {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in child["Outputs"]}


def _failed_record(logical_id: str, stack_id: str, properties: Record) -> Record:
    return {
        "PhysicalResourceId": stack_id,
        "ResourceType": STACK,
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": now_iso(),
    }
