"""Mends how ministack's engine of CloudFormation provisions resources."""

from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from scripts.emulator import attributes, schemas
from scripts.emulator.patching import Function, replace
from scripts.emulator.schemas import STACK

Attributes = dict[str, Any]


def install() -> None:
    """Applies every fix of this module to the ministack of this process."""
    replace("_evaluate_conditions", (engine, stacks, handlers, changesets), functions_in_conditions)
    replace("_provision_resource", (provisioners, stacks), created_attributes)
    replace("_update_resource", (provisioners, stacks), updated_attributes)
    replace("_property_recreation", (provisioners, stacks), recreation_by_schema)
    replace("_runs_on_worker_thread", (stacks,), provisioning_off_the_event_loop)


def functions_in_conditions(original: Function) -> Function:
    """Fn::FindInMap, Fn::Join, Fn::Split, Fn::Sub and pseudo parameters in Conditions.

    ministack compares them as they are written, so that a condition which uses them is wrong.
    """

    def evaluate(template: dict[str, Any], parameters: dict[str, Any]) -> Any:
        def resolve(node: Any) -> Any:
            if isinstance(node, dict) and node.keys() & _LOGICAL_FUNCTIONS:
                return {name: [resolve(item) for item in items] for name, items in node.items()}
            if isinstance(node, dict) and "Condition" not in node:
                return engine._resolve_refs(node, {}, parameters, {}, template.get("Mappings", {}), "", "")
            return node

        conditions = {name: resolve(node) for name, node in template.get("Conditions", {}).items()}
        return original({**template, "Conditions": conditions}, parameters)

    return evaluate


_LOGICAL_FUNCTIONS = {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"}


def created_attributes(original: Function) -> Function:
    """Fn::GetAtt of an attribute that the schema declares, or of a property, such as `CidrBlock` of a VPC.

    ministack knows only those attributes that the type's handler returns.
    """

    def provision(resource_type: str, logical_id: str, properties: Attributes, stack_name: str) -> Any:
        physical_id, created = original(resource_type, logical_id, properties, stack_name)
        return physical_id, _readable(resource_type, physical_id, properties, {}, created or {})

    return provision


def updated_attributes(original: Function) -> Function:
    """Fn::GetAtt of a resource that is updated in place.

    ministack keeps only those attributes that the type's update returns, and some return none; on AWS they
    stay.
    """

    def update(
        resource_type: str,
        physical_id: str,
        old: Attributes,
        new: Attributes,
        stack_name: str,
        logical_id: str | None = None,
        known: Attributes | None = None,
    ) -> tuple[str, Attributes]:
        new_id, updated = original(resource_type, physical_id, old, new, stack_name, logical_id, known)
        kept = known if new_id == physical_id and resource_type != STACK else None
        return new_id, _readable(resource_type, new_id, new, kept or {}, updated or {})

    return update


def _readable(
    resource_type: str, physical_id: str, properties: Attributes, kept: Attributes, returned: Attributes
) -> Attributes:
    if resource_type == STACK or resource_type not in schemas.types():
        return {**kept, **returned}
    invented = attributes.made_up(resource_type, physical_id)
    return {**invented, **kept, **attributes.given(properties), **returned}


def recreation_by_schema(original: Function) -> Function:
    """Which changes of a property replace the resource.

    ministack knows it for some types and answers `Conditionally` for the others; AWS takes it from the type's
    schema.
    """

    def recreation(resource_type: str, name: str) -> str:
        known = resource_type in provisioners._REPLACING_PROPERTIES
        if known or resource_type not in schemas.types():
            return str(original(resource_type, name))
        return schemas.requires_recreation(resource_type, name)

    return recreation


def provisioning_off_the_event_loop(_original: Function) -> Function:
    """Requests are answered while a stack is being created.

    ministack provisions most resources on the event loop, where a handler that calls the emulator's own API
    would wait for itself.
    """
    return lambda _resource_type: True
