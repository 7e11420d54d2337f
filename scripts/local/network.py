"""The network of a local store: a range of its own, and an address for each container.

Addresses are fixed and in every container's hosts file, because a name server that an engine reloads with each
container that comes or goes loses questions now and then. NGINX reads no hosts file: it asks the name server, as it
does on AWS.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.errors import OperationError
from scripts.local import state
from scripts.local.certificates import INTERNAL_NAME
from scripts.local.engine import Engine

_RANGE = ipaddress.IPv4Network("10.87.0.0/16")
_PREFIX_LENGTH = 24
_FIRST_HOST = 10


@dataclass(frozen=True)
class Network:
    """A network of the engine by its name and its range, and the services in it in their fixed order."""

    name: str
    subnet: ipaddress.IPv4Network
    services: Sequence[str]

    def address(self, service: str) -> str:
        """The address of a service's container."""
        return str(self.subnet[_FIRST_HOST + self.services.index(service)])

    def hardware_address(self, service: str) -> str:
        """Fixed like the address: others would look for a restarted container at its former one for half a minute."""
        return "02:57:" + ":".join(
            f"{byte:02x}" for byte in ipaddress.IPv4Address(self.address(service)).packed
        )

    def hosts(self) -> dict[str, str]:
        """Every name in the network with its address."""
        names = {service: self.address(service) for service in self.services}
        return {**names, INTERNAL_NAME: names["balancer"]}


def ensure(engine: Engine, store: str, name: str, services: Sequence[str]) -> Network:
    """The store's network, made if need be in a range that nothing else has taken."""
    file = state.folder(store) / "subnet"
    if file.is_file() and engine.succeeds("network", "inspect", name):
        return Network(name, ipaddress.IPv4Network(file.read_text("utf-8")), services)
    engine.succeeds("network", "rm", name)
    for subnet in _RANGE.subnets(new_prefix=_PREFIX_LENGTH):
        if engine.succeeds("network", "create", "--subnet", str(subnet), name):
            state.write_private(file, str(subnet))
            return Network(name, subnet, services)
    raise OperationError("The store's network cannot be made", f"no part of {_RANGE} is free")
