"""Makes the role that Orthanc logs in with, as the master user; run again, it changes nothing but the password.

All generations of that role act as one owner, so that a new generation can use the tables that a former one made.
"""

import sys
from collections.abc import Mapping
from typing import Any

import database
import psycopg2
import settings
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

OWNER = "orthanc_owner"
# Tasks that start together do this one after the other. The number only has to be this step's own.
LOCK = 7_203_001
# A task that is cut off leaves locks behind that all other tasks wait for. The database gives it up after 15 seconds,
# also while it waits for a lock itself; by default it would take hours.
SESSION = {
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "5s",
    "tcp_user_timeout": "15s",
    "client_connection_check_interval": "5s",
    "idle_in_transaction_session_timeout": "60s",
}


def main(environment: Mapping[str, str]) -> int:
    """Returns 0 when the role can log in, 1 where the database refuses; raises SettingsError for wrong settings."""
    settings.check(environment, settings.DATABASE, settings.MASTER)
    try:
        connection = database.connect(environment, "DATABASE_MASTER_USER", "DATABASE_MASTER_PASSWORD")
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            _make_owner(cursor, environment["DATABASE_NAME"])
            _make_role(cursor, environment["DATABASE_USER"], environment["DATABASE_PASSWORD"])
    except psycopg2.Error as error:
        print(f"The database role could not be made: {database.first_line(error)}", file=sys.stderr)
        return 1
    print(f"The database role {environment['DATABASE_USER']} is ready")
    return 0


def _make_owner(cursor: Any, database: str) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,))
    if cursor.fetchone() is None:
        cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
    names = {"owner": sql.Identifier(OWNER), "database": sql.Identifier(database)}
    cursor.execute(
        sql.SQL("GRANT CREATE, CONNECT, TEMPORARY ON DATABASE {database} TO {owner}").format(**names)
    )
    cursor.execute(sql.SQL("GRANT USAGE, CREATE ON SCHEMA public TO {owner}").format(**names))
    cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")


def _make_role(cursor: Any, role: str, password: str) -> None:
    """The server gets a SCRAM verifier, so that its log cannot hold the password even if a statement is logged."""
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,))
    verb = "CREATE" if cursor.fetchone() is None else "ALTER"
    verifier = encrypt_password(password, role, cursor, "scram-sha-256")
    names = {"role": sql.Identifier(role), "owner": sql.Identifier(OWNER), "verifier": sql.Literal(verifier)}
    cursor.execute(sql.SQL(verb + " ROLE {role} LOGIN PASSWORD {verifier}").format(**names))
    cursor.execute(sql.SQL("GRANT {owner} TO {role}").format(**names))
    cursor.execute(sql.SQL("ALTER ROLE {role} SET role TO {owner}").format(**names))
    for setting, value in SESSION.items():
        named = {"setting": sql.Identifier(setting), "value": sql.Literal(value)}
        cursor.execute(sql.SQL("ALTER ROLE {role} SET {setting} TO {value}").format(**names, **named))
