"""Generated blocks of Markdown files: what stands between `<!-- generated: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from scripts.documents import conformance, controls, costs, tables, walk_catalog, walk_lifecycle
from scripts.operations import cost

PROJECT = Path(__file__).parents[2]
BLOCKS: dict[str, Callable[[], str]] = {
    "stacks": tables.stacks,
    "flows": tables.flows,
    "containers": tables.containers,
    "alarms": tables.alarms,
    "queries": tables.queries,
    "parameters": tables.parameters,
    "outputs": tables.outputs,
    "parameter-sets": tables.parameter_sets,
    "schemas": tables.schemas,
    "cost-summary": costs.summary,
    "cost-fixed": partial(costs.by_component, cost.monthly),
    "cost-kept": partial(costs.by_component, cost.per_terabyte_kept),
    "cost-moved": partial(costs.by_component, cost.per_terabyte_moved),
    "cost-snapshots": costs.snapshots,
    "prices": costs.prices,
    "price-evidence": costs.evidence,
    "assumptions": costs.assumptions,
    "controls": controls.by_control,
    "safeguards": controls.by_safeguard,
    "pack": conformance.by_rule,
}
# What takes a minute and has tests of its own.
TRANSCRIPTS: dict[str, Callable[[], str]] = {
    "walk": walk_lifecycle.quoted,
    "catalog-walk": walk_catalog.quoted,
}
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown_files() -> list[Path]:
    """The project's own Markdown files."""
    folders = (PROJECT, PROJECT / "docs", PROJECT / "parameters", PROJECT / "benchmarks")
    return [file for folder in folders for file in sorted(folder.glob("*.md"))]


def filled(text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """The text of a Markdown file with those of its generated blocks that `blocks` has as they must be."""

    def fill(block: re.Match[str]) -> str:
        make = blocks.get(block[2])
        return f"{block[1]}\n{make()}\n\n{block[3]}" if make else block[0]

    return _BLOCK.sub(fill, text)
