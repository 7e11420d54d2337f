"""The statements of the policy documents of a template, whatever resource they stand in."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.operations.properties import branches
from tests.checks.rendered import Resource, Template, walk


@dataclass(frozen=True)
class Statement:
    """One statement of a policy document: where it stands, and its elements, lists throughout."""

    resource: str
    resource_type: str
    path: str
    effect: str
    principals: tuple[Any, ...]
    actions: tuple[Any, ...]
    resources: tuple[Any, ...]
    conditions: Mapping[str, Any]

    def has_any_principal(self) -> bool:
        return "*" in self.principals

    def is_identity_policy(self) -> bool:
        """Whether it is attached to a role, so that it names resources but no principals."""
        return not self.principals


def _as_list(value: Any) -> tuple[Any, ...]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(branch for item in items for branch in branches(item) if branch is not None)


def _principals(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Mapping):
        return tuple(item for principal in value.values() for item in _as_list(principal))
    return _as_list(value)


def documents_of(resource: Resource) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every policy document of a resource with its path, also those that are written as JSON text."""
    for path, value in walk(resource.get("Properties", {})):
        if isinstance(value, str) and value.startswith("{") and '"Statement"' in value:
            value = json.loads(value)
        if isinstance(value, Mapping) and any("Effect" in item for item in _as_list(value.get("Statement"))):
            yield path, value


def statements_of(logical_id: str, resource: Resource) -> Iterator[Statement]:
    for path, document in documents_of(resource):
        for item in _as_list(document["Statement"]):
            yield Statement(
                resource=logical_id,
                resource_type=resource["Type"],
                path="/".join((*path, item.get("Sid", "Statement"))),
                effect=item["Effect"],
                principals=_principals(item.get("Principal")),
                actions=_as_list(item.get("Action")),
                resources=_as_list(item.get("Resource")),
                conditions=item.get("Condition", {}),
            )


def statements(template: Template) -> Iterator[Statement]:
    for logical_id, resource in template.section("Resources").items():
        yield from statements_of(logical_id, resource)
