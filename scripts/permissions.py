"""The IAM actions that CloudFormation needs for each type of resource that the store's templates have.

Derived from the resource schemas that cfn-lint ships, which name the permissions of each type's create, read, update
and delete handlers, and kept in `generator/parts/permissions.json`, because the generator must not depend on cfn-lint.
Usage: `python -m scripts.permissions` writes that file anew; a test tells when it must be.
"""

import json
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from generator.parts.launch_permissions import FILE
from generator.registry import DEPLOYMENT
from scripts.emulator import schemas

_HANDLERS = ("create", "read", "update", "delete")
# Services that types are not called after, and whose actions their handlers need none the less.
_FURTHER_SERVICES = {
    "backup-storage": "an encrypted vault is mounted by it",
}
# Where IAM names a service otherwise than CloudFormation.
_PREFIXES = {
    "ApplicationAutoScaling": "application-autoscaling",
    "CertificateManager": "acm",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
}
# What handlers ask for and the launch role must not have.
_NEVER = {
    "s3:GetObject": "patients' images; the templates' own statement lets these be read",
    "s3:GetObjectVersion": "patients' images",
    "s3:DeleteObject": "patients' images",
    "s3:PutObjectAcl": "objects have no ACLs",
}
_OF_PEOPLE = re.compile(r"iam:(Attach|Detach|Put|Delete)(Group|User)Policy")


def used_types() -> list[str]:
    """The types of resource that the root and the stacks nested in it have."""
    templates = (stack.template().to_dict() for stack in DEPLOYMENT)
    return sorted({item["Type"] for template in templates for item in template["Resources"].values()})


def derived(types: Iterable[str]) -> dict[str, list[str]]:
    """The actions for each type: those of its handlers that IAM knows, of the services that the types belong to."""
    types = list(types)
    services = {_prefix(name) for name in types} | _FURTHER_SERVICES.keys()
    known = _known_actions()

    def is_needed(action: str) -> bool:
        service = action.partition(":")[0]
        is_excluded = action in _NEVER or _OF_PEOPLE.fullmatch(action)
        return service in services and action.lower() in known and not is_excluded

    return {name: sorted(filter(is_needed, _of_handlers(name))) for name in types}


def write() -> None:
    """Writes the derived table to where the generator reads it."""
    FILE.write_text(json.dumps(derived(used_types()), indent=1) + "\n", encoding="utf-8")


def _prefix(resource_type: str) -> str:
    service = resource_type.split("::")[1]
    return _PREFIXES.get(service, service.lower())


def _of_handlers(resource_type: str) -> set[str]:
    handlers = schemas.schema(resource_type)["handlers"]
    named = (action for name in _HANDLERS for action in handlers.get(name, {}).get("permissions", []))
    return {f"{service.lower()}:{verb}" for service, _, verb in (action.partition(":") for action in named)}


def _known_actions() -> set[str]:
    """Every action of IAM, in lower case: schemas have some that do not exist, such as `s3:DeleteBucketEncryption`."""
    package = find_spec("cfnlint")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint is not installed")
    file = Path(package.submodule_search_locations[0]) / "data" / "AdditionalSpecs" / "Policies.json"
    services = json.loads(file.read_text("utf-8"))
    return {f"{name}:{action}".lower() for name, service in services.items() for action in service["Actions"]}


if __name__ == "__main__":
    write()
