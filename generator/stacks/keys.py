"""The customer-managed keys: one for each purpose, so that each policy names only who needs that one."""

from collections.abc import Sequence
from dataclasses import dataclass

from awacs import kms as actions
from awacs.aws import (
    Action,
    Allow,
    Bool,
    Condition,
    ForAllValuesStringEquals,
    Principal,
    Statement,
    StringEquals,
    StringLike,
)
from troposphere import (
    AccountId,
    And,
    Equals,
    If,
    Not,
    NoValue,
    Ref,
    Select,
    Split,
    Sub,
    Template,
)

from generator.core import Stack, output, parameter
from generator.kinds import DeploymentName, KeyArn, OptionalVaultArn
from generator.names import arn
from generator.parts.keys import customer_key, log_groups
from generator.parts.policies import allow_service, from_this_account

NO_VAULT = "-"
_USE = [actions.Decrypt, Action("kms", "GenerateDataKey*"), actions.DescribeKey]


@dataclass(frozen=True)
class KeysInputs:
    deployment: DeploymentName = parameter("The name that the keys' aliases begin with.")
    backup_copy_vault_arn: OptionalVaultArn = parameter(
        "Every snapshot is copied to this backup vault, in another region or another account of your organisation;"
        " empty for no copies.",
        Default="",
    )


@dataclass(frozen=True)
class KeysOutputs:
    data_key: KeyArn = output("Encrypts the database, the image bucket and the secrets.")
    logs_key: KeyArn = output("Encrypts the CloudWatch log groups.")
    archive_key: KeyArn = output("Encrypts the trail's files and the database's exports.")
    notifications_key: KeyArn = output("Encrypts the alarm topic.")
    backup_key: KeyArn = output("Encrypts the backup vault.")
    compute_key: KeyArn = output("Encrypts the ephemeral storage of the Fargate tasks.")


def build(template: Template, inputs: KeysInputs) -> KeysOutputs:
    """Customer-managed KMS keys, rotated every year, each with a policy for one purpose."""
    _add_copy_condition(template, inputs)

    def key(
        name: str, purpose: str, *statements: Statement | If, deletion_policy: str = "RetainExceptOnCreate"
    ) -> KeyArn:
        alias = Sub(f"alias/{inputs.deployment.in_sub}-{name.lower()}")
        return customer_key(template, name, alias, purpose, *statements, deletion_policy=deletion_policy)

    return KeysOutputs(
        data_key=key(
            "Data", "The image store's database, image bucket and secrets", *_copying_account(inputs)
        ),
        # The log groups of a creation that failed stay, and cannot be read without it.
        logs_key=key("Logs", "The image store's log groups", log_groups(), deletion_policy="Retain"),
        archive_key=key(
            "Archive", "The image store's archive of trails and exports", _trail(), _trail_describes()
        ),
        notifications_key=key("Notifications", "The image store's alarm topic", *_publishers()),
        backup_key=key("Backup", "The image store's backup vault"),
        compute_key=key("Compute", "The image store's task storage", _task_storage(), _task_storage_grant()),
    )


def _vault_account(inputs: KeysInputs) -> Select:
    """The account of the vault for copies, the fifth part of its ARN, or a mark where there is no vault."""
    return Select(4, Split(":", Sub(inputs.backup_copy_vault_arn.in_sub + f":{NO_VAULT}" * 4)))


def _add_copy_condition(template: Template, inputs: KeysInputs) -> None:
    account = _vault_account(inputs)
    template.add_condition(
        "CopiesToAnotherAccount", And(Not(Equals(account, NO_VAULT)), Not(Equals(account, AccountId)))
    )


def _copying_account(inputs: KeysInputs) -> list[If]:
    """Another account can copy a snapshot of Aurora only if it may use the key that the snapshot is encrypted with.

    Source: Aurora user guide, "Sharing encrypted snapshots".
    """
    theirs = Principal(
        "AWS", Sub("arn:${AWS::Partition}:iam::${Account}:root", Account=_vault_account(inputs))
    )
    use = Statement(
        Sid="CopyingAccountUses",
        Effect=Allow,
        Principal=theirs,
        Action=[*_USE, Action("kms", "ReEncrypt*")],
        Resource=["*"],
    )
    grant = Statement(
        Sid="CopyingAccountGrants",
        Effect=Allow,
        Principal=theirs,
        Action=[actions.CreateGrant],
        Resource=["*"],
        Condition=Condition(Bool("kms:GrantIsForAWSResource", "true")),
    )
    return [If("CopiesToAnotherAccount", statement, NoValue) for statement in (use, grant)]


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
    """CloudWatch alarms and budgets publish to the topic."""
    return [
        allow_service(
            sid, service, [actions.Decrypt, Action("kms", "GenerateDataKey*")], ["*"], *from_this_account()
        )
        for sid, service in (("Alarms", "cloudwatch"), ("Budgets", "budgets"))
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
