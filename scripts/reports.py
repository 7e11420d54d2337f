"""Results as lines of text for a person."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from scripts.aws.vocabulary import is_failure, is_in_progress
from scripts.change_tree import change_tree
from scripts.progress import count, look

if TYPE_CHECKING:
    from nginx.access.users import User
    from scripts.aws.drift import Drift
    from scripts.aws.log_groups import Line
    from scripts.aws.snapshots import Snapshot
    from scripts.aws.stacks import Nested
    from scripts.operations.catalog import Listed as Version
    from scripts.operations.destroy import Destroyed, Item
    from scripts.operations.diff import Difference
    from scripts.operations.estimate import Estimate
    from scripts.operations.health import Sign
    from scripts.operations.images import Listed
    from scripts.operations.status import Status

_STATES = {"good": ("✓", "green"), "bad": ("✗", "red"), "unknown": ("?", "yellow")}


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows with their columns aligned, the last one as long as it is."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()


def outputs(outputs: Mapping[str, str]) -> Iterator[str]:
    """A stack's outputs, or whatever else has names and values."""
    yield from table(sorted(outputs.items()))


def cost(estimate: "Estimate", study_megabytes: float, region: str) -> Iterator[str]:
    """What a deployment in a Region costs, by component, and what the prices rest on."""
    yield f"US dollars by the list prices of {estimate.region}; not measured on a bill"
    if region != estimate.region:
        yield f"The prices of {region} are not known here: expect other sums there"
    study = f"A study of {study_megabytes:g} MB"
    for title, dollars, places in (
        ("A month, idle", estimate.monthly, 2),
        ("A month for each TB kept", estimate.per_terabyte_kept, 2),
        ("Once for each TB stored or fetched", estimate.per_terabyte_moved, 2),
        (f"{study}: a month for keeping it", estimate.study_kept(study_megabytes), 4),
        (f"{study}: once for storing or fetching it", estimate.study_moved(study_megabytes), 4),
    ):
        yield f"\n{title}"
        for component, amount in {**dollars, "Sum": sum(dollars.values())}.items():
            yield f"  {component:<50} {amount:>10,.{places}f}"
    yield "\nUnit prices that were checked against"
    for group in estimate.evidence:
        oldest = f"   the oldest of {group.oldest}" if group.oldest else ""
        yield f"  {group.against or 'nothing':<50} {group.prices:>10}{oldest}"


def users(found: "Mapping[str, User]") -> Iterator[str]:
    """Users with their roles, and which have no password."""
    yield from table(
        [(name, user.role, "" if user.password else "no password") for name, user in sorted(found.items())]
    )


def images(found: "Iterable[Listed]") -> Iterator[str]:
    """Images of repositories; * marks those of the sources that are here."""
    for each in found:
        image = each.image
        mark = "*" if each.is_current else " "
        size = f"{image.size / 1e6:.0f} MB" if image.size else ""
        findings = ", ".join(f"{number} {severity.lower()}" for severity, number in image.findings.items())
        facts = (f"{image.pushed:%Y-%m-%d %H:%M}", size, findings)
        yield "  ".join((mark, each.name, ",".join(image.tags), *filter(None, facts)))
        yield f"    {image.reference}"


def versions(found: "Iterable[Version]") -> Iterator[str]:
    """Versions of the catalog's product."""
    for version in found:
        mark = "deprecated" if version.is_deprecated else ""
        yield f"{version.name:<12}  {version.created:%Y-%m-%d %H:%M}  {mark}".rstrip()


def difference(found: "Difference") -> Iterator[str]:
    """The tree of what would change; nothing where nothing would."""
    if found.has_changes:
        yield from change_tree(found.stack_name, found.changes)


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


def status(status: "Status") -> Iterator[str]:
    """How a stack and those nested in it stand, and how what runs in them fares."""
    stack = status.stack
    yield f"{stack.name}  {stack.status}  {stack.reason}".rstrip()
    protection = "on" if stack.protected else "off"
    yield f"changed {stack.changed:%Y-%m-%d %H:%M:%S %Z}, termination protection {protection}"
    yield from _nested(status.tree, "")
    if status.failure:
        yield f"failed first: {status.failure}"
    yield from health(status.health)


def _nested(tree: "Nested", indent: str) -> Iterator[str]:
    """A stack with its resources that are at work or have failed, and so those nested in it."""
    name = tree.path[-1] if tree.path else "root"
    yield f"{indent}{_symbol_and(name, tree.status)}  {tree.status}  {_inside(tree)}"
    for logical_id, resource in tree.resources.items():
        if is_in_progress(resource.status) or is_failure(resource.status):
            yield f"{indent}  {_symbol_and(logical_id, resource.status)}  {resource.status}"
    for child in tree.children:
        yield from _nested(child, indent + "  ")


def _inside(tree: "Nested") -> str:
    """`16 stacks`, `1 stack, 2 resources`, `0 resources`: what a stack consists of."""
    counts = ((len(tree.children), "stack"), (len(tree.resources), "resource"))
    return ", ".join(count(number, noun) for number, noun in counts if number) or count(0, "resource")


def _symbol_and(name: str, status: str) -> str:
    symbol, colour = look(status)
    return click.style(f"{symbol} {name}", fg=colour)


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
