"""What a change set cannot know before it is executed, such as an output of a stack that is still to be created.

It stands as `{{IntrinsicFunction:STACK/RESOURCE.ATTRIBUTE/Fn::GetAtt}}` in the parameters of nested stacks, see
https://github.com/aws-cloudformation/cfn-language-discussion/issues/152.
"""

from collections.abc import Iterator
from typing import Any

from scripts.emulator.patching import Function

Record = dict[str, Any]
PLACEHOLDER = "{{IntrinsicFunction:"
_CONSTRAINTS = ("AllowedPattern", "AllowedValues", "MaxLength", "MaxValue", "MinLength", "MinValue")


class UnknownAttributes(dict[str, str]):
    """The attributes of a resource that is still to be created: each one is there, none is known."""

    def __init__(self, stack_name: str, logical_id: str) -> None:
        super().__init__()
        self._resource = f"{stack_name}/{logical_id}"

    def __contains__(self, _attribute: object) -> bool:
        return True

    def __missing__(self, attribute: str) -> str:
        return f"{PLACEHOLDER}{self._resource}.{attribute}/Fn::GetAtt}}}}"


def unknown_resource(stack_name: str, logical_id: str) -> Record:
    """The record of a resource that is still to be created."""
    return {
        "PhysicalResourceId": f"{PLACEHOLDER}{stack_name}/{logical_id}/Ref}}}}",
        "Attributes": UnknownAttributes(stack_name, logical_id),
    }


def unknown_values(original: Function) -> Function:
    """A parameter whose value is not known yet passes every constraint."""

    def resolve(template: Record, provided: list[Record], *rest: Any) -> Any:
        unknown = {item["Key"] for item in provided if PLACEHOLDER in item["Value"]}
        declared = {
            name: _unconstrained(definition) if name in unknown else definition
            for name, definition in template.get("Parameters", {}).items()
        }
        return original({**template, "Parameters": declared}, provided, *rest)

    return resolve


def _unconstrained(definition: Record) -> Record:
    kind = "String" if definition["Type"] == "Number" else definition["Type"]
    return {name: value for name, value in definition.items() if name not in _CONSTRAINTS} | {"Type": kind}


def impossible_selections(node: Any, parameters: Record) -> Iterator[str]:
    """Why AWS refuses each Fn::Select of anything but the first item of a list that is not known yet.

    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/759
    """
    if isinstance(node, list):
        for item in node:
            yield from impossible_selections(item, parameters)
    elif isinstance(node, dict):
        index, source = node.get("Fn::Select", (0, None))
        source = source.get("Fn::Split", (None, source))[1] if isinstance(source, dict) else source
        name = source.get("Ref") if isinstance(source, dict) else None
        if name in parameters and PLACEHOLDER in parameters[name]["Value"] and str(index) != "0":
            yield f"Template error: Fn::Select cannot select nonexistent value at index {index}"
        for item in node.values():
            yield from impossible_selections(item, parameters)
