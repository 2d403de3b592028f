"""Node: every part of one running server, put together once."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tracker.access.directory import Directory
from tracker.access.doorman import Doorman
from tracker.access.grants import Access, Grant
from tracker.access.guard import Guard
from tracker.access.guessing import Guessing
from tracker.access.hashing import Hashing
from tracker.access.passes import FIRST_MS, Link
from tracker.access.tokens import hash_of, new_secret
from tracker.buses import open_asking, open_bus
from tracker.config import Settings
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.fleet.membership import is_near
from tracker.history.retention import Retention
from tracker.history.story.corrections import KIND as CORRECTION
from tracker.history.story.corrections import Corrections
from tracker.live.hub import Hub
from tracker.model.change import Change
from tracker.model.picture import Picture
from tracker.model.records import Audit, Record
from tracker.nodes.interest import Needs
from tracker.nodes.reading import needs_of
from tracker.outputs.sight import Places
from tracker.pipeline.pipeline import Pipeline
from tracker.pipeline.quarantine import Quarantine
from tracker.pipeline.shared.calling import Calling
from tracker.pipeline.shared.clock import SharedClock
from tracker.pipeline.shared.sharing import Sharing
from tracker.stores import Store, open_store, share_store
from tracker.turns.buffer import Buffer
from tracker.turns.guests import LOOK_S, Guests
from tracker.turns.heard import LastHeard
from tracker.turns.jobs import Job, Jobs
from tracker.turns.lanes import Lanes
from tracker.turns.pace import Pace
from tracker.turns.payloads import LastPayloads, row_of_token
from tracker.turns.pool import Pool
from tracker.turns.slots import Slots
from tracker.turns.tallies import Tallies
from tracker.turns.work import Work

log = logging.getLogger(__name__)


def wall_clock() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def steady_clock() -> int:
    """Milliseconds since whenever: nobody sets it."""
    return time.monotonic_ns() // 1_000_000


USES_S = 60.0  #: how often it is stored when tokens were shown


class AccessStatistics(NamedTuple):
    open: bool
    users: int
    sessions: int
    tokens: int
    signed_in: int
    wrong: int
    unheard: int
    hashing: int
    turned_away: int


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
        self.is_shared = settings.is_shared
        shared_clock = SharedClock(clock, steady)  # what the clocks of several nodes say makes no difference
        self.clock, self.steady = shared_clock if self.is_shared else clock, steady
        clock = self.clock
        self.started_at = clock()
        self.picture = Picture()
        self.directory = Directory()
        self.corrections = Corrections()
        self.doorman = Doorman(Guard(settings), self.directory, self._regions_in, clock)
        self.access: Access = access or self.doorman
        self.heard = LastHeard()
        self.guessing = Guessing()
        self.hashing = Hashing()
        self.guests = Guests()
        self.on_regrant: Callable[[], None] = lambda: None  # who may see what has changed
        self.regrants = 0  # how often
        self.closing: list[Callable[[], Awaitable[None]]] = []  # what its parts end with, before its store is closed
        self.on_heard: Callable[[Change], None] = lambda _change: None  # it is known here by now
        self._first: Link | None = None  # of the first administrator
        self._groups: dict[str, set[str]] | None = None  # of regions
        self.fleet = Fleet(FleetSettings.of(settings))
        self.hub = Hub(self.picture, is_near=self.is_near, is_shared=settings.is_shared)
        self.lanes = Lanes()
        self.jobs = Jobs(clock, steady)  # what it does by itself: each part adds its own
        self.store: Store
        sharing = None
        if self.is_shared:
            self.store = shared = share_store(settings.store_url)
            sharing = Sharing(
                shared, open_asking(settings.bus, shared.node), self.picture, shared_clock, steady, self.lanes
            )
        else:
            self.store = open_store(settings.store_url, accept_loss=settings.accept_loss)
        self.calling = sharing.calling if sharing else Calling()
        self.bus = open_bus(settings.bus)
        self.pipeline = Pipeline(
            self.fleet,
            self.store,
            self.bus,
            self.picture,
            clock=clock,
            steady=steady,
            on_change=lambda change: self._take(change, self.hub.route),
            on_lost=lambda change: self._take(change, self.hub.begin_again),
            relay=self.lanes["relay"],
            numbering=self.lanes["numbering"],
            missing=self.lanes["missing"],
            sharing=sharing,
            inbox_limit=settings.max_inbox,
        )
        self.quarantine = Quarantine(settings, self.pipeline, self.directory, self.picture, clock)
        self.bodies = Buffer(settings.max_buffered)
        self.pace = Pace(settings.device_rate_per_s, settings.device_burst)
        self.payloads = LastPayloads()
        self.tallies = Tallies()
        self.heavy = Pool(settings.heavy_at_once, settings.heavy_waiting)
        self.retention = Retention(self.store, settings.retention, settings.retention_notice_h, self.picture.group_of)
        self.retention.on_round = self._forget_corrections
        self.upkeep = Work("compaction", clock)
        self.closing.append(self.upkeep.give_up)
        self.slots: Slots[Any] = Slots(settings.max_connections)
        #: part → what it counts, as a named tuple: /metrics has a metric of each field
        self.statistics: dict[str, Callable[[], Any]] = {
            "pipeline": self.pipeline.statistics,
            "connections": self.slots.statistics,
            "heavy": self.heavy.statistics,
            "jobs": self.jobs.statistics,
            "access": self._access_statistics,
            "quarantine": self.quarantine.statistics,
            "retention": self.retention.statistics,
        }
        if engine := getattr(self.store, "statistics", None):
            self.statistics["store"] = engine
        if sharing:
            self.statistics["nodes"] = sharing.statistics
        if line := getattr(self.bus, "statistics", None):
            self.statistics["bus"] = line
        self.ready = False

    async def start(self) -> None:
        self._take_records(await self.pipeline.start())
        for session in self.directory.sessions.by_id.values():
            self.guessing.know(session.user, session.address)
        if not self.directory.folder:
            await self.pipeline.keep_records(self._name_folder)
        self.jobs.add_job(Job("keep uses", USES_S, self._keep_uses))
        self.jobs.add_job(Job("forget who is slow", USES_S, self._forget_slow))
        self.jobs.add_job(Job("show guests out", LOOK_S, self._show_out))
        for job in self.store.jobs():
            self.jobs.add_job(job)
        for job in self.retention.jobs():
            self.jobs.add_job(job)
        self.jobs.start()
        await self.pipeline.wait_for_owners()
        self.ready = True

    async def leave(self) -> None:
        """We are asked to stop: no new work, what is under way may end."""
        self.ready = False
        await self.pipeline.hand_over()

    async def stop(self) -> None:
        self.ready = False
        for close in self.closing:
            await close()
        await self.jobs.stop()
        await self.pipeline.stop()
        self.hashing.close()

    def _name_folder(self) -> tuple[list[Record], list[Audit]]:
        return [] if self.directory.folder else [Record("folder", secrets.token_hex(4), 1, {})], []

    async def _forget_slow(self, _now: int) -> None:
        self.pace.forget_whole(self.steady() / 1000)

    async def _show_out(self, _now: int) -> None:
        self.guests.look()

    async def _keep_uses(self, _now: int) -> None:
        """When tokens and cookies were last shown; and sessions that have ended by themselves go."""
        await self.quarantine.play_known()
        if self.directory.has_uses(self.clock()):
            await self.pipeline.keep_records(lambda: (self.directory.uses(self.clock()), []))

    # -- where vehicles are -----------------------------------------------------------------------------------------

    async def hear_of(self, needs: Needs) -> None:
        """Return when the picture shows where these vehicles are by now, or in a moment. It does so for half a minute
        from then on, at least."""
        if self.is_shared:
            await self.pipeline.hear_of(needs, once=True)

    async def places_of(self, grant: Grant, needs: Needs | None = None) -> Places:
        """Where those are by now that are needed, as a grant shows it; None: all that it shows."""
        await self.hear_of(needs_of(grant) if needs is None else needs)
        return Places(self.picture, grant)

    # -- who may come in, and what they may see ---------------------------------------------------------------------

    def _access_statistics(self) -> AccessStatistics:
        directory, guessing = self.directory, self.guessing
        return AccessStatistics(
            not directory.has_administrator,
            len(directory.users),
            len(directory.sessions.by_id),
            len(directory.tokens.by_id),
            directory.sessions.begun,
            guessing.wrong,
            guessing.unheard,
            self.hashing.waiting,
            self.doorman.turned_away.times,
        )

    def give_first_link(self) -> str:
        """What makes the first administrator: good once, for 15 minutes, while there is none."""
        secret = new_secret()
        self._first = Link(hash_of(secret), "", self.clock() + FIRST_MS)
        return secret

    def first_link(self, hash: str) -> Link | None:
        if self.directory.has_administrator or self._first is None or self._first.hash != hash:
            return None
        return self._first

    def _take(self, change: Change, route: Callable[[Change], None]) -> None:
        """What is committed, in its order: who may see it is known first."""
        was_open = not self.directory.has_administrator
        self._take_records(change.records)
        if was_open and self.directory.has_administrator:
            log.warning("there is an administrator: from now on people sign in, and devices and scripts need tokens")
        route(change)
        if change.regions or change.regions_deleted:
            self._groups = None
        for vehicle in (*change.removed, *change.erased):
            self.payloads.forget(vehicle)
        for record in change.records:
            if record.body is None and record.kind == "token":
                self.payloads.forget(row_of_token(record.key))
        if change.regions or change.regions_deleted or any(record.kind != CORRECTION for record in change.records):
            self.doorman.forget_grants()
            self.regrants += 1
            self.on_regrant()
            self.guests.look()
        self.on_heard(change)

    async def _forget_corrections(self, now: int) -> None:
        """Of days of which nothing is kept any more."""
        over = self.retention.is_over
        gone = [
            record
            for vehicle in self.corrections.vehicles()
            for record in self.corrections.gone(vehicle, lambda one: over(one.vehicle, one.reach[1], now))
        ]
        if gone:
            await self.pipeline.keep_records(lambda: (gone, []))

    def _take_records(self, records: list[Record]) -> None:
        self.corrections.take(records)
        self.directory.take(record for record in records if record.kind != CORRECTION)

    def is_near(self, region: str, lat: float, lon: float) -> bool:
        """May a place be told to who sees this region?"""
        return is_near(self.fleet.regions, region, lat, lon)

    def _regions_in(self, groups: frozenset[str]) -> frozenset[str]:
        if self._groups is None:
            self._groups = {}
            for id, feature in self.picture.regions.items():
                if group := feature["properties"]["group"]:
                    self._groups.setdefault(group, set()).add(id)
        return frozenset().union(*(self._groups.get(group, ()) for group in groups))
