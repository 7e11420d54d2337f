"""A task of another version beside those that run: it starts on their database only once they are gone.

There is no image with another version of the PostgreSQL plugin here: the shipped one is told that it has another one.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.local.certificates import DATABASE_HOST
from scripts.local.services import AUTHORITY
from tests.e2e import inside
from tests.e2e.faults import query, tasks, wait_until
from tests.e2e.running import Running, running

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-schema")]

SHIPPED = "5.0"  # what Debian's package has, with schema 1
RECORD = "/usr/local/lib/orthanc/versions.tsv"
# As the image's entry point, but for the times.
START = """
import sys, run, schema
schema.PATIENCE_SECONDS, schema.QUIET_SECONDS = {patience}, 2
sys.exit(run.main(["orthanc"]))
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running("schema", tmp_path_factory.mktemp("schema")) as store:
        yield store


@dataclass(frozen=True)
class Newcomer:
    """A further Orthanc task, without a sidecar."""

    store: Running
    name: str

    def ended(self) -> int:
        return int(self.store.store.engine.run("wait", self.name))

    def said(self) -> str:
        done = subprocess.run(
            [self.store.store.engine.program, "logs", self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        return done.stdout

    def waits(self) -> bool:
        return "waiting until no other version is connected" in self.said()

    def is_healthy(self) -> bool:
        return self.store.store.engine.succeeds("exec", self.name, "/usr/local/bin/healthy")

    def kill(self) -> None:
        self.store.store.engine.run("kill", "--signal=KILL", self.name)


@contextmanager
def newcomer(store: Running, folder: Path, plugin: str = SHIPPED, patience: float = 3) -> Iterator[Newcomer]:
    """Starts a task beside the others whose image says that its plugin has that version."""
    engine, like = store.store.engine, store.store.container("orthanc-1")
    described = engine.inspect(like)
    assert described
    folder.mkdir()
    record, environment = folder / "versions.tsv", folder / "environment"
    record.write_text(f"postgresql-index\t{plugin}\n")
    environment.write_text("\n".join(described["Config"]["Env"]))
    name = f"{store.store.prefix}-{folder.name}"
    options = [
        f"--env-file={environment}",
        f"--network={store.store.prefix}",
        f"--add-host={DATABASE_HOST}:{inside.address(store, 'database')}",
        *(f"--volume={path}" for path in ("/tmp", "/var/lib/orthanc")),
        f"--volume={store.authority}:{AUTHORITY}:ro",
        f"--volume={record}:{RECORD}:ro",
        "--workdir=/usr/local/lib/orthanc",
        f"--entrypoint={json.dumps(['python3', '-B', '-u', '-c', START.format(patience=patience)])}",
    ]
    engine.start(name, options, described["ImageName"], ())
    try:
        yield Newcomer(store, name)
    finally:
        engine.remove(name)


@contextmanager
def schema_of_database(store: Running, schema: int) -> Iterator[None]:
    change = "SET ROLE orthanc_owner; UPDATE globalproperties SET value = '{}' WHERE property = 4"
    query(store, change.format(schema))
    try:
        yield
    finally:
        query(store, change.format(1))


@contextmanager
def former_tasks_stopped(store: Running) -> Iterator[None]:
    for task in tasks(store):
        task.stop()
    try:
        yield
    finally:
        for task in tasks(store):
            task.start()
        for task in tasks(store):
            wait_until(task.is_healthy, f"{task.name} is healthy")


def converting(store: Running) -> list[list[str]]:
    return query(
        store, "SELECT classid, objid FROM pg_locks WHERE locktype = 'advisory' AND classid = 7203003"
    )


def test_the_table_has_the_schema_that_the_shipped_plugin_makes(store: Running) -> None:
    task = store.store.container("orthanc-1")
    program = "import schema, versions; print(schema.SCHEMAS[versions.index_plugin()])"
    command = ("--workdir=/usr/local/lib/orthanc", task, "python3", "-B", "-c", program)
    made = query(store, "SELECT value FROM globalproperties WHERE property = 4")
    assert [[store.store.engine.run("exec", *command)]] == made


@pytest.mark.parametrize("plugin", ["10.3", "11.0"])
def test_another_version_does_not_start_beside_the_running_one(
    store: Running, tmp_path: Path, plugin: str
) -> None:
    with newcomer(store, tmp_path / f"beside-{plugin}", plugin) as task:
        assert task.ended() == 1
        said = task.said()
    assert f"orthanc cannot start:\nThe database has schema 1, and the PostgreSQL plugin {plugin}" in said
    assert f"while orthanc-postgresql-{SHIPPED} works on it. `orthanc-aws upgrade` stops all tasks" in said
    assert store.credentials.database_password not in said
    assert store.session().get(f"{store.root}/studies", timeout=30).status_code == 200


def test_the_same_version_starts_beside_the_running_one(store: Running, tmp_path: Path) -> None:
    with newcomer(store, tmp_path / "same") as task:
        wait_until(task.is_healthy, "the task is healthy")
        assert not task.waits()


def test_a_database_of_a_newer_schema_is_refused(store: Running, tmp_path: Path) -> None:
    with schema_of_database(store, 10), newcomer(store, tmp_path / "older", patience=600) as task:
        assert task.ended() == 1
        assert (
            "The database has schema 10, and the PostgreSQL plugin 5.0 of this image the older" in task.said()
        )


def test_another_version_starts_once_the_former_one_is_gone_and_one_task_converts_at_a_time(
    store: Running, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(newcomer(store, tmp_path / "first", "10.3", patience=600))
        wait_until(first.waits, "the first task waits")
        stack.enter_context(former_tasks_stopped(store))
        wait_until(first.is_healthy, "the first task is healthy")
        assert converting(store) == [["7203003", "10"]]
        second = stack.enter_context(newcomer(store, tmp_path / "second", "10.3", patience=600))
        wait_until(second.waits, "the second task waits")
        assert not second.is_healthy()
        first.kill()
        wait_until(second.is_healthy, "the second task has taken over")
        assert converting(store) == [["7203003", "10"]]
        second.kill()
        wait_until(lambda: converting(store) == [], "the lock has ended with Orthanc")
