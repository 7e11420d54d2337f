"""A front of its own whose image store only tells what it was sent, so that tests see what reaches Orthanc."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
import trustme

from tests.e2e import inside
from tests.e2e.raw import Target, front
from tests.e2e.running import Running

NAME = "internal.echo.test"
LARGEST_UPLOAD = 2 * 1024 * 1024
# NGINX's own patience, shortened so that a test can wait it out.
PATIENCE_SECONDS = 2
_BASE = "/usr/local/lib/image-store/nginx/base.conf"
_PROGRAM = """
import http.server, json, ssl

class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = b""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = json.dumps({"request": self.requestline, "headers": self.headers.items(), "bytes": len(body)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_DELETE = do_PUT = answer

    def log_message(self, form, *values):
        print("asked:", self.requestline, flush=True)

server = http.server.ThreadingHTTPServer(("", 8443), Echo)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/run/echo/server.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


@dataclass(frozen=True)
class Echo:
    """The front, in the network of a store and with its users."""

    store: Running
    session: requests.Session

    @property
    def target(self) -> Target:
        """The front's own address."""
        return front(self.store, "echo-front")

    @property
    def url(self) -> str:
        return f"https://{self.target.host}:{self.target.port}"

    def asked(self) -> list[str]:
        """The request lines that have reached the image store."""
        return re.findall("^asked: (.*)$", inside.logs(self.store, "echo"), re.M)


@contextmanager
def echoing(store: Running, folder: Path) -> Iterator[Echo]:
    """Starts the front and its image store beside a store, which removes them at last."""
    engine, name = store.store.engine, store.store
    described = engine.inspect(name.container("nginx"))
    assert described
    _write(folder, str(engine.run("exec", name.container("nginx"), "cat", _BASE)))
    common = [f"--network={name.prefix}", f"--label=orthanc-aws={name.name}", "--volume=/tmp"]
    image = str(described["Image"])
    engine.start(
        name.container("echo"),
        [*common, f"--network-alias={NAME}", f"--volume={folder}:/run/echo:ro", "--entrypoint=python3"],
        image,
        ["-u", "/run/echo/echo.py"],
    )
    environment = dict(pair.split("=", 1) for pair in described["Config"]["Env"])
    environment |= {
        "INTERNAL_NAME": NAME,
        "INTERNAL_PORT": "8443",
        "INTERNAL_CA": "/run/echo/authority.pem",
        "LARGEST_UPLOAD": f"{LARGEST_UPLOAD // 1024}k",
    }
    file = folder / "environment"
    file.touch(mode=0o600)
    file.write_text("".join(f"{key}={value}\n" for key, value in environment.items()), "utf-8")
    mounts = [mount for mount in described["Mounts"] if mount["Type"] == "bind"]
    engine.start(
        name.container("echo-front"),
        [
            *common,
            f"--env-file={file}",
            f"--volume={folder}:/run/echo:ro",
            f"--volume={folder / 'base.conf'}:{_BASE}:ro",
            *(f"--volume={mount['Source']}:{mount['Destination']}:ro" for mount in mounts),
        ],
        image,
        ["front"],
    )
    file.unlink()
    session = store.session()
    session.verify = False
    echo = Echo(store, session)
    _wait_until_up(echo)
    yield echo


def _write(folder: Path, base: str) -> None:
    """The files of both containers, which run as other users than this one."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME)
    patient, count = re.subn("(client_(?:header|body)_timeout) [0-9]+s;", rf"\1 {PATIENCE_SECONDS}s;", base)
    assert count == 2
    (folder / "base.conf").write_text(patient, "utf-8")
    (folder / "echo.py").write_text(_PROGRAM, "utf-8")
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    folder.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)


def _wait_until_up(echo: Echo) -> None:
    for _ in range(100):
        try:
            if echo.session.get(f"{echo.url}/dicom-web/studies", timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(inside.logs(echo.store, "echo-front"))


def headers(answer: requests.Response) -> dict[str, str]:
    """The headers that the image store was sent, by lower-case name; none may come twice."""
    assert answer.status_code == 200, answer.text
    pairs = [(name.lower(), value) for name, value in json.loads(answer.text)["headers"]]
    assert len(pairs) == len(dict(pairs))
    return dict(pairs)
