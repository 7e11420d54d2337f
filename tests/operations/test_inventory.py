"""What a parameter set creates is told without AWS."""

from pathlib import Path

import pytest

from scripts.operations.inventory import deployed
from tests.checks.deployment import deploy
from tests.checks.parameter_sets import PARAMETER_SETS

TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.mark.parametrize("name", PARAMETER_SETS)
def test_it_is_what_an_independent_reading_of_the_templates_creates(name: str) -> None:
    values = PARAMETER_SETS[name]
    found = sorted(
        resource["Type"]
        for stack in deployed(TEMPLATES, values)
        for resource in stack.resources.values()
        if resource["Type"] != "AWS::CloudFormation::Stack"
    )
    assert found == sorted(resource["Type"] for resource in deploy(values).resources().values())


def test_a_stack_behind_a_condition_that_fails_is_not_there() -> None:
    with_bucket, without = (
        {stack.name for stack in deployed(TEMPLATES, {**PARAMETER_SETS["small"], "ImageStorage": storage})}
        for storage in ("s3", "database")
    )
    assert with_bucket - without == {"storage"}


def test_expressions_are_evaluated_with_the_stacks_own_parameters() -> None:
    stacks = {stack.name: stack for stack in deployed(TEMPLATES, PARAMETER_SETS["production"])}
    (task,) = stacks["orthanc"].of_type("AWS::ECS::TaskDefinition")
    assert stacks["orthanc"].value(task["Cpu"]) == "2048"
