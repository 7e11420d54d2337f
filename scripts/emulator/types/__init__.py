"""The resource types that ministack cannot create through CloudFormation.

Those whose service API it has are made by calls of that API, one module for each family of services; every
other type that has a schema is recorded without one (`generic`).
"""

from typing import Any

from ministack.services.cloudformation import provisioners

from scripts.emulator import schemas
from scripts.emulator.types import catalog, containers, ec2, generic, governance, scaling

Handler = dict[str, Any]

MADE_BY_CALLS: dict[str, Handler] = {
    **ec2.HANDLERS,
    **containers.HANDLERS,
    **scaling.HANDLERS,
    **governance.HANDLERS,
    **catalog.HANDLERS,
}


def install() -> None:
    """Adds the types to those of the ministack of this process; the ones that it has stay its own."""
    for resource_type, handler in MADE_BY_CALLS.items():
        provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handler)
    for resource_type in schemas.types():
        if not resource_type.startswith("AWS::CloudFormation::"):
            provisioners._RESOURCE_HANDLERS.setdefault(resource_type, generic.handler(resource_type))
    for resource_type in ec2.TAGGED:
        provisioners._STACK_TAG_PROPERTY.setdefault(resource_type, ("Tags", "list"))
