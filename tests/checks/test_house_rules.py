"""The house rules hold for the rendered set, and each rule catches what it is there for."""

import re

import pytest

from tests.checks.deployment import deployments
from tests.checks.house_rules import DEPLOYMENT_RULES, RULES, encryption
from tests.checks.house_rules.rule import Rule
from tests.checks.rendered import Template, rendered_set


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_rendered_set_follows(rule: Rule) -> None:
    found = [
        f"{template.name}.yaml, {finding.resource} {finding.path}: {finding.message}"
        for template in rendered_set().values()
        for finding in rule.check(template)
    ]
    assert not found, f"{rule.reason}\n" + "\n".join(found)


@pytest.mark.parametrize("rule", DEPLOYMENT_RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("name", deployments())
def test_each_deployment_follows(name: str, rule: Rule) -> None:
    whole = Template(name, "", {"Resources": deployments()[name].resources()})
    assert list(rule.check(whole)) == [], rule.reason


@pytest.mark.parametrize(
    ("rule", "counter_example"),
    [
        pytest.param(rule, example, id=f"{rule.id}-{number}")
        for rule in (*RULES, *DEPLOYMENT_RULES)
        for number, example in enumerate(rule.counter_examples, 1)
    ],
)
def test_a_breach_is_caught(rule: Rule, counter_example: Template) -> None:
    assert list(rule.check(counter_example))


# Types whose schema has a key, but which hold nothing that needs one of ours.
KEY_NOT_NEEDED = {
    "AWS::Lambda::Function": "it has no environment variables, and its code is in the template",
    "AWS::EC2::VPC": "its encryption control is for traffic without TLS, of which there is none",
    "AWS::Scheduler::Schedule": "its input names resources of ours, no patients",
}


def test_every_type_that_can_have_a_key_has_a_rule_about_it() -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    ruled = {
        resource["Type"]
        for rule in encryption.RULES
        for example in rule.counter_examples
        for resource in example.section("Resources").values()
    }
    used = {
        resource["Type"]
        for template in rendered_set().values()
        for resource in template.section("Resources").values()
    }
    encrypted = {
        name
        for name in used
        for key in PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema["properties"]
        if re.search(r"kms|encrypt", key, re.IGNORECASE)
    }
    assert encrypted - ruled == KEY_NOT_NEEDED.keys()


def test_no_two_rules_share_an_id() -> None:
    ids = [rule.id for rule in (*RULES, *DEPLOYMENT_RULES)]
    assert len(ids) == len(set(ids))
