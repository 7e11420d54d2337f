"""Detecting drift: all stacks, all pages, and an honest count of what was checked."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.drift import Difference, detect
from scripts.aws.stacks import Nested, Resource
from scripts.errors import OperationError
from tests.aws import scripted

TREE = Nested(
    "root",
    (),
    "UPDATE_COMPLETE",
    {"Topic": Resource("AWS::SNS::Topic", "topic", "CREATE_COMPLETE")},
    (
        Nested(
            "inner",
            ("Inner",),
            "CREATE_COMPLETE",
            {
                "Group": Resource("AWS::Logs::LogGroup", "group", "CREATE_COMPLETE"),
                "Rule": Resource("AWS::Custom::Thing", "thing", "CREATE_COMPLETE"),
            },
        ),
    ),
)


def drift(logical_id: str, status: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "StackId": "stack",
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::Logs::LogGroup",
        "StackResourceDriftStatus": status,
        "Timestamp": scripted.EPOCH,
        "PropertyDifferences": [
            {"PropertyPath": path, "ExpectedValue": old, "ActualValue": new, "DifferenceType": "NOT_EQUAL"}
            for path, old, new in differences
        ],
    }


class Detections:
    """Answers: the first look at a detection finds it under way; `pages` are the pages of each stack's results."""

    def __init__(self, **pages: list[list[dict[str, Any]]]) -> None:
        self._pages = pages
        self._looks: list[str] = []
        self.outcome = {"DetectionStatus": "DETECTION_COMPLETE"}

    def client(self) -> Any:
        return scripted.client(
            "cloudformation",
            DetectStackDrift=lambda arguments: {"StackDriftDetectionId": arguments["StackName"]},
            DescribeStackDriftDetectionStatus=self._status,
            DescribeStackResourceDrifts=self._drifts,
        )

    def _status(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        detection = arguments["StackDriftDetectionId"]
        self._looks.append(detection)
        known = {"StackId": "id", "StackDriftDetectionId": detection, "Timestamp": scripted.EPOCH}
        under_way = self._looks.count(detection) == 1
        return {**known, **({"DetectionStatus": "DETECTION_IN_PROGRESS"} if under_way else self.outcome)}

    def _drifts(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        pages = self._pages.get(arguments["StackName"], [[]])
        page = int(arguments.get("NextToken", 0))
        following = {"NextToken": str(page + 1)} if page + 1 < len(pages) else {}
        return {"StackResourceDrifts": pages[page], **following}


def clock() -> Clock:
    waited: list[float] = []
    return Clock(now=lambda: sum(waited), sleep=waited.append)


def test_every_page_of_every_stack_is_read_and_what_cannot_be_checked_counts_as_such() -> None:
    changed = drift("Group", "MODIFIED", ("/RetentionInDays", "400", "7"))
    detections = Detections(
        root=[[drift("Topic", "IN_SYNC")]], inner=[[drift("Rule", "NOT_CHECKED")], [changed]]
    )
    found = detect(detections.client(), TREE, clock())
    (only,) = found.drifted
    assert only.path == ("Inner", "Group")
    assert only.differences == (Difference("/RetentionInDays", "400", "7"),)
    assert (found.checked, found.total) == (2, 3)
    assert found.failures == {}


def test_all_detections_are_started_before_any_is_waited_for() -> None:
    client = Detections().client()
    detect(client, TREE, clock())
    assert [name for name, _ in client.requests[:2]] == ["DetectStackDrift"] * 2


def test_a_detection_that_fails_says_where_and_why_and_keeps_what_was_found() -> None:
    detections = Detections(root=[[drift("Topic", "DELETED")]])
    detections.outcome = {
        "DetectionStatus": "DETECTION_FAILED",
        "DetectionStatusReason": "not allowed: sns:GetTopicAttributes",
    }
    found = detect(detections.client(), TREE, clock())
    assert [resource.status for resource in found.drifted] == ["DELETED"]
    assert found.failures["root"] == "not allowed: sns:GetTopicAttributes"
    assert found.failures.keys() == {"root", "root/Inner"}


def test_a_detection_without_end_is_given_up_after_half_an_hour() -> None:
    detections = Detections()
    detections.outcome = {"DetectionStatus": "DETECTION_IN_PROGRESS"}
    with pytest.raises(OperationError, match="not done after half an hour"):
        detect(detections.client(), TREE, clock())
