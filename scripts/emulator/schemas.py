"""The resource schemas that cfn-lint ships: what a type accepts, requires, returns and must be recreated for.

Their files are read directly, because importing cfn-lint takes longer than starting the emulator;
`tests/emulator/test_schemas.py` compares them with cfn-lint's own answer.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
STACK = "AWS::CloudFormation::Stack"


@cache
def _index() -> dict[str, str]:
    files = _folder() / "providers" / "us-east-1.json"
    index: dict[str, str] = json.loads(files.read_text())
    return index


def _folder() -> Path:
    package = find_spec("cfnlint")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint is not installed; the emulator takes its resource schemas")
    return Path(package.submodule_search_locations[0]) / "data" / "schemas"


@cache
def types() -> frozenset[str]:
    """The names of all resource types that have a schema."""
    return frozenset(_index())


@cache
def schema(resource_type: str) -> Schema:
    """The schema of a resource type; KeyError where there is none."""
    found: Schema = json.loads((_folder() / "resources" / f"{_index()[resource_type]}.json").read_text())
    return found


def paths(resource_type: str, keyword: str) -> list[list[str]]:
    """The properties that a keyword lists, e.g. `readOnlyProperties`, each as its path of names."""
    return [pointer.split("/")[2:] for pointer in schema(resource_type).get(keyword, [])]


def requires_recreation(resource_type: str, name: str) -> str:
    """`Always`, `Conditionally` or `Never`, as a change set words it, for a change of a property."""
    if [name] in paths(resource_type, "createOnlyProperties"):
        return "Always"
    partly = paths(resource_type, "createOnlyProperties") + paths(
        resource_type, "conditionalCreateOnlyProperties"
    )
    return "Conditionally" if any(path[0] == name for path in partly) else "Never"


def definition(resource_type: str, path: list[str]) -> Schema:
    """The part of a schema that describes the property at a path; empty where the schema does not say."""
    root = schema(resource_type)
    node: Schema = root
    for name in path:
        node = _resolve(root, node).get("properties", {}).get(name, {})
    return _resolve(root, node)


def mistakes(resource_type: str, properties: dict[str, Any]) -> list[str]:
    """What CloudFormation would refuse in the properties before it calls the service, worded as it does."""
    root = schema(resource_type)
    read_only = {path[0] for path in paths(resource_type, "readOnlyProperties") if len(path) == 1}
    writable = {name: node for name, node in root["properties"].items() if name not in read_only}
    return list(_check(root, {**root, "properties": writable}, properties, "#"))


def _check(root: Schema, node: Schema, value: Any, where: str) -> Iterator[str]:
    node = _resolve(root, node)
    expected = node.get("type")
    if isinstance(value, dict):
        yield from _check_object(root, node, value, where)
    elif isinstance(value, list):
        if expected in ("string", "integer", "boolean", "number", "object"):
            yield f"{where}: expected type: {expected.capitalize()}, found: JSONArray"
        for index, item in enumerate(value):
            yield from _check(root, node.get("items", {}), item, f"{where}/{index}")
    elif expected == "object" and "properties" in node:
        yield f"{where}: expected type: JSONObject, found: {type(value).__name__}"
    elif expected == "array":
        yield f"{where}: expected type: JSONArray, found: {type(value).__name__}"
    elif "enum" in node and str(value) not in map(str, node["enum"]):
        yield f"{where}: {value} is not a valid enum value"


def _check_object(root: Schema, node: Schema, value: dict[str, Any], where: str) -> Iterator[str]:
    if node.get("type") in ("string", "integer", "boolean", "number", "array"):
        yield f"{where}: expected type: {node['type'].capitalize()}, found: JSONObject"
        return
    properties = node.get("properties", {})
    for name in node.get("required", []):
        if name not in value:
            yield f"{where}: required key [{name}] not found"
    for name, item in value.items():
        if name in properties:
            yield from _check(root, properties[name], item, f"{where}/{name}")
        elif node.get("additionalProperties") is False and "patternProperties" not in node:
            yield f"{where}: extraneous key [{name}] is not permitted"


def _resolve(root: Schema, node: Schema) -> Schema:
    while "$ref" in node:
        target: Schema = root
        for name in node["$ref"].split("/")[1:]:
            target = target[name]
        node = target
    return node
