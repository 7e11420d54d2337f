"""What can stand at a path of a template: on both sides of each Fn::If, in every item of a list."""

import json
from collections.abc import Mapping
from typing import Any

NO_CONDITION: Mapping[str, bool] = {}


def branches(value: Any, given: Mapping[str, bool] = NO_CONDITION) -> list[Any]:
    """What a value can turn out to be: both sides of each Fn::If, and None for AWS::NoValue.

    Of a condition in `given` only the side that is then taken.
    """
    if isinstance(value, Mapping) and set(value) == {"Fn::If"}:
        name, when_true, when_false = value["Fn::If"]
        sides = [when_true if given[name] else when_false] if name in given else [when_true, when_false]
        return [branch for side in sides for branch in branches(side, given)]
    return [None if value == {"Ref": "AWS::NoValue"} else value]


def values(node: Any, path: str, given: Mapping[str, bool] = NO_CONDITION) -> list[Any]:
    """What can stand at a path such as `Properties/Rules/*/Status`; None where it can be missing.

    A step is a key, `*` for every item of a list, the number of an item, or `Key=name` for the items that have that
    name there. JSON that is written as text is read.
    """
    found = branches(node, given)
    for step in path.split("/"):
        found = [
            branch
            for value in found
            for child in _children(_read(value), step, given)
            for branch in branches(child, given)
        ]
    return found


def _read(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def _children(value: Any, step: str, given: Mapping[str, bool]) -> list[Any]:
    if isinstance(value, Mapping):
        return [value.get(step)]
    items = value if isinstance(value, list) else []
    if step == "*":
        return list(items) if isinstance(value, list) else [None]
    if step.isdecimal():
        return items[int(step) : int(step) + 1] or [None]
    key, _, name = step.partition("=")
    named = [item for choice in items for item in branches(choice, given) if _has(item, key, name)]
    return named or [None]


def _has(item: Any, key: str, name: str) -> bool:
    return isinstance(item, Mapping) and item.get(key) == name
