"""What Fn::GetAtt can read of a resource beyond what its service's emulation returns."""

import hashlib
from typing import Any

from ministack.core.responses import get_account_id, get_region

from scripts.emulator import schemas

Attributes = dict[str, Any]
# Where an ARN names the service otherwise than the resource type does.
_SERVICES = {"certificatemanager": "acm", "elasticloadbalancingv2": "elasticloadbalancing"}


def given(properties: Attributes, prefix: str = "") -> Attributes:
    """The properties of the template, by their dotted paths."""
    found: Attributes = {}
    for name, value in properties.items():
        found[prefix + name] = value
        if isinstance(value, dict):
            found |= given(value, f"{prefix}{name}.")
    return found


def made_up(resource_type: str, seed: str) -> Attributes:
    """The read-only attributes that the type's schema declares, each with a value that the seed determines."""
    paths = schemas.paths(resource_type, "readOnlyProperties")
    return {".".join(path): make_up(resource_type, path, seed) for path in paths}


def make_up(resource_type: str, path: list[str], seed: str) -> Any:
    """A value of the type that the schema declares for a property, and of its kind where its name tells it."""
    token = hashlib.sha256(seed.encode()).hexdigest()[:17]
    kind = str(schemas.definition(resource_type, path).get("type", "string"))
    _, service, resource = resource_type.lower().split("::")
    service = _SERVICES.get(service, service)
    if path[-1].lower().endswith("arn"):
        return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}/{token}"
    return {"integer": 1, "number": 1, "boolean": False, "array": [token], "object": {}}.get(kind, token)
