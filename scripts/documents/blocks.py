"""Generated blocks of Markdown files: what stands between `<!-- generated: NAME -->` and `<!-- end -->`."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from scripts.documents import costs, tables
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
    "cost-summary": costs.summary,
    "cost-fixed": partial(costs.by_component, cost.monthly),
    "cost-kept": partial(costs.by_component, cost.per_terabyte_kept),
    "cost-moved": partial(costs.by_component, cost.per_terabyte_moved),
    "cost-snapshots": costs.snapshots,
    "prices": costs.prices,
    "assumptions": costs.assumptions,
}
_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def markdown_files() -> list[Path]:
    """The project's own Markdown files."""
    folders = (PROJECT, PROJECT / "docs", PROJECT / "parameters", PROJECT / "benchmarks")
    return [file for folder in folders for file in sorted(folder.glob("*.md"))]


def filled(text: str) -> str:
    """The text of a Markdown file with its generated blocks as they must be; a KeyError names an unknown one."""
    return _BLOCK.sub(lambda block: f"{block[1]}\n{BLOCKS[block[2]]()}\n\n{block[3]}", text)
