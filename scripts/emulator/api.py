"""Calls of the emulator's own service APIs, for the resource types that are made of them."""

import os
from functools import cache
from typing import Any

from ministack.core.responses import get_account_id, get_region


@cache
def _client(service: str, region: str, account: str) -> Any:
    from botocore.config import Config
    from botocore.session import Session

    # ministack takes the account from the access key id.
    return Session().create_client(
        service,
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id=account,
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def call(service: str, operation: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Calls an operation (`CreateTrail`) with the properties that it knows, plus `more`; returns its answer.

    Names are matched without regard to case (CloudFormation's `KMSKeyId` is the API's `KmsKeyId`) and values
    get the type the API wants, because CloudFormation resolves numbers and booleans to strings.
    """
    from botocore import xform_name

    client = _client(service, get_region(), get_account_id())
    shape = client.meta.service_model.operation_model(operation).input_shape
    arguments = _fit({**properties, **more}, shape) if shape else {}
    answer: dict[str, Any] = getattr(client, xform_name(operation))(**arguments)
    return answer


def _fit(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        known = {name.lower(): (name, member) for name, member in shape.members.items()}
        matched = ((*known[name.lower()], item) for name, item in value.items() if name.lower() in known)
        return {name: _fit(item, member) for name, member, item in matched}
    if shape.type_name == "list" and isinstance(value, list):
        return [_fit(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _fit(item, shape.value) for name, item in value.items()}
    if isinstance(value, str | int | float):
        return _SCALARS.get(shape.type_name, lambda scalar: scalar)(value)
    return value


_SCALARS: dict[str, Any] = {
    "integer": int,
    "long": int,
    "double": float,
    "float": float,
    "boolean": lambda value: str(value).lower() == "true",
    "string": lambda value: str(value).lower() if isinstance(value, bool) else str(value),
}
