"""Whatever part of the store fails while four modalities send: what was acknowledged is there, and uploads go on."""

import time
from collections.abc import Callable, Iterator

import pytest

from scripts.errors import OperationError
from tests.e2e.faults import assert_nothing_lost, query, tasks, wait_until
from tests.e2e.running import Running, running
from tests.e2e.uploaders import TIMEOUT, uploading

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-faults")]
# Images before a fault, so that it meets a store at work, and after it, so that this is seen to go on.
BEFORE, AFTER = 20, 30
# Longer than clients wait for an answer.
CUT_SECONDS = TIMEOUT + 2


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running("faults", tmp_path_factory.mktemp("faults")) as store:
        yield store


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Callable[[str, str], None]:
    """Keeps a line for the summary of the test run."""

    def keep(fault: str, numbers: str) -> None:
        print(f"{fault}: {numbers}")
        record_property("measured", f"{fault}: {numbers}")

    return keep


def test_an_orthanc_that_is_killed(store: Running, report: Callable[[str, str], None]) -> None:
    with uploading(store) as uploads:
        for task in (tasks(store) * 2)[:3]:
            uploads.wait_for(BEFORE)
            task.kill()
            uploads.wait_for(AFTER)
            task.start()
            wait_until(task.is_healthy, f"{task.name} is healthy")
        uploads.wait_for(AFTER)
    report("Orthanc killed three times", assert_nothing_lost(store, uploads))


def test_the_path_from_the_balancer_to_an_orthanc_is_cut(
    store: Running, report: Callable[[str, str], None]
) -> None:
    with uploading(store) as uploads:
        for task in tasks(store):
            uploads.wait_for(BEFORE)
            with task.cut_off_from("balancer"):
                time.sleep(CUT_SECONDS)
                uploads.wait_for(AFTER)
            uploads.wait_for(BEFORE)
    report("Path to an Orthanc cut twice", assert_nothing_lost(store, uploads))


def test_the_database_restarts(store: Running, report: Callable[[str, str], None]) -> None:
    with uploading(store) as uploads:
        for _ in range(2):
            uploads.wait_for(BEFORE)
            store.store.engine.run("restart", store.store.container("database"))
            uploads.wait_for(AFTER)
    report("Database restarted twice", assert_nothing_lost(store, uploads))


def test_the_database_is_killed(store: Running, report: Callable[[str, str], None]) -> None:
    database = store.store.container("database")
    with uploading(store) as uploads:
        for _ in range(2):
            uploads.wait_for(BEFORE)
            store.store.engine.run("kill", "--signal=KILL", database)
            store.store.engine.run("start", database)
            uploads.wait_for(AFTER)
    report("Database killed twice", assert_nothing_lost(store, uploads))


def test_nginx_restarts(store: Running, report: Callable[[str, str], None]) -> None:
    with uploading(store) as uploads:
        for _ in range(3):
            uploads.wait_for(BEFORE)
            store.store.engine.run("restart", "--time=60", store.store.container("nginx"))
            uploads.wait_for(AFTER)
    report("NGINX restarted three times", assert_nothing_lost(store, uploads))


def test_the_service_is_rolled(store: Running, report: Callable[[str, str], None]) -> None:
    with uploading(store) as uploads:
        for task in tasks(store) * 2:
            uploads.wait_for(BEFORE)
            task.stop()
            task.start()
            wait_until(task.is_healthy, f"{task.name} is healthy")
        uploads.wait_for(AFTER)
    report("Service rolled twice", assert_nothing_lost(store, uploads))


def test_the_path_from_an_orthanc_to_the_database_is_cut(
    store: Running, report: Callable[[str, str], None]
) -> None:
    task, other = tasks(store)
    with uploading(store) as uploads:
        uploads.wait_for(BEFORE)
        with task.cut_off_from("database"):
            time.sleep(CUT_SECONDS)
            uploads.wait_for(AFTER)
            assert not task.is_healthy()
            assert other.is_healthy()
        wait_until(task.is_healthy, "the task is healthy")
        uploads.wait_for(AFTER)
    report("Path to the database cut", assert_nothing_lost(store, uploads))


def test_the_health_check_fails_while_the_database_is_away_and_not_afterwards(store: Running) -> None:
    database = store.store.container("database")
    task = tasks(store)[0]
    assert task.is_healthy()
    store.store.engine.run("stop", database)
    assert not task.is_healthy()
    store.store.engine.run("start", database)
    wait_until(
        lambda: store.store.engine.succeeds("exec", database, "pg_isready", "--host=/tmp"),
        "the database answers",
    )
    # Each connection of the pool that was open before fails once, and one check is to bear that.
    assert task.is_healthy()


def test_the_sweep_removes_orphaned_files_and_nothing_else(store: Running) -> None:
    orphans = "SELECT uuid FROM storagearea WHERE uuid NOT IN (SELECT uuid FROM attachedfiles)"
    unreferred = (
        "SELECT count(*) FROM pg_largeobject_metadata WHERE oid NOT IN (SELECT content FROM storagearea)"
    )
    task = tasks(store)[0]
    with uploading(store) as uploads:
        uploads.wait_for(BEFORE)
        task.kill()
        task.start()
        wait_until(task.is_healthy, f"{task.name} is healthy")
    made = "INSERT INTO storagearea VALUES ('made-by-hand', lo_from_bytea(0, 'orphan'), 1)"
    query(store, f"SET ROLE orthanc_owner; {made}")
    before = query(store, orphans)
    assert task.sweep(3600) == 0
    assert query(store, orphans) == before
    assert task.sweep(0) == len(before)
    assert query(store, orphans) == []
    assert query(store, unreferred) == [["0"]]
    assert task.sweep(0) == 0
    assert_nothing_lost(store, uploads)


def test_the_sweep_removes_nothing_where_too_much_seems_orphaned(store: Running) -> None:
    task = tasks(store)[0]
    made = "INSERT INTO storagearea SELECT 'by-hand-' || n, lo_from_bytea(0, 'x'), 1 FROM generate_series(1, 2000) n"
    query(store, f"SET ROLE orthanc_owner; {made}")
    assert task.sweep(3600) == 0
    with pytest.raises(OperationError, match="nothing is removed"):
        task.sweep(0)
    by_hand = "FROM storagearea WHERE uuid LIKE 'by-hand-%'"
    assert query(store, f"SELECT count(*) {by_hand}") == [["2000"]]
    query(store, f"SET ROLE orthanc_owner; DELETE {by_hand}")
