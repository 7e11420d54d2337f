"""S3 buckets as this project makes them: private, versioned, TLS only, kept when the stack goes."""

from collections.abc import Sequence
from typing import Any

from awacs.aws import Action, Statement
from troposphere import GetAtt, Ref, Sub, Template, s3

from generator.core import Value
from generator.parts.policies import deny_without_tls, document


def encrypted_with(key: Value, bucket_key: bool = True) -> s3.BucketEncryption:
    """SSE-KMS; a bucket key spares S3 a call to KMS for each object, but not every service can use it."""
    return _encryption(
        s3.ServerSideEncryptionByDefault(SSEAlgorithm="aws:kms", KMSMasterKeyID=key),
        BucketKeyEnabled=bucket_key,
    )


def encrypted_by_s3() -> s3.BucketEncryption:
    """SSE-S3, for the buckets that load balancers and S3 itself write logs to: they cannot use a customer's key."""
    return _encryption(s3.ServerSideEncryptionByDefault(SSEAlgorithm="AES256"))


def _encryption(default: s3.ServerSideEncryptionByDefault, **rule: Any) -> s3.BucketEncryption:
    return s3.BucketEncryption(
        ServerSideEncryptionConfiguration=[
            s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=default, **rule)
        ]
    )


def private_bucket(
    template: Template,
    title: str,
    encryption: s3.BucketEncryption,
    statements: Sequence[Statement] = (),
    **properties: Any,
) -> s3.Bucket:
    """Adds a bucket and its policy, which refuses requests without TLS and makes the `statements` besides."""
    bucket = template.add_resource(
        s3.Bucket(
            title,
            # Even of a creation that failed: logs are in it by then, and CloudFormation cannot delete a full bucket.
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            BucketEncryption=encryption,
            OwnershipControls=s3.OwnershipControls(
                Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
            ),
            PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
                BlockPublicAcls=True,
                BlockPublicPolicy=True,
                IgnorePublicAcls=True,
                RestrictPublicBuckets=True,
            ),
            VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
            **properties,
        )
    )
    _add_policy(template, bucket, statements)
    return bucket


def _add_policy(template: Template, bucket: s3.Bucket, statements: Sequence[Statement]) -> None:
    everything = [GetAtt(bucket, "Arn"), objects_of(bucket)]
    template.add_resource(
        s3.BucketPolicy(
            f"{bucket.title}Policy",
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            Bucket=Ref(bucket),
            PolicyDocument=document(deny_without_tls(Action("s3", "*"), everything), *statements),
        )
    )


def objects_of(bucket: s3.Bucket, prefix: str = "") -> Sub:
    """The ARN of a bucket's objects; `prefix` may hold `${...}`."""
    return Sub(f"${{{bucket.title}.Arn}}/{prefix}*")


def move(name: str, storage_class: str, after_days: int, **properties: Any) -> s3.LifecycleRule:
    """A lifecycle rule that moves objects into a cheaper storage class when they are this old."""
    return s3.LifecycleRule(
        Id=name,
        Status="Enabled",
        Transitions=[s3.LifecycleRuleTransition(StorageClass=storage_class, TransitionInDays=after_days)],
        **properties,
    )


def tidy(*rules: s3.LifecycleRule) -> s3.LifecycleConfiguration:
    """Lifecycle rules, and besides them one that drops the parts of uploads that were never finished."""
    unfinished = s3.LifecycleRule(
        Id="drop-unfinished-uploads",
        Status="Enabled",
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )
    return s3.LifecycleConfiguration(Rules=[*rules, unfinished])
