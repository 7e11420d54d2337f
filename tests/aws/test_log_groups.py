"""Reading log groups: every line once, in spite of late ones, and no query that runs on unwatched."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from scripts.aws.clock import Clock
from scripts.aws.log_groups import lines, query
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import EPOCH

UNTIL = EPOCH + timedelta(days=1)


def event(second: int, message: str = "") -> dict[str, Any]:
    time = int(EPOCH.timestamp() * 1000) + second * 1000
    return {
        "eventId": str(second),
        "timestamp": time,
        "message": message or f"line {second}\n",
        "logStreamName": "s",
    }


class Log:
    """A log whose lines become visible look by look; every page has two of them."""

    def __init__(self, *looks: list[dict[str, Any]]) -> None:
        self._looks = list(looks)
        self._visible: list[dict[str, Any]] = []

    def filter_log_events(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if "nextToken" not in arguments and self._looks:
            self._visible = sorted(self._visible + self._looks.pop(0), key=lambda event: event["timestamp"])
        found = [event for event in self._visible if event["timestamp"] >= arguments["startTime"]]
        first = int(arguments.get("nextToken", 0))
        following = {"nextToken": str(first + 2)} if first + 2 < len(found) else {}
        return {"events": found[first : first + 2], **following}


def read(log: Log, follow: bool = False, most: int = 100) -> list[str]:
    client = scripted.client("logs", FilterLogEvents=log.filter_log_events)
    waits: list[float] = []
    clock = Clock(now=lambda: sum(waits), sleep=waits.append)
    return [line.message for line in islice(lines(client, "group", EPOCH, follow, clock), most)]


def test_all_pages_are_read() -> None:
    assert read(Log([event(at) for at in range(5)])) == [f"line {at}" for at in range(5)]


def test_following_shows_each_line_once_and_late_ones_as_well() -> None:
    log = Log([event(10), event(20)], [event(15)], [], [event(30)])
    assert read(log, follow=True, most=4) == ["line 10", "line 20", "line 15", "line 30"]


class Queries:
    """Logs Insights with one query that has one status after the other."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)
        self.stopped = 0

    def client(self) -> Any:
        return scripted.client(
            "logs",
            StartQuery=lambda _: {"queryId": "id"},
            GetQueryResults=self._results,
            StopQuery=self._stop,
        )

    def _results(self, _: Mapping[str, Any]) -> dict[str, Any]:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        row = [
            {"field": "user", "value": "alice"},
            {"field": "series", "value": ""},
            {"field": "@ptr", "value": "x"},
        ]
        return {"status": status, "results": [row] if status == "Complete" else []}

    def _stop(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.stopped += 1
        return {}


def ask(queries: Queries, sleep: Any = None) -> list[dict[str, str]]:
    waits: list[float] = []
    clock = Clock(now=lambda: sum(waits), sleep=sleep or waits.append)
    return query(queries.client(), "group", "fields user", EPOCH, UNTIL, clock)


def test_a_query_is_waited_for_and_gives_rows_without_what_is_empty() -> None:
    assert ask(Queries("Scheduled", "Running", "Complete")) == [{"user": "alice"}]


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_query_that_fails_is_no_empty_answer(status: str) -> None:
    with pytest.raises(OperationError, match=f"it is {status}"):
        ask(Queries(status))


def test_a_query_that_nobody_waits_for_any_more_is_stopped() -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    queries = Queries("Running")
    with pytest.raises(KeyboardInterrupt):
        ask(queries, interrupt)
    assert queries.stopped == 1
    with pytest.raises(OperationError, match="it is Running"):
        ask(queries)
    assert queries.stopped == 2
