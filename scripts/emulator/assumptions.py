"""What an account holds before a deployment, and an emulator that starts empty does not."""

from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import route53
from ministack.services.cloudformation import provisioners

from scripts.emulator.patching import Function, replace


def install() -> None:
    """Makes the ministack of this process take for given what templates refer to by parameters."""
    replace("_r53_resolve_hosted_zone_id", (provisioners,), hosted_zones)


def hosted_zones(original: Function) -> Function:
    """The hosted zone that a record names by its id exists: it is made, for the domain above the record's name."""

    def resolve(properties: dict[str, Any]) -> str:
        zone_id = str(original(properties))
        if zone_id not in route53._zones:
            domain = properties["Name"].rstrip(".").partition(".")[2] + "."
            zone = {
                "id": zone_id,
                "name": domain,
                "caller_reference": new_uuid(),
                "comment": "",
                "private": False,
            }
            route53._zones[zone_id] = zone | {"vpcs": []}
            route53._records[zone_id] = route53._default_records(domain)
        return zone_id

    return resolve
