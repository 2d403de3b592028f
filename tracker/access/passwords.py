"""Passwords: what is kept of one, and which are refused.

Kept is scrypt (RFC 7914) with its parameters beside it, so that they can grow: `scrypt$15$8$1$salt$hash`, base64. One
takes about 80 ms of a core and 32 MiB: never on the loop, and one at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from functools import cache
from importlib import resources

LOG_N, R, P = 15, 8, 1
SHORTEST, LONGEST = 8, 256
MAX_MEMORY = 128 * 2**20  #: OpenSSL refuses 2^15 with what it takes by itself

#: what people write for a letter, so that `P@ssw0rd` is as common as `password`
_LEET = str.maketrans("@4310$5!7", "aaeiossit")
_PADDING = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def hash_password(password: str) -> str:
    salt = secrets.token_bytes(16)
    return "$".join(("scrypt", str(LOG_N), str(R), str(P), _text(salt), _text(_scrypt(password, salt, LOG_N, R, P))))


def matches(password: str, kept: str) -> bool:
    """Whether this is the password that was kept. Takes as long when it is not."""
    _, log_n, r, p, salt, wanted = kept.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(wanted))


@cache
def nobodys() -> str:
    """A password nobody has: asked for a name there is not, so that it takes as long as one there is."""
    return hash_password(secrets.token_urlsafe())


def fault_of(password: str, name: str) -> str | None:
    """Why this cannot be the password of `name`, said so that the next one can."""
    if len(password) < SHORTEST:
        return (
            f"a password has at least {SHORTEST} characters; some words that belong together are easy to keep in mind"
        )
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    plain = password.casefold()
    if len(set(plain)) < 4 or _is_walk(plain):
        return "this password is one of the first that are tried: it only repeats or counts"
    if name and (name.casefold() in plain or plain in name.casefold()):
        return "the password holds the name: whoever knows one knows the other"
    if plain in common() or _bare(plain) in common():
        return "this password is one of the first that are tried; take one that is only yours"
    return None


@cache
def common() -> frozenset[str]:
    """Passwords that are tried first, without the digits and signs people add to them."""
    text = resources.files("tracker.access").joinpath("common.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def _bare(plain: str) -> str:
    """Without the digits and signs at its ends, its letters as letters."""
    return _PADDING.sub("", _PADDING.sub("", plain).translate(_LEET))


def _is_walk(plain: str) -> bool:
    """Along the keys or the alphabet, forth or back."""
    rows = "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl"
    return any(plain in way or plain in way[::-1] for way in rows)


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=MAX_MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
