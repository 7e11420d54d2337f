"""What the programs say of themselves, and how NGINX's logs are passed on. The error log must show no patient data."""

import os
import re
import sys
import threading
from typing import IO

# A line of the error log quotes the request, the upstream's address and the page that led here, each with its query.
QUERY = re.compile(
    rb'((?:request|upstream|referrer): "[^"?]*)\?.*?(?="(?:, [a-z]+: "|$)|$)|(header line: ").*?(?="?$)', re.M
)
CHUNK = 64 * 1024


def say(message: str) -> None:
    """Writes a line to the standard error."""
    print(message, file=sys.stderr, flush=True)


def redacted(line: bytes) -> bytes:
    """A line of NGINX's error log without queries, which carry patients' names."""
    return QUERY.sub(lambda match: (match[1] or match[2]) + b"?", line)


def copy(source: IO[bytes], target: int) -> threading.Thread:
    """Copies the access log to a file descriptor in a thread of its own, until its end."""

    def run() -> None:
        while chunk := os.read(source.fileno(), CHUNK):
            _write(target, chunk)

    return _started(run)


def copy_redacted(source: IO[bytes], target: int) -> threading.Thread:
    """Copies the error log, line by line, without queries."""

    def run() -> None:
        for line in source:
            _write(target, redacted(line.rstrip(b"\n")) + b"\n")

    return _started(run)


def _started(run: object) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
