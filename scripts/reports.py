"""Results as lines of text for a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from scripts.progress import count

if TYPE_CHECKING:
    from scripts.aws.drift import Drift
    from scripts.aws.log_groups import Line
    from scripts.aws.snapshots import Snapshot
    from scripts.operations.destroy import Destroyed, Item
    from scripts.operations.health import Sign

_STATES = {"good": ("✓", "green"), "bad": ("✗", "red"), "unknown": ("?", "yellow")}


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows with their columns aligned, the last one as long as it is."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def plan(stack_name: str, items: "Sequence[Item]") -> Iterator[str]:
    """What is kept of a deployment that is to be destroyed, and what goes."""
    yield f"Destroying {stack_name}:"
    kept = [item for item in items if item.fate == "Retain"]
    saved = [item for item in items if item.fate == "Snapshot"]
    going = [item for item in items if item.fate not in ("Retain", "Snapshot")]
    for row in table([("  kept", *_row(item)) for item in kept]):
        yield click.style(row, fg="green")
    for row in table([("  deleted after a last snapshot", *_row(item)) for item in saved]):
        yield click.style(row, fg="yellow")
    for name, inside in _by_stack(going).items():
        yield click.style(f"  deleted  {count(inside, 'resource')} of {name}", fg="red")


def destroyed(result: "Destroyed") -> Iterator[str]:
    """What is left of a deployment."""
    rows = [("kept", *_row(item)) for item in result.kept]
    rows += [("snapshot", "", arn) for arn in result.snapshots]
    yield from table(rows)
    if result.unknown:
        yield f"Snapshots are unknown: {result.unknown}"


def drift(result: "Drift") -> Iterator[str]:
    """What drifted, a line for each property; then what could not be checked."""
    rows = []
    for resource in result.drifted:
        name = f"root/{'/'.join(resource.path)} ({resource.resource_type})"
        rows += [
            (name, each.property_path, f"{each.expected} → {each.actual}") for each in resource.differences
        ]
        if resource.status == "DELETED":
            rows.append((name, "", "is DELETED"))
    yield from table(rows)
    for path, reason in result.failures.items():
        yield f"{path} was not checked in full: {reason}"


def restorable(found: "Iterable[Snapshot]", window: tuple[datetime, datetime] | None) -> Iterator[str]:
    """What a database can be restored from, the latest first."""
    yield f"any moment from {_utc(window[0])} to {_utc(window[1])}" if window else "no moment yet"
    yield from table(
        [(_utc(each.time) if each.time else "", each.kind, each.status, each.arn) for each in found]
    )


def _utc(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def health(signs: "Iterable[Sign]") -> Iterator[str]:
    """How a deployment fares, a line for each sign."""
    for sign in signs:
        symbol, colour = _STATES[sign.state]
        yield click.style(f"{symbol} {sign.subject}: ", fg=colour) + sign.text


def line(line: "Line") -> str:
    """A line of a log with its time, to the second, in UTC."""
    return f"{line.time:%Y-%m-%dT%H:%M:%SZ} {line.message}"


def rows(found: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Rows that a query found, under the names of their fields."""
    names = list(dict.fromkeys(name for row in found for name in row))
    if names:
        yield from table([names, *([row.get(name, "") for name in names] for row in found)])


def _row(item: "Item") -> tuple[str, str]:
    return f"root/{'/'.join(item.path)} ({item.resource_type})", item.physical_id


def _by_stack(items: "Sequence[Item]") -> dict[str, int]:
    names = ["/".join(("root", *item.path[:-1])) for item in items]
    return {name: names.count(name) for name in dict.fromkeys(names)}
