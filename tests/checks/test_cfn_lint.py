"""cfn-lint finds nothing in the rendered set, in any region of the partitions aws, aws-cn and aws-us-gov."""

import pytest

from scripts.operations.lint import lint
from tests.checks.rendered import LAUNCHED, TEMPLATES, rendered_set

# Types that stand in a stack of their own, which is not created unless it is asked for.
OPTIONAL = {"AWS::Budgets::Budget", "AWS::CodeBuild::Project"} | {
    f"AWS::ServiceCatalog::{name}"
    for name in (
        "CloudFormationProduct",
        "LaunchRoleConstraint",
        "LaunchTemplateConstraint",
        "Portfolio",
        "PortfolioPrincipalAssociation",
        "PortfolioProductAssociation",
        "TagOption",
        "TagOptionAssociation",
    )
}
PARTITIONS_APART = ("us-iso", "eu-isoe", "eusc-")


def regions() -> list[str]:
    from cfnlint.helpers import REGIONS

    return [region for region in REGIONS if not region.startswith(PARTITIONS_APART)]


def used_types() -> set[str]:
    """The types that AWS offers; a custom one is where its function is."""
    return {
        resource["Type"]
        for template in rendered_set().values()
        for resource in template.section("Resources").values()
        if not resource["Type"].startswith("Custom::")
    }


@pytest.mark.slow
def test_the_rendered_set_is_clean_in_every_region() -> None:
    assert lint(TEMPLATES, regions()) == []


def test_every_region_offers_every_type_that_is_not_optional() -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    missing = {
        region: used_types() - OPTIONAL - set(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))
        for region in regions()
    }
    assert {region: types for region, types in missing.items() if types} == {}


def test_an_optional_type_is_nowhere_but_in_a_stack_that_is_asked_for() -> None:
    root = rendered_set()["root"]
    optional_stacks = {f"{name}.yaml" for name in LAUNCHED - {"root"}} | {
        resource["Properties"]["TemplateURL"]
        for _, resource in root.resources("AWS::CloudFormation::Stack")
        if "Condition" in resource
    }
    for template in rendered_set().values():
        if any(resource["Type"] in OPTIONAL for resource in template.section("Resources").values()):
            assert f"{template.name}.yaml" in optional_stacks
