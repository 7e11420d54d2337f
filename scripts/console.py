"""All that the command line shows: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from scripts.errors import OperationError

if TYPE_CHECKING:
    from scripts.aws.changeset import Change
    from scripts.aws.follow import Listener
    from scripts.aws.package import Template
    from scripts.aws.stacks import Nested
    from scripts.operations.status import Status

_SYMBOLS = {
    "Add": ("+", "green"),
    "Modify": ("~", "yellow"),
    "Remove": ("-", "red"),
    "Import": (">", "green"),
}
_REPLACEMENT = ("±", "red")
_UNKNOWN = ("?", "yellow")
_FATES = {
    "Delete": "the old one is DELETED",
    "Retain": "the old one is kept",
    "Snapshot": "a snapshot of the old one is kept",
}


class Console:
    """Writes for a person, or for a script where `as_json` is set."""

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json
        self._is_live = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Tells what is being done now."""
        click.secho(f"… {text}", err=True, dim=True)

    def done(self, text: str) -> None:
        """Tells what has been done."""
        click.echo(click.style("✓ ", fg="green") + text, err=True)

    def failure(self, error: OperationError) -> None:
        """What failed, the first reason, and what to do next."""
        click.secho(f"✗ {error.what}", err=True, fg="red", bold=True)
        for line in error.reason.splitlines():
            click.echo(f"  {line}", err=True)
        if error.advice:
            click.echo(f"→ {error.advice}", err=True)

    def confirm(self, question: str) -> bool:
        """Asks on the terminal; an end of input or ctrl-C is a no."""
        try:
            return click.confirm(question, err=True)
        except click.Abort:
            click.echo(err=True)
            return False

    def findings(self, findings: Iterable[str]) -> None:
        """A result that is a list of sentences."""
        for finding in findings:
            click.echo(finding)

    def outputs(self, outputs: dict[str, str]) -> None:
        """A stack's outputs as a table, or as one JSON object."""
        if self._as_json:
            return self._json(outputs)
        width = max(map(len, outputs), default=0)
        for name, value in sorted(outputs.items()):
            click.echo(f"{name:<{width}}  {value}")
        return None

    def status(self, status: "Status") -> None:
        """How a stack and those nested in it stand."""
        if self._as_json:
            return self._json(status.as_json())
        protection = "on" if status.stack.protected else "off"
        click.echo(f"{status.stack.name}  {status.stack.status}  {status.stack.reason}".rstrip())
        click.echo(
            f"changed {status.stack.changed:%Y-%m-%d %H:%M:%S %Z}, termination protection {protection}"
        )
        for line in _nested_lines(status.tree, ""):
            click.echo(line)
        if status.failure:
            click.echo(f"failed first: {status.failure}")
        return None

    def changes(self, stack_name: str, changes: Iterable["Change"]) -> None:
        """The tree of what a change set would do, and below it what puts data at risk."""
        changes = tuple(changes)
        click.echo(f"Changes to {stack_name}:", err=True)
        for line in _change_lines(changes, ""):
            click.echo(line, err=True)
        if not changes:
            click.echo("  none to any resource; outputs or descriptions only", err=True)
        for path in _endangered(changes, ("root",)):
            click.secho(
                f"! {path}: DATA AT RISK, it would be replaced or removed", err=True, fg="red", bold=True
            )

    @contextmanager
    def progress(self, stack_name: str, template: "Template") -> Iterator["Listener"]:
        """A listener that shows a deployment's events: a live tree on a terminal, else a line for each."""
        from scripts.progress import LineProgress, Steps

        steps = Steps(stack_name, template)
        if not self._is_live:
            yield LineProgress(steps)
            return
        from scripts.live_progress import LiveProgress

        with LiveProgress(steps) as live:
            yield live

    def _json(self, result: Any) -> None:
        click.echo(json.dumps(result, indent=2))


def _change_lines(changes: Iterable["Change"], indent: str) -> Iterator[str]:
    for change in changes:
        symbol, colour = _REPLACEMENT if change.replaces else _SYMBOLS.get(change.action, _UNKNOWN)
        text = f"{symbol} {change.logical_id} ({change.resource_type}){_change_note(change)}"
        yield f"  {indent}{click.style(text, fg=colour, bold=change.endangers_data)}"
        yield from _change_lines(change.children, indent + "  ")


def _change_note(change: "Change") -> str:
    if change.replaces:
        certainty = "is REPLACED" if change.replacement == "True" else "MAY BE REPLACED"
        fate = _FATES.get(change.policy.removeprefix("ReplaceAnd"), "")
        return f" {certainty}" + (f", {fate}" if fate else "") + f" [{', '.join(change.causes)}]"
    if change.action == "Remove":
        fate = _FATES.get(change.policy, "")
        return f" {fate.replace('the old one', 'it')}" if fate else ""
    return f" [{', '.join(change.causes)}]" if change.causes else ""


def _endangered(changes: Iterable["Change"], path: tuple[str, ...]) -> Iterator[str]:
    for change in changes:
        here = (*path, change.logical_id)
        if change.endangers_data:
            yield f"{'/'.join(here)} ({change.resource_type})"
        yield from _endangered(change.children, here)


def _nested_lines(tree: "Nested", indent: str) -> Iterator[str]:
    from scripts.progress import look

    symbol, colour = look(tree.status)
    name = tree.path[-1] if tree.path else "root"
    yield f"{indent}{click.style(f'{symbol} {name}', fg=colour)}  {tree.status}  {len(tree.resources)} resources"
    for logical_id, status in tree.resources.items():
        if not status.endswith("_COMPLETE") or "ROLLBACK" in status:
            symbol, colour = look(status)
            yield f"{indent}  {click.style(f'{symbol} {logical_id}', fg=colour)}  {status}"
    for child in tree.children:
        yield from _nested_lines(child, indent + "  ")
