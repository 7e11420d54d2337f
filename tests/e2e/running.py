"""A local store for tests: started for them alone, on a free port, and gone with all it holds when they end."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from scripts.client.access import Access
from scripts.local import bases, certificates, engine, state
from scripts.local.services import Options
from scripts.local.state import Credentials
from scripts.local.store import Store


@dataclass(frozen=True)
class Running:
    """A store that answers, and what its clients and its operators know of it."""

    store: Store
    url: str
    credentials: Credentials
    authority: Path

    @property
    def root(self) -> str:
        """The DICOMweb root."""
        return f"{self.url}/dicom-web"

    @property
    def access(self) -> Access:
        """The first user's access, an administrator's."""
        return Access(self.root, self.credentials.first_user, self.credentials.first_password, self.authority)

    def session(self, user: str = "", password: str = "") -> requests.Session:
        """A session that tries nothing again; the first user's, unless another is named."""
        session = requests.Session()
        session.trust_env = False
        session.verify = str(self.authority)
        session.auth = (user or self.credentials.first_user, password or self.credentials.first_password)
        return session


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(name: str, folder: Path, options: Options | None = None) -> Iterator[Running]:
    """Starts the store `name`, with its state in `folder` and stand-in bases; removes all of it afterwards."""
    before = os.environ.get("XDG_STATE_HOME")
    os.environ["XDG_STATE_HOME"] = str(folder)
    store = Store(engine.find(), f"{name}-{os.getpid()}")
    try:
        url = store.up(replace(options or Options(), public_port=free_port()), bases.DEBIAN, print)
        yield Running(store, url, state.credentials(store.name), certificates.authority_file(store.name))
    finally:
        store.down(delete=True)
        if before is None:
            del os.environ["XDG_STATE_HOME"]
        else:
            os.environ["XDG_STATE_HOME"] = before
