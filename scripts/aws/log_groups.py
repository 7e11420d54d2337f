"""Log groups of CloudWatch Logs: their lines, and what Logs Insights finds in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from scripts.aws.clock import SYSTEM_CLOCK, Clock, growing
from scripts.errors import OperationError

_POLL = 2.0  # seconds
# Lines of different streams arrive out of order; each look goes back this far. In milliseconds.
_OVERLAP = 30_000
_LONGEST_QUERY = 900.0  # seconds, after which Logs Insights gives up by itself


@dataclass(frozen=True)
class Line:
    """One line of a log: when, in which stream, and what."""

    time: datetime
    stream: str
    message: str

    def as_json(self) -> dict[str, str]:
        """The same for scripts."""
        return {"time": self.time.isoformat(), "stream": self.stream, "message": self.message}


def exists(logs: Any, group: str) -> bool:
    """Whether there is a log group of that name."""
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group)
    return any(found["logGroupName"] == group for page in pages for found in page["logGroups"])


def lines(
    logs: Any, group: str, since: datetime, follow: bool, clock: Clock = SYSTEM_CLOCK
) -> Iterator[Line]:
    """The lines since a moment in the order of time; to follow, without end, each once."""
    start, known = _milliseconds(since), dict[str, int]()
    while True:
        fresh = [event for event in _events(logs, group, start) if event["eventId"] not in known]
        for event in fresh:
            known[event["eventId"]] = event["timestamp"]
            yield _line(event)
        if not follow:
            return
        start = max([start, *(time - _OVERLAP for time in known.values())])
        known = {event_id: time for event_id, time in known.items() if time >= start}
        clock.sleep(_POLL)


def query(
    logs: Any, group: str, text: str, since: datetime, until: datetime, clock: Clock = SYSTEM_CLOCK
) -> list[dict[str, str]]:
    """The rows that Logs Insights finds, each a value for each of the query's fields that has one.

    Raises OperationError where the query fails. One that is no longer waited for is stopped, as it costs.
    """
    query_id = logs.start_query(
        logGroupName=group,
        startTime=int(since.timestamp()),
        endTime=int(until.timestamp()),
        queryString=text,
    )["queryId"]
    status = "Running"
    try:
        for delay in growing(_LONGEST_QUERY, clock):
            answer = logs.get_query_results(queryId=query_id)
            status = answer["status"]
            if status not in ("Scheduled", "Running"):
                break
            clock.sleep(delay)
    finally:
        if status in ("Scheduled", "Running"):
            logs.stop_query(queryId=query_id)
    if status != "Complete":
        raise OperationError("The query of the log did not complete", f"it is {status}", "Ask for less time.")
    return [
        {cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr" and cell.get("value")}
        for row in answer["results"]
    ]


def _events(logs: Any, group: str, start: int) -> Iterator[dict[str, Any]]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
    return (event for page in pages for event in page["events"])


def _line(event: dict[str, Any]) -> Line:
    time = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    return Line(time, event.get("logStreamName", ""), event["message"].rstrip("\n"))


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)
