"""Whatever happens in whatever order, a viewer ends up with the truth about what it follows, and never hears of more.

The reader is tracker.client, which is what a real client does with the same messages.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.grants import limited, of_all
from tracker.access.grants import EVERYTHING, Grant
from tracker.client import Live
from tracker.geometry.earth import tile
from tracker.live import messages, requests
from tracker.live.hub import Hub
from tracker.live.viewer import Viewer
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping

REGIONS = ["north", "south", "yard"]
VEHICLES = [f"v{i}" for i in range(6)]
PLACES = [(60.0 + i * 0.4, 24.0 + j * 0.7) for i in range(3) for j in range(3)]
SETS: list[dict[str, Any]] = [
    {"all": True},
    {"all": True, "vehicles": ["v0"]},
    {"regions": ["north"]},
    {"regions": ["north", "south"]},
    {"vehicles": ["v1", "v2"]},
    {"vehicles": ["v1", "v3", "nobody"], "regions": ["yard", "nowhere"]},
    {"view": {"bbox": [23.9, 59.9, 24.1, 60.1], "zoom": 10}},
    {"view": {"bbox": [23.9, 59.9, 24.9, 60.5], "zoom": 9}, "regions": ["yard"]},
]


GRANTS = [
    EVERYTHING,
    limited("north"),
    limited("north", "yard", "nowhere"),
    Grant(),
    limited("north", "yard", vehicles=frozenset({"lorries"})),
    limited(anywhere=True, vehicles=frozenset({"vans", "nobody's"})),
    of_all(limited("north", vehicles=frozenset({"vans"})), limited("yard", coarse_m=5000)),
    of_all(limited("north"), limited(anywhere=True, coarse_m=40_000)),
]
GROUPS = ["vans", "lorries", None]


class Desk:
    """An outlet and what is behind it: a client that reads everything it is sent, and checks each word of it."""

    def __init__(self, world: World, follow: dict[str, Any], binary: bool, grant: Grant = EVERYTHING) -> None:
        self.world = world
        self.grant = grant
        self.model = Live("http://x")
        self.follow = follow
        self.binary = binary
        self.pending = 0
        self.events: list[int] = []
        self.allowed: set[tuple[str, int, int]] = set()  # (vehicle, lat, lon) it may be told
        self.owed: list[int] = []  # events it must be told
        self.connect(None)

    def connect(self, cursor: str | None, *, fresh: bool = False) -> None:
        self.viewer = Viewer(self, binary=self.binary, grant=self.grant)
        self.world.hub.attach(self.viewer)
        self.follow_now(cursor, fresh=fresh)

    def follow_now(self, cursor: str | None, *, fresh: bool = False) -> None:
        follow = requests.read_request(
            messages.encode({"op": "follow", **self.follow, "resume": cursor, "fresh": fresh})
        )
        assert isinstance(follow, requests.Follow)
        self.world.hub.follow(self.viewer, follow)
        for state in self.world.picture.vehicles.values():
            if self.sees(state):
                self.may(state)

    @property
    def vehicles(self) -> set[str]:
        return set(self.follow.get("vehicles", ()))

    def may(self, state: VehicleState) -> None:
        """Be told this place, as exactly as it is shown now."""
        if (seen := self.shown(state)) is not None:
            self.allowed.add((state.ping.vehicle, round(seen.ping.lat * 1e6), round(seen.ping.lon * 1e6)))

    def shown(self, state: VehicleState) -> VehicleState | None:
        return self.grant.shown(state, self.world.picture.group_of(state.ping.vehicle))

    def sees(self, state: VehicleState) -> bool:
        wish = self.viewer.wish
        assert wish is not None
        seen = self.shown(state)
        if seen is None:
            return False
        place = (seen.ping.lat, seen.ping.lon)
        return bool(
            wish.all
            or wish.granted
            or state.ping.vehicle in self.vehicles
            or wish.regions & seen.regions.keys()
            or any((z, *tile(*place, z)) in wish.cells for z in {cell[0] for cell in wish.cells})
        )

    def send(self, payload: bytes, text: bool = True) -> None:
        message = msgspec.json.decode(payload) if text else messages.read_binary(payload)
        for row in message.get("vehicles", ()) if message["op"] == "snapshot" else message.get("new", ()):
            assert (row[1], row[4], row[5]) in self.allowed, f"{row} is nothing to {self.follow}"
        for row in message.get("moved", ()):
            vehicle = self.world.names[row[0]]
            assert (vehicle, row[2], row[3]) in self.allowed, f"{row} is nothing to {self.follow}"
        wish = self.viewer.wish
        assert wish is not None
        if wish.granted:
            told = [region for name in ("in", "out") for region, _ in message.get(name, ())]
            told += [event["region"] for event in message.get("events", ()) if "region" in event]
            assert all(map(self.grant.sees_region, told))
        elif not wish.all:
            told = [region for name in ("in", "out") for region, _ in message.get(name, ())]
            told += [feature["id"] for feature in message.get("regions", ())] + message.get("regions_deleted", [])
            cells = {cell[0] for cell in wish.cells}
            for event in message.get("events", ()):
                assert "region" not in event or self.grant.sees_region(event["region"])
                here = any((z, *tile(event["lat"], event["lon"], z)) in wish.cells for z in cells)
                if "region" in event and event["vehicle"] not in wish.vehicles and not here:
                    told.append(event["region"])
            assert set(told) <= wish.regions
        for event in message.get("events", ()):
            known = self.world.hub.recent.since(event["seq"] - 1)[0]
            group = self.world.picture.group_of(event["vehicle"])
            assert self.grant.sees_event(known.event, known.regions, group), event
            self.events.append(event["seq"])
        self.model._take(message)


class World:
    def __init__(self) -> None:
        self.picture = Picture()
        self.hub = Hub(self.picture)
        self.hub.begin(epoch=b"\1\2\3\4", t0=0)
        self.names = {i + 1: name for i, name in enumerate(VEHICLES)}
        self.time = 1000
        self.desks: list[Desk] = []
        self.hub.route(Change(regions=[_feature(region) for region in REGIONS]))

    def change(self, states: list[VehicleState], removed: list[str], alarms: list[str]) -> None:
        events: list[Event] = []
        inside = {vehicle: set(state.regions) for vehicle, state in self.picture.vehicles.items()}
        visible: list[tuple[Event, set[str]]] = []

        def happen(kind: str, vehicle: str, region: str | None, ping: Ping) -> None:
            seq = self.picture.last_seq + len(events) + 1
            event = Event(f"e{seq}", kind, vehicle, ping.time, ping.time, "moved", ping.lat, ping.lon, region, seq=seq)
            events.append(event)
            now = inside.setdefault(vehicle, set())
            if region is not None:
                (now.add if kind == "enter" else now.discard)(region)
            visible.append((event, set(now)))

        def part(state: VehicleState, regions: dict[str, int]) -> None:
            before = set(inside.get(state.ping.vehicle, ()))
            for region in sorted(before - regions.keys()):
                happen("exit", state.ping.vehicle, region, state.ping)
                for desk in self.desks:
                    desk.may(msgspec.structs.replace(state, regions={region: 0}))  # where it was seen to leave
            for region in sorted(regions.keys() - before):
                happen("enter", state.ping.vehicle, region, state.ping)

        for state in states:
            part(state, state.regions)
            if state.ping.vehicle in alarms:
                happen("alarm", state.ping.vehicle, None, state.ping)
        for vehicle in removed:
            if vehicle in self.picture.vehicles:
                part(self.picture.vehicles[vehicle], {})
        for desk in self.desks:
            for state in states:
                if desk.sees(state):
                    desk.may(state)
            wish = desk.viewer.wish
            assert wish is not None
            for event, regions in visible:
                grant, group = desk.grant, self.picture.group_of(event.vehicle)
                group = None if event.vehicle in removed else group  # it is out of the register, too
                if not grant.sees_event(event, regions, group):
                    continue
                seen = grant.shown_event(event, regions, group, lambda *_: True)
                cells = {(z, *tile(seen.lat, seen.lon, z)) for z in {cell[0] for cell in wish.cells}}
                through = (regions if event.region is None else {event.region}) & wish.regions
                of_region = any(grant.sees((region,), group) for region in through)
                if wish.all or wish.granted or event.vehicle in desk.vehicles or of_region or wish.cells & cells:
                    desk.owed.append(event.seq)
        self.hub.route(Change(moved=states, events=events, removed=removed))

    def serve(self) -> None:
        for viewer in self.hub.tick():
            self.hub.serve(viewer, self.time)

    def catch_up(self) -> None:
        for desk in self.desks:
            desk.pending = 0
        self.settle()

    def settle(self) -> None:
        """A snapshot, what came meanwhile, events: a tick each."""
        for _ in range(4):
            self.serve()


def _state(vehicle: str, time: int, lat: float, lon: float, regions: set[str]) -> VehicleState:
    ping = Ping(vehicle, time, lat + time % 10_000 * 1e-6, lon)
    return VehicleState(VEHICLES.index(vehicle) + 1, ping, 0, 1, regions=dict.fromkeys(regions, time))


def _feature(region: str) -> dict[str, Any]:
    return {"type": "Feature", "id": region, "geometry": None, "properties": {"name": region}}


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    move = st.tuples(
        st.just("move"),
        st.lists(
            st.tuples(st.sampled_from(VEHICLES), st.sampled_from(PLACES), st.sets(st.sampled_from(REGIONS))),
            min_size=1,
            max_size=4,
            unique_by=lambda one: one[0],
        ),
        st.sets(st.sampled_from(VEHICLES), max_size=2),
    )
    desk = st.integers(0, 3)
    other = st.one_of(
        st.tuples(st.just("serve")),
        st.tuples(st.just("urgent")),
        st.tuples(st.just("remove"), st.sampled_from(VEHICLES)),
        st.tuples(st.just("block"), desk),
        st.tuples(st.just("resume"), desk),
        st.tuples(st.just("forget"), desk),
        st.tuples(st.just("follow"), desk, st.sampled_from(SETS)),
        st.tuples(st.just("view"), desk, st.sampled_from([(24.0, 60.0), (24.7, 60.4), (25.4, 60.8)])),
        st.tuples(st.just("register"), st.sampled_from(VEHICLES), st.sampled_from(GROUPS)),
        st.tuples(st.just("prune")),
    )
    return draw(st.lists(st.one_of(move, move, other), max_size=30))


@given(
    steps(),
    st.lists(st.tuples(st.sampled_from(SETS), st.sampled_from(GRANTS)), min_size=4, max_size=4),
    st.booleans(),
)
def test_a_viewer_ends_with_the_truth_and_hears_of_nothing_else(
    plan: list[tuple[Any, ...]], sets: list[tuple[dict[str, Any], Grant]], binary: bool
) -> None:
    world = World()
    world.desks = [Desk(world, dict(follow), binary, grant) for follow, grant in sets]
    world.serve()
    for step in plan:
        play(world, step)
    compare(world)


@pytest.mark.parametrize("seed", range(12))
def test_it_stays_so_through_a_long_day(seed: int) -> None:
    dice = random.Random(seed)
    world = World()
    world.desks = [Desk(world, dict(dice.choice(SETS)), bool(seed % 2), dice.choice(GRANTS)) for _ in range(4)]
    for _ in range(400):
        moves = [
            (vehicle, dice.choice(PLACES), set(dice.sample(REGIONS, dice.randrange(3))))
            for vehicle in dice.sample(VEHICLES, dice.randrange(1, 4))
        ]
        desk = dice.randrange(4)
        kinds: list[tuple[Any, ...]] = [("move", moves, {dice.choice(VEHICLES)})] * 6
        kinds += [("serve",)] * 4 + [("urgent",)] * 2 + [("resume", desk)] * 2 + [("forget", desk)]
        kinds += [("remove", dice.choice(VEHICLES)), ("block", desk), ("follow", desk, dice.choice(SETS))]
        kinds += [
            ("view", desk, dice.choice([(24.0, 60.0), (24.7, 60.4)])),
            ("register", dice.choice(VEHICLES), dice.choice(GROUPS)),
        ]
        play(world, dice.choice(kinds))
    compare(world)


def play(world: World, step: tuple[Any, ...]) -> None:
    world.time += 100
    match step:
        case ("move", moves, alarms):
            states = [
                _state(vehicle, world.time, lat, lon, regions)
                for vehicle, (lat, lon), regions in moves
            ]  # fmt: skip
            world.change(states, [], list(alarms))
        case ("remove", vehicle):
            if world.picture.group_of(vehicle):  # that is forgotten with it, and who saw it for its sake sees no more
                world.catch_up()
            world.change([], [vehicle], [])
        case ("serve",):
            world.serve()
        case ("urgent",):
            while urgent := world.hub.take_urgent():
                world.hub.serve_urgent(*urgent, world.time)
        case ("block", i):
            world.desks[i].pending = 0 if world.desks[i].pending else 10_000_000
        case ("resume", i):
            desk = world.desks[i]
            desk.pending = 0
            world.hub.detach(desk.viewer)
            if desk.model.cursor is None:  # it has heard of nothing yet: it begins now
                desk.owed.clear()
            desk.connect(desk.model.cursor)
        case ("forget", i):  # a client that kept only its cursor
            desk = world.desks[i]
            desk.pending = 0
            world.settle()
            cursor = desk.model.cursor
            desk.model = Live("http://x", resume=cursor)
            world.hub.detach(desk.viewer)
            desk.connect(cursor, fresh=True)
        case ("follow", i, follow):
            desk = world.desks[i]
            desk.pending = 0
            world.settle()  # what the old set owes
            desk.follow = dict(follow)
            desk.follow_now(None)
            world.settle()  # else it would come back with a cursor of the old set
        case ("view", i, (lon, lat)):
            desk = world.desks[i]
            desk.pending = 0
            world.settle()
            view = requests.View((lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1), 10)
            if desk.viewer.wish is not None and desk.viewer.wish.cells:
                world.hub.view(desk.viewer, view, world.time)
                desk.follow["view"] = {"bbox": list(view.bbox), "zoom": view.zoom}
                for state in world.picture.vehicles.values():
                    if desk.sees(state):
                        desk.may(state)
        case ("register", vehicle, group):
            world.catch_up()  # what was told before of who is seen no more
            world.hub.route(Change(registered=[Registered(vehicle, f"named {world.time}", group=group)]))
            if vehicle in world.picture.vehicles:
                for desk in world.desks:
                    desk.may(world.picture.vehicles[vehicle])
        case ("prune",):
            list(world.hub.keep_house(world.time * 1_000_000))


def compare(world: World) -> None:
    """After everybody was told the rest, everybody knows what is so."""
    world.catch_up()
    for desk in world.desks:
        expected = {v: s for v, s in world.picture.vehicles.items() if desk.sees(s)}
        known = desk.model.vehicles
        if desk.viewer.wish is not None and desk.viewer.wish.cells:  # cells that were left are the client's to drop
            assert expected.keys() <= known.keys()
        else:
            assert known.keys() == expected.keys(), desk.follow
        for vehicle, state in expected.items():
            seen = desk.shown(state)
            assert seen is not None
            assert known[vehicle].time == seen.ping.time
            assert round(known[vehicle].lat * 1e6) == round(seen.ping.lat * 1e6)
            if vehicle in world.picture.register:
                assert known[vehicle].name == world.picture.register[vehicle].name
            if desk.viewer.wish is not None and (desk.viewer.wish.all or desk.viewer.wish.granted):
                assert known[vehicle].regions == set(seen.regions)
        if all(part.vehicles is None for part in desk.grant.parts):
            assert desk.events == desk.owed, desk.follow
            continue
        # who comes back is told too of those that befell a vehicle before it came into a group that is seen
        assert desk.events == sorted(set(desk.events)) and set(desk.owed) <= set(desk.events), desk.follow
