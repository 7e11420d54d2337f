"""Removes DICOM files from the database that no instance refers to: what an Orthanc leaves that is killed as it stores.

Orthanc commits a file before the index entry that refers to it. A file without an entry is therefore either just being
stored or an orphan; one that is still without an entry an hour later is removed. PostgreSQL's large object goes with
its row, by a rule of the plugin's schema.
"""

import os
import random
import sys
import time
from collections.abc import Mapping

import psycopg2
import settings

SECONDS_BETWEEN = 3600
# One of the tasks sweeps at a time. The number only has to be this step's own.
LOCK = 7_203_002
BATCH = 1000

_CANDIDATES = (
    "CREATE TABLE IF NOT EXISTS orthanc_aws_orphans (uuid text PRIMARY KEY, seen timestamptz NOT NULL)"
)
_ORPHANED = "NOT EXISTS (SELECT FROM attachedfiles WHERE attachedfiles.uuid = storagearea.uuid)"
_FORGET = """DELETE FROM orthanc_aws_orphans AS seen
    WHERE NOT EXISTS (SELECT FROM storagearea WHERE storagearea.uuid = seen.uuid)
    OR EXISTS (SELECT FROM attachedfiles WHERE attachedfiles.uuid = seen.uuid)"""
_REMOVE = f"""DELETE FROM storagearea WHERE uuid IN (
    SELECT uuid FROM orthanc_aws_orphans WHERE seen < now() - make_interval(secs => %s) LIMIT {BATCH}
    ) AND {_ORPHANED} RETURNING uuid"""
_REMEMBER = f"""INSERT INTO orthanc_aws_orphans SELECT uuid, now() FROM storagearea WHERE {_ORPHANED}
    ON CONFLICT DO NOTHING"""


def sweep(environment: Mapping[str, str], age_seconds: float = SECONDS_BETWEEN) -> int:
    """Removes what was an orphan `age_seconds` ago and still is; returns how many files went.

    Raises psycopg2.Error where the database cannot be reached. Does nothing before Orthanc has made its tables, or
    while another task sweeps.
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
            cursor.execute(_REMOVE, (age_seconds,))
            removed = cursor.rowcount
            cursor.execute(_REMEMBER)
            return removed
    finally:
        connection.close()


def main() -> None:
    """Sweeps every hour until the container ends; a database that does not answer is tried again the next time."""
    while True:
        time.sleep(SECONDS_BETWEEN * random.uniform(0.8, 1.2))
        try:
            removed = sweep(os.environ)
        except psycopg2.Error as error:
            print(f"The sweep of orphaned files failed: {str(error).strip()}", file=sys.stderr)
        else:
            if removed:
                print(f"The sweep removed {removed} orphaned files", file=sys.stderr)


if __name__ == "__main__":
    main()
