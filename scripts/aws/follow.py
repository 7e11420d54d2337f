"""Follows an operation to its end: patient with a throttled API and a lost connection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scripts.aws.clock import SYSTEM_CLOCK, Clock
from scripts.aws.errors import explain, is_transient
from scripts.aws.events import Event, OperationEvents
from scripts.aws.failures import Failure, first_failure
from scripts.aws.vocabulary import is_failure
from scripts.errors import OperationError

Result = TypeVar("Result")

_SHORTEST_WAIT = 0.2
_LONGEST_WAIT = 5.0
_FIRST_RETRY = 1.0
_LONGEST_RETRY = 30.0
_PATIENCE = 600.0
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
    patience = _Patience(listener, clock)
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


def _report(operation: OperationEvents, patience: "_Patience", clock: Clock) -> Report:
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


class _Patience:
    """Repeats a request that fails for a passing reason, with growing delays, for a bounded time."""

    def __init__(self, listener: Listener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock

    def keep_trying(self, request: Callable[[], Result]) -> Result:
        started, delay = self._clock.now(), _FIRST_RETRY
        while True:
            try:
                return request()
            except Exception as error:
                if not is_transient(error):
                    raise
                self._wait(error, delay, self._clock.now() - started)
                delay = min(delay * 2, _LONGEST_RETRY)

    def _wait(self, error: Exception, delay: float, lost_for: float) -> None:
        explained = explain(error)
        if lost_for >= _PATIENCE:
            raise OperationError(
                f"AWS could not be asked for {_PATIENCE / 60:.0f} minutes", str(explained or error)
            ) from error
        self._listener.notice(f"{str(explained or error).rstrip('.')}. Trying again in {delay:.0f} s.")
        self._clock.sleep(delay)
