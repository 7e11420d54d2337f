"""The import rules: rendering needs no AWS client and no terminal, and talking to AWS needs no terminal."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent.parent
FORBIDDEN = {"generator": {"boto3", "botocore", "click", "scripts"}, "scripts/aws": {"click"}}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_package_imports_nothing_that_it_must_not(folder: str) -> None:
    wrong = [
        f"{path.relative_to(TOP)} imports {name}"
        for path in sorted((TOP / folder).rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in FORBIDDEN[folder]
    ]
    assert wrong == []


def test_rendering_loads_neither_boto3_nor_click() -> None:
    program = (
        "import sys, generator.render; print(sorted({'boto3', 'botocore', 'click'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert run.stdout == "[]\n"
