"""Passwords as scrypt hashes (RFC 7914), written `scrypt$log2 N$r$p$salt$hash` with base64 for the last two."""

import base64
import binascii
import hashlib
import hmac
import secrets

# One of the settings of equal strength in OWASP's Password Storage Cheat Sheet, the one that takes 32 MiB of memory.
LOG2_N, R, P = 15, 8, 3
SALT_BYTES, HASH_BYTES = 16, 32
# What a hash in the secret may ask for, so that no entry of it can exhaust the memory or the time of a task.
ALLOWED_LOG2_N, ALLOWED_R, ALLOWED_P = range(14, 18), range(8, 9), range(1, 5)


class HashError(ValueError):
    """What is stored is no hash of this form; the message never repeats it."""


def hash_password(password: str) -> str:
    """The hash of a password, with a fresh salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = _scrypt(password, salt, LOG2_N, R, P, HASH_BYTES)
    return "$".join(("scrypt", str(LOG2_N), str(R), str(P), _encode(salt), _encode(digest)))


def verify(password: str, stored: str) -> bool:
    """Whether the password has the stored hash; raises HashError if that is malformed. Takes about 0.2 s."""
    log2_n, r, p, salt, digest = parse_hash(stored)
    return hmac.compare_digest(_scrypt(password, salt, log2_n, r, p, len(digest)), digest)


def parse_hash(stored: str) -> tuple[int, int, int, bytes, bytes]:
    """The log2 of N, r, p, the salt and the digest of a stored hash; raises HashError."""
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        raise HashError("must have the form scrypt$15$8$3$SALT$HASH")
    try:
        log2_n, r, p = (int(part) for part in parts[1:4])
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:])
    except (ValueError, binascii.Error):
        raise HashError("must have whole numbers and base64 in it") from None
    if log2_n not in ALLOWED_LOG2_N or r not in ALLOWED_R or p not in ALLOWED_P:
        raise HashError("must have a log2 of N from 14 to 17, r = 8, and p from 1 to 4")
    if len(salt) < SALT_BYTES or len(digest) < HASH_BYTES or len(salt) + len(digest) > 256:
        raise HashError("has a salt or hash of the wrong length")
    return log2_n, r, p, salt, digest


def _scrypt(password: str, salt: bytes, log2_n: int, r: int, p: int, length: int) -> bytes:
    n = 1 << log2_n
    memory = 128 * r * (n + p + 2)
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=2 * memory, dklen=length)


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()
