"""Turned away: who asked without saying who they are. A device that nobody gave a token is found here."""

from __future__ import annotations

import re

import msgspec

TOLD_MS = 60_000  #: the log is told of one address at most so often
MOST_TOLD = 20  #: and of so many addresses in that time
MOST_KEPT = 1000  #: addresses; those that were longest quiet go first
LATELY_MS, MOST_SHOWN = 3_600_000, 20

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,40}")
_PROTOCOL = re.compile(r"/ingest/([a-z]{1,20})(?:/|$)")  # no token looks like that


class Away(msgspec.Struct):
    address: str
    asked: str = ""  # for what, the last time
    why: str = ""  # what was wrong with what they showed, the last time
    times: int = 0
    at: int = 0
    told_at: int = -TOLD_MS
    told: int = 0  # of the times


class TurnedAway:
    def __init__(self, how: str = "without a good token or session") -> None:
        self.times = 0
        self._how = how
        self._kept: dict[str, Away] = {}  # by address, who came last is last
        self._told_since = 0
        self._told = 0

    def count(self, address: str, method: str, path: str, now: int, why: str = "") -> str | None:
        """One more; what the log should hear of it, if anything."""
        self.times += 1
        away = self._kept.pop(address, None) or Away(address)
        self._kept[address] = away
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        away.asked, away.at, away.why = f"{method} {_place(path)}", now, why
        away.times += 1
        if now - away.told_at < TOLD_MS or not self._may_tell(now):
            return None
        away.told_at, times, away.told = now, away.times - away.told, away.times
        often = "once" if times == 1 else f"{times} times"
        return f"{address} asked {often} {self._how}, the last time for {away.asked}"

    def lately(self, now: int) -> list[Away]:
        """The last first."""
        return [away for away in reversed(self._kept.values()) if now - away.at < LATELY_MS][:MOST_SHOWN]

    def _may_tell(self, now: int) -> bool:
        if now - self._told_since >= TOLD_MS:
            self._told_since, self._told = now, 0
        self._told += 1
        return self._told <= MOST_TOLD


def _place(path: str) -> str:
    """A path as far as it names a door: further in are ids, and what some call a token."""
    parts = path.split("/")[1:4] if path.startswith("/api/") else path.split("/")[1:2]
    if found := _PROTOCOL.match(path):
        parts.append(found[1])
    return "/" + "/".join(part if _PLAIN.fullmatch(part) else "…" for part in parts)
