"""What botocore's errors mean to the person who has to act on them."""

from botocore import exceptions as boto

from scripts.aws import advice, regions
from scripts.errors import OperationError

_LOST_CONNECTION = (
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.ProxyConnectionError,
    boto.HTTPClientError,
)

# What may end an operation anywhere, other than by a defect of ours.
INTERRUPTIONS = (KeyboardInterrupt, OperationError, boto.BotoCoreError, boto.ClientError)


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
        return code_of(error) in advice.THROTTLED or status >= 500
    return isinstance(error, _LOST_CONNECTION)


def _explain_refusal(error: boto.ClientError) -> OperationError:
    code, metadata = code_of(error), error.response.get("ResponseMetadata", {})
    refusal = advice.Refusal(
        code,
        message_of(error),
        error.operation_name,
        metadata.get("HTTPHeaders", {}),
        # Only S3 answers with a host's id. Source: S3 API reference, "Common response headers".
        is_of_s3="HostId" in metadata,
    )
    return OperationError(
        f"AWS refused {error.operation_name}", f"{code}: {refusal.message}", advice.on_refusal(refusal)
    )


_NO_CREDENTIALS = (
    "Sign in (`aws sso login`, `aws configure`) or name a --profile; --emulator needs no account."
)
_LOCAL: tuple[tuple[tuple[type[Exception], ...], str, str], ...] = (
    ((boto.NoCredentialsError, boto.PartialCredentialsError), "No AWS credentials", _NO_CREDENTIALS),
    (
        (boto.CredentialRetrievalError, boto.SSOError, boto.TokenRetrievalError),
        "The AWS credentials could not be read",
        advice.RENEW,
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
        "A proxy may be in between: set AWS_CA_BUNDLE to its root. Or this computer's clock is wrong: `timedatectl`.",
    ),
)


def explain(error: Exception) -> OperationError | None:
    """The error for the person who has to act on it; None when it is none that AWS or botocore raises."""
    if isinstance(error, boto.ClientError):
        return _explain_refusal(error)
    for kinds, what, then in _LOCAL:
        if isinstance(error, kinds):
            return OperationError(what, str(error), then)
    if isinstance(error, _LOST_CONNECTION):
        return _explain_lost_connection(error)
    if isinstance(error, boto.BotoCoreError):
        return OperationError("The request to AWS could not be made", str(error))
    return None


def _explain_lost_connection(error: boto.BotoCoreError) -> OperationError:
    missing = regions.not_offered(str(error.kwargs.get("endpoint_url", "")))
    then = (
        "AWS offers no {} in {}, as far as is known here: choose another --region.".format(*missing)
        if missing
        else "Check the network, the proxy (HTTPS_PROXY) and the region's name; then run the same command again."
    )
    return OperationError("AWS cannot be reached", str(error), then)


def told(error: BaseException) -> OperationError:
    """Any of `INTERRUPTIONS` as the person who has to act on it is told of it."""
    if isinstance(error, KeyboardInterrupt):
        return OperationError("stopped by ctrl-C")
    if isinstance(error, OperationError):
        return error
    return (explain(error) if isinstance(error, Exception) else None) or OperationError(str(error))


def interrupted(what: str, error: BaseException, then: str) -> OperationError:
    """The error for `what` one of `INTERRUPTIONS` left behind: that one is the reason, and its advice comes first."""
    cause = told(error)
    return OperationError(what, str(cause), " ".join(filter(None, (cause.advice, then))))
