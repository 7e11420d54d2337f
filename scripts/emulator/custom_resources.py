"""Custom resources, whose functions ministack runs for real, in a Python process each: how their failures are told.

A function answers at the ResponseURL of its request. ministack takes the answer, but where a creation failed it never
asks for the deletion of what the function may have made by then, and shows the function's reason alone.
"""

from typing import Any

from ministack.core.responses import now_iso
from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import custom_resource

from scripts.emulator.patching import Function, replace

Record = dict[str, Any]
# The physical id of the last answer about a resource, by its stack's id and its logical id.
_answered: dict[tuple[str, str], str] = {}


def install() -> None:
    """Makes the ministack of this process tell the failures of custom resources as AWS does."""
    replace("deliver_response", (custom_resource,), noted_answers)
    replace("invoke_custom_resource", (custom_resource,), failures_as_on_aws)


def noted_answers(original: Function) -> Function:
    """The physical id that a function gave its resource, which a failure forgets."""

    def deliver(token: str, answer: Record) -> Any:
        _answered[answer["StackId"], answer["LogicalResourceId"]] = answer["PhysicalResourceId"]
        return original(token, answer)

    return deliver


def failures_as_on_aws(original: Function) -> Function:
    """The wording of a failure, and the deletion that follows a failed creation when the stack is rolled back."""

    def invoke(
        kind: str, logical_id: str, properties: Record, stack_name: str, *rest: Any, **more: Any
    ) -> Any:
        try:
            return original(kind, logical_id, properties, stack_name, *rest, **more)
        except RuntimeError as error:
            if kind == "Create":
                _keep_for_rollback(stack_name, logical_id, properties, *rest)
            raise ValueError(
                f"Received response status [FAILED] from custom resource. Message returned: {error}"
            ) from error

    return invoke


def _keep_for_rollback(
    stack_name: str, logical_id: str, properties: Record, stack_id: str, resource_type: str
) -> None:
    cfn._stacks[stack_name]["_resources"][logical_id] = {
        "PhysicalResourceId": _answered[stack_id, logical_id],
        "ResourceType": resource_type,
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": now_iso(),
    }
