"""Who in other accounts may read published templates, as the policy of their bucket says."""

import json
from collections.abc import Sequence
from typing import Any

from generator.stacks.launch_role import PUBLISHED_PREFIX
from scripts.aws.artifacts import Bucket
from scripts.aws.session import Session

Statement = dict[str, Any]

# What the tool's own statements are called by: all others are left as they are.
_SID = "ReadPublished"


def statements(
    session: Session, bucket: Bucket, accounts: Sequence[str], nodes: Sequence[str]
) -> list[Statement]:
    """The statements that let accounts, organizational units and organizations read what is published.

    A unit's id is unique in its organization only, and S3 takes a statement for everybody for public unless a condition
    says of which organization. Source: IAM user guide, aws:PrincipalOrgPaths; S3 user guide, "The meaning of public".
    """
    units = [node for node in nodes if node.startswith("ou-")]
    organizations = [node for node in nodes if not node.startswith("ou-")]
    found = []
    if accounts:
        roots = [f"arn:{session.partition}:iam::{account}:root" for account in accounts]
        found.append(_statement(session, bucket, "Accounts", {"AWS": roots}, {}))
    if units:
        own = _organization(session)
        paths = {"aws:PrincipalOrgPaths": [f"{own}/*/{unit}/*" for unit in units]}
        condition = {"StringEquals": {"aws:PrincipalOrgID": own}, "ForAnyValue:StringLike": paths}
        found.append(_statement(session, bucket, "Units", "*", condition))
    if organizations:
        condition = {"StringEquals": {"aws:PrincipalOrgID": organizations}}
        found.append(_statement(session, bucket, "Organizations", "*", condition))
    return found


def let_read(session: Session, bucket: Bucket, wanted: Sequence[Statement]) -> bool:
    """Makes the bucket's policy have these statements of the tool and no others of it; False where it has."""
    policy = json.loads(session.s3.get_bucket_policy(**bucket.address)["Policy"])
    others = [item for item in policy["Statement"] if not item.get("Sid", "").startswith(_SID)]
    if policy["Statement"] == [*others, *wanted]:
        return False
    changed = json.dumps({**policy, "Statement": [*others, *wanted]})
    session.s3.put_bucket_policy(**bucket.address, Policy=changed)
    return True


def _statement(
    session: Session, bucket: Bucket, whose: str, principal: Any, condition: dict[str, Any]
) -> Statement:
    return {
        "Sid": f"{_SID}{whose}",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:GetObject",
        "Resource": f"arn:{session.partition}:s3:::{bucket.name}/{PUBLISHED_PREFIX}*",
    } | ({"Condition": condition} if condition else {})


def _organization(session: Session) -> str:
    described = session.client("organizations").describe_organization()
    return str(described["Organization"]["Id"])
