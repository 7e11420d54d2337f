"""The emulator's process: ministack, extended, on one port of the loopback interface."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from scripts.emulator import faults
from scripts.emulator.faults import App, Message, Receive, Send
from scripts.emulator.process import LOCK_HELD, REGION

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework


def serve(port: int, folder: Path, attached: bool = False) -> None:
    """Serves on 127.0.0.1:`port` until the process is ended; all state stays in `folder`.

    `attached` to the process that started it, it ends when that closes its standard input, however that comes
    about.

    Prints the endpoint's URL and writes `state.json` once requests are answered. Exits with LOCK_HELD where
    another emulator lives in the folder.
    """
    lock = _lock(folder)
    with lock, socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        port = listener.getsockname()[1]
        _configure(port, folder)
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(listener, folder, attached))


def extend() -> None:
    """Patches this process's ministack: defects mended, types added, strictness and nested stacks put in."""
    from scripts.emulator import (
        assumptions,
        autoscaling,
        backups,
        builds,
        catalog,
        changesets,
        custom_resources,
        fixes,
        insights,
        nested,
        past_clusters,
        portfolio_shares,
        stack_policies,
        strictness,
        types,
    )

    for part in (
        faults,
        strictness,
        types,
        nested,
        past_clusters,
        changesets,
        autoscaling,
        backups,
        builds,
        catalog,
        portfolio_shares,
        custom_resources,
        fixes,
        assumptions,
        stack_policies,
        insights,
    ):
        part.install()


def _lock(folder: Path) -> IO[bytes]:
    lock = (folder / "lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"an emulator lives in {folder} already", file=sys.stderr)
        sys.exit(LOCK_HELD)
    (folder / "state.json").unlink(missing_ok=True)
    return lock


def _configure(port: int, folder: Path) -> None:
    # ministack reads its settings from the environment, most of them when its modules are imported.
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        MINISTACK_HOST="127.0.0.1",
        MINISTACK_REGION=REGION,
        DOCKER_HOST=f"unix://{folder}/no-docker",
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        TMPDIR=str(folder),
    )
    tempfile.tempdir = None
    (folder / "aws-config").write_text("")


def _announce(endpoint_url: str, folder: Path) -> None:
    unfinished = folder / "state.json.new"
    unfinished.write_text(json.dumps({"endpoint_url": endpoint_url, "pid": os.getpid()}))
    unfinished.replace(folder / "state.json")
    print(endpoint_url, flush=True)


def _end(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


async def _serve(listener: socket.socket, folder: Path, attached: bool) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    extend()
    endpoint_url = "http://{}:{}".format(*listener.getsockname())
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    config.graceful_timeout = 0
    if attached:
        asyncio.get_running_loop().add_reader(sys.stdin, _end, folder)
    ended = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    application = cast("ASGIFramework", _application(app, lambda: _announce(endpoint_url, folder)))
    await hypercorn_serve(application, config, shutdown_trigger=ended.wait)


def _application(ministack: App, ready: Callable[[], None]) -> App:
    guarded = faults.guard(ministack)

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await ministack(scope, receive, _when_started(send, ready))
        elif scope["type"] == "http" and scope["path"].startswith("/_emulator/"):
            await faults.control(scope, receive, send)
        else:
            await guarded(scope, receive, send)

    return application


def _when_started(send: Send, ready: Callable[[], None]) -> Send:
    async def watched(message: Message) -> None:
        await send(message)
        if message["type"] == "lifespan.startup.complete":
            ready()

    return watched
