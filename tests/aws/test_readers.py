"""The bucket's policy lets exactly those read published templates whom the catalog is shared with."""

import json
from typing import Any

import pytest

from scripts.aws.artifacts import Bucket, artifact_bucket
from scripts.aws.readers import let_read, statements
from scripts.aws.session import Connection, Session
from tests.functions.organization import account_number

ACCOUNTS = ["111122223333", "444455556666"]
UNITS = ["ou-ab12-11111111", "ou-ab12-22222222"]


@pytest.fixture
def own(session: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in an account of the test's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", account_number())
    return Session(Connection())


@pytest.fixture
def bucket(own: Session) -> Bucket:
    return artifact_bucket(own, None)


def policy(session: Session, bucket: Bucket) -> list[dict[str, Any]]:
    document = json.loads(session.s3.get_bucket_policy(**bucket.address)["Policy"])
    return list(document["Statement"])


def test_accounts_read_published_templates_and_nothing_else(own: Session, bucket: Bucket) -> None:
    (statement,) = statements(own, bucket, ACCOUNTS, [])
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{account}:root" for account in ACCOUNTS]}
    assert statement["Action"] == "s3:GetObject"
    assert statement["Resource"] == f"arn:aws:s3:::{bucket.name}/orthanc-aws/*"


def test_a_unit_is_one_of_the_accounts_organization(own: Session, bucket: Bucket) -> None:
    organization = own.client("organizations").describe_organization()["Organization"]["Id"]
    (statement,) = statements(own, bucket, [], UNITS)
    assert statement["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": organization},
        "ForAnyValue:StringLike": {
            "aws:PrincipalOrgPaths": [f"{organization}/*/{unit}/*" for unit in UNITS],
        },
    }


def test_an_organization_is_told_by_its_id(own: Session, bucket: Bucket) -> None:
    (statement,) = statements(own, bucket, [], ["o-a1b2c3d4e5"])
    assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}}


def test_everybody_is_let_in_on_a_condition_only(own: Session, bucket: Bucket) -> None:
    for statement in statements(own, bucket, ACCOUNTS, [*UNITS, "o-a1b2c3d4e5"]):
        assert statement["Principal"] != "*" or statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"]


def test_statements_of_others_are_kept_and_those_of_the_tool_are_the_ones_wanted(
    own: Session, bucket: Bucket
) -> None:
    before = policy(own, bucket)
    assert let_read(own, bucket, statements(own, bucket, ACCOUNTS, UNITS))
    assert let_read(own, bucket, statements(own, bucket, ACCOUNTS[:1], []))
    assert policy(own, bucket) == [*before, *statements(own, bucket, ACCOUNTS[:1], [])]
    assert not let_read(own, bucket, statements(own, bucket, ACCOUNTS[:1], []))
    assert let_read(own, bucket, [])
    assert policy(own, bucket) == before
    assert before[0]["Effect"] == "Deny"
    assert artifact_bucket(own, None) == bucket


def test_nothing_is_changed_where_nobody_is_to_read(own: Session, bucket: Bucket) -> None:
    assert not let_read(own, bucket, [])
