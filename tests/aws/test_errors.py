"""What a person is told of botocore's errors."""

import socket
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.config import Config

from scripts.aws.errors import explain, is_transient
from scripts.aws.session import Connection, Session
from scripts.errors import OperationError


def refusal(code: str, message: str = "", status: int = 400) -> boto.ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return boto.ClientError(answer, "CreateChangeSet")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (refusal("ExpiredToken", "The security token is expired"), "Renew the credentials"),
        (
            refusal("AccessDenied", "User: x is not authorized to perform: iam:PassRole on resource: y"),
            "allow iam:PassRole",
        ),
        (refusal("AccessDenied", "Access Denied"), "allow CreateChangeSet"),
        (refusal("SignatureDoesNotMatch", "Signature not yet current"), "clock"),
        (refusal("RequestTimeTooSkewed"), "clock"),
        (refusal("InvalidClientTokenId"), "get-caller-identity"),
        (refusal("OptInRequired"), "Enable the region"),
        (refusal("Throttling", "Rate exceeded"), "wait a minute"),
        (refusal("LimitExceededException", "Limit for stack has been exceeded"), "Service Quotas"),
        (boto.NoCredentialsError(), "--profile"),
        (boto.ProfileNotFound(profile="none"), "list-profiles"),
        (boto.EndpointConnectionError(endpoint_url="https://x"), "the region's name"),
        (boto.SSLError(endpoint_url="https://x", error="self-signed"), "AWS_CA_BUNDLE"),
    ],
    ids=str,
)
def test_an_error_of_aws_comes_with_what_to_do(error: Exception, advice: str) -> None:
    explained = explain(error)
    assert explained is not None
    assert advice in explained.advice


def test_a_refusal_says_which_request_was_refused_and_why() -> None:
    assert str(explain(refusal("ValidationError", "1 error"))) == (
        "AWS refused CreateChangeSet: ValidationError: 1 error"
    )


def test_a_defect_of_ours_is_not_explained_away() -> None:
    assert explain(KeyError("StackId")) is None


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (refusal("Throttling"), True),
        (refusal("InternalFailure", status=500), True),
        (refusal("503", status=503), True),
        (boto.ReadTimeoutError(endpoint_url="https://x"), True),
        (boto.ConnectionClosedError(endpoint_url="https://x"), True),
        (refusal("ExpiredToken", status=403), False),
        (refusal("ValidationError"), False),
        (boto.NoCredentialsError(), False),
        (KeyError("StackId"), False),
    ],
    ids=str,
)
def test_only_passing_faults_are_tried_again(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient


def test_an_endpoint_where_nobody_listens_cannot_be_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        client = boto3.client(
            "sts",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        with pytest.raises(boto.BotoCoreError) as raised:
            client.get_caller_identity()
    explained = explain(raised.value)
    assert explained is not None
    assert explained.what == "AWS cannot be reached"
    assert url in explained.reason


@pytest.fixture
def _no_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.usefixtures("_no_configuration")
def test_a_session_without_a_region_says_how_to_name_one() -> None:
    with pytest.raises(OperationError, match="No AWS region") as raised:
        Session(Connection())
    assert "--region" in raised.value.advice


@pytest.mark.usefixtures("_no_configuration")
@pytest.mark.parametrize(
    ("connection", "what"),
    [
        (Connection(region="nowhere"), "No such AWS region"),
        (Connection(profile="nobody", region="eu-central-1"), "Unknown profile"),
    ],
)
def test_a_misspelt_region_or_profile_is_explained(connection: Connection, what: str) -> None:
    with pytest.raises(boto.BotoCoreError) as raised:
        Session(connection)
    explained = explain(raised.value)
    assert explained is not None
    assert explained.what == what


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("eu-central-1", "aws", "amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
    ],
)
@pytest.mark.usefixtures("_no_configuration")
def test_a_session_knows_its_partition(region: str, partition: str, suffix: str) -> None:
    session = Session(Connection(region=region))
    assert (session.partition, session.url_suffix) == (partition, suffix)
