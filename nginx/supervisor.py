"""Runs NGINX as a child: passes its logs on, ends it without lost requests, and ends with it."""

import asyncio
import contextlib
import fcntl
import signal
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from nginx.log import copy, copy_redacted, say

# What the access log's pipe holds while the log driver is slow: Linux's limit for a process without privileges.
PIPE_BYTES = 1024 * 1024


async def supervise(configuration: Path, parts: list[Coroutine[Any, Any, None]]) -> int:
    """Runs NGINX and the parts beside it, which never end by themselves, until SIGTERM comes or one of them ends.

    SIGTERM and SIGINT reach NGINX as SIGQUIT: it takes no new connection and finishes the requests it has. The exit
    code is 0 after that, and 1 where anything ended that was not told to.
    """
    nginx = subprocess.Popen(
        ["nginx", "-e", "stderr", "-c", str(configuration), "-g", "daemon off;"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert nginx.stdout is not None
    assert nginx.stderr is not None
    # A smaller one serves, too.
    with contextlib.suppress(OSError):
        fcntl.fcntl(nginx.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    logs = [
        asyncio.create_task(asyncio.to_thread(copy, nginx.stdout, sys.stdout.fileno())),
        asyncio.create_task(asyncio.to_thread(copy_redacted, nginx.stderr, sys.stderr.fileno())),
    ]
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)

    ended = asyncio.create_task(asyncio.to_thread(nginx.wait))
    told = asyncio.create_task(asked.wait())
    running = [asyncio.create_task(part) for part in parts]
    await asyncio.wait([ended, told, *logs, *running], return_when=asyncio.FIRST_COMPLETED)
    if not ended.done():
        nginx.send_signal(signal.SIGQUIT)
    code = await ended
    await asyncio.wait(logs)
    if told.done() and code == 0:
        return 0
    for part in (*logs, *running):
        if part.done() and (error := part.exception()):
            say(f"A part beside NGINX has failed: {error!r}.")
    say(f"NGINX has ended with code {code}.")
    return 1
