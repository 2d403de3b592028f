"""Outbox: of which vehicles a target is still to be told, and when it is their turn. Times are steady milliseconds.

It holds names alone: what is told of a vehicle is looked up when its turn comes. So a target that is slow, or away for
a day, costs one name a vehicle, and hears the newest when it is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

FIRST_RETRY_MS, LONGEST_RETRY_MS = 1_000, 300_000
LONGEST_PAUSE_MS = 3_600_000  #: that a target may ask for

News = tuple[object, ...]  #: time and place of a position: what makes it another one


class Outbox:
    def __init__(self, every_ms: int, vehicle_every_ms: int, next_at: int = 0) -> None:
        self._every_ms, self._vehicle_every_ms = every_ms, vehicle_every_ms
        self._waiting: dict[str, None] = {}  # those that came first stand first
        self._told: dict[str, tuple[int, News]] = {}  # when, and what
        self.next_at = next_at  # no request before
        self.failures = 0  # in a row

    def __len__(self) -> int:
        return len(self._waiting)

    def add_vehicles(self, vehicles: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(vehicles))

    def due(self, now: int, most: int) -> list[str]:
        """Whose turn it is, of those who wait longest; nobody while it is not that of a request."""
        found: list[str] = []
        if now < self.next_at:
            return found
        for vehicle in self._waiting:
            told = self._told.get(vehicle)
            if told is None or now - told[0] >= self._vehicle_every_ms:
                found.append(vehicle)
                if len(found) == most:
                    break
        return found

    def is_news(self, vehicle: str, news: News) -> bool:
        told = self._told.get(vehicle)
        return told is None or told[1] != news

    def drop_vehicles(self, vehicles: Iterable[str]) -> None:
        """There is nothing to be told of them."""
        for vehicle in vehicles:
            self._waiting.pop(vehicle, None)

    def delivered(self, told: Mapping[str, News], asked_at: int) -> None:
        self.drop_vehicles(told)
        self._told.update({vehicle: (asked_at, news) for vehicle, news in told.items()})
        self.failures = 0
        self.next_at = asked_at + self._every_ms

    def failed(self, asked_at: int, now: int, pause_ms: int | None = None) -> None:
        """They go on waiting, and ever longer; `pause_ms`: as long as it was asked for."""
        retry_ms = min(FIRST_RETRY_MS * 2 ** min(self.failures, 20), LONGEST_RETRY_MS)
        if pause_ms is not None:
            retry_ms = max(retry_ms, min(pause_ms, LONGEST_PAUSE_MS))
        self.failures += 1
        self.next_at = max(asked_at + self._every_ms, now + retry_ms)

    def forget_vehicles(self, vehicles: Iterable[str]) -> None:
        """They are not there any more."""
        for vehicle in vehicles:
            self._waiting.pop(vehicle, None)
            self._told.pop(vehicle, None)
