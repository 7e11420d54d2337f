"""The artifact bucket: protected from the first use, never somebody else's, and only what is missing is sent."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.aws.artifacts import PREFIX, Bucket, artifact_bucket, fetch, location, upload, url
from scripts.aws.package import Template
from scripts.aws.session import Connection, Session
from scripts.errors import OperationError
from tests.aws import scripted
from tests.aws.scripted import Answer, RefusalError


def template(key: str) -> Template:
    return Template(key=key, body=f"# {key}\n", resources={}, children={}, parameters=frozenset())


def offline(**answers: Answer) -> Any:
    """A session whose S3 client answers from a script and notes the requests."""
    return SimpleNamespace(
        s3=scripted.client("s3", **answers),
        account="111122223333",
        caller="arn:aws:iam::111122223333:user/jane",
        region="us-east-1",
        partition="aws",
    )


def refuse(code: str, status: int = 403, **headers: str) -> Answer:
    def answer(_: Mapping[str, Any]) -> dict[str, Any]:
        refusal = RefusalError(code, "refused", status)
        refusal.answer["ResponseMetadata"]["HTTPHeaders"] = headers
        raise refusal

    return answer


def empty(_: Mapping[str, Any]) -> dict[str, Any]:
    return {}


PROTECTIONS = {
    "PutPublicAccessBlock": empty,
    "PutBucketEncryption": empty,
    "PutBucketVersioning": empty,
    "PutBucketPolicy": empty,
}


def test_the_first_use_makes_a_protected_bucket(session: Session) -> None:
    bucket = artifact_bucket(session, None)
    assert bucket.name == "orthanc-aws-artifacts-000000000000-us-east-1"
    s3, name = session.s3, {"Bucket": bucket.name}
    assert all(s3.get_public_access_block(**name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    assert s3.get_bucket_encryption(**name)["ServerSideEncryptionConfiguration"]["Rules"]
    (statement,) = json.loads(s3.get_bucket_policy(**name)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert artifact_bucket(session, None) == bucket


def test_the_bucket_of_another_region_gets_its_location_and_the_partitions_arn(session: Session) -> None:
    elsewhere = Session(Connection(region="eu-central-1"))
    bucket = artifact_bucket(elsewhere, None)
    answer = elsewhere.s3.get_bucket_location(Bucket=bucket.name)
    assert answer["LocationConstraint"] == "eu-central-1"
    assert bucket.name.endswith("-eu-central-1")
    assert bucket != artifact_bucket(session, None)


def test_only_missing_templates_are_uploaded(session: Session) -> None:
    bucket = artifact_bucket(session, None)
    assert upload(session, bucket, [template("only-1.yaml"), template("only-2.yaml")]) == 2
    assert upload(session, bucket, [template("only-2.yaml"), template("only-3.yaml")]) == 1
    stored = session.s3.get_object(Bucket=bucket.name, Key=PREFIX + "only-3.yaml")["Body"].read()
    assert stored == b"# only-3.yaml\n"


def test_an_uploaded_template_lies_where_its_address_says(session: Session) -> None:
    bucket = Bucket("some-bucket", session.account, session.region)
    assert url(session, bucket, template("a.yaml")) == (
        "https://some-bucket.s3.us-east-1.amazonaws.com/templates/a.yaml"
    )
    assert location(bucket) == {
        "TemplateBucket": "some-bucket",
        "TemplateRegion": "us-east-1",
        "TemplateKeyPrefix": "templates/",
    }


def test_a_named_bucket_must_exist(session: Session) -> None:
    with pytest.raises(OperationError, match="There is no bucket orthanc-no-such-bucket"):
        artifact_bucket(session, "orthanc-no-such-bucket")


def test_a_bucket_whose_preparation_was_interrupted_is_protected_by_the_next_run() -> None:
    session = offline(HeadBucket=empty, GetBucketPolicy=refuse("NoSuchBucketPolicy", 404), **PROTECTIONS)
    artifact_bucket(session, None)
    assert [name for name, _ in session.s3.requests][2:] == list(PROTECTIONS)


def test_the_policy_which_tells_that_all_is_in_place_is_written_last() -> None:
    session = offline(HeadBucket=refuse("404", 404), CreateBucket=empty, **PROTECTIONS)
    artifact_bucket(session, None)
    assert session.s3.requests[-1][0] == "PutBucketPolicy"


def test_every_request_on_the_bucket_names_its_owner() -> None:
    session = offline(
        HeadBucket=empty,
        GetBucketPolicy=refuse("NoSuchBucketPolicy", 404),
        HeadObject=refuse("404", 404),
        PutObject=empty,
        **PROTECTIONS,
    )
    upload(session, artifact_bucket(session, None), [template("a.yaml")])
    owners = {arguments.get("ExpectedBucketOwner") for _, arguments in session.s3.requests}
    assert owners == {"111122223333"}


@pytest.mark.parametrize("name", [None, "mine"])
def test_a_bucket_in_another_region_is_told(name: str | None) -> None:
    elsewhere = {
        "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {"x-amz-bucket-region": "eu-west-1"}}
    }
    with pytest.raises(OperationError, match="lies in eu-west-1"):
        artifact_bucket(offline(HeadBucket=lambda _: elsewhere), name)


def test_a_bucket_in_another_region_that_may_not_be_seen_is_told() -> None:
    head = refuse("403", **{"x-amz-bucket-region": "eu-west-1"})
    with pytest.raises(OperationError, match="lies in eu-west-1"):
        artifact_bucket(offline(HeadBucket=head), "mine")


def test_the_name_of_the_default_bucket_taken_by_another_account_is_told() -> None:
    session = offline(HeadBucket=refuse("404", 404), CreateBucket=refuse("BucketAlreadyExists", 409))
    with pytest.raises(OperationError, match="belongs to another account") as raised:
        artifact_bucket(session, None)
    assert "--bucket" in raised.value.advice


def test_without_the_permission_to_list_missing_keys_are_uploaded_all_the_same() -> None:
    session = offline(HeadBucket=refuse("403"), HeadObject=refuse("403"), PutObject=empty)
    assert upload(session, artifact_bucket(session, "mine"), [template("a.yaml")]) == 1


def test_a_bucket_that_may_not_be_written_to_is_told() -> None:
    session = offline(HeadBucket=refuse("403"), HeadObject=refuse("403"), PutObject=refuse("AccessDenied"))
    with pytest.raises(
        OperationError, match="user/jane lacks s3:PutObject on it, or another account owns it"
    ):
        upload(session, artifact_bucket(session, "theirs"), [template("a.yaml")])


def test_a_bucket_that_may_not_be_read_is_told_and_not_taken_for_empty() -> None:
    session = offline(HeadBucket=empty, GetObject=refuse("AccessDenied"))
    with pytest.raises(OperationError, match="user/jane lacks s3:GetObject and s3:ListBucket on it"):
        fetch(session, artifact_bucket(session, "mine"), "orthanc-aws/1.0/manifest.json")


def test_a_bucket_of_another_account_is_told_before_anything_is_put_into_it() -> None:
    def owned_by_somebody_else(arguments: Mapping[str, Any]) -> dict[str, Any]:
        return refuse("403")(arguments) if "ExpectedBucketOwner" in arguments else {}

    session = offline(HeadBucket=owned_by_somebody_else)
    with pytest.raises(OperationError, match="Bucket theirs belongs to another account"):
        artifact_bucket(session, "theirs")


def test_a_bucket_whose_region_s3_keeps_to_itself_is_told_as_well() -> None:
    with pytest.raises(OperationError, match="lies in another region"):
        artifact_bucket(offline(HeadBucket=refuse("301", 301)), "mine")
