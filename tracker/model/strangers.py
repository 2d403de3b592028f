"""Strangers: vehicles nobody knows. Their fixes are kept apart until somebody lets them in, or turns them away.

Few are kept, so that invented names fill neither disk nor memory: of a vehicle the newest fixes, of vehicles those
heard last.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nsmallest

import msgspec

from tracker.model.ping import Ping


class Stranger(msgspec.Struct, frozen=True, omit_defaults=True):
    vehicle: str
    first_at: int
    last_at: int
    count: int = 0  # fixes that came, kept or not
    address: str = ""  # where the last came from, and who sent it: `token:<id>`
    who: str = ""
    refused: bool = False  # somebody turned it away
    fixes: tuple[Ping, ...] = ()  # by their times

    @property
    def token(self) -> str | None:
        return self.who.removeprefix("token:") if self.who.startswith("token:") else None


class Strangers:
    def __init__(self) -> None:
        self.waiting: dict[str, Stranger] = {}
        self.refused: dict[str, Stranger] = {}

    def __getitem__(self, vehicle: str) -> Stranger | None:
        return self.waiting.get(vehicle) or self.refused.get(vehicle)

    def all(self) -> dict[str, Stranger]:
        return self.waiting | self.refused

    def put_stranger(self, vehicle: str, stranger: Stranger | None) -> None:
        self.waiting.pop(vehicle, None)
        self.refused.pop(vehicle, None)
        if stranger is not None:
            (self.refused if stranger.refused else self.waiting)[vehicle] = stranger

    def with_fixes(
        self, pings: Iterable[Ping], now: int, address: str, who: str, most: int, most_fixes: int
    ) -> tuple[dict[str, Stranger | None], int]:
        """Those that are others once these came, None of whoever has to make room; and how many fixes came again."""
        came: dict[str, dict[int, Ping]] = {}
        again = 0
        for ping in pings:
            fixes = came.get(ping.vehicle)
            if fixes is None:
                known = self.waiting.get(ping.vehicle)
                fixes = came[ping.vehicle] = {fix.time: fix for fix in known.fixes} if known else {}
            again += ping.time in fixes
            fixes.setdefault(ping.time, ping)
        changed: dict[str, Stranger | None] = {}
        for vehicle, fixes in came.items():
            known = self.waiting.get(vehicle) or Stranger(vehicle, now, now)
            new = len(fixes) - len(known.fixes)
            newest = tuple(fixes[time] for time in sorted(fixes)[-most_fixes:])
            changed[vehicle] = Stranger(vehicle, known.first_at, now, known.count + new, address, who, False, newest)
        heard = {vehicle: one.last_at for vehicle, one in self.waiting.items()} | dict.fromkeys(changed, now)
        for vehicle in nsmallest(max(0, len(heard) - most), heard, key=heard.__getitem__):
            changed[vehicle] = None
        return changed, again
