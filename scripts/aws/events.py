"""The events of one operation on a stack and on every stack nested in it."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from scripts.aws.errors import code_of, message_of
from scripts.aws.vocabulary import NESTED_STACK, is_in_progress

_STARTS = frozenset(("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"))
# How CloudFormation names, in an event of a stack, the resources whose own events say why they failed.
_FAILED_RESOURCES = re.compile(r"The following resource\(s\) failed to \w+: \[([^\]]*)\]")
_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Event:
    """One stack event; `stack_path` are the logical ids that lead from the root to the event's stack."""

    id: str
    stack_id: str
    stack_path: tuple[str, ...]
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    reason: str
    time: datetime

    @property
    def is_of_stack(self) -> bool:
        """Whether the event tells of its stack as a whole and not of a resource in it."""
        return self.physical_id == self.stack_id

    @property
    def path(self) -> tuple[str, ...]:
        """The logical ids that lead from the root to what the event tells of; empty for the root itself."""
        return self.stack_path if self.is_of_stack else (*self.stack_path, self.logical_id)

    @property
    def nested_stack_id(self) -> str | None:
        """The id of the nested stack that the event tells of, once CloudFormation has given it one."""
        nested = self.resource_type == NESTED_STACK and not self.is_of_stack
        return self.physical_id if nested and self.physical_id.startswith("arn:") else None

    def __str__(self) -> str:
        return f"{'/'.join(('root', *self.path))} ({self.resource_type})"

    def as_json(self) -> dict[str, str]:
        """The same for scripts."""
        return {
            "Path": "/".join(("root", *self.path)),
            "ResourceType": self.resource_type,
            "ResourceStatus": self.status,
            "Reason": self.reason,
            "Time": self.time.isoformat(),
        }


class _StackEvents:
    """Reads one stack's events, newest page first, as far back as the operation's start."""

    def __init__(self, cloudformation: Any, stack_id: str, path: tuple[str, ...], since: datetime) -> None:
        self._cloudformation = cloudformation
        self._stack_id = stack_id
        self._path = path
        self._since = since
        self._known: set[str] = set()
        self._last: Event | None = None
        self._failed: set[str] = set()
        self._said_to_fail: set[str] = set()

    @property
    def status(self) -> str:
        """The stack's own status by its latest event; empty before its first."""
        return self._last.status if self._last else ""

    @property
    def is_complete(self) -> bool:
        """Whether there is an event of each resource that the stack says has failed."""
        return self._said_to_fail <= self._failed

    def new(self, everything: bool = False) -> list[Event]:
        """The events not returned before, oldest first: up to the page with a known one, or all pages.

        Nothing is marked as known until all pages were read, so a request that fails loses nothing.
        """
        found: dict[str, Event] = {}
        for page in _pages(self._cloudformation, self._stack_id, self._path):
            recent = [event for event in page if event.time > self._since]
            fresh = [event for event in recent if event.id not in self._known]
            found.update((event.id, event) for event in fresh)
            if len(recent) < len(page) or (len(fresh) < len(recent) and not everything):
                break
        # Of events at the same time CloudFormation puts the later one first, too.
        events = list(reversed(found.values()))
        events.sort(key=lambda event: event.time)
        self._known.update(found)
        self._last = _latest([event for event in events if event.is_of_stack], self._last)
        self._failed.update(event.logical_id for event in events if event.status.endswith("_FAILED"))
        self._said_to_fail.update(name for event in events for name in _said_to_fail(event))
        return events


class OperationEvents:
    """The events of one operation, of a stack and of all that it nests, which are found as they appear.

    Stacks are read by their ids, because one that was rolled back is gone by its name. `since` is a time of
    CloudFormation's own clock: only later events belong to the operation.
    """

    def __init__(self, cloudformation: Any, stack_id: str, since: datetime) -> None:
        self._cloudformation = cloudformation
        self._since = since
        self._root = _StackEvents(cloudformation, stack_id, (), since)
        self._stacks = {stack_id: self._root}
        self._as_resource: dict[str, Event] = {}
        self._reported = 0
        self.seen: list[Event] = []

    @property
    def status(self) -> str:
        """The root's own last status in this operation; empty before its first event."""
        return self._root.status

    @property
    def ended(self) -> bool:
        """Whether the root has come to rest."""
        return bool(self.status) and not is_in_progress(self.status)

    @property
    def settled(self) -> bool:
        """Whether no stack has events outstanding that the events read so far announce."""
        return self.ended and not any(self._is_outstanding(stack_id) for stack_id in self._stacks)

    def poll(self, everything: bool = False) -> list[Event]:
        """The events since the last poll, oldest first: of the stacks at work, or of all, all pages anew.

        Parents are read before their children, so that what a parent says has ended is complete. Events read
        before a request fails are returned by the next poll.
        """
        waiting = deque(stack_id for stack_id in self._stacks if everything or self._is_at_work(stack_id))
        while waiting:
            fresh = self._stacks[waiting.popleft()].new(everything)
            self.seen.extend(fresh)
            waiting.extend(self._nested_in(fresh))
        unreported = self.seen[self._reported :]
        self._reported = len(self.seen)
        return sorted(unreported, key=lambda event: event.time)

    def _nested_in(self, events: list[Event]) -> Iterator[str]:
        for event in events:
            stack_id = event.nested_stack_id
            if stack_id is None:
                continue
            self._as_resource[stack_id] = _latest([event], self._as_resource.get(stack_id)) or event
            if stack_id not in self._stacks:
                self._stacks[stack_id] = _StackEvents(self._cloudformation, stack_id, event.path, self._since)
                yield stack_id

    def _is_at_work(self, stack_id: str) -> bool:
        stack = self._stacks[stack_id]
        return (
            stack is self._root or is_in_progress(stack.status) or is_in_progress(self._in_parent(stack_id))
        )

    def _is_outstanding(self, stack_id: str) -> bool:
        stack = self._stacks[stack_id]
        never_seen = not stack.status and self._in_parent(stack_id).endswith("_FAILED")
        return is_in_progress(stack.status) or never_seen or not stack.is_complete

    def _in_parent(self, stack_id: str) -> str:
        event = self._as_resource.get(stack_id)
        return event.status if event else ""


def now_of(cloudformation: Any, stack_id: str) -> datetime:
    """The time of the stack's latest event: later ones belong to the operation that is started next."""
    return next((event.time for page in _pages(cloudformation, stack_id, ()) for event in page), _BEGINNING)


def start_of(cloudformation: Any, stack_id: str) -> datetime:
    """The time just before the stack's latest operation began, as CloudFormation's clock has it."""
    for page in _pages(cloudformation, stack_id, ()):
        for event in page:
            if event.is_of_stack and event.status in _STARTS:
                return event.time - timedelta(microseconds=1)
    return _BEGINNING


def deletion_of(cloudformation: Any, stack_id: str) -> datetime:
    """The time just before the stack's deletion was first begun; each further attempt goes on with what is left."""
    begun = [
        event.time
        for page in _pages(cloudformation, stack_id, ())
        for event in page
        if event.is_of_stack and event.status == "DELETE_IN_PROGRESS"
    ]
    return min(begun) - timedelta(microseconds=1) if begun else _BEGINNING


def _said_to_fail(event: Event) -> list[str]:
    named = _FAILED_RESOURCES.match(event.reason) if event.is_of_stack else None
    return [name.strip() for name in named[1].split(",") if name.strip()] if named else []


def _latest(events: list[Event], before: Event | None) -> Event | None:
    """The latest by time; of events at the same time the one that was read last."""
    for event in events:
        if before is None or event.time >= before.time:
            before = event
    return before


def _pages(cloudformation: Any, stack_id: str, path: tuple[str, ...]) -> Iterator[list[Event]]:
    """The stack's events a page at a time, newest first; none while a new nested stack cannot be seen yet."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    try:
        for page in pages:
            yield [_event(record, path) for record in page["StackEvents"]]
    except ClientError as error:
        if not (path and code_of(error) == "ValidationError" and "does not exist" in message_of(error)):
            raise


def _event(record: dict[str, Any], path: tuple[str, ...]) -> Event:
    return Event(
        id=record["EventId"],
        stack_id=record["StackId"],
        stack_path=path,
        logical_id=record["LogicalResourceId"],
        physical_id=record.get("PhysicalResourceId", ""),
        resource_type=record.get("ResourceType", ""),
        status=record["ResourceStatus"],
        reason=record.get("ResourceStatusReason", ""),
        time=record["Timestamp"],
    )
