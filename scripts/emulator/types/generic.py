"""Any resource type, served from its schema alone: its identifier and attributes are made up."""

from functools import partial
from typing import Any

from ministack.services.cloudformation import provisioners

from scripts.emulator import attributes, schemas

Properties = dict[str, Any]


def handler(resource_type: str) -> dict[str, Any]:
    """The handler of a type of which nothing but the stack's own record is kept."""
    return {"create": partial(_create, resource_type), "update": _update, "delete": _delete}


def _create(
    resource_type: str, logical_id: str, properties: Properties, stack_name: str
) -> tuple[str, Properties]:
    seed = f"{stack_name}/{logical_id}/{provisioners._NAME_SEED.get()}"
    readable = attributes.made_up(resource_type, seed) | attributes.given(properties)
    for path in schemas.paths(resource_type, "primaryIdentifier"):
        readable.setdefault(".".join(path), attributes.make_up(resource_type, path, seed))
    identifiers = schemas.paths(resource_type, "primaryIdentifier")
    return "|".join(str(readable[".".join(path)]) for path in identifiers), readable


def _update(physical_id: str, _old: Properties, _new: Properties, _stack_name: str) -> tuple[str, Properties]:
    return physical_id, {}


def _delete(_physical_id: str, _properties: Properties) -> None:
    """There is nothing to delete."""
