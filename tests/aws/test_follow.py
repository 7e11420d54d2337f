"""Following an operation: complete, without repetition, patient, and right about what failed first."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.aws.clock import Clock
from scripts.aws.events import Event, OperationEvents, now_of, start_of
from scripts.aws.failures import first_failure
from scripts.aws.follow import Report, follow
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import EPOCH, EXPIRED, LOST, THROTTLED, Timeline, nested, record, stack_id


@dataclass
class Watcher:
    """Notes what it is told."""

    seen: list[Event] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def events(self, events: list[Event]) -> None:
        self.seen += events

    def notice(self, text: str) -> None:
        self.notices.append(text)


@dataclass
class Waiting:
    """A clock on which waiting takes no time; `then` happens at every wait."""

    then: Callable[[], None] = lambda: None
    waits: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(now=lambda: sum(self.waits), sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.then()


def operation_of(timeline: Timeline, since: float = -1) -> OperationEvents:
    made = scripted.client("cloudformation", DescribeStackEvents=timeline.describe_stack_events)
    return OperationEvents(made, stack_id("root"), EPOCH + timedelta(seconds=since))


def followed(timeline: Timeline, since: float = -1, **waiting: Any) -> tuple[Report, Watcher, Waiting]:
    watcher, clock = Watcher(), Waiting(**waiting)
    return follow(operation_of(timeline, since), watcher, clock.clock()), watcher, clock


CREATED = [
    record("root", "root", "CREATE_IN_PROGRESS", 0),
    nested("root", "Middle", "CREATE_IN_PROGRESS", 1),
    record("Middle", "Middle", "CREATE_IN_PROGRESS", 2),
    nested("Middle", "Inner", "CREATE_IN_PROGRESS", 3),
    record("Inner", "Inner", "CREATE_IN_PROGRESS", 4),
    record("Inner", "Value", "CREATE_IN_PROGRESS", 5),
    record("Inner", "Value", "CREATE_COMPLETE", 6),
    record("Inner", "Inner", "CREATE_COMPLETE", 7),
    nested("Middle", "Inner", "CREATE_COMPLETE", 8),
    record("Middle", "Middle", "CREATE_COMPLETE", 9),
    nested("root", "Middle", "CREATE_COMPLETE", 10),
    record("root", "root", "CREATE_COMPLETE", 11),
]
FAILED_INSIDE = [
    *CREATED[:6],
    record("root", "Other", "CREATE_IN_PROGRESS", 5.5),
    record("Inner", "Value", "CREATE_FAILED", 6, "Value is not allowed"),
    record("root", "Other", "CREATE_FAILED", 6.5, "Resource creation cancelled"),
    record(
        "Inner", "Inner", "ROLLBACK_IN_PROGRESS", 7, "The following resource(s) failed to create: [Value]."
    ),
    record("Inner", "Inner", "ROLLBACK_COMPLETE", 8),
    nested("Middle", "Inner", "CREATE_FAILED", 9, "Embedded stack arn was not successfully created: ..."),
    record(
        "Middle", "Middle", "ROLLBACK_IN_PROGRESS", 10, "The following resource(s) failed to create: [Inner]."
    ),
    record("Middle", "Middle", "ROLLBACK_COMPLETE", 11),
    nested("root", "Middle", "CREATE_FAILED", 12, "Embedded stack arn was not successfully created: ..."),
    record(
        "root", "root", "ROLLBACK_IN_PROGRESS", 13, "The following resource(s) failed to create: [Middle]."
    ),
    record("root", "root", "ROLLBACK_COMPLETE", 14),
]


def test_every_event_of_every_nested_stack_is_shown_once_in_the_order_of_time() -> None:
    report, watcher, _ = followed(Timeline(CREATED))
    assert report.succeeded
    assert [event.id for event in watcher.seen] == [record["EventId"] for record in CREATED]


def test_an_event_knows_the_path_of_its_resource_from_the_root() -> None:
    _, watcher, _ = followed(Timeline(CREATED))
    assert "root/Middle/Inner/Value (AWS::SSM::Parameter)" in map(str, watcher.seen)


def test_only_what_is_later_than_the_start_belongs_to_the_operation() -> None:
    update = [record("root", "root", "UPDATE_IN_PROGRESS", 20), record("root", "root", "UPDATE_COMPLETE", 21)]
    _, watcher, _ = followed(Timeline([*FAILED_INSIDE, *update]), since=14)
    assert [event.status for event in watcher.seen] == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_the_start_of_the_last_operation_is_found_again() -> None:
    update = [record("root", "root", "UPDATE_IN_PROGRESS", 20), record("root", "Value", "UPDATE_FAILED", 21)]
    timeline = Timeline([*CREATED, *update], page_size=1)
    made = scripted.client("cloudformation", DescribeStackEvents=timeline.describe_stack_events)
    operation = OperationEvents(made, stack_id("root"), start_of(made, stack_id("root")))
    assert [event.status for event in operation.poll()] == ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"]
    assert now_of(made, stack_id("root")) == EPOCH + timedelta(seconds=21)


def test_pages_are_read_back_to_a_known_event_and_no_further() -> None:
    many = [record("root", f"Resource{at}", "CREATE_COMPLETE", at) for at in range(1, 250)]
    timeline = Timeline([record("root", "root", "CREATE_IN_PROGRESS", 0), *many], page_size=100)
    operation = operation_of(timeline)
    timeline.hidden[stack_id("root")] = 1
    assert len(operation.poll()) == 249
    timeline.hidden.clear()
    before = len(operation._cloudformation.requests)
    assert [event.logical_id for event in operation.poll()] == ["Resource249"]
    assert len(operation._cloudformation.requests) - before == 1


def test_a_request_that_fails_between_two_pages_loses_and_repeats_nothing() -> None:
    timeline = Timeline(CREATED, page_size=2)
    original = timeline.describe_stack_events
    once = iter([THROTTLED])

    def fail_on_second_page(arguments: Any) -> dict[str, Any]:
        if "NextToken" in arguments and (fault := next(once, None)):
            raise fault
        return original(arguments)

    timeline.describe_stack_events = fail_on_second_page  # type: ignore[method-assign]
    _, watcher, _ = followed(timeline)
    assert [event.id for event in watcher.seen] == [record["EventId"] for record in CREATED]


def test_a_failing_grandchild_is_reported_and_not_what_follows_from_it() -> None:
    report, _, _ = followed(Timeline(FAILED_INSIDE))
    assert not report.succeeded
    assert str(report.failure) == "root/Middle/Inner/Value (AWS::SSM::Parameter): Value is not allowed"
    assert report.failure is not None
    assert report.failure.later == ()


def test_the_earliest_of_several_failures_is_reported_wherever_it_is() -> None:
    earlier = record("root", "Other", "CREATE_FAILED", 5.7, "Other was first")
    report, _, _ = followed(Timeline([*FAILED_INSIDE, earlier]))
    assert report.failure is not None
    assert report.failure.first.reason == "Other was first"
    assert [event.reason for event in report.failure.later] == ["Value is not allowed"]


def test_a_failure_without_a_cause_of_its_own_is_better_than_none() -> None:
    events = [
        record("root", "root", "UPDATE_IN_PROGRESS", 0),
        record("root", "root", "UPDATE_ROLLBACK_IN_PROGRESS", 1, "User Initiated"),
        record("root", "root", "UPDATE_ROLLBACK_COMPLETE", 2),
    ]
    report, _, _ = followed(Timeline(events))
    assert str(report.failure) == "root (AWS::CloudFormation::Stack): User Initiated"


def test_the_report_waits_for_events_of_a_nested_stack_that_come_late() -> None:
    timeline = Timeline(FAILED_INSIDE)
    timeline.hidden[stack_id("Inner")] = 100
    polls = iter([100, 3, 0])

    def reveal() -> None:
        timeline.hidden[stack_id("Inner")] = next(polls, 0)

    report, _, _ = followed(timeline, then=reveal)
    assert report.failure is not None
    assert report.failure.first.reason == "Value is not allowed"


def test_an_event_that_appears_behind_those_already_read_counts_as_well() -> None:
    timeline = Timeline(FAILED_INSIDE, page_size=1)
    timeline.hidden[stack_id("root")] = 1
    timeline.late = {FAILED_INSIDE[7]["EventId"]}

    def reveal() -> None:
        timeline.hidden.clear()
        timeline.late.clear()

    report, _, _ = followed(timeline, then=reveal)
    assert report.failure is not None
    assert report.failure.first.reason == "Value is not allowed"


def test_cleaning_up_is_not_the_end() -> None:
    events = [
        record("root", "root", "UPDATE_IN_PROGRESS", 0),
        record("root", "root", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", 1),
        record("root", "root", "UPDATE_COMPLETE", 2),
    ]
    timeline = Timeline(events)
    timeline.hidden[stack_id("root")] = 1
    report, watcher, waiting = followed(timeline, then=timeline.hidden.clear)
    assert report.status == "UPDATE_COMPLETE"
    assert len(waiting.waits) == 1
    assert len(watcher.seen) == 3


@pytest.mark.parametrize(
    "status",
    [
        "ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
        "CREATE_FAILED",
        "DELETE_FAILED",
    ],
)
def test_every_rollback_and_failure_is_a_failure(status: str) -> None:
    assert not Report(status, None).succeeded


@pytest.mark.parametrize("fault", [THROTTLED, LOST])
def test_a_passing_fault_is_waited_out_with_growing_delays_and_a_notice_each(fault: Exception) -> None:
    timeline = Timeline(CREATED)
    timeline.faults = [fault] * 3
    report, watcher, waiting = followed(timeline)
    assert report.succeeded
    assert waiting.waits == [1, 2, 4]
    assert [notice.rpartition(". ")[2] for notice in watcher.notices] == [
        f"Trying again in {seconds} s." for seconds in (1, 2, 4)
    ]
    assert len(watcher.seen) == len(CREATED)


def test_a_connection_lost_for_good_ends_after_ten_minutes() -> None:
    timeline = Timeline(CREATED)
    timeline.faults = [LOST] * 1000
    waiting = Waiting()
    with pytest.raises(OperationError, match="for 10 minutes: AWS cannot be reached"):
        follow(operation_of(timeline), Watcher(), waiting.clock())
    assert 600 <= sum(waiting.waits) <= 630


def test_expired_credentials_are_not_waited_out() -> None:
    timeline = Timeline(CREATED)
    timeline.faults = [EXPIRED]
    with pytest.raises(ClientError, match="ExpiredToken"):
        followed(timeline)


def test_a_nested_stack_that_no_longer_runs_is_not_asked_for_again() -> None:
    timeline = Timeline(CREATED)
    timeline.hidden[stack_id("root")] = 1
    operation = operation_of(timeline)
    operation.poll()
    before = len(operation._cloudformation.requests)
    operation.poll()
    assert [arguments["StackName"] for _, arguments in operation._cloudformation.requests[before:]] == [
        stack_id("root")
    ]


# Resources of stacks of a tree three levels deep fail, or none; everything ends in the usual way.
_PATHS = [("root",), ("root", "Middle"), ("root", "Middle", "Inner"), ("root", "Side")]
_NAMES = [path[-1] for path in _PATHS]
Failures = list[tuple[int, int]]


def story(failures: Failures) -> list[dict[str, Any]]:
    """The events of a creation in which a resource of each given stack fails at a time between 10 and 20."""
    status = "ROLLBACK_COMPLETE" if failures else "CREATE_COMPLETE"
    events = []
    for depth, path in enumerate(_PATHS):
        name, end = path[-1], 40 - len(path)
        own = [f"Broken{number}" for number, (stack, _) in enumerate(failures) if _PATHS[stack] == path]
        reason = (
            f"The following resource(s) failed to create: [{', '.join(own)}]. Rollback requested."
            if own
            else ""
        )
        events.append(record(name, name, "CREATE_IN_PROGRESS", depth))
        events += [record(name, name, "ROLLBACK_IN_PROGRESS", 25, reason)] if failures else []
        events.append(record(name, name, status, end))
        if len(path) > 1:
            last = "CREATE_FAILED" if failures else "CREATE_COMPLETE"
            reason = "Embedded stack was not successfully created" if failures else ""
            events.append(nested(path[-2], name, "CREATE_IN_PROGRESS", depth + 0.5))
            events.append(nested(path[-2], name, last, end + 0.5, reason))
    events += [broken(number, stack, at) for number, (stack, at) in enumerate(failures)]
    return events


def broken(number: int, stack: int, at: int) -> dict[str, Any]:
    return record(_NAMES[stack], f"Broken{number}", "CREATE_FAILED", at, f"reason {number}")


def reasons(failures: Failures) -> list[str]:
    """The reasons in the order of time; at the same time the deeper one, and then that of the lesser id, is first."""
    order = sorted(
        (at, -len(_PATHS[stack]), broken(number, stack, at)["EventId"], f"reason {number}")
        for number, (stack, at) in enumerate(failures)
    )
    return [reason for *_, reason in order]


def told(report: Report) -> list[str]:
    if report.failure is None:
        return []
    return [event.reason for event in (report.failure.first, *report.failure.later)]


_FAILURES = st.lists(st.tuples(st.integers(0, 3), st.integers(10, 20)), max_size=4)


@settings(deadline=None, max_examples=80, derandomize=True)
@given(failures=_FAILURES, page_size=st.integers(1, 7), overlap=st.integers(0, 2), data=st.data())
def test_any_interleaving_of_pages_repetitions_and_delays_gives_the_same_report(
    failures: Failures, page_size: int, overlap: int, data: st.DataObject
) -> None:
    """The events of a stack come a few at a time, and those of a resource, besides, whenever they please."""
    timeline = Timeline(story(failures), page_size, overlap=overlap)
    timeline.hidden = {stack_id(name): data.draw(st.integers(0, 12), label=name) for name in _NAMES}
    late = {
        broken(number, stack, at)["EventId"]: data.draw(st.integers(0, 12), label=f"late {number}")
        for number, (stack, at) in enumerate(failures)
    }
    timeline.late = {event for event, waits in late.items() if waits}

    def reveal() -> None:
        for name in timeline.hidden:
            timeline.hidden[name] = max(0, timeline.hidden[name] - data.draw(st.integers(2, 4)))
        for event in late:
            late[event] -= data.draw(st.integers(2, 4))
        timeline.late = {event for event, waits in late.items() if waits > 0}
        timeline.faults = [data.draw(st.sampled_from([THROTTLED, LOST]))] if data.draw(st.booleans()) else []

    report, watcher, _ = followed(timeline, then=reveal)
    assert report.status == ("ROLLBACK_COMPLETE" if failures else "CREATE_COMPLETE")
    assert told(report) == reasons(failures)
    assert len({event.id for event in watcher.seen}) == len(watcher.seen)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(failures=_FAILURES, data=st.data())
def test_the_first_failure_does_not_depend_on_the_order_of_reading(
    failures: Failures, data: st.DataObject
) -> None:
    events = operation_of(Timeline(story(failures))).poll()
    assert first_failure(data.draw(st.permutations(events))) == first_failure(events)


def test_an_event_that_the_stack_says_is_to_come_is_waited_for() -> None:
    """All stacks have come to rest by then, and the one failure that came later is known already."""
    failures = [(2, 11), (2, 12)]
    timeline = Timeline(story(failures))
    timeline.late = {broken(0, 2, 11)["EventId"]}
    waits = iter([None, None])

    def reveal() -> None:
        if next(waits, "over") == "over":
            timeline.late = set()

    report, _, _ = followed(timeline, then=reveal)
    assert told(report) == ["reason 0", "reason 1"]
