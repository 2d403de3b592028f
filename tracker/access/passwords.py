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
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

LOG_N, R, P = 15, 8, 1
SHORTEST, LONGEST = 8, 256
MAX_MEMORY = 128 * 2**20  #: OpenSSL refuses 2^15 with what it takes by itself

#: what people write for a letter, so that `P@ssw0rd` is as common as `password`
_LEET = str.maketrans("@4310$5!7", "aaeiossit")
#: along the alphabet, the digits, and the keys: in rows, in columns, on the pad of numbers
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "13579", "2468", "!@#$%^&*()",
    "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "wxcvbn",
    "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "!qaz", "@wsx", "1aqw", "2zsx",
    "147", "258", "369", "159", "357",
)  # fmt: skip
_WAYS = (*_ROWS, *(row[::-1] for row in _ROWS))
_PADDING = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_NO_LETTER = re.compile(r"[\W\d_]+")

#: what anybody says first who sees this program
HERE = (
    "tracker tracking track livemap live map maps fleet fleetmap gps vehicle vehicles truck trucks van vans car cars "
    "driver drivers dispatcher dispatchers dispatch viewer administrator admin user users server login password the of "
    "flotte fuhrpark karte fahrzeug fahrzeuge fahrer disponent leitstelle"
)


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


class Weak(NamedTuple):
    """Why something can be no password, said so that the next one can."""

    code: str
    detail: str


def fault_of(password: str, name: str, hosts: Iterable[str] = ()) -> Weak | None:
    """Why this cannot be the password of `name`. `hosts`: what this server goes by."""
    if len(password) < SHORTEST:
        short = (
            f"a password has at least {SHORTEST} characters; some words that belong together are easy to keep in mind"
        )
        return Weak("password_short", short)
    if len(password) > LONGEST:
        return Weak("password_long", f"a password has at most {LONGEST} characters; take a shorter one")
    plain = password.casefold()
    if len(set(plain)) < 4 or _repeats(plain) or _is_walk(plain):
        walks = "this password is one of the first that are tried: it only repeats, counts or goes along the keys"
        return Weak("password_repeats", f"{walks}; take some words that belong together")
    own = name.casefold()
    if (len(own) > 2 and own in plain) or plain in own:
        holds = "the password holds the name, or the name the password: whoever knows one knows the other"
        return Weak("password_name", f"{holds}; take one without it")
    bare = _bare(plain)
    if not {plain, bare}.isdisjoint(common()) or any(
        bare[:at] in common() and bare[at:] in common() for at in range(3, len(bare) - 2)
    ):
        return Weak("password_common", "this password is one of the first that are tried; take one that is only yours")
    here = {*HERE.split(), *(part for host in hosts for part in host.casefold().split(".") if len(part) > 1)}
    if any(_is_made_of(letters, here) for letters in (_NO_LETTER.sub("", plain), _NO_LETTER.sub("", _bare(plain)))):
        where = "this password says only what this is and where: everybody who sees the map knows that"
        return Weak("password_here", f"{where}; add a word that is only yours")
    return None


@cache
def common() -> frozenset[str]:
    """Passwords that are tried first, without the digits and signs people add to them."""
    text = Path(__file__).with_name("common.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def _bare(plain: str) -> str:
    """Without the digits and signs at its ends, its letters as letters."""
    return _PADDING.sub("", _PADDING.sub("", plain).translate(_LEET))


def _repeats(plain: str) -> bool:
    return plain in (plain + plain)[1:-1]


def _is_made_of(letters: str, words: Collection[str]) -> bool:
    """Of these words, one after the other, and nothing else."""
    ends = {0}
    for at in range(len(letters)):
        if at in ends:
            ends |= {at + len(word) for word in words if letters.startswith(word, at)}
    return bool(letters) and len(letters) in ends


def _is_walk(plain: str) -> bool:
    """Nothing but steps along the keys, the alphabet or the digits: `qweasdzxc`, `1qaz2wsx`, `a1b2c3d4`, `112233`."""
    once = re.sub(r"(.)\1+", r"\1", plain)
    return any(all(map(_walked, parts)) for parts in ((once,), (once[::2], once[1::2])))


def _walked(part: str) -> bool:
    """Whether it falls into ways of three steps or more (of three to five: longer ones are made of these)."""
    ends = {0}
    for end in range(3, len(part) + 1):
        if any(part[at:end] in way for at in ends.intersection((end - 3, end - 4, end - 5)) for way in _WAYS):
            ends.add(end)
    return len(part) in ends


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=1 << log_n, r=r, p=p, maxmem=MAX_MEMORY, dklen=32)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
