"""`orthanc-aws users`: who may use a store, and by what role."""

import secrets
import string
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from nginx.access.passwords import hash_password
from nginx.access.users import Role, User, UsersError, name_mistakes, parse_users, write_users
from scripts.errors import OperationError

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
GENERATED_PASSWORD = 24
_ALPHABET = string.ascii_letters + string.digits

AskPassword = Callable[[], str]


class UsersStore(Protocol):
    """Where users are kept, as text of the form that `nginx.access.users` defines."""

    def read(self) -> str:
        """The users as they are now."""

    def write(self, text: str) -> None:
        """Replaces what `read` returned; raises ChangedMeanwhileError where somebody else changed it meanwhile."""


def listed(store: UsersStore) -> dict[str, User]:
    """The users by name; raises OperationError where what is stored cannot be understood."""
    try:
        return parse_users(store.read())
    except UsersError as error:
        raise OperationError(
            "The stored users cannot be understood",
            "\n".join(error.mistakes),
            "Mend them where they are stored.",
        ) from None


def add(store: UsersStore, name: str, role: Role, ask: AskPassword | None) -> None:
    """Adds a user, or with no password to ask for, the role of a token's or a certificate's identity."""
    users = listed(store)
    if name in users:
        raise OperationError(
            f"There is a user {name} already", "", "`role` and `passwd` change one; `remove` removes one."
        )
    _check_name(name, has_password=ask is not None)
    users[name] = User(role, _hashed(ask, name) if ask else None)
    store.write(write_users(users))


def remove(store: UsersStore, name: str) -> None:
    """Removes a user."""
    users = listed(store)
    _find(users, name)
    del users[name]
    store.write(write_users(users))


def set_role(store: UsersStore, name: str, role: Role) -> None:
    """Gives a user another role."""
    users = listed(store)
    users[name] = replace(_find(users, name), role=role)
    store.write(write_users(users))


def set_password(store: UsersStore, name: str, ask: AskPassword) -> None:
    """Gives a user another password."""
    users = listed(store)
    user = _find(users, name)
    _check_name(name, has_password=True)
    users[name] = replace(user, password=_hashed(ask, name))
    store.write(write_users(users))


def generate_password() -> str:
    """A random password of letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(GENERATED_PASSWORD))


def _find(users: dict[str, User], name: str) -> User:
    if name not in users:
        raise OperationError(f"There is no user {name}", f"there are: {', '.join(sorted(users)) or 'none'}")
    return users[name]


def _check_name(name: str, has_password: bool) -> None:
    mistakes = name_mistakes(name, has_password)
    if mistakes:
        raise OperationError("This cannot be the name of a user", "\n".join(mistakes))


def _hashed(ask: AskPassword, name: str) -> str:
    password = ask()
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise OperationError(
            "The password was not accepted",
            f"It must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.",
            "--generate makes one.",
        )
    if not password.isprintable():
        raise OperationError("The password was not accepted", "It must have printable characters only.")
    if password.casefold() == name.casefold():
        raise OperationError("The password was not accepted", "It must not be the name.")
    return hash_password(password)
