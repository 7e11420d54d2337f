"""Every policy of every deployment passes parliament, which knows each action's resources and condition keys."""

import json
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from tests.checks.deployment import deployments
from tests.checks.house_rules.policies import documents_of

_ACCOUNT = "us-east-1:123456789012"
# What a reference to a resource of a type comes out as, as far as policies hold any.
_ARNS = {
    "AWS::Backup::BackupVault": f"arn:aws:backup:{_ACCOUNT}:backup-vault:example",
    "AWS::CloudTrail::Trail": f"arn:aws:cloudtrail:{_ACCOUNT}:trail/example",
    "AWS::ECR::Repository": f"arn:aws:ecr:{_ACCOUNT}:repository/example",
    "AWS::ECS::Cluster": f"arn:aws:ecs:{_ACCOUNT}:cluster/example",
    "AWS::ECS::Service": f"arn:aws:ecs:{_ACCOUNT}:service/example/example",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/example",
    "AWS::KMS::Key": f"arn:aws:kms:{_ACCOUNT}:key/00000000-0000-0000-0000-000000000000",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_ACCOUNT}:log-group:example:*",
    "AWS::RDS::DBCluster": f"arn:aws:rds:{_ACCOUNT}:cluster:example",
    "AWS::S3::Bucket": "arn:aws:s3:::example",
    "AWS::SNS::Topic": f"arn:aws:sns:{_ACCOUNT}:example",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:example-AbCdEf",
}
# Types whose Ref is the ARN itself; others' is the name.
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret"}


def plausible(node: Any, resources: Mapping[str, Any]) -> Any:
    """A policy document as AWS would get it, names and ARNs of resources made up."""
    if isinstance(node, list):
        return [plausible(item, resources) for item in node]
    if not isinstance(node, Mapping):
        return node
    if "Ref" in node:
        resource_type = resources[node["Ref"]]["Type"]
        return _ARNS[resource_type] if resource_type in _REF_IS_ARN else "example"
    if "Fn::GetAtt" in node:
        logical_id, attribute = node["Fn::GetAtt"]
        return _ARNS[resources[logical_id]["Type"]] if attribute.endswith("Arn") else "example"
    if "Fn::Join" in node:
        delimiter, items = node["Fn::Join"]
        return delimiter.join(plausible(items, resources))
    return {key: plausible(value, resources) for key, value in node.items()}


class Accepted(NamedTuple):
    """A finding of parliament that is none: the kind of policy, the finding, a part of its text, and why."""

    resource_type: str
    issue: str
    text: str
    reason: str


ACCEPTED = (
    Accepted("AWS::KMS::Key", "RESOURCE_STAR", "", "In a key's policy * is that key."),
    Accepted("AWS::IAM::Role", "MALFORMED", "neither Resource", "A trust policy is about its own role."),
    Accepted("AWS::ECR::Repository", "MALFORMED", "neither Resource", "Its policy is about itself."),
    Accepted("AWS::EC2::VPCEndpoint", "RESOURCE_STAR", "", "An endpoint's policy gives no rights."),
    Accepted(
        "AWS::KMS::Key",
        "UNKNOWN_CONDITION_FOR_ACTION",
        "kms:EncryptionContext:aws:logs:arn for action kms:Describe",
        "The statement is the one of the CloudWatch Logs user guide; nothing needs these actions.",
    ),
    Accepted(
        "AWS::KMS::Key",
        "MISMATCHED_TYPE",
        "ArnLike",
        "The encryption context of CloudWatch Logs is an ARN, though its type is text.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "RESOURCE_MISMATCH",
        "logs:DescribeLogGroups",
        "It takes log groups; parliament's data are older than that.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "CREDENTIALS_EXPOSURE",
        "['ecr:getauthorizationtoken']",
        "Pulling an image begins with it; by itself it opens no repository.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "RESOURCE_MISMATCH",
        "s3:GetObjectAttributes",
        "One of the actions that s3:GetObject* stands for, as the Aurora user guide has it for exports.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "s3:putobjectacl",
        "One of the actions that s3:PutObject* stands for; the bucket takes no ACLs.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "UNKNOWN_CONDITION_FOR_ACTION",
        "aws:ViaAWSService for action organizations:",
        "A global key, which every request has; parliament's data lack it.",
    ),
    Accepted(
        "AWS::IAM::ManagedPolicy",
        "PERMISSIONS_MANAGEMENT_ACTIONS",
        "iam:passrole",
        "An export is started with a role, which only the export service may be handed.",
    ),
)


def findings(resource_type: str, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What parliament says of a policy: issue and text. Its further auditors are for the policies of roles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # parliament loads its data by way of pkg_resources
        from parliament import analyze_policy_string
    of_role = resource_type in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
    analysed = analyze_policy_string(json.dumps(document), include_community_auditors=of_role)
    return [(finding.issue, f"{finding.detail} {finding.location}") for finding in analysed.findings]


def accepting(resource_type: str, issue: str, text: str) -> list[Accepted]:
    return [
        item
        for item in ACCEPTED
        if (item.resource_type, item.issue) == (resource_type, issue) and item.text in text
    ]


@pytest.fixture(scope="module")
def found() -> dict[str, list[tuple[str, str, str]]]:
    """The findings (resource type, issue, text) by the policy's place, over all deployments."""
    policies: dict[str, tuple[str, Any]] = {}
    for name, deployment in deployments().items():
        resources = deployment.resources()
        for logical_id, resource in resources.items():
            if "LaunchPolicy" in logical_id:
                continue  # judged by tests/checks/test_launch_role.py
            for path, document in documents_of(resource):
                place = f"{name}: {logical_id} {'/'.join(path)}"
                policies[place] = (resource["Type"], plausible(document, resources))
    by_content = {json.dumps(policy): place for place, policy in policies.items()}
    return {
        place: [(policies[place][0], *finding) for finding in findings(*policies[place])]
        for place in by_content.values()
    }


def test_every_policy_passes(found: dict[str, list[tuple[str, str, str]]]) -> None:
    assert len(found) > 30
    unaccepted = {place: [item for item in items if not accepting(*item)] for place, items in found.items()}
    assert {place: items for place, items in unaccepted.items() if items} == {}


def test_every_acceptance_is_needed(found: dict[str, list[tuple[str, str, str]]]) -> None:
    used = {accepted for items in found.values() for item in items for accepted in accepting(*item)}
    assert set(ACCEPTED) - used == set()


@pytest.mark.parametrize(
    ("statement", "issue"),
    [
        ({"Action": "s3:GetObjekt", "Resource": "arn:aws:s3:::example/*"}, "UNKNOWN_ACTION"),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::example"}, "RESOURCE_MISMATCH"),
        ({"Action": "s3:GetObject", "Resource": "*"}, "RESOURCE_STAR"),
        (
            {
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::example/*",
                "Condition": {"StringEquals": {"s3:SourceVpc": "x"}},
            },
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
        ({"Action": ["iam:PutRolePolicy", "sts:AssumeRole"], "Resource": "*"}, "PRIVILEGE_ESCALATION"),
    ],
)
def test_a_bad_statement_is_found(statement: dict[str, Any], issue: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    assert issue in [found for found, _ in findings("AWS::IAM::ManagedPolicy", document)]
