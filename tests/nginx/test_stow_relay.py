"""Uploads and their answers on their way through the relay, over real sockets, to an Orthanc that plays its part."""

import asyncio
import hashlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nginx.stow_verdict import RETRY_AFTER_SECONDS, serve

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Orthanc = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MIB = 1024 * 1024
HEAD = b"POST /dicom-web/studies HTTP/1.1\r\nContent-Type: multipart/related; boundary=b\r\nContent-Length: %d\r\n\r\n"
END = b"\r\n--b--\r\n"
UPLOAD = HEAD % len(END) + END


def failed(reason: int) -> bytes:
    """Orthanc's answer to an upload of one instance that it did not store."""
    item = {"00081155": {"Value": ["1.2"]}, "00081197": {"Value": [reason], "vr": "US"}}
    return json.dumps({"00081198": {"Value": [item], "vr": "SQ"}}).encode()


def response(status: bytes, body: bytes, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, size) + body


def says(answer: bytes) -> Orthanc:
    """An Orthanc that reads an upload without a body of parts, says this, and closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(UPLOAD))
        writer.write(answer)
        writer.close()

    return handle


@asynccontextmanager
async def relayed(folder: Path, orthanc: Orthanc) -> AsyncIterator[Streams]:
    """A connection through the relay to this Orthanc, as NGINX has one for each upload."""
    path = str(folder / "uploads.socket")
    server = await asyncio.start_server(orthanc, "127.0.0.1", 0)
    async with server, await serve(path, server.sockets[0].getsockname()[1]):
        reader, writer = await asyncio.open_unix_connection(path)
        yield reader, writer
        writer.close()


def answer_through(folder: Path, orthanc: Orthanc) -> bytes:
    async def run() -> bytes:
        async with relayed(folder, orthanc) as (reader, writer):
            writer.write(UPLOAD)
            return await asyncio.wait_for(reader.read(), 10)

    return asyncio.run(run())


def test_a_storing_that_failed_is_to_be_tried_again_and_says_why(tmp_path: Path) -> None:
    head, _, body = answer_through(tmp_path, says(response(b"400 Bad Request", failed(0x0110)))).partition(
        b"\r\n\r\n"
    )
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: %d\r\n" % RETRY_AFTER_SECONDS in head
    assert b"\r\nContent-Length: %d" % len(body) in head
    assert body == failed(0x0110)


def test_other_answers_pass_unchanged(tmp_path: Path) -> None:
    for answer in (
        response(b"400 Bad Request", failed(0xC000)),
        response(b"200 OK", b'{"00081199": {"Value": [{"00081155": {"Value": ["1.2"]}}]}}'),
        response(b"401 Unauthorized", b""),
        b"HTTP/1.1 503 Service Unavailable\r\n\r\nno length",
    ):
        assert answer_through(tmp_path, says(answer)) == answer


def test_an_answer_that_is_cut_off_is_none(tmp_path: Path) -> None:
    for answer in (
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        response(b"400 Bad Request", failed(0x0110), length=10_000),
        response(b"200 OK", b"{", length=10_000),
    ):
        assert answer_through(tmp_path, says(answer)) == b""


def test_an_orthanc_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    async def run() -> bytes:
        path = str(tmp_path / "uploads.socket")
        async with await asyncio.start_server(says(b""), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
        async with await serve(path, port):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(UPLOAD)
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(run()) == b""


def test_an_answer_that_needs_no_verdict_comes_as_it_is_sent(tmp_path: Path) -> None:
    seen = asyncio.Event()

    async def orthanc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(len(UPLOAD))
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\n\r\nfirst")
        await seen.wait()
        writer.write(b"second")
        writer.close()

    async def run() -> bytes:
        async with relayed(tmp_path, orthanc) as (reader, writer):
            writer.write(UPLOAD)
            await asyncio.wait_for(reader.readuntil(b"first"), 10)
            seen.set()
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(run()) == b"second"


@pytest.mark.parametrize("sent", [b"", UPLOAD[:20], HEAD % MIB + b"x" * 1000, UPLOAD])
def test_orthanc_sees_at_once_that_a_client_has_gone(tmp_path: Path, sent: bytes) -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue()

    async def orthanc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await received.put(await reader.read())
        writer.close()

    async def run() -> bytes:
        async with relayed(tmp_path, orthanc) as (_, writer):
            writer.write(sent)
            await writer.drain()
            writer.close()
            return await asyncio.wait_for(received.get(), 2)

    assert asyncio.run(run()) == sent


def test_an_orthanc_that_wants_no_more_of_an_upload_is_heard(tmp_path: Path) -> None:
    refusal = response(b"413 Request Entity Too Large", b"")

    async def orthanc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal)
        writer.close()

    async def run() -> bytes:
        async with relayed(tmp_path, orthanc) as (reader, writer):
            writer.write(HEAD % MIB)
            return await asyncio.wait_for(reader.read(), 10)

    assert asyncio.run(run()) == refusal


def test_a_large_upload_flows_through_in_little_memory(tmp_path: Path) -> None:
    size, piece = 64 * MIB, bytes(range(256)) * 1024
    received = hashlib.sha256()

    async def orthanc(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The client is faster than Orthanc: what has been sent must wait at the client.
        await asyncio.sleep(0.5)
        await reader.readuntil(b"\r\n\r\n")
        left = size + len(END)
        while left:
            data = await reader.read(min(left, MIB))
            received.update(data)
            left -= len(data)
        writer.write(response(b"200 OK", b'{"00081155": ["1.2"]}'))
        writer.close()

    async def run() -> bytes:
        async with relayed(tmp_path, orthanc) as (reader, writer):
            writer.write(HEAD % (size + len(END)))
            for _ in range(size // len(piece)):
                writer.write(piece)
                await writer.drain()
            writer.write(END)
            return await asyncio.wait_for(reader.read(), 30)

    tracemalloc.start()
    try:
        answer = asyncio.run(run())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert received.digest() == hashlib.sha256(piece * (size // len(piece)) + END).digest()
    assert peak < 8 * MIB
