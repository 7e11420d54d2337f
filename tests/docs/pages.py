"""The project's Markdown files as the tests read them."""

import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

from scripts.documents.blocks import PROJECT, markdown_files

PAGES = {str(path.relative_to(PROJECT)): path for path in markdown_files()}
_FENCE = re.compile(r"^ *```([a-z]*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def text(page: str) -> str:
    return PAGES[page].read_text("utf-8")


def prose(page: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text(page))


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of code of a page, each with its language and without its indentation."""
    found = _FENCE.findall(text(page))
    return [(language, textwrap.dedent(body)) for language, body in found]


def code(page: str, language: str) -> list[str]:
    """The blocks of code of a page in one language."""
    return [body for found, body in blocks(page) if found == language]


def commands(page: str) -> Iterator[list[str]]:
    """The words of every `orthanc-aws` command line, in blocks of code and within sentences."""
    lines = [line for block in code(page, "sh") for line in block.splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose(page))]:
        words = shlex.split(line, comments=True)
        if words and words[0] == "orthanc-aws" and len(words) > 1:
            yield words[1:]


def anchors(path: Path) -> set[str]:
    """The anchors that a Markdown file's headings have on GitHub."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def rows(page: str, heading: str, occurrence: int = 0, table: int = 0) -> list[list[str]]:
    """The cells of a table below a heading, without its head: of the heading's occurrence, the table of this number."""
    sections = re.split(rf"^#+ {re.escape(heading)}$", text(page), flags=re.MULTILINE)[1:]
    section = re.split(r"^#+ ", sections[occurrence], flags=re.MULTILINE)[0]
    tables = re.findall(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[table].splitlines()[2:]]
