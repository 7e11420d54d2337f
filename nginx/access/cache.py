"""Credentials that were verified a short while ago, so that not every request costs a slow hash."""

import hmac
import secrets
from collections import OrderedDict

SECONDS = 300
ENTRIES = 10_000


class VerifiedCredentials:
    """Remembers verified credentials by a keyed hash of theirs; the key is random and never leaves the process.

    They are forgotten a while after their last use. Each is remembered together with the password's stored hash: a user
    whose password was changed, or who is gone, has none that matches any more.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, tuple[float, str, str]] = OrderedDict()

    def digest(self, credentials: bytes) -> bytes:
        """By what credentials are remembered."""
        return hmac.digest(self._key, credentials, "sha256")

    def add(self, digest: bytes, name: str, stored: str, now: float) -> None:
        """Remembers that credentials were those of a user with this stored hash."""
        self._entries[digest] = (now + SECONDS, name, stored)
        self._entries.move_to_end(digest)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)

    def find(self, digest: bytes, now: float) -> tuple[str, str] | None:
        """The name and the stored hash that the credentials had, or None."""
        entry = self._entries.get(digest)
        if entry is None:
            return None
        expires, name, stored = entry
        del self._entries[digest]
        if now >= expires:
            return None
        self.add(digest, name, stored, now)
        return name, stored
