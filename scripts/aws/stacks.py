"""What CloudFormation knows of a stack and of the stacks nested in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from generator import yaml_text
from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.errors import code_of, message_of
from scripts.aws.vocabulary import NESTED_STACK, is_in_progress

_LONGEST_DELETION = 900.0
# Source: CloudFormation user guide, "DeletionPolicy attribute".
_DEFAULT_POLICIES = {"AWS::RDS::DBCluster": "Snapshot"}


@dataclass(frozen=True)
class Stack:
    """A stack as DescribeStacks shows it."""

    id: str
    name: str
    status: str
    reason: str
    changed: datetime
    protected: bool
    change_set_id: str | None
    parameters: dict[str, str]
    outputs: dict[str, str]
    tags: dict[str, str]

    @property
    def in_progress(self) -> bool:
        """Whether CloudFormation is at work on it; a stack that only awaits its first change set is not."""
        return is_in_progress(self.status)


@dataclass(frozen=True)
class Resource:
    """A resource of a stack: its type, its name or ARN (empty before it has one), and its status."""

    type: str
    physical_id: str
    status: str


@dataclass(frozen=True)
class Nested:
    """A stack by its id, its own resources by their logical ids, and the stacks nested in it."""

    id: str
    path: tuple[str, ...]
    status: str
    resources: dict[str, Resource] = field(default_factory=dict)
    children: tuple["Nested", ...] = ()

    def all(self) -> Iterator["Nested"]:
        """This stack and all that it nests, parents before children."""
        yield self
        for child in self.children:
            yield from child.all()

    def of_type(self, resource_type: str) -> Iterator[tuple[tuple[str, ...], Resource]]:
        """The resources of a type in this stack and all that it nests, each with its path from the root."""
        for stack in self.all():
            for logical_id, resource in stack.resources.items():
                if resource.type == resource_type and resource.physical_id:
                    yield (*stack.path, logical_id), resource


def find(cloudformation: Any, name_or_id: str) -> Stack | None:
    """The stack of that name or id, or None where there is none; one deleted is found by its id only."""
    try:
        description = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"][0]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
            return None
        raise
    return Stack(
        id=description["StackId"],
        name=description["StackName"],
        status=description["StackStatus"],
        reason=description.get("StackStatusReason", ""),
        changed=description.get("LastUpdatedTime") or description["CreationTime"],
        protected=description.get("EnableTerminationProtection", False),
        change_set_id=description.get("ChangeSetId"),
        parameters={
            parameter["ParameterKey"]: parameter.get("ParameterValue", "")
            for parameter in description.get("Parameters", [])
        },
        outputs={output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])},
        tags={tag["Key"]: tag["Value"] for tag in description.get("Tags", [])},
    )


def last_deleted(cloudformation: Any, name: str) -> Stack | None:
    """Of the stacks of that name that were deleted in the last 90 days, the latest; None where there is none.

    Source: CloudFormation API reference, ListStacks.
    """
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    found = [each for page in pages for each in page["StackSummaries"] if each["StackName"] == name]
    if not found:
        return None
    return find(cloudformation, max(found, key=lambda each: each["CreationTime"])["StackId"])


def tree(cloudformation: Any, stack_id: str, status: str, path: tuple[str, ...] = ()) -> Nested:
    """The stack with the resources that it has, and so every stack nested in it."""
    resources = [
        resource
        for resource in _resources(cloudformation, stack_id)
        if resource["ResourceStatus"] != "DELETE_COMPLETE"
    ]
    children = tuple(
        tree(
            cloudformation,
            resource["PhysicalResourceId"],
            resource["ResourceStatus"],
            (*path, resource["LogicalResourceId"]),
        )
        for resource in resources
        if resource["ResourceType"] == NESTED_STACK and resource.get("PhysicalResourceId")
    )
    own = {
        resource["LogicalResourceId"]: Resource(
            resource["ResourceType"], resource.get("PhysicalResourceId", ""), resource["ResourceStatus"]
        )
        for resource in resources
        if resource["ResourceType"] != NESTED_STACK
    }
    return Nested(stack_id, path, status, own, children)


def physical_id(cloudformation: Any, stack_id: str, path: tuple[str, ...]) -> str:
    """The name or ARN of the resource at a path of logical ids below a stack; empty where there is none."""
    for logical_id in path:
        try:
            detail = cloudformation.describe_stack_resource(StackName=stack_id, LogicalResourceId=logical_id)
        except ClientError as error:
            if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
                return ""
            raise
        stack_id = detail["StackResourceDetail"].get("PhysicalResourceId", "")
    return stack_id


def deletion_policies(cloudformation: Any, stack_id: str) -> dict[str, str]:
    """What becomes of each resource when its stack goes, by the deployed template: Delete, Retain, Snapshot …"""
    body = cloudformation.get_template(StackName=stack_id)["TemplateBody"]
    template = yaml_text.load(body) if isinstance(body, str) else body
    return {
        logical_id: resource.get("DeletionPolicy") or _DEFAULT_POLICIES.get(resource["Type"], "Delete")
        for logical_id, resource in template["Resources"].items()
    }


def protect(cloudformation: Any, stack: Stack, on: bool = True) -> None:
    """Turns the stack's termination protection on or off; its nested stacks inherit it."""
    cloudformation.update_termination_protection(StackName=stack.name, EnableTerminationProtection=on)


def change_parameters(cloudformation: Any, stack: Stack, values: dict[str, str]) -> None:
    """Starts an update that gives some parameters other values, and changes nothing else."""
    kept = [
        {"ParameterKey": name, "UsePreviousValue": True} for name in stack.parameters if name not in values
    ]
    changed = [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]
    cloudformation.update_stack(
        StackName=stack.id,
        UsePreviousTemplate=True,
        Parameters=kept + changed,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


def set_policy(cloudformation: Any, stack_id: str, policy: str) -> bool:
    """Sets the stack's policy; False where it has this one already."""
    current = cloudformation.get_stack_policy(StackName=stack_id).get("StackPolicyBody", "")
    if current == policy:
        return False
    cloudformation.set_stack_policy(StackName=stack_id, StackPolicyBody=policy)
    return True


def delete(cloudformation: Any, stack_id: str, clock: Clock = SYSTEM_CLOCK) -> str:
    """Deletes a stack that has no resources left and waits for it; returns its last status."""
    cloudformation.delete_stack(StackName=stack_id)
    stack = None
    for delay in growing(_LONGEST_DELETION, clock):
        stack = find(cloudformation, stack_id)
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_FAILED"):
            break
        clock.sleep(delay)
    return stack.status if stack else "DELETE_COMPLETE"


def _resources(cloudformation: Any, stack_id: str) -> Iterator[dict[str, Any]]:
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack_id)
    return (resource for page in pages for resource in page["StackResourceSummaries"])
