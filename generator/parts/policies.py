"""Fragments of IAM policies."""

from collections.abc import Sequence
from typing import Any

from awacs import sts
from awacs.aws import (
    Action,
    Allow,
    ArnLike,
    Bool,
    Condition,
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AccountId, iam

from generator.names import arn, service_principal

VERSION = "2012-10-17"


def document(*statements: Statement) -> PolicyDocument:
    """A policy in IAM's current language."""
    return PolicyDocument(Version=VERSION, Statement=list(statements))


def allow(sid: str, actions: Sequence[Action], resources: Sequence[Any], *conditions: Any) -> Statement:
    """A statement of an identity's policy."""
    return Statement(
        Sid=sid, Effect=Allow, Action=list(actions), Resource=list(resources), **_conditions(conditions)
    )


def allow_service(
    sid: str, service: str, actions: Sequence[Action], resources: Sequence[Any] | None, *conditions: Any
) -> Statement:
    """A statement of a resource's policy that lets an AWS service in; a role's trust has no resources."""
    properties = (
        _conditions(conditions)
        if resources is None
        else {"Resource": list(resources), **_conditions(conditions)}
    )
    return Statement(
        Sid=sid,
        Effect=Allow,
        Principal=Principal("Service", service_principal(service)),
        Action=list(actions),
        **properties,
    )


def from_this_account(source_arn: Any = None) -> list[Any]:
    """Conditions that keep a service from being used on another account's behalf (the confused deputy)."""
    conditions: list[Any] = [StringEquals("aws:SourceAccount", AccountId)]
    if source_arn is not None:
        conditions.append(ArnLike("aws:SourceArn", source_arn))
    return conditions


def deny_without_tls(action: Action, resources: Sequence[Any]) -> Statement:
    """Refuses every request to a resource that is not made over TLS."""
    return Statement(
        Sid="DenyWithoutTls",
        Effect=Deny,
        Principal=Principal("*"),
        Action=[action],
        Resource=list(resources),
        Condition=Condition(Bool("aws:SecureTransport", "false")),
    )


def trust(service: str, source_arn: Any = None) -> PolicyDocument:
    """The trust policy of a role that one AWS service takes on for this account."""
    return document(allow_service("Assume", service, [sts.AssumeRole], None, *from_this_account(source_arn)))


def service_role(
    title: str, service: str, *statements: Statement, source_arn: Any = None, **properties: Any
) -> iam.Role:
    """A role that one AWS service takes on for this account, with its permissions inline."""
    if statements:
        properties["Policies"] = [iam.Policy(PolicyName="permissions", PolicyDocument=document(*statements))]
    return iam.Role(title, AssumeRolePolicyDocument=trust(service, source_arn), **properties)


def roles_of(name_pattern: str) -> Any:
    """The ARNs of roles of this account; `name_pattern` may hold `${...}` and `*`."""
    return arn("iam", f"role/{name_pattern}", region="")


def _conditions(conditions: Sequence[Any]) -> dict[str, Any]:
    return {"Condition": Condition(list(conditions))} if conditions else {}
