"""What the documentation's tests leave to other tests: why, and which."""

import ast
from typing import NamedTuple

from scripts.documents.blocks import PROJECT


class Elsewhere(NamedTuple):
    """The reason why something is not run here, and the test that runs it, or what it is for: FILE::FUNCTION."""

    reason: str
    test: str

    def exists(self) -> bool:
        """Whether there is that test."""
        file, _, function = self.test.partition("::")
        module = ast.parse((PROJECT / file).read_text("utf-8"))
        return function in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
