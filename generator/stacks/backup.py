"""Backups of the database and the image bucket in a locked vault, and exports of the database to S3."""

import json
from dataclasses import dataclass
from typing import Any

from awacs import backup as backup_actions
from awacs import iam as iam_actions
from awacs import kms, rds, s3
from awacs.aws import Action, Deny, Principal, Statement, StringEquals
from troposphere import (
    Equals,
    GetAtt,
    If,
    Not,
    NoValue,
    Ref,
    Sub,
    Template,
    backup,
    encode_to_dict,
    iam,
    scheduler,
)
from troposphere import s3 as buckets

from generator.core import Stack, output, parameter
from generator.kinds import (
    BucketName,
    DatabaseClusterArn,
    DeploymentName,
    KeyArn,
    Number,
    OptionalBucketName,
    OptionalVaultArn,
    Text,
    TopicArn,
)
from generator.names import arn
from generator.parts.alarms import LESS, alarm
from generator.parts.buckets import encrypted_with, move, private_bucket, tidy
from generator.parts.notes import Waiver, waived
from generator.parts.policies import allow, document, service_role
from generator.stacks.database import POINT_IN_TIME_DAYS

# Retention that a backup job may ask of the vault; the lock refuses anything outside.
SHORTEST_RETENTION_DAYS = 7
START_WITHIN_MINUTES = 60
FINISH_WITHIN_MINUTES = 7 * 24 * 60
COLD_STORAGE_AFTER_DAYS = 30
EXPORTS = "ExportBucket"


@dataclass(frozen=True)
class BackupInputs:
    deployment: DeploymentName = parameter("The name that vault, plan and role begin with.")
    backup_key: KeyArn = parameter("The key that encrypts the vault.")
    archive_key: KeyArn = parameter("The key that encrypts the exports.")
    access_logs_bucket: BucketName = parameter("The bucket that S3 writes its access logs to.")
    database_arn: DatabaseClusterArn = parameter("The database.")
    image_bucket: OptionalBucketName = parameter("The bucket of the DICOM files, or empty.")
    topic: TopicArn = parameter("The topic that alarms are sent to.")
    daily_backup_days: Number = parameter(
        "Daily snapshots are kept for this many days.",
        Default=35,
        MinValue=SHORTEST_RETENTION_DAYS,
        MaxValue=36500,
        ConstraintDescription=f"must be a number of days from {SHORTEST_RETENTION_DAYS} to 36500.",
    )
    monthly_backup_days: Number = parameter(
        "Monthly snapshots are kept for this many days. Each one of the database is billed as a full copy: with DICOM"
        " files in the database, years of them cost many times what the storage does.",
        Default=400,
        MinValue=SHORTEST_RETENTION_DAYS,
        MaxValue=36500,
        ConstraintDescription=f"must be a number of days from {SHORTEST_RETENTION_DAYS} to 36500.",
    )
    backup_copy_vault_arn: OptionalVaultArn = parameter("The vault that snapshots are copied to, or empty.")
    database_export: Text = parameter(
        "How often the database's tables are exported to S3 as Parquet files, for analysis and as an archive that no"
        " database is needed to read. DICOM files kept in the database are not part of it: snapshots hold those.",
        Default="monthly",
        AllowedValues=["off", "weekly", "monthly"],
    )


@dataclass(frozen=True)
class BackupOutputs:
    vault: Text = output("The name of the backup vault.")
    export_bucket: BucketName = output("The database's exports.")


def build(template: Template, inputs: BackupInputs) -> BackupOutputs:
    """The locked backup vault, the plan that fills it, and the scheduled export of the database."""
    template.add_condition("HasImageBucket", Not(Equals(inputs.image_bucket, "")))
    template.add_condition("HasCopies", Not(Equals(inputs.backup_copy_vault_arn, "")))
    template.add_condition("HasExport", Not(Equals(inputs.database_export, "off")))
    template.add_condition("IsWeekly", Equals(inputs.database_export, "weekly"))
    vault = _add_vault(template, inputs)
    plan = _add_plan(template, inputs, vault)
    _add_selection(template, inputs, plan)
    _add_backup_alarms(template, inputs, vault)
    bucket = _add_export_bucket(template, inputs)
    _add_export(template, inputs, bucket)
    return BackupOutputs(vault=Text(Ref(vault)), export_bucket=BucketName(Ref(bucket)))


def _add_vault(template: Template, inputs: BackupInputs) -> backup.BackupVault:
    """Locked in governance mode: without ChangeableForDays, those who may manage the lock can take it off again."""
    return template.add_resource(
        backup.BackupVault(
            "Vault",
            DeletionPolicy="Retain",
            UpdateReplacePolicy="Retain",
            BackupVaultName=inputs.deployment,
            EncryptionKeyArn=inputs.backup_key,
            LockConfiguration=backup.LockConfigurationType(MinRetentionDays=SHORTEST_RETENTION_DAYS),
            AccessPolicy=encode_to_dict(document(_nobody_deletes())),
        )
    )


def _nobody_deletes() -> Statement:
    """Recovery points end with their retention, by AWS Backup's own hand."""
    return Statement(
        Sid="NobodyDeletes",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[backup_actions.DeleteRecoveryPoint, backup_actions.UpdateRecoveryPointLifecycle],
        Resource=["*"],
    )


def _add_plan(template: Template, inputs: BackupInputs, vault: backup.BackupVault) -> backup.BackupPlan:
    """Continuous recovery points cannot be copied, so that snapshots have rules of their own."""

    def rule(name: str, schedule: str, keep_days: Any, **properties: Any) -> backup.BackupRuleResourceType:
        return backup.BackupRuleResourceType(
            RuleName=name,
            TargetBackupVault=Ref(vault),
            ScheduleExpression=schedule,
            StartWindowMinutes=START_WITHIN_MINUTES,
            CompletionWindowMinutes=FINISH_WITHIN_MINUTES,
            Lifecycle=backup.LifecycleResourceType(DeleteAfterDays=keep_days),
            **properties,
        )

    def snapshot_rule(name: str, schedule: str, keep_days: Number) -> backup.BackupRuleResourceType:
        copy = backup.CopyActionResourceType(
            DestinationBackupVaultArn=inputs.backup_copy_vault_arn,
            Lifecycle=backup.LifecycleResourceType(DeleteAfterDays=keep_days),
        )
        return rule(name, schedule, keep_days, CopyActions=If("HasCopies", [copy], NoValue))

    return template.add_resource(
        backup.BackupPlan(
            "Plan",
            BackupPlan=backup.BackupPlanResourceType(
                BackupPlanName=inputs.deployment,
                BackupPlanRule=[
                    rule("continuous", "cron(0 1 * * ? *)", POINT_IN_TIME_DAYS, EnableContinuousBackup=True),
                    snapshot_rule("daily", "cron(0 5 * * ? *)", inputs.daily_backup_days),
                    snapshot_rule("monthly", "cron(0 7 1 * ? *)", inputs.monthly_backup_days),
                ],
            ),
        )
    )


def _add_selection(template: Template, inputs: BackupInputs, plan: backup.BackupPlan) -> None:
    role = _add_backup_role(template)
    template.add_resource(
        backup.BackupSelection(
            "Selection",
            BackupPlanId=Ref(plan),
            BackupSelection=backup.BackupSelectionResourceType(
                SelectionName="image-store",
                IamRoleArn=GetAtt(role, "Arn"),
                Resources=[
                    inputs.database_arn,
                    If("HasImageBucket", Sub("arn:${AWS::Partition}:s3:::${ImageBucket}"), NoValue),
                ],
            ),
        )
    )


def _add_backup_role(template: Template) -> iam.Role:
    return service_role(
        template,
        "BackupRole",
        "backup",
        # Source: AWS Backup developer guide; the managed policies leave it out, and copies of Aurora fail without.
        allow(
            "DeleteCopiedSnapshots",
            [Action("rds", "DeleteDBClusterSnapshot")],
            [arn("rds", "cluster-snapshot:awsbackup:*")],
        ),
        RoleName=Sub("${Deployment}-backup"),
        managed=(
            "service-role/AWSBackupServiceRolePolicyForBackup",
            "service-role/AWSBackupServiceRolePolicyForRestores",
            "AWSBackupServiceRolePolicyForS3Backup",
            "AWSBackupServiceRolePolicyForS3Restore",
        ),
    )


def _add_backup_alarms(template: Template, inputs: BackupInputs, vault: backup.BackupVault) -> None:
    place: dict[str, Any] = {"namespace": "AWS/Backup", "dimensions": {"BackupVaultName": Ref(vault)}}
    for what, metric in (("Backup", "NumberOfBackupJobsFailed"), ("BackupCopy", "NumberOfCopyJobsFailed")):
        alarm(
            template,
            f"{what}Failed",
            f"A job of AWS Backup failed ({metric}): look at the jobs of the image store's vault.",
            inputs.topic,
            metric=metric,
            threshold=0,
            statistic="Sum",
            minutes=60,
            periods=1,
            **place,
        )
    alarm(
        template,
        "BackupMissing",
        "AWS Backup has finished no backup of the image store for two days, or none yet.",
        inputs.topic,
        metric="NumberOfBackupJobsCompleted",
        threshold=1,
        comparison=LESS,
        statistic="Sum",
        minutes=24 * 60,
        periods=2,
        missing="breaching",
        **place,
    )


def _add_export_bucket(template: Template, inputs: BackupInputs) -> buckets.Bucket:
    """A bucket of its own, without an object lock, into which RDS is not documented to export."""
    bucket = private_bucket(
        template,
        EXPORTS,
        encrypted_with(inputs.archive_key),
        LoggingConfiguration=buckets.LoggingConfiguration(
            DestinationBucketName=inputs.access_logs_bucket, LogFilePrefix="s3/exports/"
        ),
        LifecycleConfiguration=tidy(
            move(
                "to-cold-storage",
                "GLACIER_IR",
                COLD_STORAGE_AFTER_DAYS,
                NoncurrentVersionExpiration=buckets.NoncurrentVersionExpiration(NoncurrentDays=30),
            )
        ),
    )
    return waived(
        bucket,
        Waiver(
            "Holds exports, which can be made again from the database's backups.",
            rule="S3BucketReplicationEnabled",
        ),
    )


def _add_export(template: Template, inputs: BackupInputs, bucket: buckets.Bucket) -> None:
    writer = _add_export_writer(template, inputs, bucket)
    starter = _add_export_starter(template, inputs, writer)
    _add_export_schedule(template, inputs, starter, _export_request(bucket, writer))
    _add_export_alarm(template, inputs)


def _export_request(bucket: buckets.Bucket, writer: iam.Role) -> Sub:
    """What StartExportTask is asked; the schedule's execution id makes each export's name a new one."""
    request = {
        "ExportTaskIdentifier": "orthanc-<aws.scheduler.execution-id>",
        "SourceArn": "${DatabaseArn}",
        "S3BucketName": f"${{{bucket.title}}}",
        "S3Prefix": "database",
        "IamRoleArn": f"${{{writer.title}.Arn}}",
        "KmsKeyId": "${ArchiveKey}",
    }
    return Sub(json.dumps(request))


def _add_export_schedule(template: Template, inputs: BackupInputs, starter: iam.Role, request: Sub) -> None:
    """EventBridge Scheduler calls the RDS API by itself, without any code of ours."""
    group = template.add_resource(
        scheduler.ScheduleGroup("ExportScheduleGroup", Condition="HasExport", Name=inputs.deployment)
    )
    template.add_resource(
        scheduler.Schedule(
            "ExportSchedule",
            Condition="HasExport",
            Description="Exports the image store's database to S3",
            GroupName=Ref(group),
            ScheduleExpression=If("IsWeekly", "cron(0 9 ? * SUN *)", "cron(0 9 1 * ? *)"),
            ScheduleExpressionTimezone="UTC",
            FlexibleTimeWindow=scheduler.FlexibleTimeWindow(Mode="OFF"),
            Target=scheduler.Target(
                Arn=Sub("arn:${AWS::Partition}:scheduler:::aws-sdk:rds:startExportTask"),
                RoleArn=GetAtt(starter, "Arn"),
                Input=request,
                RetryPolicy=scheduler.RetryPolicy(MaximumRetryAttempts=3, MaximumEventAgeInSeconds=3600),
            ),
        )
    )


def _add_export_alarm(template: Template, inputs: BackupInputs) -> None:
    alarm(
        template,
        "DatabaseExportNotStarted",
        "The scheduled export of the database could not be started. (Whether a started one ends well is in the RDS"
        " console's list of exports.)",
        inputs.topic,
        namespace="AWS/Scheduler",
        metric="TargetErrorCount",
        dimensions={"ScheduleGroup": inputs.deployment},
        threshold=0,
        statistic="Sum",
        minutes=60,
        periods=1,
        Condition="HasExport",
    )


def _add_export_writer(template: Template, inputs: BackupInputs, bucket: buckets.Bucket) -> iam.Role:
    """Source: Aurora user guide, "Setting up access to an Amazon S3 bucket" for exports."""
    return service_role(
        template,
        "ExportWriterRole",
        "export.rds",
        allow("FindBucket", [s3.ListBucket, s3.GetBucketLocation], [GetAtt(bucket, "Arn")]),
        allow(
            "WriteExport",
            [Action("s3", "PutObject*"), Action("s3", "GetObject*"), Action("s3", "DeleteObject*")],
            [Sub(f"${{{bucket.title}.Arn}}/database/*")],
        ),
        allow("Encrypt", [kms.Decrypt, kms.GenerateDataKey], [inputs.archive_key]),
    )


def _add_export_starter(template: Template, inputs: BackupInputs, writer: iam.Role) -> iam.Role:
    """Whoever starts an export must be able to use the key that it is encrypted with."""
    return service_role(
        template,
        "ExportStarterRole",
        "scheduler",
        allow("StartExport", [rds.StartExportTask], [inputs.database_arn]),
        allow(
            "PassWriter",
            [iam_actions.PassRole],
            [GetAtt(writer, "Arn")],
            StringEquals("iam:PassedToService", "export.rds.amazonaws.com"),
        ),
        allow("GrantKey", [kms.DescribeKey, kms.CreateGrant], [inputs.archive_key]),
    )


BACKUP = Stack("backup", BackupInputs, BackupOutputs, build)
