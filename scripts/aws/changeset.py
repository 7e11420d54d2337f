"""Change sets, with those of nested stacks: what a deployment would do, before it does it."""

import contextlib
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from scripts.aws import stacks
from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.data import bears_data
from scripts.aws.errors import code_of, message_of
from scripts.aws.vocabulary import NESTED_STACK
from scripts.errors import OperationError

NAME_PREFIX = "orthanc-aws-"
# CloudFormation has no status of its own for this and says it in one of these sentences.
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_CHANGE_SET_ARN = re.compile(r"arn:[\w-]+:cloudformation:[\w-]+:\d+:changeSet/\S+?/[\w-]+")
_LONGEST_PREPARATION = 900.0
_LONGEST_REMOVAL = 120.0


@dataclass(frozen=True)
class Change:
    """What a change set would do to one resource, and in a nested stack to its resources.

    `action` is CloudFormation's (Add, Modify, Remove, Import, Dynamic), `replacement` is True, False,
    Conditional or empty, `policy` what becomes of the old resource (such as ReplaceAndSnapshot), `causes`
    are the properties that change.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str
    policy: str
    causes: tuple[str, ...]
    children: tuple["Change", ...]

    @property
    def replaces(self) -> bool:
        """Whether the resource will, or may, be made anew and the old one be removed."""
        return self.action == "Modify" and self.replacement in ("True", "Conditional")

    @property
    def endangers_data(self) -> bool:
        """Whether a resource that bears data will, or may, be removed or replaced.

        A nested stack bears data where what goes with it does.
        """
        if self.resource_type == NESTED_STACK:
            goes = self.action == "Remove" and any(child.endangers_data for child in self.children)
            return goes or self.replaces
        is_lost = self.action == "Remove" or self.replaces
        return is_lost and bears_data(self.resource_type, self.policy.removeprefix("ReplaceAnd"))

    def as_json(self) -> dict[str, Any]:
        """The same for scripts, in CloudFormation's words where it has some."""
        return {
            "Action": self.action,
            "LogicalResourceId": self.logical_id,
            "ResourceType": self.resource_type,
            "Replacement": self.replacement,
            "PolicyAction": self.policy,
            "Causes": list(self.causes),
            "EndangersData": self.endangers_data,
            "Changes": [child.as_json() for child in self.children],
        }


@dataclass(frozen=True)
class Request:
    """What to propose: the root template's address, parameter values, tags, and who asks for it."""

    stack_name: str
    template_url: str
    parameters: dict[str, str]
    tags: dict[str, str]
    description: str


class ChangeSet:
    """A proposed change set; as a context manager it removes itself at the end unless it was executed."""

    def __init__(self, cloudformation: Any, change_set_id: str, stack_id: str, stack_name: str) -> None:
        self._cloudformation = cloudformation
        self._stack_name = stack_name
        self.id = change_set_id
        self.stack_id = stack_id
        self._is_executed = False

    def __enter__(self) -> "ChangeSet":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._is_executed:
            return
        # What is left because the connection is gone, too, is removed by the next run.
        with contextlib.suppress(*((BotoCoreError, ClientError, OperationError) if kind else ())):
            discard(self._cloudformation, self._stack_name, self.id)

    def wait(self, clock: Clock = SYSTEM_CLOCK) -> bool:
        """Waits until the change set is complete, and returns whether it has any changes.

        Raises OperationError with the first reason when CloudFormation could not make it.
        """
        for delay in growing(_LONGEST_PREPARATION, clock):
            description = self._cloudformation.describe_change_set(ChangeSetName=self.id)
            if description["Status"] == "CREATE_COMPLETE":
                return True
            if description["Status"] == "FAILED":
                if _has_no_changes(description):
                    return False
                raise _refused(self._cloudformation, description)
            clock.sleep(delay)
        raise OperationError(
            "The change set is not complete after 15 minutes", "", "Run the same command again."
        )

    def changes(self) -> tuple[Change, ...]:
        """The tree of changes, through every nested stack."""
        return tuple(_changes(self._cloudformation, self.id))

    def execute(self) -> None:
        """Starts the deployment; a creation that fails removes all that it made, retained types included.

        Raises OperationError when another deployment was started since the change set was made.
        """
        self._is_executed = True
        try:
            self._cloudformation.execute_change_set(
                ChangeSetName=self.id,
                ClientRequestToken=self.id.rsplit("/", 1)[-1],
                RetainExceptOnCreate=True,
            )
        except ClientError as error:
            if code_of(error) not in ("ChangeSetNotFound", "InvalidChangeSetStatus"):
                self._is_executed = False
                raise
            raise OperationError(
                "The change set can no longer be executed",
                "another deployment was started, or the change set was removed, while it waited",
                "Run the same command again to see the changes against the stack as it is now.",
            ) from None


def propose(cloudformation: Any, request: Request, is_new: bool) -> ChangeSet:
    """Asks CloudFormation for a change set of the stack and those it nests; `wait` tells when it is made.

    A creation that fails rolls back and leaves an empty stack with the events that say why; the next
    deployment removes it. (DELETE would take the events away with it, DO_NOTHING would leave parts that
    cost.)
    """
    name = f"{NAME_PREFIX}{uuid.uuid4().hex[:16]}"
    try:
        answer = cloudformation.create_change_set(**_arguments(request, name, is_new))
    except ClientError as error:
        if "_IN_PROGRESS state" not in message_of(error):
            raise
        raise OperationError(
            f"Another operation on {request.stack_name} has begun meanwhile",
            message_of(error),
            "Run the same command again: it follows that one first.",
        ) from None
    return ChangeSet(cloudformation, answer["Id"], answer["StackId"], request.stack_name)


def _arguments(request: Request, name: str, is_new: bool) -> dict[str, Any]:
    return {
        "StackName": request.stack_name,
        "ChangeSetName": name,
        "ClientToken": name,
        "ChangeSetType": "CREATE" if is_new else "UPDATE",
        "TemplateURL": request.template_url,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in request.parameters.items()
        ],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in request.tags.items()],
        "Description": request.description,
        "IncludeNestedStacks": True,
        **({"OnStackFailure": "ROLLBACK"} if is_new else {}),
    }


def discard(cloudformation: Any, stack_name: str, change_set_id: str, clock: Clock = SYSTEM_CLOCK) -> None:
    """Removes a change set with its nested ones, and the stack if it was only there to hold it."""
    cloudformation.delete_change_set(ChangeSetName=change_set_id)
    for delay in growing(_LONGEST_REMOVAL, clock):
        remaining = [summary["ChangeSetId"] for summary in _summaries(cloudformation, stack_name)]
        if change_set_id not in remaining:
            break
        clock.sleep(delay)
    stack = stacks.find(cloudformation, stack_name)
    if stack and stack.status == "REVIEW_IN_PROGRESS" and not remaining:
        stacks.delete(cloudformation, stack.id, clock)


def leftovers(cloudformation: Any, stack_name: str) -> list[str]:
    """The ids of change sets of this tool that are complete and were never executed."""
    return [
        summary["ChangeSetId"]
        for summary in _summaries(cloudformation, stack_name)
        if summary["ChangeSetName"].startswith(NAME_PREFIX)
        and summary["Status"] in ("CREATE_COMPLETE", "FAILED")
        and summary["ExecutionStatus"] in ("AVAILABLE", "UNAVAILABLE")
    ]


def description_of(cloudformation: Any, change_set_id: str) -> str:
    """The description that the change set was made with; empty where it is not to be found any more."""
    try:
        description = cloudformation.describe_change_set(ChangeSetName=change_set_id)
    except ClientError as error:
        if code_of(error) in ("ChangeSetNotFound", "ValidationError"):
            return ""
        raise
    return str(description.get("Description", ""))


def _summaries(cloudformation: Any, stack_name: str) -> Iterator[dict[str, Any]]:
    pages = cloudformation.get_paginator("list_change_sets").paginate(StackName=stack_name)
    return (summary for page in pages for summary in page["Summaries"])


def _has_no_changes(description: dict[str, Any]) -> bool:
    return any(sentence in description.get("StatusReason", "") for sentence in _NO_CHANGES)


def _refused(cloudformation: Any, description: dict[str, Any]) -> OperationError:
    """The reason of the innermost nested change set, to which the outer ones only point."""
    reason = description.get("StatusReason", "")
    inner = _CHANGE_SET_ARN.search(reason)
    if inner and inner[0] != description["ChangeSetId"]:
        return _refused(cloudformation, cloudformation.describe_change_set(ChangeSetName=inner[0]))
    if "DescribeEvents" in reason or "EarlyValidation" in reason:
        reason = "; ".join((reason, *_validation_failures(cloudformation, description["ChangeSetId"])))
    return OperationError(
        f"CloudFormation refuses the change to stack {description['StackName']}",
        reason or "it gives no reason",
        "Correct the template or the parameter set and run the same command again.",
    )


def _validation_failures(cloudformation: Any, change_set_id: str) -> list[str]:
    pages = cloudformation.get_paginator("describe_events").paginate(
        ChangeSetName=change_set_id, Filters={"FailedEvents": True}
    )
    return [
        f"{event.get('LogicalResourceId')} {event.get('ValidationPath')}: {event['ValidationStatusReason']}"
        for page in pages
        for event in page["OperationEvents"]
        if event.get("ValidationStatusReason")
    ]


def _changes(cloudformation: Any, change_set_id: str) -> Iterator[Change]:
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=change_set_id)
    for page in pages:
        for entry in page["Changes"]:
            if "ResourceChange" in entry:
                yield from _change(cloudformation, entry["ResourceChange"])


def _change(cloudformation: Any, record: dict[str, Any]) -> Iterator[Change]:
    """The change; none for a nested stack that CloudFormation visits without changing anything in it."""
    nested = record.get("ChangeSetId")
    children = tuple(_changes(cloudformation, nested)) if nested else ()
    if record["Action"] == "Remove" and record["ResourceType"] == NESTED_STACK:
        children = tuple(_removals(cloudformation, record["PhysicalResourceId"]))
    if nested and record["Action"] == "Modify" and not children:
        return
    targets = (detail.get("Target", {}) for detail in record.get("Details", []))
    yield Change(
        action=record["Action"],
        logical_id=record["LogicalResourceId"],
        resource_type=record["ResourceType"],
        replacement=record.get("Replacement", ""),
        policy=record.get("PolicyAction", ""),
        causes=tuple(dict.fromkeys(target.get("Name") or target.get("Attribute", "") for target in targets)),
        children=children,
    )


def _removals(cloudformation: Any, stack_id: str) -> Iterator[Change]:
    """What goes with a nested stack, of which a change set tells no more than that the stack is removed."""
    policies = stacks.deletion_policies(cloudformation, stack_id)
    tree = stacks.tree(cloudformation, stack_id, "")
    for logical_id, resource in tree.resources.items():
        policy = policies.get(logical_id, "").removesuffix("ExceptOnCreate")
        yield Change("Remove", logical_id, resource.type, "", policy, (), ())
    for child in tree.children:
        children = tuple(_removals(cloudformation, child.id))
        yield Change("Remove", child.path[-1], NESTED_STACK, "", "Delete", (), children)
