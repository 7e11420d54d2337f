"""Whether Orthanc may start on its database as it is, so that no version works on a schema that it does not know.

The PostgreSQL plugin converts a database of an older schema as it starts, whoever else is connected, and does not
notice one of a newer schema. Sources: `ConfigureDatabase` of its `PostgreSQLIndex.cpp`; its NEWS, which tell the schema
of each version.
"""

import json
import time
from pathlib import Path
from typing import Any

import settings

SCHEMAS: dict[str, int] = json.loads(Path(__file__).with_name("schemas.json").read_text("utf-8"))
# One task converts to a schema, and has this lock with that schema. The number only has to be this step's own.
LOCK = 7_203_003
# Connections of tasks that were killed linger for some seconds.
PATIENCE_SECONDS = 60.0
# After a failover, every Orthanc connects anew within its `HousekeepingInterval`, which is shorter.
QUIET_SECONDS = 15.0
SECONDS_BETWEEN = 1.0

_IS_MADE = "SELECT to_regclass('globalproperties') IS NOT NULL"
# Orthanc's GlobalProperty_DatabasePatchLevel. The plugin, too, takes a database without it for one of before schema 1.
_SCHEMA = "SELECT coalesce((SELECT value FROM globalproperties WHERE property = 4), '0')"
_OTHERS = """SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()
    AND starts_with(application_name, 'orthanc') AND application_name NOT IN (%s, %s)"""


class SchemaError(Exception):
    """Orthanc must not start on this database, or not yet: why, and what helps."""


def application_name(plugin: str) -> str:
    """What Orthanc with that version of the PostgreSQL plugin is called among the database's connections."""
    return f"orthanc-postgresql-{plugin}"


def converts(cursor: Any, plugin: str) -> bool:
    """Waits until Orthanc with that version of the plugin may start; whether it will convert the database.

    One that converts has taken a lock, which the cursor's connection must keep until the conversion has ended. The
    connection must commit each statement. Raises SchemaError where Orthanc must not start.
    """
    difference = _difference(cursor, plugin)
    if not difference:
        return False
    print(f"{difference}: waiting until no other version is connected")
    is_known = plugin in SCHEMAS
    if is_known and not _has_turn(cursor, plugin):
        return False
    _wait_for_others(cursor, plugin, difference)
    return is_known


def _difference(cursor: Any, plugin: str) -> str:
    """How the schemas differ where the database's might be an older one; raises SchemaError where it is newer."""
    own, found = SCHEMAS.get(plugin), _found(cursor)
    if found in (None, own):
        return ""
    schemas = f"The database has schema {found}, and the PostgreSQL plugin {plugin} of this image"
    if own is None:
        return f"{schemas} one that is not known here"
    if found > own:
        raise SchemaError(
            f"{schemas} the older schema {own}. Use an image with a plugin of the newer schema, or restore the snapshot"
            " from before the upgrade."
        )
    return f"{schemas} schema {own}"


def _found(cursor: Any) -> int | None:
    """The schema of the database, or None before Orthanc has made its tables."""
    cursor.execute(_IS_MADE)
    if not cursor.fetchone()[0]:
        return None
    cursor.execute(_SCHEMA)
    return int(cursor.fetchone()[0])


def _has_turn(cursor: Any, plugin: str) -> bool:
    """Waits until no other task converts: true with the lock, false once there is nothing left to convert.

    Not bounded, since a conversion can take an hour. The plugin itself would give up after five seconds, and ECS would
    give the deployment up after a few tasks that ended so.
    """
    while _difference(cursor, plugin):
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (LOCK, SCHEMAS[plugin]))
        if cursor.fetchone()[0]:
            return True
        time.sleep(SECONDS_BETWEEN)
    return False


def _wait_for_others(cursor: Any, plugin: str, difference: str) -> None:
    begun = quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        cursor.execute(_OTHERS, (application_name(plugin), settings.APPLICATION_NAME))
        others = sorted(name for (name,) in cursor.fetchall())
        if others:
            quiet_since = time.monotonic()
            if quiet_since - begun >= PATIENCE_SECONDS:
                raise SchemaError(
                    f"{difference}. It is not started, as it might convert the database while {', '.join(others)} works"
                    " on it. `orthanc-aws upgrade` stops all tasks, takes a snapshot and starts this image."
                )
        time.sleep(SECONDS_BETWEEN)
