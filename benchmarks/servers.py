"""What is compared: a local store, as a whole and one Orthanc of it alone, and an Orthanc as it comes without it."""

import base64
import json
import os
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers import Container
from load import CONGESTION_CONTROL, Server

from scripts.local import bases, engine, state
from scripts.local.engine import Engine
from scripts.local.services import Options
from scripts.local.store import Store

# What Orthanc needs to be a DICOMweb server at all; the rest is its own default.
_BARE = {
    "Plugins": ["/usr/share/orthanc/plugins-available/libOrthancDicomWeb.so"],
    "StorageDirectory": "/var/lib/orthanc",
    "IndexDirectory": "/var/lib/orthanc",
    "TemporaryDirectory": "/tmp",
    "DicomServerEnabled": False,
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": False,
    "KeepAliveTimeout": 90,
    "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
}


class EvenEngine(Engine):
    """Starts containers whose TCP sends as fast as it may.

    Where a machine prefers BBR, it paces what containers send to each other as if it went over the Internet. That costs
    each hop several times what TLS costs, and happens on AWS only where it is asked for.
    """

    def start(self, name: str, options: Sequence[str], image: str, command: Sequence[str]) -> None:
        """As the engine does it. A container that shares a network has its settings from there."""
        owns = not any(option.startswith("--network=container:") for option in options)
        own = [f"--sysctl=net.ipv4.tcp_congestion_control={CONGESTION_CONTROL}"] if owns else []
        super().start(name, [*own, *options], image, command)


@dataclass(frozen=True)
class Servers:
    """The servers by the names of their columns; each Orthanc of the store alone; and all containers by their names."""

    compared: dict[str, Server]
    orthancs: list[Server]
    containers: dict[str, Container]


@contextmanager
def running(public: bool) -> Iterator[Servers]:
    """Starts everything, and removes it afterwards. With `public`, the chain is also entered by its front door."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = folder
        store = Store(EvenEngine(engine.find().program), f"benchmark-{os.getpid()}")
        bare = store.container("bare")
        try:
            port = _free_port()
            store.up(Options(public_port=port, upload_limit="16g"), bases.DEBIAN, print)
            _start_bare(store, bare, Path(folder))
            yield _servers(store, port if public else None)
        finally:
            store.engine.remove(bare)
            store.down(delete=True)


def _start_bare(store: Store, name: str, folder: Path) -> None:
    image = _described(store.engine, store.container("orthanc-1"))["Config"]["Image"]
    configuration = folder / "bare.json"
    configuration.write_text(json.dumps(_BARE))
    options = [
        f"--network={store.prefix}",
        "--entrypoint=Orthanc",
        f"--volume={configuration}:/bare.json:ro",
        "--volume=/tmp",
        "--volume=/var/lib/orthanc",
    ]
    store.engine.start(name, options, image, ["/bare.json"])


def _servers(store: Store, public_port: int | None) -> Servers:
    made = state.credentials(store.name)
    user = _basic(made.first_user, made.first_password)
    service = _basic(made.orthanc_user, made.orthanc_password)
    addresses = {
        name: _address(store.engine, store.container(name))
        for name in ("nginx", "orthanc-1", "orthanc-2", "bare")
    }
    orthancs = [Server(addresses[name], 8443, True, service) for name in ("orthanc-1", "orthanc-2")]
    compared = {"chain": Server(addresses["nginx"], 8443, True, user)}
    if public_port:
        compared["public"] = Server("127.0.0.1", public_port, True, user)
    compared |= {"direct": orthancs[0], "bare": Server(addresses["bare"], 8042, False)}
    running_ones = [name for name, status in store.containers().items() if status == "running"]
    return Servers(compared, orthancs, {name: _container(store, name) for name in [*running_ones, "bare"]})


def _container(store: Store, name: str) -> Container:
    return Container(name, int(_described(store.engine, store.container(name))["State"]["Pid"]))


def _address(found: Engine, name: str) -> str:
    networks = _described(found, name)["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()))["IPAddress"])


def _described(found: Engine, name: str) -> dict[str, Any]:
    described = found.inspect(name)
    if described is None:
        raise RuntimeError(f"There is no container {name}")
    return described


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
