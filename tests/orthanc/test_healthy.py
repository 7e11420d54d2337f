"""The health check of the Orthanc container, which ECS runs as a process, against an Orthanc that plays its part."""

import base64
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from scripts.documents.blocks import PROJECT

CREDENTIAL = {"ORTHANC_USER": "nginx", "ORTHANC_PASSWORD": "Zp3kQ9w0"}
AUTHORIZATION = f"Basic {base64.b64encode(b'nginx:Zp3kQ9w0').decode()}"


class Orthanc(BaseHTTPRequestHandler):
    """Answers with one status after the other, and with the last one from then on."""

    statuses: ClassVar[list[int]]
    asked: ClassVar[list[tuple[str, str | None]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Where that Orthanc listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orthanc)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def check(port: int, *statuses: int) -> "subprocess.CompletedProcess[str]":
    """Runs the check with one second of time, while Orthanc answers with these statuses."""
    Orthanc.statuses, Orthanc.asked = list(statuses), []
    program = (
        "import healthy, sys; healthy.SECONDS = 1; "
        f"healthy.URL = healthy.URL.replace('8042', '{port}'); sys.exit(healthy.main())"
    )
    return subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=PROJECT / "orthanc" / "program",
        env={**os.environ, **CREDENTIAL},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_orthanc_whose_database_answers_is_healthy(port: int) -> None:
    assert check(port, 200).returncode == 0
    assert Orthanc.asked == [("/changes?last", AUTHORIZATION)]


def test_connections_that_a_failover_has_broken_are_no_illness(port: int) -> None:
    assert check(port, *[503] * 15, 200).returncode == 0


@pytest.mark.parametrize("status", [401, 503])
def test_an_orthanc_that_does_not_answer_is_ill_and_the_reason_is_told(port: int, status: int) -> None:
    done = check(port, status)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Orthanc or its database does not answer: HTTP Error {status}")
    assert done.stderr.count("\n") == 1


def test_an_orthanc_that_is_not_there_is_ill() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert "Connection refused" in check(nobody.getsockname()[1], 200).stderr
