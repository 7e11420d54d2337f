"""What to do about a request that AWS refused, or a resource that it could not make."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RENEW = "Renew the credentials (for SSO: `aws sso login`) and run the same command again: it carries on."

THROTTLED = frozenset(
    (
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"))
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"))
_UNKNOWN_KEY = frozenset(
    (
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "UnrecognizedClientException",
    )
)
_LATE = frozenset(("RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"))
_SIGNATURE = frozenset(("InvalidSignatureException", "SignatureDoesNotMatch"))
_NOT_ENABLED = frozenset(("OptInRequired", "SubscriptionRequiredException"))
_ELSEWHERE = frozenset(("301", "AuthorizationHeaderMalformed", "PermanentRedirect"))
_FAULT = re.compile(r"5\d\d|Internal(Failure|Error|ServerError)|ServiceUnavailable(Exception)?")
# Services name their quotas in codes of their own: AddressLimitExceeded, DBClusterQuotaExceededFault …
_QUOTA = re.compile(r"(Limit|Quota)Exceeded|^TooManyBuckets$")
# How a refusal names the action that lacks.
_ACTION = re.compile(r"perform:? (\w[\w-]*:\w+)")
# IAM's names of what S3 calls otherwise. Source: S3 user guide, "Required permissions for Amazon S3 API operations".
_S3_ACTIONS = {
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# AWS takes signatures that are up to five minutes old; a clock that is off by less is not what it refuses.
_TOLERATED = timedelta(minutes=4)


@dataclass(frozen=True)
class Refusal:
    """A request that AWS refused: its error code and sentence, the operation, and the answer's HTTP headers."""

    code: str
    message: str
    operation: str
    headers: Mapping[str, str] = field(default_factory=dict)
    is_of_s3: bool = False

    @property
    def action(self) -> str:
        """What IAM calls the operation, as far as the refusal tells."""
        named = _ACTION.search(self.message)
        if named:
            return named[1]
        return f"s3:{_S3_ACTIONS.get(self.operation, self.operation)}" if self.is_of_s3 else self.operation


def on_refusal(refusal: Refusal) -> str:
    """What to do about a refused request; empty where its own sentence has to do."""
    for applies, advise in _ADVICE:
        if applies(refusal.code):
            return advise(refusal)
    return ""


def on_failure(reason: str) -> str:
    """What to do about a resource that could not be made, by the reason in its event; empty where that says it all."""
    named = _ACTION.search(reason)
    return next(
        (text.format(named[1] if named else "it") for sign, text in _FAILURES if sign.search(reason)), ""
    )


def _denied(refusal: Refusal) -> str:
    whose = "" if "User: " in refusal.message else " (`aws sts get-caller-identity` tells whose these are)"
    more = " `aws sts decode-authorization-message` says more." if "Encoded auth" in refusal.message else ""
    return (
        f"Ask the account's administrator to allow {refusal.action}, or choose other credentials with --profile"
        f"{whose}.{more}"
    )


def _clock(refusal: Refusal) -> str:
    """What is wrong with this computer's clock, or with the key where it is the signature that does not match."""
    skew = _skew(refusal.headers)
    again = "then run the same command again: it carries on."
    if skew is None:
        key = " and the secret key with the one issued" if refusal.code in _SIGNATURE else ""
        return f"Compare this computer's clock with the true time (`timedatectl`){key}, {again}"
    if abs(skew) >= _TOLERATED:
        side = "ahead of" if skew > timedelta() else "behind"
        return (
            f"This computer's clock is {_span(abs(skew))} {side} that of AWS: set it "
            f"(`sudo timedatectl set-ntp true`), {again}"
        )
    if refusal.code in _SIGNATURE:
        return "This computer's clock is right: compare the secret key with the one issued, and the session token."
    return (
        f"This computer's clock is right, and the request was late to arrive: look at the connection, {again}"
    )


def _skew(headers: Mapping[str, str]) -> timedelta | None:
    """How far this computer's clock is ahead of the one that answered; None where the answer does not tell."""
    try:
        return datetime.now(UTC) - parsedate_to_datetime(headers["date"])
    except (KeyError, TypeError, ValueError):
        return None


def _span(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    for unit, length in (("day", 1440), ("hour", 60)):
        if minutes >= 2 * length:
            return f"{round(minutes / length)} {unit}s"
    return f"{minutes} minutes"


def _elsewhere(refusal: Refusal) -> str:
    region = refusal.headers.get("x-amz-bucket-region")
    where = f"in {region}" if region else "in another region"
    return f"The bucket lies {where}: name one of this region with --bucket, or leave the option out."


_AT_QUOTA = (
    "The account is at a quota: remove what is not needed, or ask for more under Service Quotas in the console; then "
    "run the same command again."
)
_LIMITED = (
    "AWS is limiting the account's requests: wait a minute and run the same command again: it carries on."
)

_Advise = Callable[[Refusal], str]
_ADVICE: tuple[tuple[Callable[[str], object], _Advise], ...] = (
    (THROTTLED.__contains__, lambda _: _LIMITED),
    (_EXPIRED.__contains__, lambda _: RENEW),
    (_DENIED.__contains__, _denied),
    (
        _UNKNOWN_KEY.__contains__,
        lambda _: (
            "Check which credentials are in use: `aws sts get-caller-identity --region us-east-1`. If they are known "
            "there, the account has not enabled this region: enable it (`aws account enable-region`), or choose "
            "another --region."
        ),
    ),
    ((_LATE | _SIGNATURE).__contains__, _clock),
    (
        _NOT_ENABLED.__contains__,
        lambda _: "Enable the region or the service for this account, or choose another --region.",
    ),
    (_ELSEWHERE.__contains__, _elsewhere),
    (_QUOTA.search, lambda _: _AT_QUOTA),
    (
        _FAULT.fullmatch,
        lambda _: (
            "The fault is AWS's: wait a few minutes and run the same command again. "
            "https://health.aws.amazon.com tells of greater ones."
        ),
    ),
)
# Source of HandlerErrorCode: CloudFormation CLI user guide, "Handler error codes".
_FAILURES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"not authorized to perform|HandlerErrorCode: AccessDenied|AccessDenied|UnauthorizedOperation"
        ),
        "Ask the account's administrator to allow {}.",
    ),
    (
        re.compile(
            r"ServiceLimitExceeded|(Limit|Quota)Exceeded|[Mm]aximum number of|exceeds? .*(limit|quota)"
        ),
        "The account is at a quota: remove what is not needed, or ask for more under Service Quotas in the console.",
    ),
    (re.compile(r"HandlerErrorCode: Throttling|Rate exceeded"), "AWS limited the account's requests."),
)
