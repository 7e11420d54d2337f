"""What a parameter set deploys: the stacks and resources whose Conditions hold, without asking AWS."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator import yaml_text
from scripts.operations.environment import IMAGE_PARAMETERS
from scripts.operations.intrinsics import (
    CONDITION_FUNCTIONS,
    PSEUDO_PARAMETERS,
    Scope,
    evaluate,
    parameter_values,
    truth,
)

_NESTED = "AWS::CloudFormation::Stack"
# What only AWS knows, such as another stack's output, counts as a text that is not empty.
_UNKNOWN = "known to AWS"
_FUNCTIONS = {**CONDITION_FUNCTIONS, "Fn::GetAtt": lambda _argument, _scope: _UNKNOWN}

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class DeployedStack:
    """One stack of a deployment: the name of its template, and the resources that it creates."""

    name: str
    resources: Mapping[str, Mapping[str, Any]]
    scope: Scope

    def of_type(self, resource_type: str) -> list[Properties]:
        """The properties of each resource of a type, as the template has them."""
        return [
            resource.get("Properties", {})
            for resource in self.resources.values()
            if resource["Type"] == resource_type
        ]

    def value(self, expression: Any) -> Any:
        """What an expression of the template comes to; raises CannotEvaluateError where only AWS can tell."""
        return evaluate(expression, self.scope)


def deployed(folder: Path, values: Mapping[str, str], name: str = "root") -> list[DeployedStack]:
    """The stacks that the template `name` of a folder creates for these parameter values, root first."""
    made = dict.fromkeys(IMAGE_PARAMETERS, _UNKNOWN)
    return list(_deployed(folder, name, {**made, **values}))


def _deployed(folder: Path, name: str, values: Mapping[str, str]) -> Iterator[DeployedStack]:
    template = yaml_text.load((folder / f"{name}.yaml").read_text("utf-8"))
    scope = Scope(
        values={**PSEUDO_PARAMETERS, **parameter_values(template, values)},
        functions=_FUNCTIONS,
        conditions=template.get("Conditions", {}),
        mappings=template.get("Mappings", {}),
    )
    resources = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or truth({"Condition": resource["Condition"]}, scope)
    }
    stack = DeployedStack(name, resources, scope)
    yield stack
    for nested in stack.of_type(_NESTED):
        child = nested["TemplateURL"].removesuffix(".yaml")
        arguments = {key: stack.value(value) for key, value in nested.get("Parameters", {}).items()}
        yield from _deployed(folder, child, arguments)
