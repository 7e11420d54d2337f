"""Patient data, and whatever may hold some, is encrypted with keys of our own, at rest and under way."""

from collections.abc import Iterator
from typing import Any

from scripts.operations.properties import values
from tests.checks.house_rules.policies import Statement, statements_of
from tests.checks.house_rules.rule import Finding, must, resources, rule
from tests.checks.rendered import Template

_OWN_KEY = "AWS's own keys can be neither restricted by a policy of ours nor withdrawn"
_ALGORITHMS = "Properties/BucketEncryption/ServerSideEncryptionConfiguration/*/ServerSideEncryptionByDefault"
_LOAD_BALANCER_LOGS = "logdelivery.elasticloadbalancing.amazonaws.com"


def _policies_of(template: Template, bucket: str, policy_type: str, property_name: str) -> list[Statement]:
    return [
        statement
        for logical_id, policy in template.resources(policy_type)
        if policy["Properties"][property_name] in ({"Ref": bucket}, [{"Ref": bucket}])
        for statement in statements_of(logical_id, policy)
    ]


def bucket_encryption(template: Template) -> Iterator[Finding]:
    """KMS, unless load balancers write to the bucket: they can deliver to SSE-S3 only."""
    for logical_id, bucket in template.resources("AWS::S3::Bucket"):
        statements = _policies_of(template, logical_id, "AWS::S3::BucketPolicy", "Bucket")
        algorithm = "AES256" if any(_LOAD_BALANCER_LOGS in str(item) for item in statements) else "aws:kms"
        for default in values(bucket, _ALGORITHMS):
            settings: dict[str, Any] = default or {}
            if settings.get("SSEAlgorithm") != algorithm:
                yield Finding(logical_id, "BucketEncryption", f"is not {algorithm}")
            elif algorithm == "aws:kms" and not settings.get("KMSMasterKeyID"):
                yield Finding(logical_id, "BucketEncryption", "names no key")


def _denies_plain_text(statement: Statement, actions: str) -> bool:
    return (
        statement.effect == "Deny"
        and statement.has_any_principal()
        and actions in statement.actions
        and statement.conditions.get("Bool", {}).get("aws:SecureTransport") in ("false", False)
    )


def bucket_tls(template: Template) -> Iterator[Finding]:
    for logical_id, _ in template.resources("AWS::S3::Bucket"):
        statements = _policies_of(template, logical_id, "AWS::S3::BucketPolicy", "Bucket")
        if not any(_denies_plain_text(item, "s3:*") and len(item.resources) == 2 for item in statements):
            yield Finding(
                logical_id, "BucketPolicy", "does not deny access to bucket and objects without TLS"
            )


def topic_tls(template: Template) -> Iterator[Finding]:
    for logical_id, _ in template.resources("AWS::SNS::Topic"):
        statements = _policies_of(template, logical_id, "AWS::SNS::TopicPolicy", "Topics")
        if not any(_denies_plain_text(item, "sns:Publish") for item in statements):
            yield Finding(logical_id, "TopicPolicy", "does not deny publishing without TLS")


_BUCKET_WITH_POLICY = """
    Bucket:
      Type: AWS::S3::Bucket
    Policy:
      Type: AWS::S3::BucketPolicy
      Properties:
        Bucket: !Ref Bucket
        PolicyDocument:
          Statement:
          - Effect: Deny
            Principal: '*'
            Action: s3:*
            Resource: !Sub ${Bucket.Arn}/*
            Condition:
              Bool:
                aws:SecureTransport: 'false'
"""

RULES = (
    must("AWS::Logs::LogGroup", "KmsKeyId", f"Log lines name users and studies; {_OWN_KEY}."),
    must("AWS::SNS::Topic", "KmsMasterKeyId", f"Alarms may quote log lines; {_OWN_KEY}."),
    must("AWS::SQS::Queue", "KmsMasterKeyId", f"Messages name objects; {_OWN_KEY}."),
    must("AWS::SecretsManager::Secret", "KmsKeyId", f"Credentials open everything else; {_OWN_KEY}."),
    must("AWS::Backup::BackupVault", "EncryptionKeyArn", f"Backups hold all patient data; {_OWN_KEY}."),
    must("AWS::CloudTrail::Trail", "KMSKeyId", f"The trail names objects and users; {_OWN_KEY}."),
    must("AWS::CloudTrail::Trail", "EnableLogFileValidation", "A forged trail must be noticed.", True),
    must("AWS::RDS::DBCluster", "StorageEncrypted", "The database holds patient data.", True),
    must("AWS::RDS::DBCluster", "KmsKeyId", f"The database holds patient data; {_OWN_KEY}."),
    must("AWS::RDS::DBCluster", "MasterUserSecret/KmsKeyId", f"The credential opens the data; {_OWN_KEY}."),
    must("AWS::RDS::DBInstance", "PerformanceInsightsKMSKeyId", f"It keeps statements; {_OWN_KEY}."),
    must(
        "AWS::ECS::Cluster",
        "Configuration/ManagedStorageConfiguration/FargateEphemeralStorageKmsKeyId",
        f"Uploads pass through the tasks' storage; {_OWN_KEY}.",
    ),
    must("AWS::ECR::Repository", "EncryptionConfiguration/EncryptionType", f"{_OWN_KEY}.", "KMS"),
    must("AWS::ECR::Repository", "EncryptionConfiguration/KmsKey", f"{_OWN_KEY}."),
    must("AWS::CodeBuild::Project", "EncryptionKey", f"Build artifacts end up in tasks; {_OWN_KEY}."),
    must("AWS::KMS::Key", "EnableKeyRotation", "A key that never changes protects too much.", True),
    rule(
        "Bucket/encryption",
        "Buckets hold images, trails and exports; a default key of AWS cannot be withdrawn.",
        bucket_encryption,
        resources("Bucket: {Type: AWS::S3::Bucket, Properties: {}}"),
        resources("""
            Bucket:
              Type: AWS::S3::Bucket
              Properties:
                BucketEncryption:
                  ServerSideEncryptionConfiguration:
                  - ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}
        """),
        resources("""
            Bucket:
              Type: AWS::S3::Bucket
              Properties:
                BucketEncryption:
                  ServerSideEncryptionConfiguration:
                  - ServerSideEncryptionByDefault: {SSEAlgorithm: 'aws:kms'}
        """),
    ),
    rule(
        "Bucket/tls",
        "S3 answers plain HTTP unless a policy denies it.",
        bucket_tls,
        resources("Bucket: {Type: AWS::S3::Bucket}"),
        resources(_BUCKET_WITH_POLICY),
    ),
    rule(
        "Topic/tls",
        "SNS answers plain HTTP unless a policy denies it.",
        topic_tls,
        resources("Topic: {Type: AWS::SNS::Topic}"),
    ),
)
