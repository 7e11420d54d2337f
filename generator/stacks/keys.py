"""The customer-managed keys: one for each purpose, so that each policy names only who needs that one."""

from collections.abc import Sequence
from dataclasses import dataclass

from awacs import kms as actions
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    ForAllValuesStringEquals,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import AccountId, GetAtt, Ref, Sub, Template, kms

from generator.core import Stack, output, parameter
from generator.kinds import DeploymentName, KeyArn
from generator.names import arn
from generator.parts.policies import allow_service, document, from_this_account

DELETION_WINDOW_DAYS = 30
_USE = [actions.Decrypt, Action("kms", "GenerateDataKey*"), actions.DescribeKey]


@dataclass(frozen=True)
class KeysInputs:
    deployment: DeploymentName = parameter("The name that the keys' aliases begin with.")


@dataclass(frozen=True)
class KeysOutputs:
    data_key: KeyArn = output("Encrypts the database, the image bucket and the secrets.")
    logs_key: KeyArn = output("Encrypts the CloudWatch log groups.")
    archive_key: KeyArn = output("Encrypts the archive bucket: the trail's files and the database exports.")
    notifications_key: KeyArn = output("Encrypts the alarm topic.")
    backup_key: KeyArn = output("Encrypts the backup vault.")
    compute_key: KeyArn = output("Encrypts the ephemeral storage of the Fargate tasks.")


def build(template: Template, inputs: KeysInputs) -> KeysOutputs:
    """Customer-managed KMS keys, rotated every year, each with a policy for one purpose."""

    def key(name: str, purpose: str, *statements: Statement) -> KeyArn:
        made = template.add_resource(
            kms.Key(
                f"{name}Key",
                DeletionPolicy="RetainExceptOnCreate",
                UpdateReplacePolicy="Retain",
                Description=purpose,
                EnableKeyRotation=True,
                PendingWindowInDays=DELETION_WINDOW_DAYS,
                KeyPolicy=document(_account_decides(), *statements),
            )
        )
        template.add_resource(
            kms.Alias(
                f"{name}Alias",
                AliasName=Sub(f"alias/{inputs.deployment.in_sub}-{name.lower()}"),
                TargetKeyId=Ref(made),
            )
        )
        return KeyArn(GetAtt(made, "Arn"))

    return KeysOutputs(
        data_key=key("Data", "The image store's database, image bucket and secrets"),
        logs_key=key("Logs", "The image store's log groups", _log_groups()),
        archive_key=key(
            "Archive", "The image store's archive of trails and exports", _trail(), _trail_describes()
        ),
        notifications_key=key("Notifications", "The image store's alarm topic", *_publishers()),
        backup_key=key("Backup", "The image store's backup vault"),
        compute_key=key("Compute", "The image store's task storage", _task_storage(), _task_storage_grant()),
    )


def _account_decides() -> Statement:
    """Lets the account's IAM policies grant use of the key, as AWS's own default key policy does.

    Without it a key can become unmanageable. Source: KMS developer guide, "Default key policy".
    """
    return Statement(
        Sid="AccountDecides",
        Effect=Allow,
        Principal=Principal("AWS", arn("iam", "root", region="")),
        Action=[Action("kms", "*")],
        Resource=["*"],
    )


def _log_groups() -> Statement:
    return allow_service(
        "LogGroups",
        "logs",
        [
            actions.Encrypt,
            actions.Decrypt,
            Action("kms", "ReEncrypt*"),
            Action("kms", "GenerateDataKey*"),
            Action("kms", "Describe*"),
        ],
        ["*"],
        ArnLike("kms:EncryptionContext:aws:logs:arn", arn("logs", "log-group:*")),
    )


def _trail() -> Statement:
    return allow_service(
        "Trail",
        "cloudtrail",
        [Action("kms", "GenerateDataKey*")],
        ["*"],
        StringEquals("aws:SourceArn", arn("cloudtrail", "trail/${Deployment}")),
        StringLike("kms:EncryptionContext:aws:cloudtrail:arn", arn("cloudtrail", "trail/*", region="*")),
    )


def _trail_describes() -> Statement:
    return allow_service("TrailDescribes", "cloudtrail", [actions.DescribeKey], ["*"], *from_this_account())


def _publishers() -> Sequence[Statement]:
    """CloudWatch alarms, EventBridge rules and budgets publish to the topic."""
    return [
        allow_service(
            sid, service, [actions.Decrypt, Action("kms", "GenerateDataKey*")], ["*"], *from_this_account()
        )
        for sid, service in (("Alarms", "cloudwatch"), ("Events", "events"), ("Budgets", "budgets"))
    ]


def _cluster_context() -> list[StringEquals]:
    return [
        StringEquals(
            {
                "kms:EncryptionContext:aws:ecs:clusterAccount": AccountId,
                "kms:EncryptionContext:aws:ecs:clusterName": Ref("Deployment"),
            }
        )
    ]


def _task_storage() -> Statement:
    """Source: ECS developer guide, "Customer managed keys for AWS Fargate ephemeral storage"."""
    return allow_service(
        "TaskStorage", "fargate", [actions.GenerateDataKeyWithoutPlaintext], ["*"], *_cluster_context()
    )


def _task_storage_grant() -> Statement:
    return allow_service(
        "TaskStorageGrant",
        "fargate",
        [actions.CreateGrant],
        ["*"],
        *_cluster_context(),
        ForAllValuesStringEquals("kms:GrantOperations", ["Decrypt"]),
    )


KEYS = Stack("keys", KeysInputs, KeysOutputs, build)
