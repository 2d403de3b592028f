"""Whatever becomes of the nodes, together they tell what one alone would tell: days by a seed, in which nodes join,
leave, die, hang and cannot reach their store."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from operator import methodcaller
from typing import Any

import pytest

from tests.support.company import Company, Node, depot, ping
from tests.support.lists import HeldStore
from tracker.buses import Gap, open_bus
from tracker.errors import NotFound, TrackerError
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.model.change import Registered
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.pipeline.pipeline import Pipeline

Deed = Callable[[Pipeline], Awaitable[object]]
CALLS = ("commit", "reload", "load", "deeds_after", "mark", "marked", "number_vehicles", "load_partitions", "ping")
STORED = "It is stored, and takes effect"  # … and need not be said again


def deeds(chance: random.Random) -> list[Deed]:
    """What people and vehicles do on one day, in this order."""
    names = [f"van-{number}" for number in range(12)]
    done: list[Deed] = []
    for second in range(0, 1200, 30):
        some = chance.sample(names, chance.randint(1, 12))
        pings = [
            ping(name, second, 60 + chance.choice((0, 0.002, 0.01, 0.02)), battery_pct=chance.choice((5, 50)))
            for name in some
        ]
        done.append(methodcaller("submit", pings))
        what, id, name = chance.random(), chance.choice(("depot", "yard")), chance.choice(names)
        if what < 0.3:
            feature = depot(id, chance.choice((300, 1500)), rules={"speed_limit_mps": chance.choice((5, 50))})
            done.append(methodcaller("save_regions", [feature]))
        elif what < 0.4:
            done.append(methodcaller("delete_region", id))
        elif what < 0.5:
            done.append(methodcaller("register", Registered(name, plate=f"X {second}")))
        elif what < 0.6:
            done.append(methodcaller("remove_vehicle", name))
    return done


def told(events: list[Event]) -> Counter[tuple[Any, ...]]:
    """By their ids; but in those of a removal is when it was done, which is our clock's."""
    return Counter(
        (
            "" if one.reason == "vehicle_removed" else one.id,
            *(one.kind, one.vehicle, one.region, one.version, one.reason, one.lat, one.lon),
        )
        for one in events
    )


def shown(picture: Picture) -> dict[str, Any]:
    return {
        "vehicles": {name: (one.ping, one.regions.keys(), one.held) for name, one in picture.vehicles.items()},
        "regions": {id: one["properties"]["version"] for id, one in picture.regions.items()},
        "register": picture.register,
    }


def shows_all(node: Node, wanted: dict[str, Any]) -> bool:
    return shown(node.picture) == wanted


async def alone(company: Company, did: list[Deed]) -> tuple[Counter[tuple[Any, ...]], dict[str, Any]]:
    picture, events = Picture(), list[Event]()

    def hear(change: Any) -> None:
        picture.apply(change)
        events.extend(change.events)

    store = HeldStore(f"held:any-day-{id(company)}")
    pipeline = Pipeline(
        Fleet(company.settings), store, open_bus("memory:"), picture, clock=lambda: company.place.now, on_change=hear
    )  # fmt: skip
    await pipeline.start()
    for deed in did:
        try:
            await deed(pipeline)
        except NotFound:
            pass
    await company.until(lambda: not store._kept.unnumbered)
    await company.until(lambda: len(events) == len(store._kept.events))
    shows = told(events), shown(picture)
    await pipeline.stop()
    return shows


class Day:
    def __init__(self, company: Company, chance: random.Random) -> None:
        self.company = company
        self.chance = chance
        self.joined = 0

    async def join(self) -> None:
        self.joined += 1
        node = Node(self.company, f"node-{self.joined}", self.chance.choice((0, -3_600_000, 500)))
        await node.pipeline.start()
        self.company.nodes.append(node)

    async def befall(self, spared: Node) -> None:
        """Something befalls a node, while `spared` does something."""
        others = [node for node in self.company.nodes if node is not spared]
        what = self.chance.random()
        if what < 0.05 and len(self.company.nodes) < 4:
            await self.join()
        elif what < 0.08 and len(others) > 1:
            self.company.kill(self.chance.choice(others))
        elif what < 0.1 and len(others) > 1:
            node = self.chance.choice(others)
            node.store.gate.set()
            await self.company.leave(node)
        elif what < 0.15:
            self.chance.choice(self.company.nodes).store.fails[self.chance.choice(CALLS)] = self.chance.randint(1, 3)
        elif what < 0.18 and others:
            node = self.chance.choice(others)
            node.hangs = not node.hangs
            node.store.fails["lease_round"] = 1_000_000 if node.hangs else 0
        elif what < 0.2 and others:
            node = self.chance.choice(others)
            (node.store.gate.clear if node.store.gate.is_set() else node.store.gate.set)()
        elif what < 0.22:
            node = self.chance.choice(self.company.nodes)
            node.bus.deaf = not node.bus.deaf

    async def do(self, deed: Deed) -> None:
        """At some node, again and again until it is stored."""
        while True:
            node = self.chance.choice(self.company.nodes)
            if node.hangs or not node.store.gate.is_set():
                node.hangs = False
                node.store.fails["lease_round"] = 0
                node.store.gate.set()
            doing = asyncio.ensure_future(deed(node.pipeline))
            rounds = 0
            while not doing.done():
                await self.befall(node)
                await self.company.go_on()
                rounds += 1
                if rounds > 300:
                    for one in self.company.nodes:
                        one.store.gate.set()
                assert rounds < 20_000, "it is answered"
            try:
                await doing
                return
            except NotFound:
                return
            except TrackerError as fault:
                if STORED in fault.detail or fault.detail.startswith("The region is stored"):
                    return


@pytest.mark.parametrize("seed", range(2))
async def test_nodes_tell_together_what_one_tells_alone(
    company: Company, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.02)
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.LOOK_S", 0.002)
    monkeypatch.setattr("tracker.pipeline.shared.following.SEEN_S", 0.3)
    monkeypatch.setattr("tracker.pipeline.shared.following.LOOK_S", 0.002)
    monkeypatch.setattr("tracker.pipeline.shared.sharing.LEAVE_S", 0.05)
    monkeypatch.setattr("tracker.pipeline.shared.telling.WORD_S", 0.002)
    monkeypatch.setattr("tracker.pipeline.shared.ownership.AGAIN_S", 0.002)
    monkeypatch.setattr("tracker.turns.lanes.PAUSE_S", 0.001)
    monkeypatch.setattr("tracker.turns.lanes.LONGEST_S", 0.002)
    chance = random.Random(seed)
    did = deeds(chance)
    company.settings = FleetSettings(silence_s=1e6)  # nothing is told because of how long all of it takes
    day = Day(company, chance)
    for _ in range(3):
        await day.join()
    await company.until(company.is_fair)
    for deed in did:
        await day.do(deed)
    for node in company.nodes:
        node.store.fails.clear()
        node.store.gate.set()
        node.hangs = node.bus.deaf = False
        node.bus._listeners.miss(Gap(0))
    await company.until(company.is_fair)
    await company.until(lambda: min(company.place.marks) >= company.place.lasting)
    events, shows = await alone(company, did)
    await company.until(lambda: len(company.place.kept.events) >= len(events))
    assert told(company.place.kept.events) == events
    await company.watch()
    for node in company.nodes:
        await company.until(partial(shows_all, node, shows), f"{node.name} shows the same")
