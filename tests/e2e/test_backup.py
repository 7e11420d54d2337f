"""A store on a restored database, from a dump or as it was at a moment, has the same images."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from generator.stacks.database import DATABASE_NAME
from scripts.local import bases
from scripts.local.services import Options
from tests.e2e import multipart
from tests.e2e.faults import fetch, query, search, tasks, wait_until
from tests.e2e.running import Running, running
from tests.e2e.stored import Series, make_series

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-backup")]
DATA = "/var/lib/postgresql/data"
SUPERUSER = ("--host=/tmp", "--username=postgres")
# With no more rights than Orthanc's own role has: RDS makes nobody a superuser.
AS_ORTHANC = "--role=orthanc_owner"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running("backup", tmp_path_factory.mktemp("backup")) as store:
        yield store


def in_database(store: Running, *command: str) -> str:
    """What a command prints in the container of the database."""
    return store.store.engine.run("exec", store.store.container("database"), *command)


def start(store: Running, generation: int) -> None:
    """Starts the same store on another generation of its database."""
    options = Options(public_port=urlsplit(store.url).port or 0, database_generation=generation)
    store.store.up(options, bases.DEBIAN, print)


def stored(store: Running) -> Series:
    """Images of a study of their own that the store has acknowledged."""
    series = make_series(5)
    with store.access.session() as session:
        assert multipart.upload(session, store.root, series.files.values()).status_code == 200
    return series


def answers(store: Running, series: Series) -> tuple[list[str], dict[str, str], list[object]]:
    """What a store answers about a study: the instances it finds, the files' digests, and the study's attributes."""
    with store.access.session() as session:
        study = session.get(f"{store.root}/studies", params={"StudyInstanceUID": series.study}, timeout=60)
    return sorted(search(store, series.study)), fetch(store, series.study), study.json()


def answers_nothing(store: Running, series: Series) -> bool:
    """Whether a store knows nothing of a study."""
    with store.access.session() as session:
        found = session.get(f"{store.root}/studies", params={"StudyInstanceUID": series.study}, timeout=60)
    return found.json() == [] and fetch(store, series.study) == {}


def test_a_store_on_a_database_restored_from_a_dump_answers_the_same(store: Running, tmp_path: Path) -> None:
    series = stored(store)
    before = answers(store, series)
    dump, engine = "/tmp/images.dump", store.store.engine
    options = ("--format=custom", "--large-objects", "--exclude-extension=pg_trgm", f"--file={dump}")
    in_database(store, "pg_dump", *SUPERUSER, AS_ORTHANC, *options, DATABASE_NAME)
    engine.run("cp", f"{store.store.container('database')}:{dump}", str(tmp_path / "images.dump"))

    start(store, 2)
    assert answers_nothing(store, series)
    for task in tasks(store):
        task.stop()
    engine.run("cp", str(tmp_path / "images.dump"), f"{store.store.container('database')}:{dump}")
    options = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", f"--dbname={DATABASE_NAME}")
    in_database(store, "pg_restore", *SUPERUSER, AS_ORTHANC, *options, dump)
    for task in tasks(store):
        task.start()
        wait_until(task.is_healthy, f"{task.name} is healthy")
    assert answers(store, series) == before
    stored(store)


def test_a_store_on_a_database_as_it_was_at_a_moment_has_the_images_of_before_and_no_others(
    store: Running,
) -> None:
    archive_write_ahead_log(store)
    base = ("--pgdata=/tmp/base", "--checkpoint=fast", "--wal-method=none")
    in_database(store, "pg_basebackup", *SUPERUSER, *base)
    earlier = stored(store)
    before = answers(store, earlier)
    ((moment,),) = query(store, "SELECT clock_timestamp()")
    later = stored(store)
    ((last,),) = query(store, "SELECT pg_walfile_name(pg_switch_wal())")
    archived = "SELECT last_archived_wal FROM pg_stat_archiver"
    wait_until(lambda: query(store, archived) >= [[last]], "the log is archived")

    make_generation(store, 3, moment)
    start(store, 3)
    assert answers(store, earlier) == before
    assert answers_nothing(store, later)
    stored(store)


def archive_write_ahead_log(store: Running) -> None:
    """Keeps each finished file of the write-ahead log, as Aurora does by itself; the database restarts for it."""
    in_database(store, "mkdir", "/tmp/archive")
    in_database(store, "sh", "-c", f"echo local replication postgres peer >>{DATA}/pg_hba.conf")
    query(store, "ALTER SYSTEM SET archive_mode = on")
    query(store, "ALTER SYSTEM SET archive_command = 'cp %p /tmp/archive/%f'")
    store.store.engine.run("restart", store.store.container("database"))
    for task in tasks(store):
        wait_until(task.is_healthy, f"{task.name} is healthy")


def make_generation(store: Running, generation: int, moment: str) -> None:
    """Makes the volume of a generation of base backup and archive; its database replays the log to the moment."""
    database = store.store.engine.inspect(store.store.container("database"))
    assert database
    (scratch,) = [mount["Name"] for mount in database["Mounts"] if mount["Destination"] == "/tmp"]
    settings = f"""
archive_mode = off
hot_standby = off
restore_command = 'cp {DATA}/archive/%f %p'
recovery_target_time = '{moment}'
recovery_target_action = promote
"""
    script = f"""set -eu
cp -a /backup/base/. {DATA}
cp -a /backup/archive {DATA}
touch {DATA}/recovery.signal
cat >>{DATA}/postgresql.auto.conf <<'END'{settings}END
"""
    volumes = (
        f"--volume={scratch}:/backup:ro",
        f"--volume={store.store.prefix}-database-{generation}:{DATA}",
    )
    limits = ("--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")
    shell = ("--entrypoint=sh", database["ImageName"], "-c", script)
    store.store.engine.run("run", "--rm", *limits, *volumes, *shell)
