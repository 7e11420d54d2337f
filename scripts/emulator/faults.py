"""Faults on request, for what an emulator whose stacks finish at once never shows by itself.

`Emulator.inject(kind, target, times)` asks for one over HTTP; the kinds are

- `throttle`: the API action `target` (e.g. `DescribeStackEvents`) is answered with a throttling error,
- `drop`: the connection is closed before the request for the action `target` is carried out,
- `lose`: the request for the action `target` is carried out, and the connection closed before the answer,
- `fail`: the resource whose logical id is `target` fails to be created or updated, in whatever stack it is.

Every fault applies to the next `times` occurrences and is then forgotten.
"""

import asyncio
import json
import os
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

KINDS = ("throttle", "drop", "lose", "fail")


@dataclass
class Fault:
    """One kind of failure of a target, for as many `times` as are left."""

    kind: str
    target: str
    times: int
    reason: str


_faults: list[Fault] = []
_lock = threading.Lock()
_connection: ContextVar[asyncio.StreamWriter] = ContextVar("connection")


def install() -> None:
    """Lets a request find the connection that it came over, which hypercorn keeps from its application."""
    from hypercorn.asyncio.tcp_server import TCPServer

    original = TCPServer.run

    async def run(self: TCPServer) -> None:
        _connection.set(self.writer)
        await original(self)

    TCPServer.run = run  # type: ignore[method-assign]


def _take(target: str, *kinds: str) -> Fault | None:
    with _lock:
        for fault in _faults:
            if fault.target == target and fault.kind in kinds:
                fault.times -= 1
                _faults[:] = [left for left in _faults if left.times > 0]
                return fault
    return None


def fail_if_injected(logical_id: str) -> None:
    """Raises ValueError with the injected reason where the resource is to fail."""
    fault = _take(logical_id, "fail")
    if fault:
        raise ValueError(fault.reason or f"{logical_id} was made to fail")


async def control(scope: Message, receive: Receive, send: Send) -> None:
    """Answers the emulator's own requests: GET /_emulator/health and POST /_emulator/faults."""
    status = 200
    answer: dict[str, Any] = {"pid": os.getpid()}
    if scope["path"] == "/_emulator/faults":
        fault = Fault(**json.loads(await _body(receive)))
        if fault.kind in KINDS:
            with _lock:
                _faults.append(fault)
        else:
            status, answer = 400, {"error": f"no fault is called {fault.kind}; there are {', '.join(KINDS)}"}
    await _answer(send, status, "application/json", json.dumps(answer).encode())


def guard(app: App) -> App:
    """The application with the injected faults in front of it."""

    async def guarded(scope: Message, receive: Receive, send: Send) -> None:
        if not _faults or scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = await _body(receive)
        fault = _take(_action(scope, body), "throttle", "drop", "lose")
        if fault is None:
            await app(scope, _replay(body), send)
        elif fault.kind == "throttle":
            await _answer(send, 400, *_throttled(scope))
        else:
            if fault.kind == "lose":
                await app(scope, _replay(body), _discard)
            _connection.get().transport.abort()

    return guarded


def _target(scope: Message) -> str:
    """What the JSON protocol names the action with; empty for a request of the Query protocol."""
    return str(dict(scope["headers"]).get(b"x-amz-target", b"").decode())


def _throttled(scope: Message) -> tuple[str, bytes]:
    if _target(scope):
        return "application/x-amz-json-1.1", b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    error = b"<Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message>"
    return "text/xml", b"<ErrorResponse><Error>" + error + b"</Error></ErrorResponse>"


def _action(scope: Message, body: bytes) -> str:
    if _target(scope):
        return _target(scope).rpartition(".")[2]
    return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _discard(_message: Message) -> None:
    """Takes the place of the connection that is about to be closed."""


def _replay(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _answer(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
