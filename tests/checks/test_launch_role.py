"""The launch role has what the templates' resources need, by the schemas of their types, and nothing else."""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from generator.parts import launch_permissions
from scripts import permissions
from tests.checks.deployment import deployments
from tests.checks.house_rules.policies import Statement, documents_of, statements_of
from tests.checks.parameter_sets import PARAMETER_SETS
from tests.checks.rendered import LAUNCHED, rendered_set
from tests.checks.test_iam import findings, plausible

# What Service Catalog does with the role besides: stacks, their templates, and the roles that are handed on.
LAUNCHING = {
    "cloudformation:CreateStack",
    "cloudformation:DeleteStack",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:GetTemplateSummary",
    "cloudformation:ListStackResources",
    "cloudformation:SetStackPolicy",
    "cloudformation:UpdateStack",
    "cloudformation:ValidateTemplate",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "s3:GetObject",
}
# A launch role, called orthanc-aws-launch unless told otherwise, is none of them: it must not change itself.
ROLES = {f"arn:aws:iam::123456789012:role/{name}" for name in ("SC-*", "orthanc-????????-*")}
SECRETS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
# What parliament says of any role that may create things whose names nobody knows, and of actions newer than its data.
EXPECTED = {"RESOURCE_STAR", "UNKNOWN_ACTION", "PERMISSIONS_MANAGEMENT_ACTIONS"}


def nested_types() -> set[str]:
    """The types of all resources of the root and of what it nests, as rendered."""
    return {
        resource["Type"]
        for name, template in rendered_set().items()
        if name not in LAUNCHED - {"root"} | {"launch_role", "portfolio_shares"}
        for resource in template.section("Resources").values()
    }


def policies() -> dict[str, Any]:
    resources = deployments()["catalog"].resources()
    return {
        logical_id: resource
        for logical_id, resource in resources.items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }


def allowed() -> Iterator[Statement]:
    for logical_id, policy in policies().items():
        yield from statements_of(logical_id, policy)


def test_the_table_is_what_the_schemas_say_of_the_types_that_the_templates_have() -> None:
    table = json.loads(launch_permissions.FILE.read_text())
    assert table == permissions.derived(sorted(nested_types())), "Run python -m scripts.permissions."


def test_every_type_needs_something() -> None:
    assert all(permissions.derived(sorted(nested_types())).values())


def test_the_role_may_do_all_that_is_needed_and_nothing_else() -> None:
    needed = {
        action for actions in permissions.derived(nested_types()).values() for action in actions
    } | LAUNCHING
    assert {action for statement in allowed() for action in statement.actions} == needed


def test_no_statement_is_without_bounds() -> None:
    for statement in allowed():
        assert "*" not in statement.resources or statement.conditions, statement.path


@pytest.mark.parametrize(
    ("action", "where"),
    [
        ("s3:GetObject", {"*", "arn:aws:s3:::artifacts/orthanc-aws/*"}),
        ("iam:PutRolePolicy", {*ROLES, "arn:aws:iam::123456789012:policy/SC-*"}),
        ("iam:PassRole", ROLES),
        ("s3:DeleteBucket", {"arn:aws:s3:::sc-*"}),
        ("secretsmanager:GetSecretValue", {f"{SECRETS}orthanc-????????/*"}),
        ("secretsmanager:CreateSecret", {f"{SECRETS}orthanc-????????/*", f"{SECRETS}rds!cluster-*"}),
    ],
)
def test_what_has_a_name_is_bound_to_it(action: str, where: set[str]) -> None:
    assert {item for found in allowed() if action in found.actions for item in found.resources} == where


@pytest.mark.parametrize(
    ("action", "region"),
    [("ec2:CreateVpc", "us-east-1"), ("rds:DeleteDBCluster", "us-east-1"), ("kms:PutKeyPolicy", "us-east-1")]
    + [(action, ["us-east-1"]) for action in ("route53:ChangeResourceRecordSets", "budgets:ModifyBudget")],
)
def test_only_services_without_regions_may_be_used_in_the_region_that_stands_for_none(
    action: str, region: object
) -> None:
    assert [found.conditions for found in allowed() if action in found.actions] == [
        {"StringEquals": {"aws:RequestedRegion": region}}
    ]


def test_keys_are_made_use_of_by_services_only() -> None:
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"):
        (using,) = [item for item in allowed() if action in item.actions]
        assert using.conditions["StringEquals"]["kms:ViaService"] == [
            f"{service}.us-east-1.amazonaws.com" for service in ("backup", "rds", "secretsmanager")
        ]


def test_keys_of_other_stacks_are_not_deleted() -> None:
    (deleting,) = [item for item in allowed() if "kms:ScheduleKeyDeletion" in item.actions]
    assert deleting.conditions["StringLike"] == {"aws:ResourceTag/aws:cloudformation:stack-name": "SC-*"}


def test_objects_are_read_where_service_catalog_or_the_publisher_put_them() -> None:
    (anywhere,) = [item for item in allowed() if "s3:GetObject" in item.actions and "*" in item.resources]
    assert anywhere.conditions == {
        "StringEquals": {"s3:ExistingObjectTag/servicecatalog:provisioning": "true"}
    }


def test_roles_are_passed_to_the_services_that_the_templates_roles_trust_and_to_no_others() -> None:
    trusted = {
        statement.principals[0]
        for values in PARAMETER_SETS
        for logical_id, resource in deployments()[values].resources().items()
        if resource["Type"] == "AWS::IAM::Role"
        for statement in statements_of(logical_id, resource)
        if "AssumeRolePolicyDocument" in statement.path
    }
    (passing,) = [item for item in allowed() if item.actions == ("iam:PassRole",)]
    assert set(passing.conditions["StringEquals"]["iam:PassedToService"]) == trusted


def test_nothing_that_the_role_is_bound_to_by_name_has_another_name() -> None:
    """CloudFormation names roles, policies and buckets after the stack, which Service Catalog calls SC-…"""
    for name in set(rendered_set()) - LAUNCHED - {"launch_role"}:
        for _, resource in rendered_set()[name].section("Resources").items():
            properties = resource.get("Properties", {})
            assert not properties.keys() & {"ManagedPolicyName"}, name
            if resource["Type"] == "AWS::S3::Bucket":
                assert "BucketName" not in properties
            if resource["Type"] == "AWS::IAM::Role" and "RoleName" in properties:
                assert properties["RoleName"]["Fn::Sub"].startswith("${Deployment}-")
            if resource["Type"] == "AWS::SecretsManager::Secret":
                assert properties["Name"]["Fn::Sub"].startswith("${Deployment}/")


def test_the_role_cannot_change_itself() -> None:
    (declared,) = [item for _, item in rendered_set()["launch_role"].resources("AWS::IAM::Role")]
    assert declared["Properties"]["RoleName"] == {"Ref": "LaunchRoleName"}
    own = rendered_set()["launch_role"].section("Parameters")["LaunchRoleName"]["Default"]
    assert not any(fnmatchcase(f"arn:aws:iam::123456789012:role/{own}", pattern) for pattern in ROLES)


def test_the_policies_fit_into_the_limits_of_iam() -> None:
    assert len(policies()) <= 10
    for name, policy in policies().items():
        for _, document in documents_of(policy):
            text = json.dumps(document, separators=(",", ":"))
            assert len(text) <= launch_permissions.POLICY_CHARACTERS, name


def test_parliament_finds_nothing_but_that_it_may_create() -> None:
    resources = deployments()["catalog"].resources()
    issues = {
        issue
        for policy in policies().values()
        for _, document in documents_of(policy)
        for issue, _ in findings("AWS::IAM::ManagedPolicy", plausible(document, resources))
    }
    assert issues <= EXPECTED


def test_a_user_of_the_product_cannot_choose_what_the_launch_role_would_do_for_others() -> None:
    (constraint,) = [
        resource["Properties"]
        for _, resource in rendered_set()["catalog"].resources(
            "AWS::ServiceCatalog::LaunchTemplateConstraint"
        )
    ]
    (rule,) = json.loads(constraint["Rules"]["Fn::Sub"])["Rules"].values()
    bounds = [json.dumps(assertion["Assert"]) for assertion in rule["Assertions"]]
    names = ("TemplateBucket", "DatabaseSnapshot", "HostedZoneId")
    assert [name for bound in bounds for name in names if f'{{"Ref": "{name}"}}' in bound] == list(names)
