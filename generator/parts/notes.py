"""What a resource's metadata tells its readers: what it is, and which checks are waived for it and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from troposphere import AWSObject

T = TypeVar("T", bound=AWSObject)


HIPAA = "HIPAA.Security"
NIST = "NIST.800.53.R5"
PCI = "PCI.DSS.321"


@dataclass(frozen=True)
class Waiver:
    """Checks that a resource need not pass, for a reason that a reviewer would accept.

    `checkov` holds ids of that checker; `rule` is the name of a rule of cdk-nag, waived in each of `packs`.
    """

    reason: str
    checkov: Sequence[str] = ()
    rule: str = ""
    packs: Sequence[str] = (HIPAA, NIST, PCI)


def described(resource: T, description: str) -> T:
    """Gives a resource that takes minutes to create a sentence for the progress view of `orthanc-aws deploy`."""
    _metadata(resource)["orthanc-aws"] = {"Description": description}
    return resource


def waived(resource: T, *waivers: Waiver) -> T:
    """Notes waivers where the checkers look for them: checkov's `skip` list and cdk-nag's `rules_to_suppress`."""
    for waiver in waivers:
        for check in waiver.checkov:
            _entries(resource, "checkov", "skip").append({"id": check, "comment": waiver.reason})
        for pack in waiver.packs if waiver.rule else ():
            suppressed = _entries(resource, "cdk_nag", "rules_to_suppress")
            suppressed.append({"id": f"{pack}-{waiver.rule}", "reason": waiver.reason})
    return resource


def _entries(resource: AWSObject, tool: str, key: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = _metadata(resource).setdefault(tool, {}).setdefault(key, [])
    return entries


def _metadata(resource: AWSObject) -> dict[str, Any]:
    metadata: dict[str, Any] = resource.resource.setdefault("Metadata", {})
    return metadata
