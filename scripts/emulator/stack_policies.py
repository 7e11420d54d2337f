"""Stack policies, which ministack keeps and does not enforce.

Source: CloudFormation user guide, "Prevent updates to stack resources": a policy denies what it does not allow, and an
explicit Deny overrides any Allow.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from ministack.services import cloudformation as cfn
from ministack.services.cloudformation import provisioners, stacks

from scripts.emulator import schemas
from scripts.emulator.patching import Function, replace

Properties = dict[str, Any]


def install() -> None:
    """Makes the ministack of this process refuse what a stack's policy does not allow."""
    replace("_update_resource", (provisioners, stacks), guarded_replacement)
    replace("_resolve_stack_outputs", (stacks,), guarded_removal)


def guarded_replacement(original: Function) -> Function:
    """An update that would replace a resource against the policy of its stack fails."""

    def update(
        resource_type: str,
        physical_id: str,
        old: Properties,
        new: Properties,
        stack_name: str,
        logical_id: str | None = None,
        *rest: Any,
    ) -> Any:
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        if logical_id and any(_replaces(resource_type, name) for name in changed):
            _refuse(stack_name, logical_id, "Update:Replace")
        return original(resource_type, physical_id, old, new, stack_name, logical_id, *rest)

    return update


def guarded_removal(original: Function) -> Function:
    """An update that would remove a resource against the policy of its stack fails, before anything is removed.

    Outputs are the last that ministack resolves before it removes; `surviving` are the resources that will be left.
    """

    def resolve(
        outputs: Properties, conditions: Properties, surviving: Properties, *rest: Any
    ) -> tuple[list[Properties], Properties]:
        stack_name = rest[2]
        for logical_id in cfn._stacks[stack_name].get("_resources", {}).keys() - surviving.keys():
            _refuse(stack_name, logical_id, "Update:Delete")
        result: tuple[list[Properties], Properties] = original(outputs, conditions, surviving, *rest)
        return result

    return resolve


def _replaces(resource_type: str, name: str) -> bool:
    return resource_type in schemas.types() and schemas.requires_recreation(resource_type, name) == "Always"


def _refuse(stack_name: str, logical_id: str, action: str) -> None:
    body = cfn._stacks[stack_name].get("_stack_policy")
    if not body:
        return
    resource = f"LogicalResourceId/{logical_id}"
    effects = [statement["Effect"] for statement in _matching(json.loads(body), action, resource)]
    if "Deny" in effects or "Allow" not in effects:
        raise ValueError(
            f"Action denied by stack policy: Statement [#1] does not allow [{action}] for resource [{resource}]"
        )


def _matching(policy: Properties, action: str, resource: str) -> Iterator[Properties]:
    for statement in policy["Statement"]:
        if _matches(action, statement["Action"]) and _matches(resource, statement["Resource"]):
            yield statement


def _matches(value: str, patterns: str | list[str]) -> bool:
    return any(
        fnmatchcase(value, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns)
    )
