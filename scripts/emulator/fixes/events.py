"""Mends the stack events, by which a deployment is followed."""

from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import provisioners, stacks

from scripts.emulator.patching import Function, replace
from scripts.emulator.schemas import STACK

Record = dict[str, Any]
Resource = tuple[str, str]  # the stack's name and the resource's logical id

_new: set[Resource] = set()
_untouched: set[Resource] = set()


def install() -> None:
    """Applies every fix of this module to the ministack of this process."""
    replace("_add_event", (stacks,), events_as_on_aws)
    replace("_update_resource", (provisioners, stacks), untouched_resources)
    replace("_delete_resource", (provisioners, stacks), cleanup_of_an_update)


def events_as_on_aws(original: Function) -> Function:
    """The events of one resource.

    In an update ministack reports every resource as updated, with its physical id at the end only. AWS reports those
    that are created or changed, and the physical id from the start where there is one.
    """

    def add(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        resource = (stack_name, logical_id)
        record = (cloudformation._stacks.get(stack_name) or {}).get("_resources", {}).get(logical_id)
        was_untouched = resource in _untouched
        _untouched.discard(resource)
        if was_untouched and status == "UPDATE_COMPLETE":
            _withdraw(stack_id, logical_id)
            return
        if logical_id != stack_name:
            status = _status_of_new(resource, record, status)
        physical_id = physical_id or (record or {}).get("PhysicalResourceId", "")
        original(
            stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status
        )

    return add


def _status_of_new(resource: Resource, record: Record | None, status: str) -> str:
    if status == "UPDATE_IN_PROGRESS" and record is None:
        _new.add(resource)
    if resource not in _new or not status.startswith("UPDATE_"):
        return status
    status = status.replace("UPDATE", "CREATE")
    if status != "CREATE_IN_PROGRESS":
        _new.discard(resource)
    if record and status == "CREATE_COMPLETE":
        record["ResourceStatus"] = status
    return status


def _withdraw(stack_id: str, logical_id: str) -> None:
    events = cloudformation._stack_events[stack_id]
    last = max(index for index, event in enumerate(events) if event["LogicalResourceId"] == logical_id)
    del events[last]


def untouched_resources(original: Function) -> Function:
    """Notes which resources an update leaves as they are; a nested stack is visited by every update."""

    def update(
        resource_type: str,
        physical_id: str,
        old: Record,
        new: Record,
        stack_name: str,
        logical_id: str,
        *rest: Any,
    ) -> Any:
        if old == new and resource_type != STACK:
            _untouched.add((stack_name, logical_id))
        return original(resource_type, physical_id, old, new, stack_name, logical_id, *rest)

    return update


def cleanup_of_an_update(original: Function) -> Function:
    """The last phase of an update, which deletes what the new template does not have.

    ministack deletes it without an event and without the status of that phase.
    """

    def delete(
        resource_type: str,
        physical_id: str,
        properties: Record,
        stack_name: str | None = None,
        logical_id: str | None = None,
    ) -> None:
        stack = cloudformation._stacks.get(stack_name) or {}
        if stack.get("StackStatus") == "UPDATE_IN_PROGRESS":
            _begin_cleanup(stack)
        in_cleanup = stack.get("StackStatus") == _CLEANUP
        event = stack.get("StackId"), stack_name, logical_id, resource_type
        if in_cleanup:
            stacks._add_event(*event, "DELETE_IN_PROGRESS", physical_id=physical_id)
        original(resource_type, physical_id, properties, stack_name, logical_id)
        if in_cleanup:
            stacks._add_event(*event, "DELETE_COMPLETE", physical_id=physical_id)

    return delete


_CLEANUP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


def _begin_cleanup(stack: Record) -> None:
    stack["StackStatus"] = _CLEANUP
    stacks._add_event(
        stack["StackId"],
        stack["StackName"],
        stack["StackName"],
        STACK,
        _CLEANUP,
        physical_id=stack["StackId"],
    )
