"""What a person is told of botocore's errors."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.config import Config

from scripts.aws.advice import on_failure
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
        (refusal("AccessDenied", "Access Denied"), "`aws sts get-caller-identity` tells whose"),
        (
            refusal("UnauthorizedOperation", "Encoded authorization failure message: x"),
            "decode-authorization-message",
        ),
        (refusal("InvalidClientTokenId"), "get-caller-identity"),
        (refusal("InvalidClientTokenId"), "has not enabled this region"),
        (refusal("OptInRequired"), "Enable the region"),
        (refusal("Throttling", "Rate exceeded"), "wait a minute"),
        (refusal("LimitExceededException", "Limit for stack has been exceeded"), "Service Quotas"),
        (
            refusal("AccountLimitExceededException", "Cannot have more than 1 builds in queue"),
            "Service Quotas",
        ),
        (refusal("SnapshotQuotaExceeded"), "Service Quotas"),
        (refusal("RequestLimitExceeded"), "wait a minute"),
        (refusal("InternalFailure", status=500), "The fault is AWS's"),
        (refusal("503", status=503), "The fault is AWS's"),
        (refusal("PermanentRedirect"), "in another region"),
        (boto.NoCredentialsError(), "--profile"),
        (boto.ProfileNotFound(profile="none"), "list-profiles"),
        (boto.EndpointConnectionError(endpoint_url="https://x"), "the region's name"),
        (
            boto.EndpointConnectionError(endpoint_url="https://codebuild.eu-west-99.amazonaws.com/"),
            "AWS offers no codebuild in eu-west-99",
        ),
        (
            boto.EndpointConnectionError(endpoint_url="https://api.ecr.eu-west-1.amazonaws.com/"),
            "Check the network",
        ),
        (boto.SSLError(endpoint_url="https://x", error="self-signed"), "AWS_CA_BUNDLE"),
        (boto.SSLError(endpoint_url="https://x", error="certificate is not yet valid"), "clock is wrong"),
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


@pytest.mark.parametrize(
    ("operation", "action"),
    [("HeadBucket", "s3:ListBucket"), ("PutBucketEncryption", "s3:PutEncryptionConfiguration")],
)
def test_what_s3_does_not_say_is_named_as_iam_names_it(operation: str, action: str) -> None:
    answer: Any = {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": {"HostId": "x"}}
    explained = explain(boto.ClientError(answer, operation))
    assert explained is not None
    assert f"allow {action}" in explained.advice


def words(sent: datetime, now: datetime) -> str:
    """What STS says of a signature of one moment at another, by a key that is wrong."""
    text = "The request signature we calculated does not match the signature you provided."
    if now - sent > timedelta(minutes=5):
        text = f"Signature expired: {sent:%Y%m%dT%H%M%SZ} is now earlier than {now:%Y%m%dT%H%M%SZ}"
    if sent - now > timedelta(minutes=5):
        text = f"Signature not yet current: {sent:%Y%m%dT%H%M%SZ} is still later than {now:%Y%m%dT%H%M%SZ}"
    return f"<Code>SignatureDoesNotMatch</Code><Message>{text}</Message>"


@contextmanager
def whose_clock_is(ahead: timedelta) -> Iterator[str]:
    """An endpoint whose clock is `ahead` of this one's, and which answers to a request's signature as STS does."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            now = datetime.now(UTC) + ahead
            sent = datetime.strptime(f"{self.headers['X-Amz-Date']}+0000", "%Y%m%dT%H%M%SZ%z")
            body = f"<ErrorResponse><Error>{words(sent, now)}</Error></ErrorResponse>"
            self.send_response_only(403)
            self.send_header("Date", format_datetime(now, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Keeps the test's output clean."""

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http://{}:{}".format(*server.server_address)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("ahead", "advice"),
    [
        (timedelta(minutes=17), "This computer's clock is 17 minutes behind that of AWS: set it"),
        (timedelta(hours=-2), "This computer's clock is 2 hours ahead of that of AWS: set it"),
        (timedelta(days=400), "This computer's clock is 400 days behind that of AWS: set it"),
        (timedelta(0), "This computer's clock is right: compare the secret key with the one issued"),
    ],
    ids=str,
)
def test_a_clock_that_is_off_is_told_with_by_how_much_and_is_told_from_a_wrong_key(
    ahead: timedelta, advice: str
) -> None:
    key = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    with whose_clock_is(ahead) as url:
        client = boto3.client("sts", region_name="us-east-1", endpoint_url=url, **key)
        with pytest.raises(boto.ClientError) as raised:
            client.get_caller_identity()
    explained = explain(raised.value)
    assert explained is not None
    assert explained.what == "AWS refused GetCallerIdentity"
    assert advice in explained.advice


@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "RequestExpired"])
def test_a_request_that_was_held_up_is_not_blamed_on_the_clock(code: str) -> None:
    error = refusal(code)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {"date": format_datetime(datetime.now(UTC))}
    explained = explain(error)
    assert explained is not None
    assert "the request was late to arrive" in explained.advice


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        (
            'Resource handler returned message: "User: arn:aws:iam::1:user/jane is not authorized to perform: '
            'rds:CreateDBCluster on resource: x" (Service: Rds, Status Code: 403, HandlerErrorCode: AccessDenied)',
            "Ask the account's administrator to allow rds:CreateDBCluster.",
        ),
        (
            "API: iam:PassRole User: x is not authorized to perform: iam:PassRole on resource: y",
            "allow iam:PassRole.",
        ),
        (
            "The maximum number of VPCs has been reached. (Service: Ec2, HandlerErrorCode: ServiceLimitExceeded)",
            "Service Quotas",
        ),
        ("The maximum number of addresses has been reached. (AddressLimitExceeded)", "Service Quotas"),
        (
            "Limit for stack has been exceeded (Service: AmazonCloudFormation, LimitExceeded)",
            "Service Quotas",
        ),
        ("Rate exceeded (HandlerErrorCode: Throttling)", "limited the account's requests"),
        ("The bucket you tried to delete is not empty", ""),
    ],
)
def test_the_reason_of_a_failed_resource_comes_with_what_to_do(reason: str, advice: str) -> None:
    assert advice in on_failure(reason)
    assert bool(advice) is bool(on_failure(reason))
