"""What a node did not hear on the bus: it knows it all the same, and tells it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.support.waiting import deadline, until
from tracker.buses import Gap
from tracker.buses.memory import MemoryBus
from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.model.change import Acked, Change, Registered, VehicleState
from tracker.model.commit import Commit, Loaded
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.model.records import Record
from tracker.pipeline.missed import find_missed
from tracker.pipeline.pipeline import Pipeline
from tracker.regions.region import Region
from tracker.stores.sqlite.store import SqliteStore

T0 = 1_790_000_000_000


def state(vehicle: str, n: int, time: int = 0) -> VehicleState:
    return VehicleState(n=n, ping=Ping(vehicle, T0 + time, 60.0, 25.0), received_at=T0 + time)


def region(id: str, version: int = 1) -> dict[str, Any]:
    return {"type": "Feature", "id": id, "properties": {"version": version}}


def known() -> Picture:
    picture = Picture()
    picture.apply(
        Change(
            moved=[state("same", 1), state("moved", 2), state("gone", 3)],
            registered=[Registered("same", name="S"), Registered("renamed", name="R"), Registered("sold")],
            regions=[region("same"), region("redrawn"), region("deleted")],
        )
    )
    return picture


VERSIONS = {("user", "eve"): 1, ("user", "bob"): 1, ("session", "s"): 1}
STORED = Change(
    moved=[state("same", 1), state("moved", 2, 5), state("new", 4)],
    registered=[Registered("same", name="S"), Registered("renamed", name="R2"), Registered("bought")],
    regions=[region("same"), region("redrawn", 2), region("drawn")],
    records=[Record("user", "eve", 1, {}), Record("user", "bob", 2, None), Record("user", "zoe", 1, {})],
)
MISSED = Change(
    moved=[state("moved", 2, 5), state("new", 4)],
    registered=[Registered("renamed", name="R2"), Registered("bought")],
    removed=["gone", "sold"],
    regions=[region("redrawn", 2), region("drawn")],
    regions_deleted=["deleted"],
    records=[
        Record("user", "bob", 2, None),
        Record("user", "zoe", 1, {}),
        Record("session", "s", 2, None, lasting=False),
    ],
)


def test_what_differs_from_what_is_stored_was_missed() -> None:
    assert find_missed(known(), VERSIONS, STORED, []) == MISSED


def test_nothing_was_missed_where_nothing_differs() -> None:
    picture = known()
    picture.apply(MISSED)
    versions = {("user", "eve"): 1, ("user", "bob"): 2, ("user", "zoe"): 1}
    assert find_missed(picture, versions, STORED, []) == Change()


@pytest.mark.parametrize(
    "heard, left",
    [
        (Change(moved=[state("moved", 2, 9)]), {"moved": [state("new", 4)]}),
        (Change(removed=["new"]), {"moved": [state("moved", 2, 5)]}),
        (Change(moved=[state("gone", 3, 9)]), {"removed": ["sold"]}),
        (Change(registered=[Registered("renamed", name="R3")]), {"registered": [Registered("bought")]}),
        (Change(regions=[region("redrawn", 3)]), {"regions": [region("drawn")]}),
        (Change(regions_deleted=["drawn"]), {"regions": [region("redrawn", 2)]}),
        (Change(regions=[region("deleted", 2)]), {"regions_deleted": []}),
        (Change(records=[Record("user", "bob", 3, {})]), {"records": MISSED.records[1:]}),
        (Change(records=[Record("session", "s", 2, {})]), {"records": MISSED.records[:2]}),
    ],
)
def test_what_was_heard_since_it_was_read_stands(heard: Change, left: dict[str, Any]) -> None:
    found = find_missed(known(), VERSIONS, STORED, [heard])
    assert {name: getattr(found, name) for name in left} == left


class Store(SqliteStore):
    """One that can fail, and that another node writes to as well."""

    def __init__(self) -> None:
        super().__init__("sqlite://:memory:")
        self.faults = 0
        self.loads = 0
        self.before: Callable[[], Any] = lambda: None

    async def load(self) -> Loaded:
        self.loads += 1
        if self.faults:
            self.faults -= 1
            raise StoreError("not now")
        loaded = await super().load()
        self.before()
        return loaded


class Bus(MemoryBus):
    def miss(self, gap: Gap) -> None:
        self._listeners.miss(gap)


class Node:
    def __init__(self) -> None:
        self.store, self.bus, self.picture, self.fleet = Store(), Bus(), Picture(), Fleet()
        self.told: list[Change] = []
        self.pipeline = Pipeline(self.fleet, self.store, self.bus, self.picture, clock=lambda: T0, on_change=self.hear)

    def hear(self, change: Change) -> None:
        self.told.append(change)
        self.picture.apply(change)

    def events(self) -> list[int]:
        return [event.seq for change in self.told for event in change.events]

    async def elsewhere(self, *pings: Ping, **more: Any) -> None:
        """Another node commits, and this one hears nothing of it."""
        fleet = Fleet(FleetSettings())
        fleet.restore(await SqliteStore.load(self.store), T0)
        commit = fleet.apply(list(pings), T0).commit if pings else Commit()
        for name, value in more.items():
            setattr(commit, name, value)
        await self.store.commit(commit)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node()
    await node.pipeline.start()
    yield node
    await node.pipeline.stop()


def alarm(vehicle: str, second: int, text: str = "sos") -> Ping:
    return Ping(vehicle, T0 + second * 1000, 60.0, 25.0, alarm=text)


async def test_after_a_gap_a_node_knows_everything_others_did(node: Node) -> None:
    await node.pipeline.submit([alarm("here", 0)])
    await node.elsewhere(
        alarm("there", 0),
        registered=[Registered("there", name="T")],
        records=[Record("user", "eve", 1, {"name": "Eve"})],
    )
    node.bus.miss(Gap(0))
    await until(lambda: node.events() == [1, 2], "the event is known")
    assert sorted(node.picture.vehicles) == ["here", "there"]
    assert node.picture.register["there"].name == "T"
    assert [change.records for change in node.told if change.records] == [[Record("user", "eve", 1, {"name": "Eve"})]]
    told = len(node.told)
    node.bus.miss(Gap(0))
    await until(lambda: node.store.loads == 2, "it looks again")
    await asyncio.sleep(0)
    assert len(node.told) == told


async def test_a_vehicle_that_was_erased_elsewhere_is_erased_here(node: Node) -> None:
    await node.pipeline.submit([alarm("removed", 0), alarm("erased", 0)])
    fleet = Fleet()
    fleet.restore(await SqliteStore.load(node.store), T0)
    for name in ("removed", "erased"):
        await node.store.commit(fleet.remove_vehicle(name, T0).commit)
    await node.store.commit(Commit(erased=["erased"]))
    node.bus.miss(Gap(0))
    await until(lambda: not node.picture.vehicles, "they are gone")
    assert node.told[-1].erased == ["erased"]
    assert node.told[-1].removed == ["erased", "removed"]


async def test_an_acknowledgement_that_was_missed_is_told(node: Node) -> None:
    await node.pipeline.submit([alarm("here", 0)])
    event = node.told[-1].events[0]
    ack = Acked(event.id, "bob", T0)
    await node.elsewhere(acked=[ack])
    node.bus.miss(Gap(5))
    await until(lambda: node.told[-1].acked == [ack], "it is told")


async def test_while_the_bus_is_away_only_events_are_read(node: Node) -> None:
    await node.elsewhere(alarm("there", 0))
    node.bus.miss(Gap(0, away=True))
    await until(lambda: node.events() == [1], "the event is known")
    assert node.store.loads == 0
    assert not node.picture.vehicles


async def test_a_gap_that_is_over_is_not_forgotten_for_one_that_lasts(node: Node) -> None:
    node.pipeline._missed.note_gap(Gap(7, away=True))
    node.pipeline._missed.note_gap(Gap(3))
    node.pipeline._missed.note_gap(Gap(5, away=True))
    assert node.pipeline._missed._gap == Gap(7)


async def test_a_store_that_cannot_be_read_is_asked_again(node: Node) -> None:
    await node.elsewhere(alarm("there", 0))
    node.store.faults = 2
    node.bus.miss(Gap(0))
    await until(lambda: node.events() == [1], "the event is known in the end")
    assert node.store.loads == 3


async def test_a_node_is_behind_until_what_it_missed_is_read(node: Node) -> None:
    missed, was_behind, is_read = node.pipeline._missed, [], asyncio.Event()
    node.store.before = lambda: was_behind.append(missed.is_behind)
    missed.on_read = is_read.set
    assert not missed.is_behind
    node.store.faults = 1
    missed.note_gap(Gap(0))
    assert missed.is_behind
    await until(lambda: not node.store.faults, "it could not be read")
    assert missed.is_behind
    await asyncio.wait_for(is_read.wait(), deadline(10))
    assert (was_behind, missed.is_behind) == ([True], False)


async def test_what_is_missed_while_the_bus_is_away_nobody_is_going_to_read(node: Node) -> None:
    node.pipeline._missed.note_gap(Gap(0, away=True))
    assert not node.pipeline._missed.is_behind


async def test_what_is_heard_while_the_store_is_read_is_newer(node: Node) -> None:
    await node.pipeline.submit([alarm("here", 0)])
    newer = state("here", 1, 9000)
    node.store.before = lambda: heard(node, Change(moved=[newer]))
    node.bus.miss(Gap(0))
    await until(lambda: node.store.loads, "it is read")
    await until(lambda: node.pipeline._missed._meanwhile is None, "it was compared")
    assert node.picture.vehicles["here"] == newer


def heard(node: Node, change: Change) -> None:
    node.pipeline._missed.note_change(change)
    node.pipeline._relay.take(change)


async def test_a_record_that_leaves_nothing_is_not_missed_again(node: Node) -> None:
    missed = node.pipeline._missed
    missed.note_change(Change(records=[Record("session", "s", 1, {}, lasting=False)]))
    missed.note_change(Change(records=[Record("session", "s", 2, None, lasting=False)]))
    node.bus.miss(Gap(0))
    await until(lambda: node.store.loads and missed._meanwhile is None, "it was compared")
    assert node.told == []


async def test_a_region_that_was_drawn_elsewhere_is_known(node: Node) -> None:
    fleet = Fleet()
    fleet.restore(await SqliteStore.load(node.store), T0)
    drawn = Region.read_feature(
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [25, 60]}, "properties": {"radius_m": 100}},
        id="yard", version=1, now=T0,
    )  # fmt: skip
    await node.store.commit(fleet.save_regions([drawn], T0).commit)
    node.bus.miss(Gap(0))
    await until(lambda: list(node.picture.regions) == ["yard"], "it is known")


async def test_what_is_stored_is_read_for_who_asks_and_not_again_soon(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.missed.LATELY_S", 1_000_000)
    await node.elsewhere(alarm("there", 0))
    await asyncio.wait_for(node.pipeline._missed.read_stored(), deadline(10))
    assert "there" in node.picture.vehicles, "when that is answered"
    assert node.store.loads == 1
    await node.pipeline._missed.read_stored()
    assert node.store.loads == 1


async def test_what_was_read_long_ago_is_read_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.missed.LATELY_S", 0)
    for loads in (1, 2):
        await asyncio.wait_for(node.pipeline._missed.read_stored(), deadline(10))
        assert node.store.loads == loads


async def test_while_the_bus_is_away_what_is_stored_is_read_for_who_asks(node: Node) -> None:
    await node.elsewhere(alarm("there", 0))
    node.pipeline._missed.note_gap(Gap(0, away=True))
    await asyncio.wait_for(node.pipeline._missed.read_stored(), deadline(10))
    assert "there" in node.picture.vehicles


async def test_a_store_that_does_not_answer_is_not_waited_for_for_long(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.missed.SOON_S", 0.01)
    node.store.faults = 1_000_000
    await asyncio.wait_for(node.pipeline._missed.read_stored(), deadline(10))
    assert node.picture.vehicles == {}
    node.store.faults = 0
