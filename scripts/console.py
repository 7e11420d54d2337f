"""All that the command line shows: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from scripts import reports, terminal
from scripts.change_tree import change_tree
from scripts.errors import OperationError
from scripts.progress import LineProgress, Steps

if TYPE_CHECKING:
    from scripts.aws.changeset import Change
    from scripts.aws.follow import Listener
    from scripts.aws.log_groups import Line
    from scripts.aws.package import Template
    from scripts.operations.destroy import Item


class Console:
    """Writes for a person, or for a script where `as_json` is set."""

    def __init__(self, as_json: bool = False) -> None:
        self._as_json = as_json
        self._is_live = sys.stderr.isatty() and not terminal.is_dumb()

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

    def ask(self, question: str) -> str:
        """Asks for a text on the terminal; an end of input or ctrl-C is an empty one."""
        try:
            answer: str = click.prompt(question, default="", show_default=False, err=True)
            return answer
        except click.Abort:
            click.echo(err=True)
            return ""

    def result(self, as_json: Any, lines: Iterable[str]) -> None:
        """A result: one JSON value for a script, lines for a person."""
        for line in [json.dumps(as_json, indent=2)] if self._as_json else lines:
            click.echo(line)

    def stream(self, lines: "Iterable[Line]") -> None:
        """Lines of a log as they come; for a script each is a JSON object on a line of its own."""
        for line in lines:
            told = json.dumps(line.as_json()) if self._as_json else reports.line(line)
            click.echo(told)

    def plan(self, stack_name: str, items: "Sequence[Item]") -> None:
        """What destroying a stack would keep and what it would delete."""
        for line in reports.plan(stack_name, items):
            click.echo(line, err=True)

    def outputs(self, outputs: dict[str, str]) -> None:
        """A stack's outputs as a table, or as one JSON object."""
        self.result(outputs, reports.outputs(outputs))

    def changes(self, stack_name: str, changes: tuple["Change", ...]) -> None:
        """The tree of what a change set would do, and below it what puts data at risk."""
        for line in change_tree(stack_name, changes):
            click.echo(line, err=True)

    @contextmanager
    def progress(self, stack_name: str, template: "Template") -> Iterator["Listener"]:
        """A listener that shows a deployment's events: a live tree on a terminal, else a line for each."""
        steps = Steps(stack_name, template)
        if not self._is_live:
            yield LineProgress(steps)
            return
        from scripts.live_progress import LiveProgress

        with LiveProgress(steps) as live:
            yield live
