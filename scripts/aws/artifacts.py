"""The S3 bucket that CloudFormation reads the packaged templates from."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scripts.aws.errors import code_of
from scripts.aws.package import LOCATION_PARAMETERS, Template, address
from scripts.aws.session import Session
from scripts.errors import OperationError

PREFIX = "templates/"
_DENIED = ("403", "AccessDenied")
_ELSEWHERE = ("301", "PermanentRedirect")
_ABSENT = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")


@dataclass(frozen=True)
class Bucket:
    """A bucket of `account` in `region`; every request names the owner, so it never goes to a look-alike."""

    name: str
    account: str
    region: str

    @property
    def address(self) -> dict[str, str]:
        """The arguments of every S3 request on the bucket."""
        return {"Bucket": self.name, "ExpectedBucketOwner": self.account}


def artifact_bucket(session: Session, name: str | None) -> Bucket:
    """The bucket for the templates: the one named, which must exist, or the account's own, made on first use.

    Raises OperationError when the bucket is missing, lies in another region or belongs to somebody else.
    """
    bucket = Bucket(
        name or f"orthanc-aws-artifacts-{session.account}-{session.region}", session.account, session.region
    )
    exists = _exists(session, bucket)
    if not exists and name:
        raise OperationError(
            f"There is no bucket {name}",
            "",
            "Create it, or leave --bucket out: the tool then keeps one of its own.",
        )
    if not name:
        _prepare(session, bucket, exists)
    return bucket


def upload(session: Session, bucket: Bucket, templates: Iterable[Template], prefix: str = PREFIX) -> int:
    """Uploads the templates that the bucket does not hold yet, and returns how many those were.

    A key holds the digest of its content, so what is there already is right.
    """
    return sum(
        store(session, bucket, prefix + template.key, template.body.encode(), "application/yaml")
        for template in templates
    )


def store(session: Session, bucket: Bucket, key: str, body: bytes, content_type: str) -> bool:
    """Puts an object where there is none of that key; False where there is one.

    Raises OperationError where the bucket does not let this be done.
    """
    if _holds(session.s3, bucket, key):
        return False
    _put(session, bucket, key, body, content_type)
    return True


def fetch(session: Session, bucket: Bucket, key: str) -> bytes | None:
    """The content of an object, or None where there is none.

    Raises OperationError where the bucket does not let this be done; S3 does not tell a missing key from a forbidden
    one without `s3:ListBucket`.
    """
    try:
        body: bytes = session.s3.get_object(**bucket.address, Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) in _ABSENT:
            return None
        if code_of(error) in _DENIED:
            raise _refused(session, bucket, "read from", "s3:GetObject and s3:ListBucket") from None
        raise
    return body


def url(session: Session, bucket: Bucket, template: Template, prefix: str = PREFIX) -> str:
    """The address of an uploaded template, as CloudFormation takes it."""
    return address(bucket.name, bucket.region, session.url_suffix, prefix, template.key)


def location(bucket: Bucket, prefix: str = PREFIX) -> dict[str, str]:
    """The parameters by which a template finds those that it nests."""
    return dict(zip(LOCATION_PARAMETERS, (bucket.name, bucket.region, prefix), strict=True))


def _exists(session: Session, bucket: Bucket) -> bool:
    """Whether the bucket exists. Without `s3:ListBucket` S3 does not tell, and the uploads will show."""
    region = bucket.region
    try:
        answer = session.s3.head_bucket(**bucket.address)
    except ClientError as error:
        code, answer = code_of(error), error.response
        if code in _ABSENT:
            return False
        if code not in (*_DENIED, *_ELSEWHERE):
            raise
        if code in _DENIED and _is_open(session.s3, bucket):
            raise _foreign(bucket) from None
        region = "another region" if code in _ELSEWHERE else region
    _check_region(bucket, answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", region))
    return True


def _check_region(bucket: Bucket, region: str) -> None:
    if region != bucket.region:
        raise OperationError(
            f"Bucket {bucket.name} lies in {region}",
            f"CloudFormation in {bucket.region} needs the templates in the same region",
            "Name a bucket of that region, or leave --bucket out: the tool then keeps one of its own.",
        )


def _is_open(s3: Any, bucket: Bucket) -> bool:
    """Whether the bucket may be looked at by those who do not ask for its owner."""
    try:
        s3.head_bucket(Bucket=bucket.name)
    except ClientError:
        return False
    return True


def _prepare(session: Session, bucket: Bucket, exists: bool) -> None:
    """Creates and protects the account's own bucket; its policy comes last, as the sign that all is done."""
    if not exists:
        _create(session.s3, bucket)
    elif _has_policy(session.s3, bucket):
        return
    for protect in _PROTECTIONS:
        protect(session.s3, bucket, session.partition)


def _create(s3: Any, bucket: Bucket) -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": bucket.region}}
    try:
        s3.create_bucket(Bucket=bucket.name, **({} if bucket.region == "us-east-1" else place))
    except ClientError as error:
        if code_of(error) == "BucketAlreadyExists":
            raise _foreign(bucket) from None
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise


def _has_policy(s3: Any, bucket: Bucket) -> bool:
    try:
        s3.get_bucket_policy(**bucket.address)
    except ClientError as error:
        if code_of(error) == "NoSuchBucketPolicy":
            return False
        if code_of(error) not in _DENIED:
            raise
    return True


def _block_public_access(s3: Any, bucket: Bucket, _: str) -> None:
    settings = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(**bucket.address, PublicAccessBlockConfiguration=dict.fromkeys(settings, True))


def _encrypt(s3: Any, bucket: Bucket, _: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(**bucket.address, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _keep_versions(s3: Any, bucket: Bucket, _: str) -> None:
    s3.put_bucket_versioning(**bucket.address, VersioningConfiguration={"Status": "Enabled"})


def _refuse_plain_http(s3: Any, bucket: Bucket, partition: str) -> None:
    arn = f"arn:{partition}:s3:::{bucket.name}"
    statement = {
        "Sid": "RefusePlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(**bucket.address, Policy=json.dumps(policy))


_PROTECTIONS: tuple[Callable[[Any, Bucket, str], None], ...] = (
    _block_public_access,
    _encrypt,
    _keep_versions,
    _refuse_plain_http,
)


def _holds(s3: Any, bucket: Bucket, key: str) -> bool:
    """Whether the bucket holds the key; without `s3:ListBucket` the answer for a missing key is 403."""
    try:
        s3.head_object(**bucket.address, Key=key)
    except ClientError as error:
        if code_of(error) in (*_ABSENT, *_DENIED):
            return False
        raise
    return True


def _put(session: Session, bucket: Bucket, key: str, body: bytes, content_type: str) -> None:
    try:
        session.s3.put_object(**bucket.address, Key=key, Body=body, ContentType=content_type)
    except ClientError as error:
        if code_of(error) in _DENIED:
            raise _refused(session, bucket, "put into", "s3:PutObject") from None
        if code_of(error) in _ABSENT:
            raise OperationError(f"There is no bucket {bucket.name}", "", "Check --bucket.") from None
        raise


def _foreign(bucket: Bucket) -> OperationError:
    return OperationError(
        f"Bucket {bucket.name} belongs to another account",
        f"only buckets of account {bucket.account} are used, so that nothing goes to somebody else's",
        "Name a bucket of this account with --bucket.",
    )


def _refused(session: Session, bucket: Bucket, verb: str, actions: str) -> OperationError:
    return OperationError(
        f"Nothing can be {verb} bucket {bucket.name}",
        f"{session.caller} lacks {actions} on it, or another account owns it",
        f"Ask the administrator of account {bucket.account}, or name another bucket with --bucket.",
    )
