"""Fragments of IAM policies."""

from collections.abc import Sequence
from typing import Any

from awacs import sts
from awacs.aws import (
    Action,
    Allow,
    Bool,
    Condition,
    Deny,
    PolicyDocument,
    Principal,
    Statement,
    StringEquals,
)
from troposphere import AccountId, If, NoValue, Ref, Sub, Template, iam

from generator.names import arn, service_principal

VERSION = "2012-10-17"
# Services that say for which account they take a role on. Source: the pages on the confused deputy in the guides of
# ECS, VPC flow logs, EventBridge Scheduler, RDS and CodeBuild; a trust policy that asks this of any other service is
# never met.
_TELL_SOURCE_ACCOUNT = frozenset(("ecs-tasks", "vpc-flow-logs", "scheduler", "monitoring.rds", "codebuild"))


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


def from_this_account() -> list[Any]:
    """Conditions that keep a service from being used on another account's behalf (the confused deputy)."""
    return [StringEquals("aws:SourceAccount", AccountId)]


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


def service_role(
    template: Template,
    title: str,
    service: str,
    *statements: Statement,
    managed: Sequence[str] = (),
    condition: str = "",
    **properties: Any,
) -> iam.Role:
    """Adds a role that one AWS service takes on for this account, with the permissions of `statements`.

    These are a managed policy of their own, which can be seen and versioned apart from the role; `managed` names AWS's
    own policies besides, by what follows `policy/` in their ARNs. Under a condition, the role has no permissions
    without it.
    """
    policies: list[Any] = [Sub(f"arn:${{AWS::Partition}}:iam::aws:policy/{name}") for name in managed]
    if statements:
        policy = iam.ManagedPolicy(f"{title}Policy", PolicyDocument=document(*statements))
        if condition:
            policy.Condition = condition
        template.add_resource(policy)
        policies.append(If(condition, Ref(policy), NoValue) if condition else Ref(policy))
    if policies:
        properties["ManagedPolicyArns"] = policies
    role = iam.Role(title, AssumeRolePolicyDocument=_trust(service), **properties)
    return template.add_resource(role)


def _trust(service: str) -> PolicyDocument:
    conditions = from_this_account() if service in _TELL_SOURCE_ACCOUNT else []
    return document(allow_service("Assume", service, [sts.AssumeRole], None, *conditions))


def roles_of(name_pattern: str) -> Any:
    """The ARNs of roles of this account; `name_pattern` may hold `${...}` and `*`."""
    return arn("iam", f"role/{name_pattern}", region="")


def _conditions(conditions: Sequence[Any]) -> dict[str, Any]:
    return {"Condition": Condition(list(conditions))} if conditions else {}
