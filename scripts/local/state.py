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


def make_folder(name: str) -> None:
    """Makes the folder of a store, or makes it this user's alone."""
    made = folder(name)
    made.mkdir(parents=True, exist_ok=True)
    made.chmod(0o700)


def users_file(name: str = DEFAULT_NAME) -> Path:
    """The users of a store, in the form of the users secret; NGINX reads it again when it changes."""
    return folder(name) / "users" / "users.json"


def url_file(name: str) -> Path:
    """Where the address of a store stands from when it is started until it is stopped."""
    return folder(name) / "url"


def url(name: str) -> str:
    """The address of a store that is up here, or nothing."""
    file = url_file(name)
    return file.read_text("utf-8") if file.is_file() else ""


def not_up(name: str) -> OperationError:
    """What is said where a store should be up and is not."""
    return OperationError(f"The local store {name} is not up", "", "`orthanc-aws local up` starts it.")


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


def credentials_to_tell(name: str) -> Credentials | None:
    """The credentials of a store the first time that this is asked, None from then on."""
    file = folder(name) / "credentials-told"
    if file.is_file():
        return None
    file.touch()
    return credentials(name)


def write_private(file: Path, text: str) -> None:
    """Writes a file that only this user can read."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    file.write_text(text, "utf-8")


def forget(name: str) -> None:
    """Removes all that a store keeps here."""
    shutil.rmtree(folder(name), ignore_errors=True)


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))
