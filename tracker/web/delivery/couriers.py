"""Couriers: one for each target. Now and then each looks who has moved and is granted, and tells its target.

The grant is asked for whenever something is told: what is taken away is told no more, to a target that was waiting too.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from tracker.config import networks
from tracker.errors import NotSignedIn
from tracker.model import outside as shown
from tracker.model.change import Change
from tracker.model.ping import has_place
from tracker.model.records import Actor, Audit, Record
from tracker.model.targets import Target
from tracker.node import Node
from tracker.nodes.interest import NOTHING
from tracker.nodes.reading import needs_of
from tracker.outputs import signing
from tracker.outputs.outbox import News, Outbox
from tracker.outputs.sight import Places, Sight
from tracker.turns.slices import in_slices
from tracker.web.delivery.post import Message, Post, Poster, Undelivered
from tracker.web.server.answers import encode

MOST = 2000  #: positions of one request
LOOK_S = 1.0  #: between two looks of one that has nothing to do
AGAIN_S = 60.0  #: after a fault of ours
GONE = 410  #: a target says that it wants nothing more

log = logging.getLogger(__name__)


class Moved:
    """Who has moved since when: each vehicle once, however often it did, and however many look."""

    def __init__(self) -> None:
        self.version = 0
        self._moved: dict[str, int] = {}  # vehicle → version, ascending

    def add_vehicles(self, vehicles: Iterable[str]) -> None:
        self.version += 1
        for vehicle in vehicles:
            self._moved.pop(vehicle, None)
            self._moved[vehicle] = self.version

    def drop_vehicles(self, vehicles: Iterable[str]) -> None:
        for vehicle in vehicles:
            self._moved.pop(vehicle, None)

    def since(self, version: int) -> list[str]:
        """The first to move first."""
        found: list[str] = []
        for vehicle, at in reversed(self._moved.items()):
            if at <= version:
                break
            found.append(vehicle)
        return found[::-1]


class View(msgspec.Struct):
    """How it goes, since the start. Times are UTC ms."""

    requests: int = 0
    positions: int = 0
    delivered_at: int | None = None
    error: str | None = None  # of the last request, while it is the last thing known
    error_at: int | None = None


class Courier:
    def __init__(self, node: Node, target: Target, moved: Moved, post: Post, next_at: int = 0) -> None:
        self.target = target
        self.view = View()
        self.outbox = Outbox(round(target.every_s * 1000), round(target.vehicle_every_s * 1000), next_at)
        self._node = node
        self._moved = moved
        self._post = post
        self._version = -1  # up to here it knows who has moved
        self._granted = ""

    async def round(self) -> bool:
        """Look once, and tell what is to be told. Whether the target wants more."""
        asked_at = self._node.steady()
        try:
            places = await self._look(asked_at)
        except NotSignedIn as fault:
            self._failed(fault.detail, asked_at)
            return True
        told, positions = await self._news(places, self.outbox.due(asked_at, MOST))
        if not told:
            return True

        sent: dict[str, News] = {}

        def message() -> Message | None:
            sent.update({vehicle: told[vehicle] for vehicle in self._still_seen(told)})
            return signed(self.target, [positions[vehicle] for vehicle in sent], self._node.clock()) if sent else None

        try:
            answer = await self._post(self.target.url, message)
        except Undelivered as fault:
            self.view.requests += 1
            self._failed(str(fault), asked_at)
            return True
        if answer is None:
            return True
        self.view.requests += 1
        if 200 <= answer.status < 300:
            self.view.positions += len(sent)
            self.view.delivered_at, self.view.error, self.view.error_at = self._node.clock(), None, None
            self.outbox.delivered(sent, asked_at)
            return True
        self._failed(said(answer.status), asked_at, answer.pause_s)
        return answer.status != GONE

    async def _look(self, now: int) -> Places:
        """At who has moved, or with another grant at everybody; where that was is heard when it may be told. Raises
        NotSignedIn."""
        grant = self._node.doorman.grant_of(self.target)
        places = await self._node.places_of(grant, needs_of(grant) if now >= self.outbox.next_at else NOTHING)
        if (granted := grant.key()) != self._granted:
            self._granted = granted
            self.outbox.add_vehicles(self._node.picture.vehicles)
        else:
            self.outbox.add_vehicles(self._moved.since(self._version))
        self._version = self._moved.version
        return places

    def _still_seen(self, told: Iterable[str]) -> list[str]:
        """Of whom it may be told what it might when that was put together: to connect takes a while."""
        try:
            grant = self._node.doorman.grant_of(self.target)
        except NotSignedIn:
            return []
        if grant.key() != self._granted:
            return []
        sight = Sight(self._node.picture, grant)
        return [vehicle for vehicle in told if sight.sees(vehicle)]

    async def _news(self, places: Places, due: list[str]) -> tuple[dict[str, News], dict[str, bytes]]:
        """What there is to tell of these; of the others there is nothing, until they move."""
        told: dict[str, News] = {}
        positions: dict[str, bytes] = {}
        async for vehicle in in_slices(due):
            state = places.vehicle(vehicle)
            news: News = ()
            if state is not None and has_place(state.ping):
                news = (state.ping.time, state.ping.lat, state.ping.lon)
            if news and state is not None and self.outbox.is_news(vehicle, news):
                told[vehicle] = news
                positions[vehicle] = encode({"vehicle": vehicle, **shown.position(state.ping)})
            else:
                self.outbox.drop_vehicles([vehicle])
        return told, positions

    def _failed(self, why: str, asked_at: int, pause_s: float | None = None) -> None:
        self.view.error, self.view.error_at = why, self._node.clock()
        self.outbox.failed(asked_at, self._node.steady(), None if pause_s is None else round(pause_s * 1000))


def signed(target: Target, positions: Iterable[bytes], now: int) -> Message:
    """Positions in our own words, as `POST /api/v1/positions` takes them."""
    body = b'{"positions":[%b]}' % b",".join(positions)
    return signing.headers(target.secret, f"msg_{secrets.token_hex(12)}", now, body), body


def said(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}: a redirect is not followed, name where it leads to"
    return f"it answered {status}"


class Statistics(NamedTuple):
    on: int
    failing: int
    waiting: int  # vehicles
    requests: int
    positions: int


class Couriers:
    def __init__(self, node: Node, post: Post | None = None) -> None:
        self.post: Post = post or Poster(networks(node.settings.target_networks))
        self.by_id: dict[str, Courier] = {}
        self._node = node
        self._moved = Moved()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._runs = False
        self._ended = View()  # of those that are not there any more
        node.on_heard = self._hear
        node.statistics["targets"] = self.statistics

    def set_out(self) -> None:
        self._match()
        self._runs = True
        for courier in self.by_id.values():
            self._send_off(courier)

    async def stop(self) -> None:
        self._runs = False
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()

    def statistics(self) -> Statistics:
        views = [self._ended, *(courier.view for courier in self.by_id.values())]
        return Statistics(
            len(self.by_id),
            sum(courier.view.error is not None for courier in self.by_id.values()),
            sum(len(courier.outbox) for courier in self.by_id.values()),
            sum(view.requests for view in views),
            sum(view.positions for view in views),
        )

    def _hear(self, change: Change) -> None:
        if any(record.kind == "target" for record in change.records):
            self._match()
        if self.by_id:
            self._moved.drop_vehicles(change.removed)
            for courier in self.by_id.values():
                courier.outbox.forget_vehicles(change.removed)
            self._moved.add_vehicles(state.ping.vehicle for state in change.moved)

    def _match(self) -> None:
        """A courier for each target that is on, as it is now."""
        wanted = {target.id: target for target in self._node.directory.targets.values() if target.enabled}
        for id, courier in list(self.by_id.items()):
            if wanted.get(id) != courier.target:
                self._end(id)
                if id in wanted:
                    self._begin(wanted[id], courier.outbox.next_at)
        for id in wanted.keys() - self.by_id.keys():
            self._begin(wanted[id])

    def _begin(self, target: Target, next_at: int = 0) -> None:
        courier = self.by_id[target.id] = Courier(self._node, target, self._moved, self.post, next_at)
        if self._runs:
            self._send_off(courier)

    def _send_off(self, courier: Courier) -> None:
        id = courier.target.id
        self._tasks[id] = asyncio.create_task(self._run(courier), name=f"target {id}")

    def _end(self, id: str) -> None:
        courier = self.by_id.pop(id)
        self._ended.requests += courier.view.requests
        self._ended.positions += courier.view.positions
        if task := self._tasks.pop(id, None):
            task.cancel()

    async def _run(self, courier: Courier) -> None:
        while True:
            wait_s = LOOK_S
            try:
                if await self._node.store.does_chores() and not await courier.round():
                    await self._turn_off(courier.target)
                wait_s = min(LOOK_S, courier.target.every_s)
            except Exception:
                log.exception("telling the target %s failed", courier.target.id)
                wait_s = AGAIN_S
            await asyncio.sleep(wait_s)

    async def _turn_off(self, target: Target) -> None:
        """It said that it is gone."""
        log.warning("the target %s answered 410: it is turned off", target.id)
        directory, by = self._node.directory, Actor("server", "")

        def plan() -> tuple[list[Record], list[Audit]]:
            if directory.targets.get(target.id) != target:
                return [], []
            off = msgspec.structs.replace(target, enabled=False)
            entry = by.did(self._node.clock(), "target.change", target.id, target.as_json(), off.as_json())
            return [directory.record("target", target.id, off)], [entry]

        await self._node.pipeline.keep_records(plan)
