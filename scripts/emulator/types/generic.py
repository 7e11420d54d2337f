"""Any resource type, served from its schema alone: its identifier and attributes are made up."""

import hashlib
from functools import partial
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from scripts.emulator import schemas

Properties = dict[str, Any]


def handler(resource_type: str) -> dict[str, Any]:
    """The handler of a type for which nothing but a record is kept."""
    return {
        "create": partial(_create, resource_type),
        "update": partial(_update, resource_type),
        "delete": _delete,
    }


def _create(
    resource_type: str, logical_id: str, properties: Properties, stack_name: str
) -> tuple[str, Properties]:
    seed = f"{stack_name}/{logical_id}/{provisioners._NAME_SEED.get()}"
    name = f"{logical_id.lower()}-{hashlib.sha256(seed.encode()).hexdigest()[:12]}"
    identifiers = schemas.paths(resource_type, "primaryIdentifier")
    physical_id = "|".join(str(_value(resource_type, path, properties, name)) for path in identifiers)
    return physical_id, _attributes(resource_type, properties, name)


def _update(
    resource_type: str, physical_id: str, _old: Properties, new: Properties, _stack_name: str
) -> tuple[str, Properties]:
    given = {name: value for name, value in new.items() if [name] in _readable(resource_type)}
    return physical_id, given


def _delete(_physical_id: str, _properties: Properties) -> None:
    """Nothing but the stack's own record was kept."""


def _readable(resource_type: str) -> list[list[str]]:
    return schemas.paths(resource_type, "readOnlyProperties") + schemas.paths(
        resource_type, "primaryIdentifier"
    )


def _attributes(resource_type: str, properties: Properties, name: str) -> Properties:
    readable = _readable(resource_type)
    return {".".join(path): _value(resource_type, path, properties, name) for path in readable}


def _value(resource_type: str, path: list[str], properties: Properties, name: str) -> Any:
    given: Any = properties
    for key in path:
        given = given.get(key) if isinstance(given, dict) else None
    if given is not None:
        return given
    kind = schemas.definition(resource_type, path).get("type", "string")
    if path[-1].lower().endswith("arn"):
        return _arn(resource_type, name)
    return {"integer": 1, "number": 1, "boolean": False, "array": [name], "object": {}}.get(str(kind), name)


def _arn(resource_type: str, name: str) -> str:
    _, service, resource = resource_type.lower().split("::")
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}/{name}"
