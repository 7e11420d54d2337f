"""Each Condition of each template decides something: there are parameter sets that make it true, and false."""

from collections import defaultdict

import pytest

from scripts.operations.validate import problems
from tests.checks.deployment import SUPPLIED, deployments
from tests.checks.parameter_sets import BESIDE_THE_ROOT, PARAMETER_SETS
from tests.checks.rendered import rendered_set


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_the_parameter_sets_are_valid(name: str) -> None:
    assert problems(rendered_set()["root"].body, PARAMETER_SETS[name], supplied=SUPPLIED) == []


@pytest.mark.parametrize("name", BESIDE_THE_ROOT)
def test_the_values_for_the_stacks_beside_the_root_are_valid(name: str) -> None:
    stack, values = BESIDE_THE_ROOT[name]
    assert problems(rendered_set()[stack].body, values, supplied=SUPPLIED) == []


def test_every_condition_comes_out_both_ways() -> None:
    seen: dict[tuple[str, str], set[bool]] = defaultdict(set)
    for deployment in deployments().values():
        for stack in deployment.all_stacks():
            for name, holds in stack.conditions.items():
                seen[stack.template.name, name].add(holds)
    declared = {
        (template.name, name)
        for template in rendered_set().values()
        for name in template.section("Conditions")
    }
    assert {condition for condition in declared if len(seen[condition]) < 2} == set()


def test_every_resource_is_part_of_some_deployment() -> None:
    deployed = {
        (deployment.template.name, name)
        for deployment in deployments().values()
        for name in deployment.resources()
    }
    stacks = {
        (deployment.template.name, stack.prefix): stack
        for deployment in deployments().values()
        for stack in deployment.all_stacks()
    }
    declared = {
        (launched, prefix + logical_id)
        for (launched, prefix), stack in stacks.items()
        for logical_id, resource in stack.template.section("Resources").items()
        if resource["Type"] != "AWS::CloudFormation::Stack"
    }
    assert declared - deployed == set()
    assert {stack.template.name for stack in stacks.values()} == set(rendered_set())
