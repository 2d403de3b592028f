"""Tokens: what a device or a script shows instead of a password. The secret is shown once; kept is its hash."""

from __future__ import annotations

import re
import secrets
from fnmatch import translate
from functools import lru_cache
from hashlib import sha256
from typing import Literal

import msgspec

from tracker.model.keys import PREFIX

Kind = Literal["device", "person", "scrape"]  #: sends for vehicles · stands for somebody · reads /metrics
ENDED = "not_signed_in"  #: what is last wrong with one that is over
MOST_NAMES = 4096  #: vehicles whose answer one pattern remembers


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str
    kind: Kind
    hash: str  # SHA-256 of the secret: it has 256 random bits, which no dictionary holds
    name: str = ""
    vehicles: tuple[str, ...] = ()  # patterns with * and ?
    groups: tuple[str, ...] = ()  # of vehicles
    shows: tuple[str, ...] = ()  # groups of people: its device is told what a viewer of these sees
    user: str | None = None  # whom a person's token stands for
    created_at: int = 0
    created_by: str | None = None
    ends_at: int | None = None  # when it was replaced or limited

    def has_ended(self, now: int) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    @property
    def only_vehicle(self) -> str:
        """The one it may send for; "" when that may be several."""
        name = self.vehicles[0] if len(self.vehicles) == 1 and not self.groups else ""
        return "" if any(char in name for char in "*?[") else name

    def may_send(self, vehicle: str, group: str | None) -> bool:
        """For this vehicle, which is in `group`?"""
        return (group is not None and group in self.groups) or any(_fits(one, vehicle) for one in self.vehicles)


class Use(msgspec.Struct):
    """When a token was last shown, from where, and what was last wrong. Kept in memory, stored once a minute."""

    used_at: int = 0
    address: str = ""
    error: str = ""
    error_at: int = 0
    message: str = ""  # the error in words, and what to do about it


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def wrong_token(shown: str) -> str:
    """What is wrong with what somebody showed that opens nothing, for whoever made the token; nothing of it is told."""
    whole = len(new_secret())
    if not shown:
        return "it shows no token: put it into the address, or send it in a header"
    if not shown.startswith(PREFIX):
        return f"what it shows is no token of this server: those begin with {PREFIX}"
    if len(shown) != whole:
        return f"its token was not copied whole: it has {len(shown)} characters instead of {whole}"
    return "its token was revoked, or is of another server"


def new_id() -> str:
    return secrets.token_hex(6)


def hash_of(secret: str | bytes) -> str:
    if isinstance(secret, str):
        secret = secret.encode("utf-8", "surrogatepass")
    return sha256(secret).hexdigest()


class Tokens:
    """All tokens, found by what is shown."""

    def __init__(self) -> None:
        self.by_id: dict[str, Token] = {}
        self.uses: dict[str, Use] = {}
        self.unkept: set[str] = set()  # whose use is not stored yet
        self._by_hash: dict[str, Token] = {}

    def put_token(self, token: Token) -> None:
        self.remove_token(token.id)
        self.by_id[token.id] = self._by_hash[token.hash] = token

    def remove_token(self, id: str) -> Token | None:
        token = self.by_id.pop(id, None)
        if token is not None:
            del self._by_hash[token.hash]
        return token

    def find_token(self, secret: str | bytes, now: int) -> Token | None:
        """The token this is the secret of, unless it has ended: then it is remembered that somebody still has it."""
        token = self._by_hash.get(hash_of(secret))
        if token is not None and token.ends_at is not None and token.has_ended(now):
            self.failed(
                token.id, now, ENDED, "somebody still sends with this token, which was replaced: give them the new one"
            )
            return None
        return token

    def used(self, id: str, now: int, address: str) -> None:
        if (use := self.uses.get(id)) is None:
            use = self.uses[id] = Use()
        use.used_at, use.address = now, address
        self.unkept.add(id)

    def failed(self, id: str, now: int, error: str, message: str) -> None:
        use = self.uses.setdefault(id, Use())
        use.error, use.error_at, use.message = error, now, message
        self.unkept.add(id)

    def recovered(self, id: str, error: str) -> None:
        """What was wrong so is wrong no more."""
        use = self.uses.get(id)
        if use is not None and use.error == error:
            use.error, use.error_at, use.message = "", 0, ""
            self.unkept.add(id)

    def take_uses(self) -> dict[str, Use]:
        """Those that changed since they were last stored, of the tokens there are."""
        changed, self.unkept = self.unkept, set()
        return {id: self.uses[id] for id in sorted(changed) if id in self.by_id}


def _fits(pattern: str, vehicle: str) -> bool:
    return pattern in ("*", vehicle) or _matches(pattern, vehicle)


@lru_cache(maxsize=MOST_NAMES)
def _matches(pattern: str, vehicle: str) -> bool:
    return _compiled(pattern).match(vehicle) is not None


@lru_cache(maxsize=MOST_NAMES)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
