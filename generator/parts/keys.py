"""Customer-managed KMS keys as this project makes them: rotated every year, kept, each for one purpose."""

from typing import Any

from awacs import kms as actions
from awacs.aws import Action, Allow, ArnLike, Principal, Statement
from troposphere import GetAtt, If, Ref, Template, kms

from generator.kinds import KeyArn
from generator.names import arn
from generator.parts.policies import VERSION, allow_service

DELETION_WINDOW_DAYS = 30


def customer_key(
    template: Template,
    name: str,
    alias: Any,
    purpose: str,
    *statements: Statement | If,
    deletion_policy: str = "RetainExceptOnCreate",
) -> KeyArn:
    """Adds a key with its alias, `alias/…`; its policy is that the account decides, and the `statements` besides."""
    key = template.add_resource(
        kms.Key(
            f"{name}Key",
            DeletionPolicy=deletion_policy,
            UpdateReplacePolicy="Retain",
            Description=purpose,
            EnableKeyRotation=True,
            PendingWindowInDays=DELETION_WINDOW_DAYS,
            KeyPolicy={"Version": VERSION, "Statement": [_account_decides(), *statements]},
        )
    )
    template.add_resource(
        kms.Alias(
            f"{name}Alias",
            DeletionPolicy="RetainExceptOnCreate",
            UpdateReplacePolicy="Retain",
            AliasName=alias,
            TargetKeyId=Ref(key),
        )
    )
    return KeyArn(GetAtt(key, "Arn"))


def log_groups() -> Statement:
    """Lets CloudWatch Logs encrypt the account's log groups with the key."""
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
