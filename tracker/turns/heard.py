"""Heard: what the device of a token said last, and its newest position that was taken. Whoever connects it looks on."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tracker.model.ping import Ping

MOST = 10_000  #: tokens of which it is known; those that were longest quiet go first


class Heard(msgspec.Struct, frozen=True):
    """One request."""

    at: int
    address: str
    scheme: str  # http or https
    protocol: str  # where it was sent to
    counts: Mapping[str, int] = {}  # what became of its items
    code: str = ""  # what was wrong with it, or with the last of its items that was refused
    message: str = ""
    ping: Ping | None = None  # the newest that was taken
    waiting: tuple[str, ...] = ()  # vehicles in quarantine


class LastHeard:
    """In memory only: after a start nothing was heard yet."""

    def __init__(self) -> None:
        self._last: dict[str, Heard] = {}  # by the id of a token, who came last is last
        self._taken: dict[str, Heard] = {}

    def keep_heard(self, token: str, heard: Heard) -> None:
        for kept in (self._last, self._taken) if heard.ping else (self._last,):
            kept.pop(token, None)
            kept[token] = heard
            if len(kept) > MOST:
                del kept[next(iter(kept))]

    def last(self, token: str) -> Heard | None:
        return self._last.get(token)

    def taken(self, token: str) -> Heard | None:
        """The last of which a position was taken, or a sign of life."""
        return self._taken.get(token)
