"""The local store as a Compose file, for those who run it with docker compose or podman-compose by themselves."""

import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.local import state
from scripts.local.network import Network
from scripts.local.services import Service

FILE = "compose.yaml"
AUTHORITY = "authority.pem"
SUBNET = ipaddress.IPv4Network("10.86.0.0/24")


def write(folder: Path, services: Sequence[Service], images: Mapping[str, str], network: Network) -> Path:
    """Writes the Compose file, and beside it each container's environment; only this user can read them."""
    import yaml

    for service in services:
        pairs = {**service.environment, **service.secrets}
        state.write_private(
            _environment_file(folder, service), "".join(f"{name}={value}\n" for name, value in pairs.items())
        )
    described = {
        "name": network.name,
        "services": {service.name: _described(folder, service, images, network) for service in services},
        "networks": {"store": {"ipam": {"config": [{"subnet": str(network.subnet)}]}}},
        "volumes": {volume: {} for service in services for volume in service.data},
    }
    file = folder / FILE
    state.write_private(file, yaml.safe_dump(described, sort_keys=False))
    return file


def _environment_file(folder: Path, service: Service) -> Path:
    return folder / f"{service.name}.env"


def _described(folder: Path, service: Service, images: Mapping[str, str], network: Network) -> dict[str, Any]:
    described: dict[str, Any] = {
        "image": images[service.image],
        "command": list(service.command),
        "env_file": [str(_environment_file(folder, service))],
        "read_only": True,
        "init": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ulimits": {"nofile": 4096, "nproc": 4096},
        "volumes": [
            *service.scratch,
            *(f"{file}:{path}:ro" for path, file in service.files.items()),
            *(f"{volume}:{path}" for volume, path in service.data.items()),
        ],
    }
    if service.shares_network_of:
        described["network_mode"] = f"service:{service.shares_network_of}"
        described["depends_on"] = [service.shares_network_of]
    else:
        aliases = [service.alias] if service.alias else []
        described["networks"] = {"store": {"ipv4_address": network.address(service.name), "aliases": aliases}}
        described["extra_hosts"] = [f"{name}:{address}" for name, address in network.hosts().items()]
    if service.publishes:
        outside, inside = service.publishes
        described["ports"] = [f"127.0.0.1:{outside}:{inside}"]
    if service.after:
        described["depends_on"] = {service.after: {"condition": "service_completed_successfully"}}
    return described
