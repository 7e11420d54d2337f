"""The programs of this image: `orthanc`, and `database-role`, which makes the role that Orthanc logs in with."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import database
import database_role
import psycopg2
import schema
import settings
import versions

CONFIGURATION = "/etc/orthanc/orthanc.json"
STORAGE_PLUGINS = {"database": "libOrthancPostgreSQLStorage.so", "s3": "libOrthancAwsS3Storage.so"}
# Reading from PostgreSQL goes through one connection, so that threads would only wait for each other.
LOADER_THREADS = {"database": ("4", "0"), "s3": ("20", "8")}


def orthanc(environment: Mapping[str, str]) -> int:
    """Becomes Orthanc, so that it gets the signals; a sweep of orphaned files runs beside it."""
    storage = environment.get("IMAGE_STORAGE", "")
    settings.check(
        environment, settings.DATABASE, settings.ORTHANC, settings.BUCKET if storage == "s3" else {}
    )
    plugin = versions.index_plugin()
    prepared = {**environment, **_configuration(environment, storage, plugin)}
    with closing(database.connect(environment, "DATABASE_USER", "DATABASE_PASSWORD")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            if schema.converts(cursor, plugin):
                # Left open in what this process becomes: the lock ends with that Orthanc.
                os.set_inheritable(connection.fileno(), True)
        if storage == "database":
            subprocess.Popen([sys.executable, "-B", str(Path(__file__).with_name("sweep.py"))])
        sys.stdout.flush()
        os.execvpe("Orthanc", ["Orthanc", "--logfile=/dev/stderr", CONFIGURATION], prepared)


def _configuration(environment: Mapping[str, str], storage: str, plugin: str) -> dict[str, str]:
    """What Orthanc fills into its configuration, and libpq's own variable for the password."""
    plugins = ("libOrthancPostgreSQLIndex.so", STORAGE_PLUGINS[storage], "libOrthancDicomWeb.so")
    loaders, wado_loaders = LOADER_THREADS[storage]
    return {
        "ORTHANC_PLUGINS": ", ".join(f'"{versions.PLUGINS}/{name}"' for name in plugins),
        "FILES_IN_DATABASE": "true" if storage == "database" else "false",
        "LOADER_THREADS": loaders,
        "WADO_LOADER_THREADS": wado_loaders,
        "DATABASE_AUTHORITIES": settings.authorities_of(environment),
        "APPLICATION_NAME": schema.application_name(plugin),
        "PGPASSWORD": environment["DATABASE_PASSWORD"],
    }


PROGRAMS: dict[str, Callable[[Mapping[str, str]], int]] = {
    "orthanc": orthanc,
    "database-role": database_role.main,
}


def main(arguments: list[str]) -> int:
    """Runs the program that the one argument names; 2 for another, 1 where the environment or the database is wrong."""
    if len(arguments) != 1 or arguments[0] not in PROGRAMS:
        print(f"The command of this image is one of: {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    try:
        return PROGRAMS[arguments[0]](os.environ)
    except (settings.SettingsError, schema.SchemaError, psycopg2.Error) as error:
        print(f"{arguments[0]} cannot start:\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
