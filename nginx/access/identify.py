"""Who a request comes from, by access mode. What a load balancer verified is believed: nobody else can connect."""

import asyncio
import base64
import binascii
import json
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from nginx.access.cache import VerifiedCredentials
from nginx.access.limiter import FailureLimiter
from nginx.access.passwords import hash_password, verify
from nginx.access.users import LONGEST_NAME, Role, Users

# Passwords that wait to be checked, each for about 0.2 s; more would wait in vain.
LONGEST_QUEUE = 25
QUEUE_SECONDS = 5


class Outcome(StrEnum):
    """How the attempt to tell who it is ended."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    NO_ROLE = "no-role"
    TOO_MANY = "too-many"


@dataclass(frozen=True)
class Claim:
    """What a request shows: `credentials` as the Authorization header has them, and the certificate's subject."""

    credentials: str = ""
    subject: str = ""
    address: str = ""


@dataclass(frozen=True)
class Identity:
    """Who the request comes from; the name is told also where it could not be proved, for the audit."""

    outcome: Outcome
    name: str = ""
    role: Role | None = None
    wait_seconds: int = 0


NOBODY = Identity(Outcome.UNKNOWN)


class Mode(Protocol):
    """An access mode."""

    def at_once(self, claim: Claim) -> Identity | None:
        """Who it is, where that can be told without a slow hash, else None."""

    async def after_check(self, claim: Claim) -> Identity:
        """Who it is, where `at_once` could not tell."""


class Basic:
    """Name and password (RFC 7617)."""

    def __init__(self, users: Callable[[], Users], clock: Callable[[], float] = time.monotonic) -> None:
        self._users = users
        self._clock = clock
        self._cache = VerifiedCredentials()
        self._limiter = FailureLimiter()
        self._executor = ThreadPoolExecutor(1, "passwords")
        self._checks: dict[bytes, asyncio.Task[Identity]] = {}
        # Checked for names that are not there, so that the time an answer takes does not tell which are.
        self._nobodys = hash_password("")

    def at_once(self, claim: Claim) -> Identity | None:
        """Nobody without credentials, somebody with ones that were verified a short while ago, else None."""
        if not claim.credentials:
            return NOBODY
        found = self._cache.find(self._digest(claim), self._clock())
        if found is None:
            return None
        name, stored = found
        user = self._users().get(name)
        return Identity(Outcome.KNOWN, name, user.role) if user and user.password == stored else None

    async def after_check(self, claim: Claim) -> Identity:
        """Checks the password. Requests that show the same credentials at the same time share one check."""
        parsed = parse_basic(claim.credentials)
        if parsed is None:
            return NOBODY
        name, password = parsed
        digest = self._digest(claim)
        check = self._checks.get(digest)
        if check is None:
            if len(self._checks) >= LONGEST_QUEUE:
                return Identity(Outcome.TOO_MANY, name, wait_seconds=QUEUE_SECONDS)
            if seconds := self._limiter.begin(claim.address, self._clock()):
                return Identity(Outcome.TOO_MANY, name, wait_seconds=seconds)
            check = asyncio.create_task(self._check(digest, name, password, claim.address))
            self._checks[digest] = check
        return await asyncio.shield(check)

    async def _check(self, digest: bytes, name: str, password: str, address: str) -> Identity:
        user = self._users().get(name)
        stored = user.password if user and user.password else self._nobodys
        loop = asyncio.get_running_loop()
        try:
            right = await loop.run_in_executor(self._executor, verify, password, stored)
        finally:
            del self._checks[digest]
        if not right or user is None or user.password is None:
            return Identity(Outcome.UNKNOWN, name)
        self._limiter.succeeded(address)
        self._cache.add(digest, name, stored, self._clock())
        return Identity(Outcome.KNOWN, name, user.role)

    def _digest(self, claim: Claim) -> bytes:
        return self._cache.digest(claim.credentials.encode("latin-1", "replace"))


class Bearer:
    """A token (RFC 6750) whose signature and expiry the load balancer has checked."""

    def __init__(self, users: Callable[[], Users], read_scope: str, write_scope: str) -> None:
        self._users = users
        self._roles = ((write_scope, Role.WRITER), (read_scope, Role.READER))

    def at_once(self, claim: Claim) -> Identity:
        """The token's subject, with the role of its entry or else of its scopes."""
        payload = parse_bearer(claim.credentials)
        name = payload.get("sub")
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            return NOBODY
        if user := self._users().get(name):
            return Identity(Outcome.KNOWN, name, user.role)
        scope = payload.get("scope")
        scopes = scope.split() if isinstance(scope, str) else []
        role = next((role for wanted, role in self._roles if wanted in scopes), None)
        return Identity(Outcome.KNOWN if role else Outcome.NO_ROLE, name, role)

    async def after_check(self, claim: Claim) -> Identity:
        """The same: there is nothing slow in it."""
        return self.at_once(claim)


class Certificate:
    """A client certificate that the load balancer has verified, by its subject."""

    def __init__(self, users: Callable[[], Users]) -> None:
        self._users = users

    def at_once(self, claim: Claim) -> Identity:
        """The subject, with the role of its entry."""
        if not claim.subject:
            return NOBODY
        user = self._users().get(claim.subject)
        return Identity(
            Outcome.KNOWN if user else Outcome.NO_ROLE, claim.subject, user.role if user else None
        )

    async def after_check(self, claim: Claim) -> Identity:
        """The same: there is nothing slow in it."""
        return self.at_once(claim)


def parse_basic(credentials: str) -> tuple[str, str] | None:
    """Name and password of an Authorization header's value, or None where it has another scheme or is malformed.

    Neither has control characters (RFC 7617, section 2): a hash would not tell a password from one with zeros after it.
    """
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    if any(unicodedata.category(character) == "Cc" for character in decoded):
        return None
    name, colon, password = decoded.partition(":")
    return (name, password) if colon and 0 < len(name) <= LONGEST_NAME else None


def parse_bearer(credentials: str) -> dict[str, object]:
    """The claims of a bearer token (RFC 7519), unverified; empty where there is none."""
    scheme, _, token = credentials.partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return {}
    try:
        payload = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}
