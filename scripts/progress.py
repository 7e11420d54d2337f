"""What a person watching a deployment wants to know of its events."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import click

from scripts.aws.vocabulary import NESTED_STACK, is_consequence

if TYPE_CHECKING:
    from scripts.aws.events import Event
    from scripts.aws.package import Template

# By the end of a status, most telling first: symbol and colour.
_LOOKS = (
    ("ROLLBACK_IN_PROGRESS", "↩", "yellow"),
    ("ROLLBACK_COMPLETE", "↩", "red"),
    ("_FAILED", "✗", "red"),
    ("DELETE_COMPLETE", "-", "white"),
    ("DELETE_SKIPPED", "-", "white"),
    ("_IN_PROGRESS", "…", "cyan"),
    ("_COMPLETE", "✓", "green"),
)


def look(status: str) -> tuple[str, str]:
    """Symbol and colour of a stack's or resource's status."""
    return next(((symbol, colour) for end, symbol, colour in _LOOKS if status.endswith(end)), ("?", "white"))


def count(number: int, noun: str) -> str:
    """`1 resource`, `2 resources`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass
class Step:
    """A resource or stack that a deployment works on, as its latest event has it."""

    path: tuple[str, ...]
    description: str
    is_stack: bool
    started: datetime
    changed: datetime
    status: str
    reason: str = ""
    resources: dict[str, str] = field(default_factory=dict)

    @property
    def is_shown(self) -> bool:
        """Whether the step is worth a line of its own: a stack, a described resource, or a failure."""
        return self.is_stack or bool(self.description) or self.status.endswith("_FAILED")

    @property
    def is_at_work(self) -> bool:
        """Whether the step is not over."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def finished_resources(self) -> int:
        """How many resources of the stack are done; 0 for a resource."""
        return sum(not status.endswith("_IN_PROGRESS") for status in self.resources.values())


class Steps:
    """The steps of one deployment in the order in which they began, from its events."""

    def __init__(self, stack_name: str, template: "Template") -> None:
        self.stack_name = stack_name
        self._template = template
        self._by_path: dict[tuple[str, ...], Step] = {}

    def take(self, event: "Event") -> Step | None:
        """Takes an event in; returns its step where that is worth a line and its status has changed."""
        step = self._take(event)
        return step if step and step.is_shown else None

    def inside(self, path: tuple[str, ...]) -> list[Step]:
        """The steps worth a line directly in the stack at `path`."""
        return [step for at, step in self._by_path.items() if at and at[:-1] == path and step.is_shown]

    def root(self) -> Step | None:
        """The deployment as a whole, once it has begun."""
        return self._by_path.get(())

    def _take(self, event: "Event") -> Step | None:
        # A nested stack's own events repeat what its parent says of it.
        if event.is_of_stack and event.stack_path:
            return None
        step = self._by_path.get(event.path)
        if step is None:
            step = self._by_path[event.path] = self._new(event)
        elif step.status == event.status:
            return None
        step.status, step.changed = event.status, event.time
        step.reason = "" if is_consequence(event.reason) else event.reason
        parent = self._by_path.get(event.stack_path)
        if parent is not None and parent is not step:
            parent.resources[event.logical_id] = event.status
        return step

    def _new(self, event: "Event") -> Step:
        resource = self._template.resource(event.path) if event.path else {}
        description = resource.get("Metadata", {}).get("orthanc-aws", {}).get("Description", "")
        is_stack = event.resource_type == NESTED_STACK
        return Step(event.path, description, is_stack, event.time, event.time, event.status)


class LineProgress:
    """Prints a line for each step that changes."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def events(self, events: "list[Event]") -> None:
        """Prints what is new."""
        for event in events:
            step = self._steps.take(event)
            if step:
                click.echo(line_of(step), err=True)

    def notice(self, text: str) -> None:
        """Prints what the person waiting should know."""
        click.echo(f"! {text}", err=True)


def line_of(step: Step) -> str:
    """A step's status now, on one line: local time, status, path, what it is, and why if it failed."""
    parts = [f"{step.changed.astimezone():%H:%M:%S}", f"{step.status:<20}", "/".join(("root", *step.path))]
    if step.description:
        parts.append(f"({step.description})")
    if step.is_stack and not step.is_at_work and step.resources:
        parts.append(f"({count(len(step.resources), 'resource')})")
    if step.status.endswith("_FAILED") and step.reason:
        parts.append(f"- {step.reason}")
    return " ".join(parts)
