"""What a local store keeps on this machine between commands: its credentials, its certificates, its users."""

import json
import os
import re
import secrets
import shutil
import string
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.errors import OperationError

DEFAULT_NAME = "store"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ALPHABET = string.ascii_letters + string.digits
PASSWORD_LENGTH = 32


@dataclass(frozen=True)
class Credentials:
    """The generated credentials of one store. The templates have Secrets Manager generate the same ones."""

    first_user: str
    first_password: str
    orthanc_user: str
    orthanc_password: str
    database_user: str
    database_password: str
    master_user: str
    master_password: str


def folder(name: str = DEFAULT_NAME) -> Path:
    """Where a store keeps its files; raises OperationError for a name that containers cannot have."""
    if not _NAME.fullmatch(name):
        raise OperationError(
            f"{name!r} cannot be the name of a local store",
            "",
            "A name begins with a lower-case letter and goes on with up to 30 of these, digits and hyphens.",
        )
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "orthanc-aws" / name


def users_file(name: str = DEFAULT_NAME) -> Path:
    """The users of a store, in the form of the users secret; NGINX reads it again when it changes."""
    return folder(name) / "users" / "users.json"


def url(name: str) -> str:
    """The address of a store that was started here; raises OperationError where none was."""
    file = folder(name) / "url"
    if not file.is_file():
        raise OperationError(f"There is no local store {name}", "", "`orthanc-aws local up` starts one.")
    return file.read_text("utf-8")


def credentials(name: str) -> Credentials:
    """The credentials of a store, generated the first time."""
    file = folder(name) / "credentials.json"
    if not file.is_file():
        made = Credentials(
            "admin",
            _password(),
            "nginx",
            _password(),
            "orthanc_a",
            _password(),
            "orthanc_master",
            _password(),
        )
        write_private(file, json.dumps(asdict(made)))
    return Credentials(**json.loads(file.read_text("utf-8")))


def write_private(file: Path, text: str) -> None:
    """Writes a file that only this user can read, in a folder of the same kind."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def forget(name: str) -> None:
    """Removes all that a store keeps here."""
    shutil.rmtree(folder(name), ignore_errors=True)


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))
