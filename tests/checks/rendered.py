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


def branches(value: Any) -> list[Any]:
    """What a value can turn out to be: both sides of each Fn::If, and None for AWS::NoValue."""
    if isinstance(value, Mapping) and set(value) == {"Fn::If"}:
        _, when_true, when_false = value["Fn::If"]
        return branches(when_true) + branches(when_false)
    return [None if value == {"Ref": "AWS::NoValue"} else value]


def values(node: Any, path: str) -> list[Any]:
    """What can stand at a path such as `Properties/Rules/*/Status`; None where it can be missing."""
    found = branches(node)
    for step in path.split("/"):
        found = [branch for value in found for child in _children(value, step) for branch in branches(child)]
    return found


def _children(value: Any, step: str) -> list[Any]:
    if step == "*":
        return list(value) if isinstance(value, list) else [None]
    return [value.get(step) if isinstance(value, Mapping) else None]


def walk(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value below a node with its path, the node included."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from walk(value, (*path, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, str(index)))
