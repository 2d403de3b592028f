"""Nodes of one process that share a store of lists, as servers share a database: pipelines, a bus that all hear, and a
clock that stands still until a test lets time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from tests.support.shared_lists import Place, SharedList
from tests.support.waiting import deadline
from tracker.buses import Gap
from tracker.buses.answering import Answering
from tracker.buses.memory import MemoryBus
from tracker.buses.memory_asking import MemoryAsking
from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.model.change import Change
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.nodes.interest import ALL
from tracker.pipeline.pipeline import Pipeline
from tracker.pipeline.shared.clock import SharedClock
from tracker.pipeline.shared.sharing import Sharing
from tracker.turns.lanes import Lanes

T = TypeVar("T")
T0 = 1_790_000_000_000
ROUND_MS = 140

_encode = msgspec.msgpack.Encoder().encode
_change = msgspec.msgpack.Decoder(Change).decode


def ping(vehicle: str, second: float = 0, lat: float = 60.0, lon: float = 25.0, **more: Any) -> Ping:
    return Ping(vehicle, T0 + int(second * 1000), lat, lon, **more)


def depot(id: str = "depot", radius_m: float = 500, lat: float = 60.0, **properties: Any) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [25.0, lat]}
    return {"type": "Feature", "id": id, "geometry": place, "properties": {"radius_m": radius_m, **properties}}


class JoinedBus(MemoryBus):
    """What one says all hear. `deaf`: what others say gets lost."""

    def __init__(self, nodes: list[JoinedBus]) -> None:
        super().__init__()
        self.deaf = False
        self._nodes = nodes
        nodes.append(self)

    async def publish(self, change: Change) -> None:
        said = _encode(change)
        for one in self._nodes:
            if one is not self and not one.deaf and not one._closed:
                one._listeners.overhear(_change(said), len(said), Gap(0))
        await super().publish(change)


class Node:
    def __init__(self, company: Company, name: str, ahead_ms: int) -> None:
        place = company.place
        self.name = name
        self.store = SharedList(place, name)
        self.bus = JoinedBus(company.buses)
        self.asking = MemoryAsking(name, company.answering)
        self.fleet, self.picture, self.lanes = Fleet(company.settings), Picture(), Lanes()
        self.told: list[Change] = []
        self.hangs = False  # it asks for no lease
        self.clock = SharedClock(lambda: place.now + ahead_ms, lambda: place.now)
        self.sharing = Sharing(
            self.store, self.asking, self.picture, self.clock, lambda: place.now, self.lanes
        )  # fmt: skip
        self.pipeline = Pipeline(
            self.fleet,
            self.store,
            self.bus,
            self.picture,
            clock=self.clock,
            steady=lambda: place.now,
            on_change=self.hear,
            numbering=self.lanes["numbering"],
            sharing=self.sharing,
        )

    def hear(self, change: Change) -> None:
        self.told.append(change)
        self.picture.apply(change)

    @property
    def serves(self) -> set[int]:
        leases, now = self.sharing.ownership._leases, self.sharing.ownership._steady()
        return {place for place in leases.owned() if leases.epoch_of(place, now) is not None}

    @property
    def events(self) -> list[Event]:
        """It told those who watch, in this order."""
        return [event for change in self.told for event in change.events]


class Company:
    def __init__(self) -> None:
        self.settings = FleetSettings()
        self.place = Place(T0)
        self.buses: list[JoinedBus] = []
        self.answering: dict[str, Answering] = {}
        self.nodes: list[Node] = []

    async def join(self, name: str, ahead_ms: int = 0) -> Node:
        """Start one more, and wait until all is shared fairly again."""
        node = Node(self, name, ahead_ms)
        await node.pipeline.start()
        self.nodes.append(node)
        await self.until(self.is_fair)
        return node

    def is_fair(self) -> bool:
        counts = [len(node.serves) for node in self.nodes]
        if not all(node.sharing.ownership.is_settled for node in self.nodes):
            return False
        return sum(counts) == len(self.place.marks) and max(counts) - min(counts) <= 1

    async def leave(self, node: Node) -> None:
        """Stop as a server does that is told to."""
        await self.do(node.pipeline.stop())
        self.nodes.remove(node)

    def kill(self, node: Node) -> None:
        """Nothing of it is there any more."""
        self.nodes.remove(node)
        self.buses.remove(node.bus)
        self.answering.pop(node.name, None)
        node.store._open = False
        sharing = node.sharing
        tasks = [*node.pipeline._tasks, *sharing._tasks, *sharing.ownership._tasks]
        tasks += [target.task for target in sharing.passing._targets.values()]
        tasks += [other.task for other in sharing.watching._others.values()]
        for task in tasks:
            task.cancel()

    async def end(self) -> None:
        for node in self.nodes:
            node.store.fails.clear()
            node.store.gate.set()
            node.hangs = False
        for node in self.nodes.copy():
            await self.leave(node)

    async def watch(self) -> None:
        """From now on all nodes hear everything."""
        for node in self.nodes:
            await self.do(node.pipeline.hear_of(ALL, once=True))

    # -- time -----------------------------------------------------------------------------------------------------------

    async def go_on(self, ms: int = ROUND_MS) -> None:
        """Let time pass, and each node have its round."""
        self.place.now += ms
        for node in self.nodes:
            if not node.hangs:
                with suppress(StoreError):
                    await node.sharing.ownership.ask_store()
            node.sharing.wake()
        await asyncio.sleep(0.001)

    async def until(self, condition: Callable[[], Any], what: str = "", seconds: float = 5) -> None:
        end = time.monotonic() + deadline(seconds)
        while not condition():
            assert time.monotonic() < end, f"waited in vain: {what or condition}"
            await self.go_on()

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """This, while time passes."""
        task = asyncio.create_task(work)
        await self.until(task.done, "it is done", 20)
        return task.result()

    # -- whose ----------------------------------------------------------------------------------------------------------

    def owner(self, vehicle: str) -> Node:
        """Who has it in memory and decides about it."""
        (node,) = [one for one in self.nodes if one.sharing.ownership.partition_of(vehicle) in one.serves]
        return node

    def vehicle_of(self, node: Node, at: int = 0) -> str:
        """The name of a vehicle this one owns; another for each number."""
        partition_of, serves = node.sharing.ownership.partition_of, node.serves
        names = (f"van-{number}" for number in range(100_000))
        return [name for name in (next(names) for _ in range(2000)) if partition_of(name) in serves][at]
