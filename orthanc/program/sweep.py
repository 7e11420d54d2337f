"""Removes DICOM files from the database that no instance refers to: what an Orthanc leaves that is killed as it stores.

Orthanc commits a file before the index entry that refers to it. A file without an entry is therefore either just being
stored or an orphan; one that is still without an entry an hour later is removed.

This builds on what the PostgreSQL plugin's tables have in common from 5.0, which it is tested with, to 10, read in its
sources: `storagearea` has a row for each file, whose `uuid` the file's row in `attachedfiles` repeats, and a rule
`StorageAreaDelete` unlinks the large object of a row that is deleted.
"""

import os
import random
import sys
import time
from collections.abc import Mapping
from typing import Any

import psycopg2
import settings

SECONDS_BETWEEN = 3600
# One of the tasks sweeps at a time. The number only has to be this step's own.
LOCK = 7_203_002
BATCH = 1000
# Kills leave a few orphans. If this share of all files seems to be orphaned, it is the tables that are not understood.
MOST_PERCENT = 5
FEW = 20

_CANDIDATES = (
    "CREATE TABLE IF NOT EXISTS orthanc_aws_orphans (uuid text PRIMARY KEY, seen timestamptz NOT NULL)"
)
_ORPHANED = "NOT EXISTS (SELECT FROM attachedfiles WHERE attachedfiles.uuid = storagearea.uuid)"
_FORGET = """DELETE FROM orthanc_aws_orphans AS seen
    WHERE NOT EXISTS (SELECT FROM storagearea WHERE storagearea.uuid = seen.uuid)
    OR EXISTS (SELECT FROM attachedfiles WHERE attachedfiles.uuid = seen.uuid)"""
_DUE = f"""SELECT uuid FROM storagearea JOIN orthanc_aws_orphans AS orphans USING (uuid)
    WHERE orphans.seen < now() - make_interval(secs => %s) AND {_ORPHANED} LIMIT {BATCH}"""
# PostgreSQL evaluates the condition once for the rule and once for the rows: it must find the same ones both times.
_REMOVE = "DELETE FROM storagearea WHERE uuid = ANY(%s)"
_REMEMBER = f"""INSERT INTO orthanc_aws_orphans SELECT uuid, now() FROM storagearea WHERE {_ORPHANED}
    ON CONFLICT DO NOTHING"""


class SweepError(Exception):
    """More files seem to be orphaned than can be."""


def sweep(environment: Mapping[str, str], age_seconds: float = SECONDS_BETWEEN) -> int:
    """Removes what was an orphan `age_seconds` ago and still is; returns how many files went.

    Raises psycopg2.Error where the database cannot be reached, and SweepError, having removed nothing, where an
    implausible share of the files would go. Does nothing before Orthanc has made its tables, or while another task
    sweeps.
    """
    connection = psycopg2.connect(**settings.connection(environment, "DATABASE_USER", "DATABASE_PASSWORD"))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s), to_regclass('storagearea')", (LOCK,))
            is_alone, storage = cursor.fetchone()
            if not is_alone or storage is None:
                return 0
            cursor.execute(_CANDIDATES)
            cursor.execute(_FORGET)
            cursor.execute(_DUE, (age_seconds,))
            due = [uuid for (uuid,) in cursor.fetchall()]
            _check_plausible(cursor, len(due))
            cursor.execute(_REMOVE, (due,))
            cursor.execute(_REMEMBER)
            return len(due)
    finally:
        connection.close()


def _check_plausible(cursor: Any, due: int) -> None:
    cursor.execute("SELECT count(*) FROM storagearea")
    (files,) = cursor.fetchone()
    if due > max(FEW, files * MOST_PERCENT // 100):
        raise SweepError(
            f"{due} of {files} files have no index entry: nothing is removed, look into the database"
        )


def main() -> None:
    """Sweeps every hour until the container ends; a database that does not answer is tried again the next time."""
    while True:
        time.sleep(SECONDS_BETWEEN * random.uniform(0.8, 1.2))
        try:
            removed = sweep(os.environ)
        except (psycopg2.Error, SweepError) as error:
            print(f"The sweep of orphaned files failed: {str(error).strip()}", file=sys.stderr)
        else:
            if removed:
                print(f"The sweep removed {removed} orphaned files", file=sys.stderr)


if __name__ == "__main__":
    main()
