"""Why an operation failed: the first reason, whatever the depth of the stack that it came from."""

from collections.abc import Iterable
from dataclasses import dataclass

from scripts.aws.events import Event

# What CloudFormation writes on a failure that only follows from another one.
_CONSEQUENCES = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "Resource deletion cancelled",
    "Embedded stack ",
    "The following resource(s) failed",
    "User Initiated",
    "Rollback requested by user",
)
_FAILURES = (
    "CREATE_FAILED",
    "UPDATE_FAILED",
    "DELETE_FAILED",
    "IMPORT_FAILED",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_FAILED",
)
_STACK_FAILURES = (*_FAILURES, "ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS")


@dataclass(frozen=True)
class Failure:
    """The chronologically first reason of a failed operation, and the independent ones that came after it."""

    first: Event
    later: tuple[Event, ...]
    is_certain: bool

    def __str__(self) -> str:
        return f"{self.first}: {self.first.reason or self.first.status}"


def first_failure(events: Iterable[Event]) -> Failure | None:
    """The first real reason among an operation's events; a mere consequence only where there is nothing better.

    The report depends on the set of events alone, not on the order in which they were read.
    """
    failed = sorted(filter(_is_failure, events), key=lambda event: (event.time, -len(event.path), event.id))
    real = [event for event in failed if not _is_consequence(event)]
    if real:
        return Failure(real[0], tuple(real[1:]), is_certain=True)
    return Failure(failed[0], (), is_certain=False) if failed else None


def _is_failure(event: Event) -> bool:
    return event.status in (_STACK_FAILURES if event.is_of_stack else _FAILURES)


def _is_consequence(event: Event) -> bool:
    return not event.reason or event.reason.startswith(_CONSEQUENCES)
