"""Answers NGINX's auth_request on a Unix socket: 200, 401 or 403, with the user's name and role for the audit.

auth_request knows only these three. Too many failures are a 403 with `X-Retry-After`, which NGINX turns into a 429.
"""

import asyncio
from http import HTTPStatus
from pathlib import Path

from nginx.access.identify import Claim, Identity, Mode, Outcome
from nginx.access.rules import permits
from nginx.access.users import audited_name

# NGINX's own limit of a request's header, and what NGINX adds to it.
LARGEST_REQUEST = 80 * 1024


async def serve(mode: Mode, socket: Path) -> asyncio.Server:
    """Listens on the socket, which only this user may connect to."""
    socket.unlink(missing_ok=True)
    return await asyncio.get_running_loop().create_unix_server(
        lambda: Connection(mode), str(socket), backlog=1024
    )


class Connection(asyncio.Protocol):
    """One connection of NGINX's, kept for many requests, which come one after the other and have no body."""

    def __init__(self, mode: Mode) -> None:
        self._mode = mode
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._check: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Called by asyncio. A password's check that has begun goes on: others may wait for it."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Called by asyncio."""
        self._buffer += data
        if self._buffer.endswith(b"\r\n\r\n"):
            request, self._buffer = self._buffer, b""
            self._answer(request)
        elif len(self._buffer) > LARGEST_REQUEST and self._transport:
            self._transport.close()

    def _answer(self, request: bytes) -> None:
        headers = parse_headers(request)
        claim = Claim(
            headers.get("authorization", ""), headers.get("x-subject", ""), headers.get("x-address", "")
        )
        area, method = headers.get("x-area", ""), headers.get("x-method", "")
        identity = self._mode.at_once(claim)
        if identity is not None:
            self._write(answer(identity, area, method))
        else:
            self._check = asyncio.create_task(self._answer_later(claim, area, method))

    async def _answer_later(self, claim: Claim, area: str, method: str) -> None:
        self._write(answer(await self._mode.after_check(claim), area, method))

    def _write(self, response: bytes) -> None:
        if self._transport:
            self._transport.write(response)


def parse_headers(request: bytes) -> dict[str, str]:
    """The headers of a request by lower-case name."""
    lines = request.decode("latin-1").split("\r\n")
    return {
        name.lower(): value
        for name, separator, value in (line.partition(": ") for line in lines[1:])
        if separator
    }


def answer(identity: Identity, area: str, method: str) -> bytes:
    """The response for a request to an area by an identity."""
    if identity.outcome is Outcome.UNKNOWN:
        status = HTTPStatus.UNAUTHORIZED
    elif identity.role is None or not permits(identity.role, area, method):
        status = HTTPStatus.FORBIDDEN
    else:
        status = HTTPStatus.OK
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", "Content-Length: 0"]
    if identity.name:
        lines.append(f"X-User: {audited_name(identity.name)}")
    if identity.role:
        lines.append(f"X-Role: {identity.role}")
    if identity.wait_seconds:
        lines.append(f"X-Retry-After: {identity.wait_seconds}")
    return "\r\n".join((*lines, "", "")).encode()
