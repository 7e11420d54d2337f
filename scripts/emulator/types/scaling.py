"""Types of Application Auto Scaling, made by calls of the API in `scripts.emulator.autoscaling`."""

from typing import Any

from scripts.emulator.api import call

Properties = dict[str, Any]
Created = tuple[str, Properties]
_SERVICE = "application-autoscaling"


def _target_of(physical_id: str) -> Properties:
    resource, dimension, namespace = physical_id.split("|")
    return {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}


def _create_target(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    call(_SERVICE, "RegisterScalableTarget", properties)
    physical_id = "|".join(
        properties[name] for name in ("ResourceId", "ScalableDimension", "ServiceNamespace")
    )
    return physical_id, {"Id": physical_id}


def _update_target(_physical_id: str, _old: Properties, new: Properties, stack_name: str) -> Created:
    return _create_target("", new, stack_name)


def _delete_target(physical_id: str, _properties: Properties) -> None:
    call(_SERVICE, "DeregisterScalableTarget", _target_of(physical_id))


def _policy(properties: Properties) -> Properties:
    target = properties.get("ScalingTargetId", properties.get("ScalableTargetId"))
    return {**properties, **(_target_of(target) if target else {})}


def _create_policy(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    arn = call(_SERVICE, "PutScalingPolicy", _policy(properties))["PolicyARN"]
    return arn, {"Arn": arn}


def _update_policy(_physical_id: str, _old: Properties, new: Properties, stack_name: str) -> Created:
    return _create_policy("", new, stack_name)


def _delete_policy(_physical_id: str, properties: Properties) -> None:
    call(_SERVICE, "DeleteScalingPolicy", _policy(properties))


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::ApplicationAutoScaling::ScalableTarget": {
        "create": _create_target,
        "update": _update_target,
        "delete": _delete_target,
    },
    "AWS::ApplicationAutoScaling::ScalingPolicy": {
        "create": _create_policy,
        "update": _update_policy,
        "delete": _delete_policy,
    },
}
