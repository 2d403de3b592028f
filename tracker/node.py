"""Node: every part of one running server, put together once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tracker.access.grants import Access
from tracker.access.guard import Guard
from tracker.buses import open_bus
from tracker.config import Settings
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.live.hub import Hub
from tracker.model.picture import Picture
from tracker.pipeline.pipeline import Pipeline
from tracker.stores import open_store
from tracker.turns.buffer import Buffer
from tracker.turns.jobs import Jobs
from tracker.turns.lanes import Lanes
from tracker.turns.pool import Pool
from tracker.turns.slots import Slots


def wall_clock() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def steady_clock() -> int:
    """Milliseconds since whenever: nobody sets it."""
    return time.monotonic_ns() // 1_000_000


class Node:
    """What the routes share. `ready` turns true when the store is open and false as soon as we begin to stop."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], int] = wall_clock,
        steady: Callable[[], int] = steady_clock,
        access: Access | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.started_at = clock()
        self.access = access or Guard(settings)
        self.picture = Picture()
        self.fleet = Fleet(FleetSettings.of(settings))
        self.hub = Hub(self.picture)
        self.lanes = Lanes()
        self.jobs = Jobs(clock, steady)  # what it does by itself: each part adds its own
        self.store = open_store(settings.store_url, accept_loss=settings.accept_loss)
        self.bus = open_bus(settings.bus)
        self.pipeline = Pipeline(
            self.fleet,
            self.store,
            self.bus,
            self.picture,
            clock=clock,
            steady=steady,
            on_change=self.hub.route,
            on_lost=self.hub.begin_again,
            relay=self.lanes["relay"],
            numbering=self.lanes["numbering"],
            inbox_limit=settings.max_inbox,
        )
        self.bodies = Buffer(settings.max_buffered)
        self.heavy = Pool(settings.heavy_at_once, settings.heavy_waiting)
        self.slots: Slots[Any] = Slots(settings.max_connections)
        #: part → what it counts, as a named tuple: /metrics has a metric of each field
        self.statistics: dict[str, Callable[[], Any]] = {
            "pipeline": self.pipeline.statistics,
            "connections": self.slots.statistics,
            "heavy": self.heavy.statistics,
            "jobs": self.jobs.statistics,
        }
        if engine := getattr(self.store, "statistics", None):
            self.statistics["store"] = engine
        self.ready = False

    async def start(self) -> None:
        await self.pipeline.start()
        for job in self.store.jobs():
            self.jobs.add_job(job)
        self.jobs.start()
        self.ready = True

    async def leave(self) -> None:
        """We are asked to stop: no new work, what is under way may end."""
        self.ready = False

    async def stop(self) -> None:
        self.ready = False
        await self.jobs.stop()
        await self.pipeline.stop()
