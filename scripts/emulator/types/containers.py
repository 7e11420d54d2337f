"""Types of Amazon ECS, made by calls of its API."""

from typing import Any

from scripts.emulator.api import call

Properties = dict[str, Any]
Created = tuple[str, Properties]


def _create_provider(logical_id: str, properties: Properties, stack_name: str) -> Created:
    name = properties.get("Name") or f"{stack_name}-{logical_id}"
    call("ecs", "CreateCapacityProvider", properties, name=name)
    return name, {}


def _update_provider(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Created:
    call("ecs", "UpdateCapacityProvider", new, name=physical_id)
    return physical_id, {}


def _delete_provider(physical_id: str, _properties: Properties) -> None:
    call("ecs", "DeleteCapacityProvider", {"capacityProvider": physical_id})


def _create_associations(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call("ecs", "PutClusterCapacityProviders", properties)
    return properties["Cluster"], {}


def _update_associations(_physical_id: str, _old: Properties, new: Properties, stack_name: str) -> Created:
    return _create_associations("", new, stack_name)


def _delete_associations(_physical_id: str, properties: Properties) -> None:
    none: Properties = {"capacityProviders": [], "defaultCapacityProviderStrategy": []}
    call("ecs", "PutClusterCapacityProviders", none, cluster=properties["Cluster"])


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::ECS::CapacityProvider": {
        "create": _create_provider,
        "update": _update_provider,
        "delete": _delete_provider,
    },
    "AWS::ECS::ClusterCapacityProviderAssociations": {
        "create": _create_associations,
        "update": _update_associations,
        "delete": _delete_associations,
    },
}
