"""What befalls the parts of a store, and what ECS does then; and what must be true of the store afterwards."""

import hashlib
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import pydicom

from generator.stacks.database import DATABASE_NAME
from scripts.local.services import ORTHANCS
from scripts.local.store import Store
from tests.e2e import inside, multipart
from tests.e2e.running import Running
from tests.e2e.uploaders import Uploads

_RECOVERY_SECONDS = 60


@dataclass(frozen=True)
class Task:
    """An Orthanc task: containers that ECS starts one after the other, and ends together."""

    running: Running
    name: str

    @property
    def store(self) -> Store:
        return self.running.store

    def start(self) -> None:
        """Starts the containers in the order of the task definition."""
        role = self._container("-database-role")
        self.store.engine.run("start", role)
        assert self.store.engine.run("wait", role) == "0"
        self.store.engine.run("start", self._container())
        self.store.engine.run("start", self._container("-sidecar"))

    def stop(self) -> None:
        """SIGTERM: to the sidecar first, as it depends on Orthanc."""
        self.store.engine.run("stop", "--time=60", self._container("-sidecar"))
        self.store.engine.run("stop", "--time=60", self._container())

    def kill(self) -> None:
        """SIGKILL to Orthanc; ECS then ends the rest of the task."""
        self.store.engine.run("kill", "--signal=KILL", self._container())
        self.store.engine.run("stop", "--time=60", self._container("-sidecar"))

    def is_healthy(self) -> bool:
        """The health check of the task definition."""
        return self.store.engine.succeeds("exec", self._container(), "/usr/local/bin/healthy")

    def sweep(self, age_seconds: float, **changed: str) -> int:
        """Sweeps orphaned files once, in the container's environment but for these variables; how many files went."""
        program = f"import os, sweep; print(sweep.sweep(os.environ, {age_seconds}))"
        options = (
            "--workdir=/usr/local/lib/orthanc",
            *(f"--env={name}={value}" for name, value in changed.items()),
        )
        return int(self.store.engine.run("exec", *options, self._container(), "python3", "-B", "-c", program))

    @contextmanager
    def cut_off_from(self, service: str) -> Iterator[None]:
        """Drops what a service sends to this task. No connection is closed: neither side is told anything."""
        described = self.store.engine.inspect(self._container())
        assert described
        within = ["nsenter", f"--net=/proc/{described['State']['Pid']}/ns/net", "iptables", "--wait"]
        rule = ["INPUT", "--source", inside.address(self.running, service), "--jump", "DROP"]
        subprocess.run([*within, "--insert", *rule], check=True)
        try:
            yield
        finally:
            subprocess.run([*within, "--delete", *rule], check=True)

    def _container(self, suffix: str = "") -> str:
        return self.store.container(f"{self.name}{suffix}")


def tasks(running: Running) -> list[Task]:
    """The store's Orthanc tasks."""
    return [Task(running, name) for name in ORTHANCS]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = _RECOVERY_SECONDS) -> None:
    """Waits for a condition, and fails where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds} seconds: {what}"
        time.sleep(0.2)


def query(running: Running, statement: str) -> list[list[str]]:
    """The rows that the database answers, as its superuser."""
    psql = ("psql", "--host=/tmp", "--username=postgres", f"--dbname={DATABASE_NAME}", "--quiet")
    options = ("--no-align", "--tuples-only", f"--command={statement}")
    database = running.store.container("database")
    found = running.store.engine.run("exec", database, *psql, *options)
    return [line.split("|") for line in found.splitlines()]


def assert_nothing_lost(store: Running, uploads: Uploads) -> str:
    """All that was acknowledged is there, byte by byte and once; returns the numbers."""
    there: dict[str, str] = {}
    for study in uploads.studies:
        fetched = fetch(store, study)
        assert sorted(search(store, study)) == sorted(fetched)
        there |= fetched
    lost = [uid for uid, digest in uploads.acknowledged.items() if there.get(uid) != digest]
    numbers = f"acknowledged {len(uploads.acknowledged)}, lost {len(lost)}, retried {len(uploads.retried)}"
    reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(uploads.retried).most_common())
    assert not lost, numbers
    assert not uploads.refused, uploads.refused[:3]
    assert not uploads.given_up, f"{numbers} ({reasons})"
    assert query(store, "SELECT publicid FROM resources GROUP BY 1 HAVING count(*) > 1") == []
    return f"{numbers} ({reasons})" if reasons else numbers


def fetch(store: Running, study: str) -> dict[str, str]:
    """The SHA-256 of each file of a study by its SOPInstanceUID, through WADO-RS; empty where there is none."""
    with store.access.session() as session:
        response = session.get(
            f"{store.root}/studies/{study}", headers={"Accept": multipart.DICOM}, timeout=60
        )
    if response.status_code == 404:
        return {}
    files = multipart.parts(response)
    digests = {_instance(file): hashlib.sha256(file).hexdigest() for file in files}
    assert len(digests) == len(files), "WADO returns an instance twice"
    return digests


def search(store: Running, study: str) -> list[str]:
    """The SOPInstanceUID of each instance of a study, through QIDO-RS."""
    with store.access.session() as session:
        response = session.get(f"{store.root}/studies/{study}/instances", timeout=60)
    assert response.status_code == 200, response.text
    return [item["00080018"]["Value"][0] for item in response.json()]


def _instance(file: bytes) -> str:
    return str(pydicom.dcmread(BytesIO(file), specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
