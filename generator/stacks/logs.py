"""Where everything that happens is written down: log groups, the access-log bucket and the archive bucket."""

from dataclasses import dataclass

from awacs import s3 as actions
from awacs.aws import ArnLike, Statement, StringEquals
from troposphere import Ref, Sub, Template, logs, s3

from generator.core import Stack, output, parameter
from generator.kinds import BucketName, DeploymentName, KeyArn, LogGroupName, Number, RetentionDays
from generator.names import arn
from generator.parts.buckets import encrypted_by_s3, encrypted_with, move, private_bucket, tidy
from generator.parts.notes import Waiver, waived
from generator.parts.policies import allow_service, from_this_account

ACCESS_LOGS = "AccessLogsBucket"
ARCHIVE = "ArchiveBucket"
COLD_STORAGE_AFTER_DAYS = 90


@dataclass(frozen=True)
class LogsInputs:
    deployment: DeploymentName = parameter("The name that the log groups' names begin with.")
    logs_key: KeyArn = parameter("The key that encrypts the log groups.")
    archive_key: KeyArn = parameter("The key that encrypts the archive bucket.")
    log_retention_days: RetentionDays = parameter(
        "Log groups and load balancer logs are kept for this many days. HIPAA asks for six years (2192) where"
        " they are the only record of access.",
        Default=400,
    )
    archive_lock_days: Number = parameter(
        "Nothing in the archive bucket can be deleted or overwritten for this many days, except by someone who may"
        " bypass governance.",
        Default=30,
        MinValue=1,
        MaxValue=3650,
        ConstraintDescription="must be a number of days from 1 to 3650.",
    )


@dataclass(frozen=True)
class LogsOutputs:
    nginx_log_group: LogGroupName = output("NGINX's access log: who asked for what.")
    orthanc_log_group: LogGroupName = output("Orthanc's log.")
    firewall_log_group: LogGroupName = output("What the web application firewall blocked or counted.")
    flow_log_group: LogGroupName = output("The VPC's flow logs.")
    trail_log_group: LogGroupName = output("The CloudTrail events.")
    access_logs_bucket: BucketName = output("Load balancers and buckets write their access logs here.")
    archive_bucket: BucketName = output("The trail's files, under object lock.")


def build(template: Template, inputs: LogsInputs) -> LogsOutputs:
    """Encrypted log groups, the bucket for access logs, and the archive bucket under object lock."""

    def log_group(title: str, name: str) -> LogGroupName:
        group = template.add_resource(
            logs.LogGroup(
                f"{title}LogGroup",
                # Even of a creation that failed: they may tell why.
                DeletionPolicy="Retain",
                UpdateReplacePolicy="Retain",
                LogGroupName=Sub(name),
                KmsKeyId=inputs.logs_key,
                RetentionInDays=inputs.log_retention_days,
            )
        )
        return LogGroupName(Ref(group))

    return LogsOutputs(
        nginx_log_group=log_group("Nginx", "/orthanc/${Deployment}/nginx"),
        orthanc_log_group=log_group("Orthanc", "/orthanc/${Deployment}/orthanc"),
        # AWS WAF writes only to log groups whose name begins so.
        firewall_log_group=log_group("Firewall", "aws-waf-logs-${Deployment}"),
        flow_log_group=log_group("Flow", "/orthanc/${Deployment}/flow-logs"),
        trail_log_group=log_group("Trail", "/orthanc/${Deployment}/trail"),
        access_logs_bucket=_access_logs_bucket(template, inputs),
        archive_bucket=_archive_bucket(template, inputs),
    )


def _access_logs_bucket(template: Template, inputs: LogsInputs) -> BucketName:
    bucket = private_bucket(
        template,
        ACCESS_LOGS,
        encrypted_by_s3(),
        [_load_balancers_write(), _buckets_write()],
        LifecycleConfiguration=tidy(
            s3.LifecycleRule(
                Id="expire",
                Status="Enabled",
                ExpirationInDays=inputs.log_retention_days,
                NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=30),
            )
        ),
    )
    waived(
        bucket,
        Waiver(
            "Load balancers cannot deliver logs to a bucket with a customer-managed key: SSE-S3 is the encryption there"
            " is.",
            rule="S3DefaultEncryptionKMS",
        ),
        Waiver(
            "It is the bucket that access logs are written to; logging its own access would write logs without end."
            " CloudTrail records its management.",
            checkov=["CKV_AWS_18"],
        ),
        Waiver(
            "Holds access logs of load balancers and buckets. The record of who used an image is in CloudWatch Logs,"
            " and whole without them.",
            rule="S3BucketReplicationEnabled",
        ),
    )
    return BucketName(Ref(bucket))


def _load_balancers_write() -> Statement:
    return allow_service(
        "LoadBalancersWrite",
        "logdelivery.elasticloadbalancing",
        [actions.PutObject],
        [Sub(f"${{{ACCESS_LOGS}.Arn}}/*/AWSLogs/${{AWS::AccountId}}/*")],
        ArnLike("aws:SourceArn", arn("elasticloadbalancing", "loadbalancer/*")),
    )


def _buckets_write() -> Statement:
    return allow_service(
        "BucketsWrite",
        "logging.s3",
        [actions.PutObject],
        [Sub(f"${{{ACCESS_LOGS}.Arn}}/s3/*")],
        *from_this_account(),
    )


def _archive_bucket(template: Template, inputs: LogsInputs) -> BucketName:
    bucket = private_bucket(
        template,
        ARCHIVE,
        # The key's policy lets CloudTrail in by the trail's encryption context, which a bucket key would replace.
        encrypted_with(inputs.archive_key, bucket_key=False),
        _trail_writes(),
        ObjectLockEnabled=True,
        ObjectLockConfiguration=s3.ObjectLockConfiguration(
            ObjectLockEnabled="Enabled",
            Rule=s3.ObjectLockRule(
                DefaultRetention=s3.DefaultRetention(Mode="GOVERNANCE", Days=inputs.archive_lock_days)
            ),
        ),
        LoggingConfiguration=s3.LoggingConfiguration(
            DestinationBucketName=Ref(ACCESS_LOGS), LogFilePrefix="s3/archive/"
        ),
        LifecycleConfiguration=tidy(move("to-cold-storage", "GLACIER_IR", COLD_STORAGE_AFTER_DAYS)),
    )
    waived(
        bucket,
        Waiver(
            "Versioned and locked against deletion. A copy that survives the loss of a region needs a second region,"
            " which not every deployment may use.",
            rule="S3BucketReplicationEnabled",
        ),
    )
    return BucketName(Ref(bucket))


def _trail_writes() -> list[Statement]:
    """Source: CloudTrail user guide, "Amazon S3 bucket policy for CloudTrail"."""
    trail = StringEquals("aws:SourceArn", arn("cloudtrail", "trail/${Deployment}"))
    return [
        allow_service(
            "TrailReadsAcl", "cloudtrail", [actions.GetBucketAcl], [Sub(f"${{{ARCHIVE}.Arn}}")], trail
        ),
        allow_service(
            "TrailWrites",
            "cloudtrail",
            [actions.PutObject],
            [Sub(f"${{{ARCHIVE}.Arn}}/trail/AWSLogs/${{AWS::AccountId}}/*")],
            StringEquals(
                {
                    "aws:SourceArn": arn("cloudtrail", "trail/${Deployment}"),
                    "s3:x-amz-acl": "bucket-owner-full-control",
                }
            ),
        ),
    ]


LOGS = Stack("logs", LogsInputs, LogsOutputs, build)
