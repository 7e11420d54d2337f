"""The users' secret: `{"users": {NAME: {"role": ROLE, "password": HASH}}}`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from nginx.access.passwords import HashError, parse_hash

LONGEST_NAME = 256
# Four bytes for a character at most, three characters for a byte.
LONGEST_AUDITED_NAME = 12 * LONGEST_NAME
# A blank at an end would be lost in a header.
_NOT_AUDITED = re.compile(r"[^ -~]|%|\A | \Z")


class Role(StrEnum):
    """What a user may do: each role may do what the ones before it may."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """A user's role, and the hash of the password.

    Without a password the entry gives a role to an identity that the load balancer verified: the `sub` of a token, or
    the subject of a client certificate.
    """

    role: Role
    password: str | None = None


Users = Mapping[str, User]


class UsersError(ValueError):
    """The users cannot be understood: a sentence for each mistake, none of which repeats a password's hash."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__(" ".join(mistakes))
        self.mistakes = mistakes


def parse_users(text: str) -> dict[str, User]:
    """The users by name; raises UsersError with every mistake."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsersError([f"The users are no JSON: {_place(error)}."]) from None
    if (
        not isinstance(document, dict)
        or set(document) != {"users"}
        or not isinstance(document["users"], dict)
    ):
        raise UsersError(['The users must be {"users": {…}}, with an entry for each name.'])
    users: dict[str, User] = {}
    mistakes: list[str] = []
    for name, entry in document["users"].items():
        found = name_mistakes(name, has_password=isinstance(entry, dict) and "password" in entry)
        found += _entry_mistakes(name, entry)
        mistakes += found
        if not found:
            users[name] = User(Role(entry["role"]), entry.get("password"))
    if mistakes:
        raise UsersError(mistakes)
    return users


def write_users(users: Users) -> str:
    """The text that `parse_users` reads, sorted by name so that two versions can be compared."""
    entries = {
        name: {"role": str(user.role)} | ({"password": user.password} if user.password else {})
        for name, user in sorted(users.items())
    }
    return json.dumps({"users": entries}, ensure_ascii=False, indent=2)


def name_mistakes(name: str, has_password: bool) -> list[str]:
    """What is wrong with a name, a sentence each; a colon ends a name in HTTP's basic authentication (RFC 7617)."""
    shown = ascii(name[:64])
    mistakes = []
    if not 0 < len(name) <= LONGEST_NAME:
        mistakes.append(f"The name {shown} must have 1 to {LONGEST_NAME} characters.")
    if not name.isprintable() or name != name.strip():
        mistakes.append(f"The name {shown} must have printable characters only, and no blank at its ends.")
    if has_password and ":" in name:
        mistakes.append(f"The name {shown} must have no colon, as it has a password.")
    return mistakes


def audited_name(name: str) -> str:
    """A name as the audit log has it: in ASCII, all else and `%` percent-encoded as UTF-8 (RFC 3986, section 2.1).

    So no two users share one. What is longer than any user's name is cut off.
    """
    encoded = _NOT_AUDITED.sub(lambda match: quote(match[0], safe="", errors="surrogatepass"), name)
    return encoded[:LONGEST_AUDITED_NAME]


def _entry_mistakes(name: str, entry: Any) -> list[str]:
    shown = ascii(name[:64])
    if not isinstance(entry, dict):
        return [f"The entry of {shown} must be an object with a role."]
    mistakes = []
    if entry.get("role") not in list(Role):
        mistakes.append(f"The role of {shown} must be one of {', '.join(Role)}.")
    if unknown := sorted(set(entry) - {"role", "password"}):
        mistakes.append(
            f"The entry of {shown} has unknown keys: {', '.join(ascii(key[:32]) for key in unknown)}."
        )
    if "password" in entry:
        try:
            parse_hash(entry["password"] if isinstance(entry["password"], str) else "")
        except HashError as error:
            mistakes.append(f"The password of {shown} {error}.")
    return mistakes


def _place(error: Exception) -> str:
    """Where JSON ends to be JSON. The error's own text may hold a part of the document."""
    return (
        f"line {error.lineno}, column {error.colno}"
        if isinstance(error, json.JSONDecodeError)
        else "not readable"
    )
