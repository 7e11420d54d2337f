"""The rendered set as the checks read it: by a YAML loader that is not the generator's own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cfn_flip import load

TEMPLATES = Path(__file__).parents[2] / "templates"
# The templates that people launch by themselves, so that their parameters are a form.
LAUNCHED = {"root", "images", "catalog"}

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Template:
    """One template: the name of its stack, its text, and what the text says, functions in their long form."""

    name: str
    text: str
    body: Mapping[str, Any]

    @classmethod
    def parse(cls, name: str, text: str) -> "Template":
        return cls(name, text, json.loads(json.dumps(load(text)[0])))

    def section(self, name: str) -> Mapping[str, Any]:
        section: Mapping[str, Any] = self.body.get(name) or {}
        return section

    def resources(self, resource_type: str) -> Iterator[tuple[str, Resource]]:
        """Logical id and declaration of each resource of a type."""
        for logical_id, resource in self.section("Resources").items():
            if resource["Type"] == resource_type:
                yield logical_id, resource


@cache
def rendered_set() -> dict[str, Template]:
    """Every template that is rendered, by the name of its stack."""
    return {
        path.stem: Template.parse(path.stem, path.read_text()) for path in sorted(TEMPLATES.glob("*.yaml"))
    }


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value below a node with its path, the node included."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, str(index)))
