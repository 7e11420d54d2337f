"""What must not get lost is kept: on deletion, on replacement, and for long enough."""

from collections.abc import Iterator

from tests.checks.house_rules.rule import Finding, must, resources, rule
from tests.checks.rendered import Template

_KEPT = ("Retain", "RetainExceptOnCreate", "Snapshot")
# Types whose resources hold something that cannot be made again, or open what does.
_DATA_BEARING = {
    "AWS::Backup::BackupVault": _KEPT,
    "AWS::ECR::Repository": _KEPT,
    "AWS::KMS::Key": _KEPT,
    "AWS::Logs::LogGroup": _KEPT,
    "AWS::RDS::DBCluster": ("Snapshot",),
    "AWS::S3::Bucket": _KEPT,
}


def deletion_policies(template: Template) -> Iterator[Finding]:
    for resource_type, allowed in _DATA_BEARING.items():
        for logical_id, resource in template.resources(resource_type):
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if resource.get(policy) not in allowed:
                    yield Finding(logical_id, policy, f"is {resource.get(policy)}")


def explicit_policies(template: Template) -> Iterator[Finding]:
    """Stateful resources that may go say so."""
    for resource_type in ("AWS::RDS::DBInstance", "AWS::SecretsManager::Secret"):
        for logical_id, resource in template.resources(resource_type):
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if policy not in resource:
                    yield Finding(logical_id, policy, "is not said")


RULES = (
    rule(
        "DeletionPolicy/data",
        "A deleted stack must not take patient data, its keys or its evidence along.",
        deletion_policies,
        resources("Bucket: {Type: AWS::S3::Bucket, UpdateReplacePolicy: Retain}"),
        resources("Group: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}"),
        resources(
            "Cluster: {Type: AWS::RDS::DBCluster, DeletionPolicy: Delete, UpdateReplacePolicy: Snapshot}"
        ),
    ),
    rule(
        "DeletionPolicy/explicit",
        "Whoever deletes a credential or an instance should have meant to.",
        explicit_policies,
        resources("Secret: {Type: AWS::SecretsManager::Secret, DeletionPolicy: Delete}"),
        resources("Instance: {Type: AWS::RDS::DBInstance}"),
    ),
    must("AWS::Logs::LogGroup", "RetentionInDays", "Kept for ever costs, and holds names for ever."),
    must(
        "AWS::S3::Bucket", "VersioningConfiguration/Status", "An overwritten image must come back.", "Enabled"
    ),
    must("AWS::S3::Bucket", "LifecycleConfiguration/Rules/*/Status", "Old versions cost.", "Enabled"),
    must("AWS::RDS::DBCluster", "BackupRetentionPeriod", "Point-in-time recovery for all AWS allows.", 35),
    must("AWS::RDS::DBCluster", "CopyTagsToSnapshot", "A snapshot without tags is nobody's.", True),
    must("AWS::RDS::DBCluster", "DeletionProtection", "It asks twice.", True, "true", "false"),
    must(
        "AWS::KMS::Key", "PendingWindowInDays", "A key scheduled for deletion can be saved for this long.", 30
    ),
    must(
        "AWS::CloudTrail::Trail", "IsMultiRegionTrail", "Intruders choose the region nobody looks at.", True
    ),
    must("AWS::CloudTrail::Trail", "IsLogging", "A stopped trail records nothing.", True),
)
