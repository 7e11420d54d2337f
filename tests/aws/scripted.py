"""A boto3 client whose answers come from a script; botocore's own paginators and error classes stay in place."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import EndpointConnectionError

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]

NESTED = "AWS::CloudFormation::Stack"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class RefusalError(Exception):
    """What a service answers when it refuses a request."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.answer = {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
        }
        self.status = status


THROTTLED = RefusalError("Throttling", "Rate exceeded")
EXPIRED = RefusalError("ExpiredToken", "The security token included in the request is expired", 403)
LOST = EndpointConnectionError(endpoint_url="https://cloudformation.us-east-1.amazonaws.com/")


def client(service: str, **answers: Answer) -> Any:
    """A client of the service; `answers` maps an operation's name to what answers its arguments.

    Every request is noted in `client.requests` as a pair of operation and arguments.
    """
    made = boto3.client(
        service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    made.requests = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.requests.append((model.name, dict(params)))

    def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        try:
            body = answers[model.name](made.requests[-1][1])
        except RefusalError as refusal:
            return SimpleNamespace(status_code=refusal.status), refusal.answer
        body.setdefault("ResponseMetadata", {"HTTPStatusCode": 200, "HTTPHeaders": {}})
        return SimpleNamespace(status_code=200), body

    made.meta.events.register("provide-client-params", note)
    made.meta.events.register("before-call", answer)
    return made


def asked(made: Any, operation: str) -> list[dict[str, Any]]:
    """The arguments of every request for the operation."""
    return [arguments for name, arguments in made.requests if name == operation]


def stack_id(name: str) -> str:
    """The id of a stack, as CloudFormation writes it."""
    return f"arn:aws:cloudformation:us-east-1:111122223333:stack/{name}/0001"


def record(
    stack: str, logical_id: str, status: str, at: float, reason: str = "", **more: Any
) -> dict[str, Any]:
    """A stack event, `at` seconds after the epoch; without a type or physical id it is of the stack itself."""
    return {
        "EventId": f"{stack}-{logical_id}-{status}-{at}",
        "StackId": stack_id(stack),
        "StackName": stack,
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": stack_id(stack) if logical_id == stack else f"id-of-{logical_id}",
        "ResourceType": NESTED if logical_id == stack else "AWS::SSM::Parameter",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": EPOCH + timedelta(seconds=at),
    } | more


def nested(stack: str, child: str, status: str, at: float, reason: str = "") -> dict[str, Any]:
    """An event of the parent `stack` about the stack that it nests under the logical id `child`."""
    return record(stack, child, status, at, reason, ResourceType=NESTED, PhysicalResourceId=stack_id(child))


class Timeline:
    """The events of a few stacks, newest first.

    `hidden` counts for each stack's id the latest events that cannot be seen yet, `late` are the ids of others,
    `faults` are raised by the next requests, and every page repeats the last `overlap` events of the one before.
    """

    def __init__(self, records: list[dict[str, Any]], page_size: int = 100, overlap: int = 0) -> None:
        self._records = sorted(records, key=lambda record: record["Timestamp"])
        self._page_size = page_size
        self._overlap = overlap
        self.faults: list[Exception] = []
        self.hidden: dict[str, int] = {}
        self.late: set[str] = set()

    def describe_stack_events(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to DescribeStackEvents."""
        if self.faults:
            raise self.faults.pop(0)
        name = arguments["StackName"]
        records = [
            record
            for record in self._records
            if record["StackId"] == name and record["EventId"] not in self.late
        ]
        visible = records[: max(0, len(records) - self.hidden.get(name, 0))][::-1]
        if not visible and name != stack_id("root"):
            raise RefusalError("ValidationError", f"Stack [{name}] does not exist")
        start = int(arguments.get("NextToken", 0))
        end = start + self._page_size
        first = max(0, start - self._overlap)
        return {"StackEvents": visible[first:end]} | ({"NextToken": str(end)} if end < len(visible) else {})
