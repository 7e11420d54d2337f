"""Where the users come from, and how a change of them is taken up while requests are served."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from nginx.access.users import User, Users, UsersError, parse_users
from nginx.log import say

FILE_SECONDS = 1
SECRET_SECONDS = 30


class Source(Protocol):
    """A place that users are read from."""

    seconds: float

    def changed(self) -> str | None:
        """The users' text, or None where it is the one read last; raises where it cannot be read. May block."""


class UsersFile:
    """A file on this machine."""

    seconds: float = FILE_SECONDS

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def changed(self) -> str | None:
        """The file's text, if another file is there or it was written to."""
        status = self._path.stat()
        seen = (status.st_mtime_ns, status.st_ino, status.st_size)
        if seen == self._seen:
            return None
        text = self._path.read_text(encoding="utf-8")
        self._seen = seen
        return text


class UsersSecret:
    """A secret of AWS Secrets Manager, read with the task role's credentials."""

    seconds: float = SECRET_SECONDS

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client: Any = None
        self._version = ""

    def changed(self) -> str | None:
        """The secret's current text, if it has another version."""
        if self._client is None:
            self._client = _client(region=self._arn.split(":")[3])
        value = self._client.get_secret_value(SecretId=self._arn)
        if value["VersionId"] == self._version:
            return None
        self._version = value["VersionId"]
        return str(value["SecretString"])


class CurrentUsers:
    """The users as last read, with the first user among them unless an entry has that name."""

    def __init__(self, first: dict[str, User], read: Users) -> None:
        self._first = first
        self._users: Users = {**first, **read}

    def __call__(self) -> Users:
        return self._users

    def replace(self, text: str) -> None:
        """Takes up other users; raises UsersError and keeps those there are, if the text has mistakes."""
        self._users = {**self._first, **parse_users(text)}


async def follow(source: Source, users: CurrentUsers, wait: Callable[[float], Any] = asyncio.sleep) -> None:
    """Reads the users again and again, without end. What cannot be read is told, and the users stay as they are."""
    problem = ""
    while True:
        # Tasks that were started together do not ask at the same moment.
        await wait(source.seconds * random.uniform(0.8, 1.2))
        try:
            text = await asyncio.to_thread(source.changed)
            if text is not None:
                users.replace(text)
                say(f"The users were read again: there are {len(users())}.")
            problem = ""
        except UsersError as error:
            problem = _tell(str(error), problem)
        except Exception as error:  # Whatever botocore or the file system raises, the store stays up.
            problem = _tell(f"{type(error).__name__}: {error}", problem)


def _tell(problem: str, before: str) -> str:
    if problem != before:
        say(f"The users could not be read again, so those known before stay in force. {problem}")
    return problem


def _client(region: str) -> Any:
    import botocore.config
    import botocore.session

    config = botocore.config.Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 3})
    return botocore.session.get_session().create_client("secretsmanager", region_name=region, config=config)
