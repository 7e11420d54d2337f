"""What parameters make of the rendered set: one flat template of all stacks, without parameters or conditions.

Linters and rule packs see each template alone, and a parameter where a value will be. Here they see the whole:
arguments in the place of parameters, a child's outputs in the place of references to them, the branch that is taken
in the place of each Fn::If. A resource is called by its stack's logical id and its own, `DatabaseCluster`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from scripts.operations.intrinsics import PSEUDO_PARAMETERS, conditions, is_list, parameter_values
from tests.checks.parameter_sets import BESIDE_THE_ROOT, PARAMETER_SETS
from tests.checks.rendered import Template, rendered_set

STACK = "AWS::CloudFormation::Stack"
SUPPLIED = {
    "TemplateBucket": "orthanc-aws-templates",
    "TemplateRegion": PSEUDO_PARAMETERS["AWS::Region"],
    "TemplateKeyPrefix": "templates/",
    "OrthancImage": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/orthanc@sha256:{'0' * 64}",
    "NginxImage": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/nginx@sha256:{'1' * 64}",
}


class _NoValue:
    """What Ref AWS::NoValue stands for: whatever holds it is left out."""


@dataclass(frozen=True)
class Stack:
    """A stack of the deployment: its template, and its arguments in terms of the flat template."""

    template: Template
    arguments: Mapping[str, Any]
    prefix: str = ""
    made: dict[str, "Stack"] = field(default_factory=dict)

    @cached_property
    def conditions(self) -> dict[str, bool]:
        """Whether each Condition holds; an argument that only AWS knows counts as some text."""
        texts = {name: _as_text(value) for name, value in self.arguments.items()}
        return conditions(self.template.body, texts)

    def children(self) -> list["Stack"]:
        resources = self.template.resources(STACK)
        return [self.child(logical_id) for logical_id, resource in resources if self._exists(resource)]

    def all_stacks(self) -> list["Stack"]:
        return [self, *(stack for child in self.children() for stack in child.all_stacks())]

    def child(self, logical_id: str) -> "Stack":
        """The nested stack of that name, made when it is first asked for: its arguments refer to its siblings."""
        if logical_id not in self.made:
            self.made[logical_id] = self._make_child(logical_id)
        return self.made[logical_id]

    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources of this stack and of those in it, by their names in the flat template."""
        own = {
            self.prefix + logical_id: self._resource(resource)
            for logical_id, resource in self.template.section("Resources").items()
            if resource["Type"] != STACK and self._exists(resource)
        }
        for child in self.children():
            own |= child.resources()
        return own

    def output(self, name: str) -> Any:
        return self.value(self.template.section("Outputs")[name]["Value"])

    def value(self, node: Any) -> Any:
        """A value of the template in terms of the flat template."""
        if isinstance(node, list):
            return [value for item in node if (value := self.value(item)) is not _NoValue]
        if not isinstance(node, Mapping):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
        items = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in items.items() if value is not _NoValue}

    def _exists(self, resource: Mapping[str, Any]) -> bool:
        return self.conditions[resource["Condition"]] if "Condition" in resource else True

    def _make_child(self, logical_id: str) -> "Stack":
        properties = self.template.section("Resources")[logical_id]["Properties"]
        template = rendered_set()[properties["TemplateURL"].removesuffix(".yaml")]
        arguments = {name: self.value(value) for name, value in properties.get("Parameters", {}).items()}
        return Stack(template, _split_lists(template, arguments), self.prefix + logical_id)

    def _resource(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in resource.items() if key not in ("Condition", "DependsOn")}
        return dict(self.value(kept))


def deploy(values: Mapping[str, str], name: str = "root") -> Stack:
    """A stack that is launched by itself, with these values of its parameters and those that are supplied."""
    template = rendered_set()[name]
    return Stack(template, parameter_values(template.body, {**SUPPLIED, **values}))


@cache
def deployments() -> dict[str, Stack]:
    """Every deployment that the checks judge: of the root by each parameter set, and of each stack beside it."""
    roots = {name: deploy(values) for name, values in PARAMETER_SETS.items()}
    return roots | {name: deploy(values, of) for name, (of, values) in BESIDE_THE_ROOT.items()}


def _split_lists(template: Template, arguments: Mapping[str, Any]) -> dict[str, Any]:
    declared = template.section("Parameters")
    return {
        name: _as_list(value) if is_list(declared[name]["Type"]) else value
        for name, value in arguments.items()
    }


def _as_list(value: Any) -> list[Any]:
    joined = value["Fn::Join"][1] if isinstance(value, Mapping) and "Fn::Join" in value else value.split(",")
    return list(joined)


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_as_text(item) for item in value)
    return value if isinstance(value, str) else "known to AWS"


def _ref(stack: Stack, name: str) -> Any:
    if name == "AWS::NoValue":
        return _NoValue
    if name in PSEUDO_PARAMETERS:
        return PSEUDO_PARAMETERS[name]
    if name in stack.template.section("Parameters"):
        defaults = parameter_values(stack.template.body, {})
        return stack.arguments[name] if name in stack.arguments else defaults[name]
    return {"Ref": stack.prefix + name}


def _get_att(stack: Stack, argument: list[str] | str) -> Any:
    logical_id, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
    if stack.template.section("Resources")[logical_id]["Type"] == STACK:
        return stack.child(logical_id).output(attribute.removeprefix("Outputs."))
    return {"Fn::GetAtt": [stack.prefix + logical_id, attribute]}


def _if(stack: Stack, argument: list[Any]) -> Any:
    name, when_true, when_false = argument
    return stack.value(when_true if stack.conditions[name] else when_false)


def _sub(stack: Stack, argument: Any) -> Any:
    text, variables = argument if isinstance(argument, list) else (argument, {})
    parts: list[Any] = []
    for literal, name in re.findall(r"([^$]+|\$(?!\{))|\$\{([^}]+)\}", text):
        if literal or name.startswith("!"):
            parts.append(literal or f"${{{name[1:]}}}")
        elif name in variables:
            parts.append(stack.value(variables[name]))
        else:
            parts.append(_get_att(stack, name) if "." in name else _ref(stack, name))
    return _joined("", parts)


def _join(stack: Stack, argument: list[Any]) -> Any:
    delimiter, items = argument
    return _joined(delimiter, stack.value(items))


def _joined(delimiter: str, parts: Any) -> Any:
    if not isinstance(parts, list):
        return {"Fn::Join": [delimiter, parts]}
    if all(isinstance(part, str | int) for part in parts):
        return delimiter.join(str(part) for part in parts)
    return {"Fn::Join": [delimiter, parts]}


def _select(stack: Stack, argument: list[Any]) -> Any:
    index, items = stack.value(argument)
    return items[int(index)] if isinstance(items, list) else {"Fn::Select": [index, items]}


def _split(stack: Stack, argument: list[Any]) -> Any:
    delimiter, text = stack.value(argument)
    return text.split(delimiter) if isinstance(text, str) else {"Fn::Split": [delimiter, text]}


def _find_in_map(stack: Stack, argument: list[Any]) -> Any:
    name, first, second = stack.value(argument)
    return stack.template.section("Mappings")[name][first][second]


_FUNCTIONS = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _find_in_map,
}
