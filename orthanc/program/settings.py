"""What a task hands to its containers in the environment, checked before anything starts."""

import os
import re
from collections.abc import Mapping

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
NUMBER = re.compile(r"[1-9][0-9]{0,4}")
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
# What needs no escaping in JSON, which Orthanc fills these into as they are.
SECRET = re.compile(r"[^\s\"\\\x00-\x1f]{8,256}")
ANYTHING = re.compile(r".+", re.DOTALL)

DATABASE = {
    "DATABASE_HOST": (HOST, "a host name"),
    "DATABASE_PORT": (NUMBER, "a port number"),
    "DATABASE_NAME": (NAME, "the name of a database"),
    "DATABASE_USER": (NAME, "the name of a database role"),
    "DATABASE_PASSWORD": (ANYTHING, "a password"),
}
MASTER = {
    "DATABASE_MASTER_USER": (NAME, "the name of a database role"),
    "DATABASE_MASTER_PASSWORD": (ANYTHING, "a password"),
}
ORTHANC = {
    "ORTHANC_USER": (
        re.compile(r"[A-Za-z0-9_.-]{1,64}"),
        "1 to 64 letters, digits, dots, hyphens or underscores",
    ),
    "ORTHANC_PASSWORD": (SECRET, "8 to 256 characters without spaces, quotes and backslashes"),
    "INDEX_CONNECTIONS": (re.compile(r"[1-9][0-9]?"), "a number from 1 to 99"),
    "IMAGE_STORAGE": (re.compile(r"database|s3"), "database or s3"),
}
BUCKET = {
    "IMAGE_BUCKET": (re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "the name of an S3 bucket"),
    "AWS_REGION": (re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"), "the name of an AWS region"),
}
AUTHORITIES = "/etc/orthanc/rds-authorities.pem"
# Among the connections to the database, those of this image's own steps: Orthanc's have another name.
APPLICATION_NAME = "orthanc-aws"


class SettingsError(Exception):
    """A sentence for each variable of the environment that is missing or wrong; never a value, as it may be secret."""


def check(environment: Mapping[str, str], *groups: Mapping[str, tuple[re.Pattern[str], str]]) -> None:
    """Raises SettingsError where a variable of the groups is missing or is not what it must be."""
    mistakes = [
        f"{name} {'must be' if environment.get(name) else 'is not set: it must be'} {meaning}"
        for group in groups
        for name, (pattern, meaning) in group.items()
        if not pattern.fullmatch(environment.get(name, ""))
    ]
    authorities = authorities_of(environment)
    if not os.access(authorities, os.R_OK):
        mistakes.append(f"DATABASE_AUTHORITIES names {authorities}, which cannot be read")
    if mistakes:
        raise SettingsError("\n".join(mistakes))


def authorities_of(environment: Mapping[str, str]) -> str:
    """The PEM file of the authorities that may vouch for the database: those of RDS unless told otherwise."""
    return environment.get("DATABASE_AUTHORITIES") or AUTHORITIES


def connection(environment: Mapping[str, str], user: str, password: str) -> dict[str, str]:
    """How libpq reaches the database as the user of that variable: encrypted, and verified by name and authority."""
    return {
        "host": environment["DATABASE_HOST"],
        "port": environment["DATABASE_PORT"],
        "dbname": environment["DATABASE_NAME"],
        "user": environment[user],
        "password": environment[password],
        "sslmode": "verify-full",
        "sslrootcert": authorities_of(environment),
        "connect_timeout": "10",
        "application_name": APPLICATION_NAME,
    }
