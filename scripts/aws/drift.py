"""Drift: where resources are no longer as their templates have them, in a stack and in all that it nests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.aws.stacks import Nested
from scripts.errors import OperationError

_LONGEST_DETECTION = 1800.0  # seconds
_CHECKED = ("IN_SYNC", "MODIFIED", "DELETED")


@dataclass(frozen=True)
class Difference:
    """A property that differs: its path in the resource, what the template says, and what is so."""

    property_path: str
    expected: str
    actual: str


@dataclass(frozen=True)
class Drifted:
    """A resource that was changed (MODIFIED) or DELETED past CloudFormation."""

    path: tuple[str, ...]
    resource_type: str
    physical_id: str
    status: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Drift:
    """What drifted, and how many resources could be checked of how many there are.

    `failures` say by the paths of stacks why not all was checked there.
    """

    drifted: tuple[Drifted, ...]
    checked: int
    total: int
    failures: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {
            "Drifted": [
                {
                    "Path": "/".join(("root", *resource.path)),
                    "ResourceType": resource.resource_type,
                    "PhysicalResourceId": resource.physical_id,
                    "Status": resource.status,
                    "Differences": [
                        {"PropertyPath": each.property_path, "Expected": each.expected, "Actual": each.actual}
                        for each in resource.differences
                    ],
                }
                for resource in self.drifted
            ],
            "Checked": self.checked,
            "Resources": self.total,
            "Failures": self.failures,
        }


def detect(cloudformation: Any, tree: Nested, clock: Clock = SYSTEM_CLOCK) -> Drift:
    """Has CloudFormation check every resource whose type it can check, in all stacks at once, and reads the results.

    Raises OperationError where that is not done after half an hour.
    """
    stacks = list(tree.all())
    detections = [
        cloudformation.detect_stack_drift(StackName=stack.id)["StackDriftDetectionId"] for stack in stacks
    ]
    failures: dict[str, str] = {}
    for stack, detection in zip(stacks, detections, strict=True):
        reason = _wait(cloudformation, detection, clock)
        if reason:
            failures["/".join(("root", *stack.path))] = reason
    records = [(stack, record) for stack in stacks for record in _records(cloudformation, stack.id)]
    return Drift(
        drifted=tuple(
            _drifted(stack, record)
            for stack, record in records
            if record["StackResourceDriftStatus"] in ("MODIFIED", "DELETED")
        ),
        checked=sum(record["StackResourceDriftStatus"] in _CHECKED for _, record in records),
        total=sum(len(stack.resources) for stack in stacks),
        failures=failures,
    )


def _wait(cloudformation: Any, detection: str, clock: Clock) -> str:
    """Waits for the end of a detection; returns why it failed, or nothing."""
    for delay in growing(_LONGEST_DETECTION, clock):
        answer = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if answer["DetectionStatus"] == "DETECTION_FAILED":
            return str(answer.get("DetectionStatusReason", "CloudFormation gives no reason"))
        if answer["DetectionStatus"] == "DETECTION_COMPLETE":
            return ""
        clock.sleep(delay)
    raise OperationError("The detection of drift is not done after half an hour", "", "Try again later.")


def _records(cloudformation: Any, stack_id: str) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(StackName=stack_id, **token)
        yield from answer["StackResourceDrifts"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _drifted(stack: Nested, record: dict[str, Any]) -> Drifted:
    return Drifted(
        path=(*stack.path, record["LogicalResourceId"]),
        resource_type=record["ResourceType"],
        physical_id=record.get("PhysicalResourceId", ""),
        status=record["StackResourceDriftStatus"],
        differences=tuple(
            Difference(each["PropertyPath"], each["ExpectedValue"], each["ActualValue"])
            for each in record.get("PropertyDifferences", [])
        ),
    )
