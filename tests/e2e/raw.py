"""Requests as bytes, for what a library would mend before it sends it."""

import base64
import re
import socket
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from tests.e2e import inside
from tests.e2e.running import Running

_SECONDS = 10


@dataclass(frozen=True)
class Target:
    """Where to send bytes: the public address, or a container's own."""

    host: str
    port: int

    def connect(self, seconds: float) -> ssl.SSLSocket:
        """A connection over TLS; whose certificate it is, other tests look at."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(socket.create_connection((self.host, self.port), seconds))

    def exchange(self, request: bytes, grace: float = 0.5) -> bytes:
        """All that comes back, until the other side closes the connection, or is silent for so long after it began."""
        with self.connect(_SECONDS) as connection:
            # Refused before all of it was sent: what was answered can still be read.
            with suppress(OSError):
                connection.sendall(request)
            received = b""
            with suppress(OSError):
                while data := connection.recv(65536):
                    received += data
                    connection.settimeout(grace)
            return received


def everywhere(targets: Iterable[Target], request: bytes, grace: float = 0.5) -> list[bytes]:
    """What each of several targets answers."""
    chosen = list(targets)
    with ThreadPoolExecutor(len(chosen)) as pool:
        return list(pool.map(lambda target: target.exchange(request, grace), chosen))


def public(store: Running) -> Target:
    """The store as clients reach it."""
    return Target("127.0.0.1", int(store.url.rpartition(":")[2]))


def front(store: Running, service: str = "nginx") -> Target:
    """NGINX without the load balancer before it."""
    return Target(inside.address(store, service), inside.TLS_PORT)


def authorization(store: Running) -> str:
    """The header that the first user shows."""
    pair = f"{store.credentials.first_user}:{store.credentials.first_password}"
    return f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"


def statuses(received: bytes) -> list[int]:
    """The statuses of the responses, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3})[ \r]", received)]


def seconds_until_closed(target: Target, pieces: list[bytes], pause: float) -> tuple[float, bytes]:
    """How long the other side bears with a client that sends a piece now and then, and what it says at last."""
    started = time.monotonic()
    with target.connect(90) as connection:
        connection.settimeout(pause)
        received = b""
        for piece in pieces:
            try:
                connection.sendall(piece)
                data = connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            received += data
            if not data:
                break
        return time.monotonic() - started, received
