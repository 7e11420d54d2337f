"""The Application Auto Scaling API, which ministack lacks: scalable targets and policies, kept in memory."""

import json
import time
from typing import Any

from ministack import app
from ministack.core import router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, new_uuid

Request = dict[str, Any]
Answer = dict[str, Any]
Key = tuple[str, str, str]

_targets = AccountRegionScopedDict()
_policies = AccountRegionScopedDict()


class RefusedError(Exception):
    """An error that the API answers with: its code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def install() -> None:
    """Registers the service with the ministack of this process."""
    name = "application-autoscaling"
    router.SERVICE_PATTERNS[name] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "host_patterns": [r"application-autoscaling\."],
        "credential_scope": name,
    }
    app.SERVICE_HANDLERS[name] = handle_request


async def handle_request(
    _method: str, _path: str, headers: dict[str, str], body: bytes, _query: Request
) -> tuple[int, dict[str, str], bytes]:
    """Answers one request of the JSON protocol as ministack's services do: status, headers and body."""
    operation = headers["x-amz-target"].rpartition(".")[2]
    try:
        if operation not in _OPERATIONS:
            raise RefusedError("UnknownOperationException", f"{operation} is not emulated")
        status, answer = 200, _OPERATIONS[operation](json.loads(body or b"{}"))
    except RefusedError as error:
        status, answer = 400, {"__type": error.code, "message": str(error)}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


def _key(request: Request) -> Key:
    return request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _register_scalable_target(request: Request) -> Answer:
    key = _key(request)
    known = _targets.get(key) or {"CreationTime": time.time(), "RoleARN": _service_role(key[0])}
    target = {**known, **request}
    if "MinCapacity" not in target or "MaxCapacity" not in target:
        raise RefusedError("ValidationException", "MinCapacity and MaxCapacity are required for a new target")
    if target["MinCapacity"] > target["MaxCapacity"]:
        raise RefusedError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    target.setdefault("ScalableTargetARN", _arn(_SERVICE, f"scalable-target/{new_uuid().replace('-', '')}"))
    _targets[key] = target
    return {"ScalableTargetARN": target["ScalableTargetARN"]}


def _service_role(namespace: str) -> str:
    role = f"AWSServiceRoleForApplicationAutoScaling_{namespace.upper()}Service"
    return (
        f"arn:aws:iam::{get_account_id()}:role/aws-service-role/{namespace}.{_SERVICE}.amazonaws.com/{role}"
    )


def _require_target(request: Request) -> None:
    if _key(request) not in _targets:
        namespace, resource, dimension = _key(request)
        raise RefusedError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}",
        )


def _deregister_scalable_target(request: Request) -> Answer:
    _require_target(request)
    del _targets[_key(request)]
    for arn, policy in _policies.items():
        if _key(policy) == _key(request):
            del _policies[arn]
    return {}


def _describe_scalable_targets(request: Request) -> Answer:
    wanted = request.get("ResourceIds")
    chosen = [
        target for target in _selected(_targets, request) if not wanted or target["ResourceId"] in wanted
    ]
    return {"ScalableTargets": chosen}


def _put_scaling_policy(request: Request) -> Answer:
    _require_target(request)
    name = request["PolicyName"]
    same = (
        arn
        for arn, policy in _policies.items()
        if policy["PolicyName"] == name and _key(policy) == _key(request)
    )
    arn = next(same, None) or _arn("autoscaling", f"scalingPolicy:{new_uuid()}:policyName/{name}")
    _policies[arn] = {**request, "PolicyARN": arn, "CreationTime": time.time()}
    return {"PolicyARN": arn, "Alarms": []}


def _delete_scaling_policy(request: Request) -> Answer:
    for arn, policy in _policies.items():
        if policy["PolicyName"] == request["PolicyName"] and _key(policy) == _key(request):
            del _policies[arn]
            return {}
    raise RefusedError(
        "ObjectNotFoundException", f"No scaling policy found with the name {request['PolicyName']}"
    )


def _describe_scaling_policies(request: Request) -> Answer:
    names = request.get("PolicyNames")
    policies = [
        policy for policy in _selected(_policies, request) if not names or policy["PolicyName"] in names
    ]
    return {"ScalingPolicies": policies}


def _selected(store: AccountRegionScopedDict, request: Request) -> list[Answer]:
    asked = [name for name in ("ServiceNamespace", "ResourceId", "ScalableDimension") if name in request]
    return [item for item in store.values() if all(item[name] == request[name] for name in asked)]


_SERVICE = "application-autoscaling"
_OPERATIONS = {
    "RegisterScalableTarget": _register_scalable_target,
    "DeregisterScalableTarget": _deregister_scalable_target,
    "DescribeScalableTargets": _describe_scalable_targets,
    "PutScalingPolicy": _put_scaling_policy,
    "DeleteScalingPolicy": _delete_scaling_policy,
    "DescribeScalingPolicies": _describe_scaling_policies,
}
