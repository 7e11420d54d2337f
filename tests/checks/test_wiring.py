"""What a template declares is used, and what a parent hands over is what its child declares.

The generator checks its wires as it renders. This looks at the rendered text alone.
"""

import re
from typing import Any

import pytest

from tests.checks.deployment import STACK
from tests.checks.rendered import LAUNCHED, Template, rendered_set, walk

TEMPLATES = sorted(rendered_set())


def names_referred_to(template: Template) -> set[str]:
    """Every name that conditions, resources and outputs refer to, whatever function they do it with."""
    found: set[str] = set()
    sections = {name: template.section(name) for name in ("Conditions", "Resources", "Outputs")}
    for path, value in walk(sections):
        function = path[-1] if path else ""
        if function == "Ref" or (function == "Condition" and (path[0] == "Conditions" or len(path) == 3)):
            found.add(value)
        elif function == "Fn::If":
            found.add(value[0])
        elif function == "Fn::GetAtt":
            found.add(value.split(".")[0] if isinstance(value, str) else value[0])
        elif function == "Fn::Sub":
            text = value if isinstance(value, str) else value[0]
            found |= {name.split(".")[0] for name in re.findall(r"\$\{([^!}][^}]*)\}", text)}
    return found


def outputs_referred_to(template: Template) -> set[tuple[str, str]]:
    """Nested stack and name of each of its outputs that the template uses."""
    return {
        (value[0], value[1].removeprefix("Outputs."))
        for section in ("Resources", "Outputs")
        for path, value in walk(template.section(section))
        if path and path[-1] == "Fn::GetAtt" and str(value[1]).startswith("Outputs.")
    }


def nested(template: Template) -> dict[str, tuple[Template, dict[str, Any]]]:
    """Child template and arguments of each nested stack."""
    return {
        logical_id: (
            rendered_set()[resource["Properties"]["TemplateURL"].removesuffix(".yaml")],
            resource["Properties"].get("Parameters", {}),
        )
        for logical_id, resource in template.resources(STACK)
    }


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_parameter_is_used(name: str) -> None:
    template = rendered_set()[name]
    assert set(template.section("Parameters")) - names_referred_to(template) == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_condition_and_mapping_is_used(name: str) -> None:
    template = rendered_set()[name]
    assert set(template.section("Conditions")) - names_referred_to(template) == set()
    mappings = {value[0] for path, value in walk(template.body) if path and path[-1] == "Fn::FindInMap"}
    assert set(template.section("Mappings")) == mappings


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_undeclared_is_referred_to(name: str) -> None:
    template = rendered_set()[name]
    sections = ("Parameters", "Resources", "Conditions")
    declared = {item for section in sections for item in template.section(section)}
    local = {
        variable
        for path, value in walk(template.body)
        if path and path[-1] == "Fn::Sub" and isinstance(value, list)
        for variable in value[1]
    }
    used = {item for item in names_referred_to(template) if not item.startswith("AWS::")}
    assert used - declared - local == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_output_of_a_child_is_used(name: str) -> None:
    template = rendered_set()[name]
    used = outputs_referred_to(template)
    declared = {
        (logical_id, output)
        for logical_id, (child, _) in nested(template).items()
        for output in child.section("Outputs")
    }
    assert used == declared


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_child_is_handed_what_it_declares(name: str) -> None:
    for logical_id, (child, arguments) in nested(rendered_set()[name]).items():
        assert set(arguments) == set(child.section("Parameters")), logical_id


def test_every_template_is_launched_by_itself_or_nested_in_one() -> None:
    children = {child.name for template in rendered_set().values() for child, _ in nested(template).values()}
    assert children == set(rendered_set()) - LAUNCHED
