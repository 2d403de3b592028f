"""Passes, good once: a link lets somebody in to choose a password, a ticket opens one socket for who is signed in."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tracker.access.tokens import hash_of

FIRST_MS = 15 * 60_000  #: of the first administrator's, printed at the start
LINK_MS = 24 * 3_600_000  #: of one that an administrator asks for
TICKET_MS = 30_000
MOST_TICKETS = 10_000  #: unused tickets kept; the oldest go first


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    hash: str
    user: str
    ends_at: int

    def has_ended(self, now: int) -> bool:
        return self.ends_at <= now


class Ticket(NamedTuple):
    bearer: str  # the id of the session or token that asked for it
    ends_at: int


class Tickets:
    """`on_take` hears which one is good no more."""

    def __init__(self) -> None:
        self._open: dict[str, Ticket] = {}  # by the hash of their secret
        self.on_take: Callable[[str], None] = lambda _hash: None

    def give(self, bearer: str, now: int) -> str:
        secret = secrets.token_urlsafe(24)
        self.keep_ticket(hash_of(secret), bearer, now)
        return secret

    def keep_ticket(self, hash: str, bearer: str, now: int) -> None:
        """It was given, here or by another node."""
        while self._open and (len(self._open) >= MOST_TICKETS or next(iter(self._open.values())).ends_at <= now):
            del self._open[next(iter(self._open))]
        self._open[hash] = Ticket(bearer, now + TICKET_MS)

    def take(self, secret: str, now: int) -> str | None:
        """Whose it is; None when there is no such ticket (any more)."""
        ticket = self._open.pop(hash := hash_of(secret), None)
        if ticket is None or ticket.ends_at <= now:
            return None
        self.on_take(hash)
        return ticket.bearer

    def drop_ticket(self, hash: str) -> None:
        """It was taken at another node."""
        self._open.pop(hash, None)
