"""Clients that load a DICOMweb server at the same time: each a process with one connection that it keeps."""

import http.client
import multiprocessing
import os
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from dicom import Instance

_BOUNDARY = "benchmark"
_CHUNK = 256 * 1024
_TIMEOUT = 400
# Always there, and it does not pace; see `servers.EvenEngine`.
CONGESTION_CONTROL = "reno"
_ATTEMPTS = 20
_STOW_TYPE = f'multipart/related; type="application/dicom"; boundary={_BOUNDARY}'
_WADO_TYPE = 'multipart/related; type="application/dicom"; transfer-syntax=*'


@dataclass(frozen=True)
class Server:
    """Where a DICOMweb server listens, whether with TLS, and what it is shown as `Authorization`."""

    host: str
    port: int
    tls: bool
    authorization: str = field(default="", repr=False)

    def connect(self) -> http.client.HTTPConnection:
        """An open connection. Like a load balancer, it does not verify what certificate the server made for itself."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_TIMEOUT)
        if self.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(self.host, self.port, timeout=_TIMEOUT, context=context)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL.encode())
        return connection


@dataclass(frozen=True)
class Request:
    """A GET of a path below the DICOMweb root, or the upload of instances."""

    path: str
    instances: tuple[Instance, ...] = ()


@dataclass(frozen=True)
class Load:
    """What all clients together did.

    Seconds from the first request to the last answer, seconds of each request, CPU seconds of the clients themselves,
    and how many requests they had to repeat because the answer was 503.
    """

    seconds: float
    requests: list[float]
    cpu: float
    repeated: int


def search(instance: Instance) -> Request:
    """QIDO-RS for the study of a patient."""
    return Request(f"/studies?PatientID={instance.patient}")


def store(*instances: Instance) -> Request:
    """STOW-RS."""
    return Request("/studies", instances)


def retrieve(path: str) -> Request:
    """WADO-RS of a study, a series or an instance."""
    return Request(path)


def run(server: Server, requests: Sequence[Request], clients: int) -> Load:
    """Has clients do all requests between them; raises RuntimeError if one is never answered with 200."""
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(clients)
    pipes = [context.Pipe(duplex=False) for _ in range(clients)]
    processes = [
        context.Process(target=_client, args=(server, requests[number::clients], barrier, sender))
        for number, (_, sender) in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    for _, sender in pipes:
        sender.close()
    try:
        done = [receiver.recv() for receiver, _ in pipes]
    except EOFError as error:
        raise RuntimeError(f"A client of {server.host} failed: see above") from error
    finally:
        for process in processes:
            process.join()
    begins, ends, seconds, cpus, repeated = zip(*done, strict=True)
    return Load(max(ends) - min(begins), list(chain(*seconds)), sum(cpus), sum(repeated))


def _client(server: Server, requests: Sequence[Request], barrier: Barrier, result: Connection) -> None:
    try:
        connection = server.connect()
        # So that every tier has its connections to the next before the clock starts.
        _repeats(connection, server, Request("/studies?limit=1"))
        barrier.wait()
        begin, cpu_before = time.monotonic(), time.process_time()
        seconds, repeated = [], 0
        for request in requests:
            start = time.monotonic()
            repeated += _repeats(connection, server, request)
            seconds.append(time.monotonic() - start)
        result.send((begin, time.monotonic(), seconds, time.process_time() - cpu_before, repeated))
    except BaseException as error:
        barrier.abort()
        print(f"{type(error).__name__}: {error}", flush=True)
        os._exit(1)


def _repeats(connection: http.client.HTTPConnection, server: Server, request: Request) -> int:
    """Does a request, and how often it had to be repeated: an image store may ask for that with a 503."""
    for repeated in range(_ATTEMPTS):
        status = _answer(connection, server, request)
        if status == HTTPStatus.OK:
            return repeated
        if status != HTTPStatus.SERVICE_UNAVAILABLE:
            break
    raise RuntimeError(f"{request.path}: HTTP status {status}")


def _answer(connection: http.client.HTTPConnection, server: Server, request: Request) -> int:
    path = f"/dicom-web{request.path}"
    headers = {"Authorization": server.authorization} if server.authorization else {}
    if request.instances:
        headers |= {
            "Content-Type": _STOW_TYPE,
            "Accept": "application/dicom+json",
            "Transfer-Encoding": "chunked",
        }
        connection.request("POST", path, _multipart(request.instances), headers, encode_chunked=True)
    else:
        headers["Accept"] = "application/dicom+json" if "?" in path else _WADO_TYPE
        connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    buffer = bytearray(_CHUNK)
    while response.readinto(buffer):
        pass
    return response.status


def _multipart(instances: Sequence[Instance]) -> Iterator[bytes | memoryview]:
    """The body of an upload: piece by piece, as clients send it that do not know its length beforehand."""
    for instance in instances:
        head, pixels = instance.file()
        yield f"--{_BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + head
        for start in range(0, len(pixels), _CHUNK):
            yield pixels[start : start + _CHUNK]
        yield b"\r\n"
    yield f"--{_BOUNDARY}--\r\n".encode()
