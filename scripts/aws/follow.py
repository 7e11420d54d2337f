"""Follows an operation to its end: patient with a throttled API and a lost connection."""

from dataclasses import dataclass
from typing import Protocol

from scripts.aws.clock import SYSTEM_CLOCK, Clock
from scripts.aws.events import Event, OperationEvents
from scripts.aws.failures import Failure, first_failure
from scripts.aws.patience import Patience
from scripts.aws.vocabulary import is_failure

_SHORTEST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_SETTLING_POLLS = 8


class Listener(Protocol):
    """Who is told of the progress."""

    def events(self, events: list[Event]) -> None:
        """New events, oldest first."""

    def notice(self, text: str) -> None:
        """Something that the person waiting should know."""


@dataclass(frozen=True)
class Report:
    """How an operation ended: the root's status, and why if it failed."""

    status: str
    failure: Failure | None

    @property
    def succeeded(self) -> bool:
        """Whether what was asked for was done; every rollback is a failure."""
        return not is_failure(self.status)


def follow(operation: OperationEvents, listener: Listener, clock: Clock = SYSTEM_CLOCK) -> Report:
    """Reads the operation's events until the root stack has come to rest, and reports how it ended.

    Raises OperationError when AWS cannot be reached for ten minutes; botocore's own errors, such as expired
    credentials, pass through. The operation goes on in AWS either way.
    """
    patience = Patience(listener.notice, clock)
    wait = _SHORTEST_WAIT
    while True:
        events = patience.keep_trying(operation.poll)
        if events:
            listener.events(events)
        if operation.ended:
            return _report(operation, patience, clock)
        wait = _SHORTEST_WAIT if events else min(wait * 1.5, _LONGEST_WAIT)
        clock.sleep(wait)


def read(operation: OperationEvents) -> Report:
    """How an operation stands now, or ended, by the events that there are."""
    operation.poll(everything=True)
    failed = is_failure(operation.status)
    return Report(operation.status, first_failure(operation.seen) if failed else None)


def _report(operation: OperationEvents, patience: Patience, clock: Clock) -> Report:
    """The report of an operation that ended; if it failed, once the events of all nested stacks are there."""
    if not is_failure(operation.status):
        return Report(operation.status, None)
    wait = _SHORTEST_WAIT
    for _ in range(_SETTLING_POLLS):
        report = patience.keep_trying(lambda: read(operation))
        if operation.settled:
            break
        clock.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)
    return report
