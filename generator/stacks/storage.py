"""The image bucket, for deployments that keep DICOM files in S3 rather than in the database."""

from dataclasses import dataclass

from awacs import s3 as actions
from awacs.aws import Action, ArnNotLike, Condition, Deny, Principal, Statement
from troposphere import Ref, Sub, Template, s3

from generator.core import Stack, output, parameter
from generator.kinds import BucketName, DeploymentName, KeyArn, OptionalBucketName
from generator.parts.buckets import encrypted_with, move, private_bucket, tidy
from generator.parts.notes import Waiver, waived
from generator.parts.policies import roles_of

IMAGES = "ImageBucket"
NONCURRENT_DAYS = 90


@dataclass(frozen=True)
class StorageInputs:
    deployment: DeploymentName = parameter("The name that the Orthanc task's role begins with.")
    data_key: KeyArn = parameter("The key that encrypts the images.")
    access_logs_bucket: BucketName = parameter("The bucket that S3 writes its access logs to.")


@dataclass(frozen=True)
class StorageOutputs:
    image_bucket: OptionalBucketName = output("The bucket that holds the DICOM files.")


def build(template: Template, inputs: StorageInputs) -> StorageOutputs:
    """The bucket of the DICOM files: encrypted, versioned, and open to the Orthanc task's role only."""
    bucket = private_bucket(
        template,
        IMAGES,
        encrypted_with(inputs.data_key),
        [_deny_all_but_orthanc()],
        LoggingConfiguration=s3.LoggingConfiguration(
            DestinationBucketName=inputs.access_logs_bucket, LogFilePrefix="s3/images/"
        ),
        LifecycleConfiguration=tidy(
            move(
                "to-intelligent-tiering",
                "INTELLIGENT_TIERING",
                0,
                NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=NONCURRENT_DAYS),
            )
        ),
        # AWS Backup's continuous backup of a bucket follows its changes through EventBridge.
        NotificationConfiguration=s3.NotificationConfiguration(
            EventBridgeConfiguration=s3.EventBridgeConfiguration(EventBridgeEnabled=True)
        ),
    )
    waived(
        bucket,
        Waiver(
            "AWS Backup keeps it, continuously and daily, with copies in another region or account where asked for; a"
            " replica would double the cost of every image.",
            rule="S3BucketReplicationEnabled",
        ),
    )
    return StorageOutputs(image_bucket=OptionalBucketName(Ref(bucket)))


def _deny_all_but_orthanc() -> Statement:
    """Keeps even administrators from the images' content; AWS Backup's role must read and restore it.

    Managing the bucket itself stays possible, so that nobody can lock the account out.
    """
    return Statement(
        Sid="OnlyOrthancAndBackup",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[
            Action("s3", "GetObject*"),
            Action("s3", "PutObject*"),
            Action("s3", "DeleteObject*"),
            actions.RestoreObject,
            actions.ReplicateObject,
        ],
        Resource=[Sub(f"${{{IMAGES}.Arn}}/*")],
        Condition=Condition(
            ArnNotLike(
                "aws:PrincipalArn", [roles_of("${Deployment}-orthanc-task"), roles_of("${Deployment}-backup")]
            )
        ),
    )


STORAGE = Stack("storage", StorageInputs, StorageOutputs, build)
