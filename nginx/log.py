"""What the programs say of themselves, and how NGINX's logs are passed on. The error log must show no patient data."""

import os
import re
import sys
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


def copy(source: IO[bytes], target: int) -> None:
    """Copies the access log to a file descriptor, until either end is closed."""
    # Once nothing can be written, NGINX must not wait for ever for somebody to read.
    with source:
        while chunk := os.read(source.fileno(), CHUNK):
            _write(target, chunk)


def copy_redacted(source: IO[bytes], target: int) -> None:
    """Copies the error log, line by line, without queries."""
    with source:
        for line in source:
            _write(target, redacted(line.rstrip(b"\n")) + b"\n")


def _write(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]
