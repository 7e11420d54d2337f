"""Connections to the database from the steps that an Orthanc task begins with."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import psycopg2
import settings

ATTEMPTS = 60
SECONDS_BETWEEN = 2


def connect(environment: Mapping[str, str], user: str, password: str) -> Any:
    """A connection as the user of that variable; a database that is starting is waited for, a refusal is not.

    Raises psycopg2.Error where there is none in the end.
    """
    parameters = settings.connection(environment, user, password)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return psycopg2.connect(**parameters)
        except psycopg2.OperationalError as error:
            if attempt == ATTEMPTS or _is_final(error):
                raise
            print(f"Waiting for the database: {first_line(error)}", file=sys.stderr)
            time.sleep(SECONDS_BETWEEN)
    raise AssertionError("the last attempt returns or raises")


def first_line(error: psycopg2.Error) -> str:
    """What an error says, without the advice that libpq and the database add."""
    return str(error).strip().partition("\n")[0]


def _is_final(error: psycopg2.Error) -> bool:
    """Whether waiting cannot help: a wrong password, certificate or name."""
    return any(
        words in str(error)
        for words in ("authentication failed", "certificate", "no pg_hba.conf", "SSL error")
    )
