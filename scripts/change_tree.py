"""What a change set would do, as a tree of lines."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scripts.aws.changeset import Change

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


def change_tree(stack_name: str, changes: tuple["Change", ...]) -> Iterator[str]:
    """A line per change: `+` new, `~` changed in place, `±` replaced, `-` removed; then the data at risk."""
    yield f"Changes to {stack_name}:"
    if not changes:
        yield "  none to any resource, only to outputs or descriptions"
    yield from _lines(changes, "  ")
    for path in _endangered(changes, ("root",)):
        yield click.style(f"! DATA AT RISK in {path}", fg="red", bold=True)


def _lines(changes: Iterable["Change"], indent: str) -> Iterator[str]:
    for change in changes:
        symbol, colour = _REPLACEMENT if change.replaces else _SYMBOLS.get(change.action, _UNKNOWN)
        text = f"{symbol} {change.logical_id} ({change.resource_type}){_note(change)}"
        yield f"{indent}{click.style(text, fg=colour, bold=change.endangers_data)}"
        yield from _lines(change.children, indent + "  ")


def _note(change: "Change") -> str:
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
