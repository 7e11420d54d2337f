"""A study larger than any buffer, stored and retrieved in one request each: what it takes of memory and disk."""

from collections.abc import Iterator

import load
from containers import peak_memory
from dicom import FRAME_BYTES, study
from servers import Servers

_SEARCHES = 1000
_CLIENTS = 16
# HAProxy looks every two seconds whether its three servers are there, each time by a connection of its own.
_CHECKS_A_SECOND = 1.5


def report(servers: Servers, instances: int, frames: int, first: dict[str, float]) -> Iterator[str]:
    """The lines of the report; `first` is the memory of each container before anything was stored, in MiB."""
    chain, containers = servers.compared["chain"], servers.containers
    images = study(instances, frames)
    written = containers["nginx"].written()
    before = {name: container.memory() for name, container in containers.items()}
    with peak_memory(containers) as storing:
        stored = load.run(chain, [load.store(*images)], 1)
    with peak_memory(containers) as retrieving:
        retrieved = load.run(chain, [load.retrieve(f"/studies/{images[0].study}")], 1)
    size = instances * frames * FRAME_BYTES / 1_000_000
    yield (
        f"One study of {size / 1000:.1f} GB through the chain: stored at {size / stored.seconds:.0f} MB/s, "
        f"retrieved at {size / retrieved.seconds:.0f} MB/s"
    )
    yield f"{'Memory, MiB':20}{'at first':>10}{'before':>10}{'storing':>10}{'retrieving':>12}"
    for name in containers:
        yield f"{name:20}{first[name]:10.0f}{before[name]:10.0f}{storing[name]:10.0f}{retrieving[name]:12.0f}"
    yield f"Written to disk by nginx: {containers['nginx'].written() - written:.1f} MiB"
    yield _connections(servers, images[0])


def _connections(servers: Servers, instance: "load.Instance") -> str:
    """Every connection between tiers begins with a TLS handshake, and nothing else does."""
    tiers = [servers.containers[name] for name in ("nginx", "balancer")]
    before = [tier.connections_opened() for tier in tiers]
    done = load.run(servers.compared["chain"], [load.search(instance)] * _SEARCHES, _CLIENTS)
    nginx, balancer = (tier.connections_opened() - count for tier, count in zip(tiers, before, strict=True))
    return (
        f"TLS handshakes for {_SEARCHES:,} searches by {_CLIENTS} clients: {nginx} between nginx and the balancer, "
        f"{balancer} between the balancer and Orthanc, some {done.seconds * _CHECKS_A_SECOND:.0f} of them its checks"
    )
