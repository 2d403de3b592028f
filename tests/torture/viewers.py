"""Viewers: clients of the live channel that break off and come back to any node with the cursor they have."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.torture.checks.alike import Place, Places
from tests.torture.follows import FOLLOWS, shown
from tracker.client import Live


class Roaming(Live):
    """Each connection is to any of the nodes."""

    def __init__(self, urls: Sequence[str], chance: random.Random, **follow: Any) -> None:
        super().__init__(chance.choice(urls), patience_s=60, **follow)
        self._urls, self._chance = urls, chance

    async def _connection(self) -> AsyncGenerator[dict[str, Any]]:
        self.url = urlsplit(self._chance.choice(self._urls))
        self._port = self.url.port or 0
        self._after_s = 0.2  # no longer is waited after any trouble
        connection = super()._connection()
        try:
            async for message in connection:
                yield message
        finally:
            await connection.aclose()


class Viewer:
    def __init__(self, number: int, urls: Sequence[str]) -> None:
        self._chance = random.Random(number)
        self.follow = FOLLOWS[number % len(FOLLOWS)]
        self.name = f"viewer {number} of {self.follow}"
        self.live = Roaming(urls, self._chance, binary=number % 2 == 1, **self.follow)
        self.events: list[tuple[int, str]] = []
        self.newest = ""  # what it heard last
        self.errors: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._break_off())]

    async def _listen(self) -> None:
        try:
            async for update in self.live:
                self.newest = str(update.message)[:300]
                self.events += [(event["seq"], event["id"]) for event in update.events]
                if update.message.get("op") == "error":
                    self.errors.append(f"{self.name} heard {update.message}")
        except Exception as fault:
            self.errors.append(f"{self.name} does not come back: {fault!r}")

    async def _break_off(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(1, 12))
            self.live.drop()

    def stay(self) -> None:
        """Break off no more."""
        self._tasks[1].cancel()

    def places(self) -> Places:
        """Where it believes vehicles to be."""
        return {
            name: shown(self.follow, Place(one.time, round(one.lat, 6), round(one.lon, 6), frozenset(one.regions)))
            for name, one in self.live.vehicles.items()
        }

    async def close(self) -> None:
        await self.live.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
