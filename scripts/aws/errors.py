"""What botocore's errors mean to the person who has to act on them."""

import re
from collections.abc import Callable

from botocore import exceptions as boto

from scripts.errors import OperationError

_THROTTLED = frozenset(
    (
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "TooManyRequestsException",
    )
)
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"))
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"))
_UNKNOWN_KEY = frozenset(
    ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure")
)
_SIGNATURE = frozenset(
    (
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
    )
)
_AT_QUOTA = frozenset(
    ("LimitExceeded", "LimitExceededException", "QuotaExceededException", "ServiceQuotaExceededException")
)
_NOT_ENABLED = frozenset(("OptInRequired", "SubscriptionRequiredException"))
_LOST_CONNECTION = (
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.ProxyConnectionError,
    boto.HTTPClientError,
)
_RENEW = "Renew the credentials (for SSO: `aws sso login`) and run the same command again: it carries on."
_SYNCHRONISE = (
    "Compare this computer's clock with the true time (`timedatectl`) and the secret key with the one "
    "issued, then run the same command again."
)


def code_of(error: boto.ClientError) -> str:
    """The service's error code, such as `AccessDenied`; the HTTP status where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message_of(error: boto.ClientError) -> str:
    """The service's own sentence, or its error code where it sent none."""
    return str(error.response.get("Error", {}).get("Message") or code_of(error))


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later: throttled, a service's fault, no connection."""
    if isinstance(error, boto.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return code_of(error) in _THROTTLED or status >= 500
    return isinstance(error, _LOST_CONNECTION)


def _denied_advice(error: boto.ClientError) -> str:
    named = re.search(r"perform: (\S+)", message_of(error))
    action = named[1] if named else error.operation_name
    return f"Ask the account's administrator to allow {action}, or choose other credentials with --profile."


_ADVICE: tuple[tuple[frozenset[str], Callable[[boto.ClientError], str]], ...] = (
    (_EXPIRED, lambda _: _RENEW),
    (_DENIED, _denied_advice),
    (_UNKNOWN_KEY, lambda _: "Check which credentials are in use: `aws sts get-caller-identity`."),
    (_SIGNATURE, lambda _: _SYNCHRONISE),
    (
        _NOT_ENABLED,
        lambda _: "Enable the region or the service for this account, or choose another --region.",
    ),
    (
        _AT_QUOTA,
        lambda _: (
            "The account is at a quota: remove what is not needed, or ask for more under Service Quotas in the console."
        ),
    ),
    (
        _THROTTLED,
        lambda _: "AWS is limiting the account's requests: wait a minute and run the same command again.",
    ),
)


def _explain_refusal(error: boto.ClientError) -> OperationError:
    code = code_of(error)
    advice = next((advice(error) for codes, advice in _ADVICE if code in codes), "")
    return OperationError(f"AWS refused {error.operation_name}", f"{code}: {message_of(error)}", advice)


_NO_CREDENTIALS = (
    "Sign in (`aws sso login`, `aws configure`) or name a --profile; --emulator needs no account."
)
_LOCAL: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((boto.NoCredentialsError, boto.PartialCredentialsError), "No AWS credentials", _NO_CREDENTIALS),
    (
        (boto.CredentialRetrievalError, boto.SSOError, boto.TokenRetrievalError),
        "The AWS credentials could not be read",
        _RENEW,
    ),
    ((boto.ProfileNotFound,), "Unknown profile", "`aws configure list-profiles` lists those that there are."),
    (
        (boto.NoRegionError, boto.InvalidRegionError, boto.UnknownRegionError),
        "No such AWS region",
        "Name one with --region, such as --region eu-central-1.",
    ),
    (
        (boto.SSLError,),
        "The connection is not trusted",
        "A proxy may be in between: set AWS_CA_BUNDLE to its root.",
    ),
    (
        _LOST_CONNECTION,
        "AWS cannot be reached",
        "Check the network, the proxy (HTTPS_PROXY) and the region's name; then run the same command again.",
    ),
)


def explain(error: Exception) -> OperationError | None:
    """The error for the person who has to act on it; None when it is none that AWS or botocore raises."""
    if isinstance(error, boto.ClientError):
        return _explain_refusal(error)
    for kinds, what, advice in _LOCAL:
        if isinstance(error, kinds):
            return OperationError(what, str(error), advice)
    if isinstance(error, boto.BotoCoreError):
        return OperationError("The request to AWS could not be made", str(error))
    return None
