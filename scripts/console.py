"""All that the command line shows: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from scripts import reports
from scripts.aws.vocabulary import is_failure, is_in_progress
from scripts.change_tree import change_tree
from scripts.errors import OperationError
from scripts.progress import LineProgress, Steps, count, look

if TYPE_CHECKING:
    from nginx.access.users import User
    from scripts.aws.changeset import Change
    from scripts.aws.follow import Listener
    from scripts.aws.log_groups import Line
    from scripts.aws.package import Template
    from scripts.aws.stacks import Nested
    from scripts.operations.catalog import Listed as Version
    from scripts.operations.destroy import Item
    from scripts.operations.diff import Difference
    from scripts.operations.estimate import Estimate
    from scripts.operations.images import Listed
    from scripts.operations.status import Status


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
        if self._as_json:
            self._json(as_json)
        else:
            self.findings(lines)

    def stream(self, lines: "Iterable[Line]") -> None:
        """Lines of a log as they come; for a script each is a JSON object on a line of its own."""
        for line in lines:
            told = json.dumps(line.as_json()) if self._as_json else reports.line(line)
            click.echo(told)

    def plan(self, stack_name: str, items: "Sequence[Item]") -> None:
        """What destroying a stack would keep and what it would delete."""
        for line in reports.plan(stack_name, items):
            click.echo(line, err=True)

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

    def cost(self, estimate: "Estimate", study_megabytes: float) -> None:
        """What a deployment costs, by component."""
        if self._as_json:
            return self._json(estimate.as_json(study_megabytes))
        kept, moved = estimate.study(study_megabytes)
        click.echo(
            f"US dollars by the list prices of {estimate.region}, {estimate.date}; not measured on a bill"
        )
        for title, dollars in (
            ("A month, idle", estimate.monthly),
            ("A month for each TB kept", estimate.per_terabyte_kept),
            ("Once for each TB stored or fetched", estimate.per_terabyte_moved),
        ):
            click.echo(f"\n{title}")
            for component, amount in {**dollars, "Sum": sum(dollars.values())}.items():
                click.echo(f"  {component:<50} {amount:>10,.2f}")
        click.echo(f"\nA study of {study_megabytes:g} MB")
        click.echo(f"  {'A month for keeping it':<50} {kept:>10,.4f}")
        click.echo(f"  {'Once for storing or fetching it':<50} {moved:>10,.4f}")
        return None

    def users(self, users: dict[str, "User"]) -> None:
        """Users with their roles, and whether each has a password."""
        if self._as_json:
            return self._json(
                {
                    name: {"Role": user.role, "HasPassword": bool(user.password)}
                    for name, user in users.items()
                }
            )
        width = max(map(len, users), default=0)
        for name, user in sorted(users.items()):
            click.echo(f"{name:<{width}}  {user.role:<6}  {'' if user.password else 'no password'}".rstrip())
        return None

    def images(self, images: Iterable["Listed"]) -> None:
        """Images of repositories: which are of the sources that are here, and what is known against them."""
        if self._as_json:
            return self._json([image.as_json() for image in images])
        for found in images:
            mark = "*" if found.is_current else " "
            findings = ", ".join(
                f"{number} {severity.lower()}" for severity, number in found.image.findings.items()
            )
            size = f"{found.image.size / 1e6:.0f} MB" if found.image.size else ""
            facts = (f"{found.image.pushed:%Y-%m-%d %H:%M}", size, findings)
            click.echo("  ".join((mark, found.name, ",".join(found.image.tags), *filter(None, facts))))
            click.echo(f"    {found.image.reference}")
        return None

    def versions(self, versions: Iterable["Version"]) -> None:
        """Versions of the catalog's product."""
        if self._as_json:
            return self._json([version.as_json() for version in versions])
        for version in versions:
            mark = "deprecated" if version.is_deprecated else ""
            click.echo(f"{version.name:<12}  {version.created:%Y-%m-%d %H:%M}  {mark}".rstrip())
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
        self.findings(reports.health(status.health))
        return None

    def changes(self, stack_name: str, changes: tuple["Change", ...]) -> None:
        """The tree of what a change set would do, and below it what puts data at risk."""
        for line in change_tree(stack_name, changes):
            click.echo(line, err=True)

    def difference(self, difference: "Difference") -> None:
        """The same as a result; nothing on stdout where nothing would change."""
        if self._as_json:
            self._json(difference.as_json())
        elif difference.has_changes:
            for line in change_tree(difference.stack_name, difference.changes):
                click.echo(line)
        if not difference.has_changes:
            self.done(f"{difference.stack_name} is up to date: nothing would change")

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

    def _json(self, result: Any) -> None:
        click.echo(json.dumps(result, indent=2))


def _nested_lines(tree: "Nested", indent: str) -> Iterator[str]:
    name = tree.path[-1] if tree.path else "root"
    resources = count(len(tree.resources), "resource")
    yield f"{indent}{_symbol_and(name, tree.status)}  {tree.status}  {resources}"
    for logical_id, resource in tree.resources.items():
        if is_in_progress(resource.status) or is_failure(resource.status):
            yield f"{indent}  {_symbol_and(logical_id, resource.status)}  {resource.status}"
    for child in tree.children:
        yield from _nested_lines(child, indent + "  ")


def _symbol_and(name: str, status: str) -> str:
    symbol, colour = look(status)
    return click.style(f"{symbol} {name}", fg=colour)
