"""Why an operation failed: the first reason, whatever the depth of the stack that it came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scripts.aws.events import Event
from scripts.aws.vocabulary import is_consequence

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
    later: tuple[Event, ...] = ()

    def __str__(self) -> str:
        return f"{self.first}: {self.first.reason or self.first.status}"

    def as_json(self) -> dict[str, Any]:
        """The same for scripts."""
        return {**self.first.as_json(), "Later": [event.as_json() for event in self.later]}


def first_failure(events: Iterable[Event]) -> Failure | None:
    """The first real reason among an operation's events, else the first mere consequence.

    It depends on the set of events alone, not on the order in which they were read.
    """
    failed = sorted(filter(_is_failure, events), key=lambda event: (event.time, -len(event.path), event.id))
    real = [event for event in failed if not is_consequence(event.reason)]
    if real:
        return Failure(real[0], tuple(real[1:]))
    return Failure(failed[0]) if failed else None


def _is_failure(event: Event) -> bool:
    return event.status in (_STACK_FAILURES if event.is_of_stack else _FAILURES)
