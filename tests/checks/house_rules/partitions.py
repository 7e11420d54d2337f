"""The set works in every partition: no ARN and no domain of one partition is written out."""

from collections.abc import Iterator

from tests.checks.house_rules.rule import Finding, resources, rule
from tests.checks.rendered import Template, walk

# Where a service's principal stands: a name, the same in all partitions, though it looks like a host's.
_PRINCIPAL_KEYS = {"Service", "iam:PassedToService", "iam:AWSServiceName"}
# Services whose principal has the region and the partition's domain in its name. Source: IAM user guide.
_REGIONAL = ("logs.",)


def literal_arns(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.section("Resources").items():
        for path, value in walk(resource.get("Properties", {})):
            if isinstance(value, str) and ("arn:aws:" in value or "arn:aws-" in value):
                yield Finding(logical_id, "/".join(path), "names a partition; take ${AWS::Partition}")


def literal_domains(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.section("Resources").items():
        for path, value in walk(resource.get("Properties", {})):
            if isinstance(value, str) and "amazonaws.com" in value and not _PRINCIPAL_KEYS & set(path):
                yield Finding(logical_id, "/".join(path), "names a domain; take ${AWS::URLSuffix}")


def regional_principals(template: Template) -> Iterator[Finding]:
    for logical_id, resource in template.section("Resources").items():
        for path, value in walk(resource.get("Properties", {})):
            principal = str(value) if _PRINCIPAL_KEYS & set(path) else ""
            literal = "amazonaws.com" in principal or "${AWS::Region}" not in principal
            if principal.startswith(_REGIONAL) and literal:
                yield Finding(logical_id, "/".join(path), "needs ${AWS::Region} and ${AWS::URLSuffix}")


def _role(service: str, managed_policy: str = "x") -> str:
    return resources(f"""
        Role:
          Type: AWS::IAM::Role
          Properties:
            ManagedPolicyArns: ['{managed_policy}']
            AssumeRolePolicyDocument:
              Statement: [{{Effect: Allow, Principal: {{Service: '{service}'}}, Action: 'sts:AssumeRole'}}]
    """)


RULES = (
    rule(
        "Partition/arn",
        "In GovCloud and China ARNs begin otherwise.",
        literal_arns,
        _role("ecs-tasks.amazonaws.com", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        resources("Key: {Type: AWS::KMS::Key, Properties: {Description: !Sub 'arn:aws-cn:iam::x'}}"),
    ),
    rule(
        "Partition/domain",
        "In China AWS's domain is amazonaws.com.cn.",
        literal_domains,
        resources("Record: {Type: AWS::Route53::RecordSet, Properties: {Name: s3.amazonaws.com}}"),
    ),
    rule(
        "Partition/principal",
        "A principal that does not exist fails the deployment.",
        regional_principals,
        _role("logs.us-east-1.amazonaws.com"),
        _role("logs.amazonaws.com"),
    ),
)
