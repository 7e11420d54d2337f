"""Resource types of a deployment that a region does not have, by the data that cfn-lint ships; without an account."""

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from scripts.aws.package import LOCATION_PARAMETERS, Template
from scripts.operations.environment import Environment
from scripts.operations.intrinsics import CannotEvaluateError, NoValueError
from scripts.operations.inventory import deployed


def missing(environment: Environment, template: Template, region: str) -> list[str]:
    """A sentence for each resource type that the environment would deploy and the region does not have.

    `template` is the environment's packaged root.

    The data is as old as cfn-lint's release: AWS may have more by now, and CloudFormation has the last word. Empty for
    a region that it does not know, and where only AWS can tell what is deployed.
    """
    offered = _offered(region)
    absent = _types(template) - offered if offered else set()
    if not absent:
        return []
    values = {**dict.fromkeys(LOCATION_PARAMETERS, "any"), **environment.values()}
    try:
        stacks = deployed(environment.templates, values, Path(environment.root).stem)
    except (CannotEvaluateError, NoValueError):
        return []
    found = {
        (resource["Type"], stack.name)
        for stack in stacks
        for resource in stack.resources.values()
        if resource["Type"] in absent
    }
    return [
        f"{region} has no {resource_type}, which {name}.yaml makes, as far as is known here"
        for resource_type, name in sorted(found)
    ]


def _types(template: Template) -> set[str]:
    """Those of AWS: the functions behind others are made by the templates themselves."""
    types = {resource["Type"] for each in template.all for resource in each.resources.values()}
    return {name for name in types if not name.startswith("Custom::")}


@cache
def _offered(region: str) -> frozenset[str]:
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint is not installed")
    file = Path(spec.submodule_search_locations[0]) / "data" / "schemas" / "providers" / f"{region}.json"
    return frozenset(json.loads(file.read_text("utf-8"))) if file.is_file() else frozenset()
