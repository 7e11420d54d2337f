"""What can be wrong between this tool and AWS, brought about where botocore sends.

Its retries, its parsers and its error classes stay in place.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

Answer = Callable[[str, AWSPreparedRequest], AWSResponse]


@dataclass(frozen=True)
class Trouble:
    """A condition: how it answers a request for a service, and what a person is to be told of it, word for word."""

    name: str
    answer: Answer
    told: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def refusing(
    code: str, message: str, status: int = 400, behind: timedelta = timedelta(), **more: str
) -> Answer:
    """Answers as a service does that refuses, whose clock is not as far as this one's by `behind`."""

    def answer(service: str, request: AWSPreparedRequest) -> AWSResponse:
        kind, body = _body(service, request, code, message)
        moment = format_datetime(datetime.now(UTC) - behind, usegmt=True)
        headers = {
            "content-type": kind,
            "date": moment,
            "x-amzn-errortype": code,
            "x-amz-id-2": "host",
        } | more
        raw = SimpleNamespace(stream=lambda **_: iter([body]), read=lambda *_: body)
        return AWSResponse(request.url, status, headers, raw)

    return answer


def _body(service: str, request: AWSPreparedRequest, code: str, message: str) -> tuple[str, bytes]:
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if request.method == "HEAD":
        return "text/xml", b""
    if "X-Amz-Target" in request.headers:
        return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    if service == "s3":
        return "text/xml", f"<Error>{error}</Error>".encode()
    return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>".encode()


def bucket(code: str, status: int, headers: dict[str, str]) -> Trouble:
    """S3 refuses all requests on a bucket that name its owner."""
    refuse = refusing(code, "refused", status, **headers)

    def answer(service: str, request: AWSPreparedRequest) -> AWSResponse:
        if status == 403 and "x-amz-expected-bucket-owner" not in request.headers:
            raw = SimpleNamespace(stream=lambda **_: iter([b""]), read=lambda *_: b"")
            return AWSResponse(request.url, 200, {}, raw)
        return refuse(service, request)

    return Trouble(code, answer, ())


def _closed(_: str, request: AWSPreparedRequest) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


def _unknown_host(service: str, _: AWSPreparedRequest) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=f"https://{service}.eu-west-99.amazonaws.com/")


JANE = "arn:aws:sts::111122223333:assumed-role/Reader/jane"
THROTTLED = Trouble("throttled", refusing("Throttling", "Rate exceeded"), ("Throttling", "wait a minute"))
EXPIRED = Trouble(
    "expired",
    refusing("ExpiredToken", "The security token included in the request is expired", 403),
    ("ExpiredToken", "Renew the credentials"),
)
DENIED = Trouble(
    "denied",
    refusing("AccessDenied", f"User: {JANE} is not authorized to perform: some:Action on resource: x", 403),
    (JANE, "allow some:Action"),
)
NOT_ENABLED = Trouble(
    "not enabled",
    refusing("InvalidClientTokenId", "The security token included in the request is invalid", 403),
    ("InvalidClientTokenId", "has not enabled this region"),
)
NO_SERVICE = Trouble("no service", _unknown_host, ("AWS cannot be reached", "in eu-west-99"))
SKEWED = Trouble(
    "skewed",
    refusing("SignatureDoesNotMatch", "Signature not yet current", 403, behind=timedelta(minutes=20)),
    ("clock is 20 minutes ahead of that of AWS",),
)
LOST = Trouble("lost", _closed, ("Connection was closed", "Check the network"))
AT_QUOTA = Trouble(
    "at quota", refusing("LimitExceededException", "Limit has been exceeded"), ("Service Quotas",)
)
ALL = (THROTTLED, EXPIRED, DENIED, NOT_ENABLED, NO_SERVICE, SKEWED, LOST, AT_QUOTA)


class Line:
    """The line to AWS of every session made while it is `laid`: notes each operation, and may be in trouble.

    From the first request for an operation on, or from the answer to it where `is_late`, nothing but the trouble is
    answered. For ctrl-C, it is pressed at that request, or once that has been carried out.
    """

    def __init__(self) -> None:
        self.operations: list[str] = []
        self._trouble: Trouble | None = None
        self._operation: str | None = None
        self._is_late = self._is_armed = self._is_struck = False

    def strike(self, trouble: Trouble | None, operation: str | None = None, is_late: bool = False) -> None:
        """Has trouble begin at an operation, or at once; None is ctrl-C."""
        self._trouble, self._operation, self._is_late = trouble, operation, is_late
        self._is_armed, self._is_struck = True, False

    def clear(self) -> None:
        """Ends the trouble."""
        self._is_armed = self._is_struck = False

    def lay(self, monkeypatch: pytest.MonkeyPatch) -> "Line":
        """Has all sessions use it; botocore repeats requests without waiting."""
        line = self

        class Laid(boto3.Session):
            def __init__(self, **options: Any) -> None:
                super().__init__(**options)
                self.events.register("before-send.*", line._send)
                self.events.register("after-call.*", line._answered)

        monkeypatch.setattr("boto3.Session", Laid)
        monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        return self

    def _send(self, event_name: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        _, service, operation = event_name.split(".")
        if self._begins(operation, is_late=False) and self._trouble is None:
            raise KeyboardInterrupt
        if self._is_struck and self._trouble:
            return self._trouble.answer(service, request)
        self.operations.append(operation)
        return None

    def _answered(self, event_name: str, **_: Any) -> None:
        if self._begins(event_name.rpartition(".")[2], is_late=True):
            raise (
                KeyboardInterrupt
                if self._trouble is None
                else ConnectionClosedError(endpoint_url="the answer")
            )

    def _begins(self, operation: str, is_late: bool) -> bool:
        is_here = self._is_late == is_late and self._operation in (None, operation)
        begins = self._is_armed and not self._is_struck and is_here
        self._is_struck |= begins
        return begins
