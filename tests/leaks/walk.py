"""Walk: one world from its beginning, a step at a time: something happens, then somebody looks.

Each step draws from its own seed, so a walk can be gone again without some of its steps: that is how a leak is cut down
to the few steps that make it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any
from urllib.parse import quote

from tests.leaks.asking import Channel, Said, ask
from tests.leaks.marks import Mark, found_in, texts
from tests.leaks.world import (
    NOWHERE,
    SITES,
    STEP_MS,
    VERBS,
    Area,
    Drawn,
    Fix,
    Grant,
    Group,
    Happened,
    Person,
    Vehicle,
    World,
)
from tracker.access.sessions import Session
from tracker.access.tokens import hash_of
from tracker.node import Node
from tracker.stores import EventQuery

V1 = "/api/v1"
MOST_CHANNELS = 6
SHARED_S = 2.0  #: longer than a count of vehicles is shared


class Leak(AssertionError):
    """Somebody was told what they may not have."""


class Walk:
    def __init__(self, app: Any, stack: AsyncExitStack) -> None:
        self.app = app
        self.node: Node = app.extensions["node"]
        self.world = World()
        self.rng = Random(0)
        self.stack = stack
        self.channels: list[tuple[Channel, Person, AsyncExitStack]] = []
        self.console = {"authorization": f"Bearer {self.node.doorman.open_console()}"}
        mint = self.world.mint
        self.area_groups = [mint.text("quarter") for _ in range(4)]
        self.vehicle_groups = [mint.text("pool") for _ in range(3)]
        self.seen = 0  # marks that somebody was told, and may
        self.was: dict[str, frozenset[Mark]] = {}  # allowed to each since their channels were last heard
        self.sights: list[tuple[float, dict[str, tuple[Grant, int]]]] = []  # how many vehicles each saw, of late
        self.last = 0  # seq
        self.ids: set[Mark] = set()  # of all events there ever were
        self.said: list[str] = []  # what happened
        self.looks_back = False  # into the past, too: it takes longer

    # ---------------------------------------------------------------------------------------------- as the owner

    async def do(self, method: str, path: str, document: Any = None, *, status: Sequence[int] = ()) -> Any:
        self.said.append(f"{method} {path} {document if document is not None else ''}")
        said = await ask(self.app, method, path, self.console, document)
        assert said.status in (status or (200, 201, 204)), (method, path, document, said)
        return said.json() if said.body else None

    async def begin(self) -> None:
        await self.do("POST", f"{V1}/users", {"name": "ada", "role": "administrator"})
        for number in range(4):
            await self._add_group(number)
        for number in range(5):
            await self._add_person(number)
        for _ in range(4):
            await self.draw(self._area())
        for _ in range(5):
            vehicle = await self._add_vehicle()
            await self.drive(vehicle, self.world.fix(vehicle, self.rng.choice(SITES)))
        await self.know()

    async def _add_group(self, number: int) -> None:
        world = self.world
        group = Group(world.mint.text("crew"), None if number == 3 else self.area_groups[number : number + 1])
        group.vehicles = self.vehicle_groups[:2] if number in (1, 3) else None
        world.groups[group.name] = group
        await self.do("POST", f"{V1}/groups", {"name": group.name, **group.document()})

    async def _add_person(self, number: int) -> None:
        role = ("dispatcher", "viewer")[number % 2]
        names = list(self.world.groups)
        groups = [names[number % 3], *([names[(number + 1) % 3]] if number % 2 else [])]
        person = Person(self.world.mint.text("person"), role, groups)
        self.world.people[person.name] = person
        await self.do("POST", f"{V1}/users", {"name": person.name, "role": role, "groups": groups})
        await self.let_in(person)

    async def let_in(self, person: Person) -> None:
        """By a token, or by a session of which only the password was not asked for."""
        if self.rng.random() < 0.6:
            made = await self.do("POST", f"{V1}/users/{person.name}/tokens", {"name": person.name})
            person.token, person.token_id = made["token"], made["id"]
        else:
            await self._sign_in(person)
        said = await ask(self.app, "GET", f"{V1}/session", self.headers(person))
        assert said.json()["name"] == person.name, said

    async def _sign_in(self, person: Person) -> None:
        secret = secrets.token_urlsafe(24)
        session = Session(secrets.token_hex(6), hash_of(secret), person.name, self.world.now(), self.world.now())
        record = self.node.directory.record("session", session.id, session)
        await self.node.pipeline.keep_records(lambda: ([record], []))
        person.cookie = secret

    def headers(self, person: Person) -> dict[str, str]:
        if person.token:
            return {"authorization": f"Bearer {person.token}"}
        return {"cookie": f"{self.node.doorman.cookie({})}={person.cookie}"}

    async def _add_vehicle(self) -> Vehicle:
        vehicle = Vehicle(self.world.mint.text("vehicle"))
        self.world.vehicles[vehicle.id] = vehicle
        await self.register(vehicle)
        return vehicle

    async def register(self, vehicle: Vehicle) -> None:
        mint = self.world.mint
        vehicle.group = self.rng.choice([*self.vehicle_groups, None])
        vehicle.said = {"name": mint.text("name"), "plate": mint.text("plate"), "attributes": {"key": mint.text("key")}}
        await self.do("PUT", f"{V1}/vehicles/{vehicle.id}", {"group": vehicle.group, **vehicle.said})

    async def send(self, vehicle: Vehicle, fix: Fix, **more: Any) -> None:
        item = {"vehicle": vehicle.id, "time": fix.time, "lat": fix.lat / 1e6, "lon": fix.lon / 1e6}
        item |= {"accuracy_m": 5, "speed_mps": 10, "driver": fix.driver, **more}
        if fix.alarm:
            item["alarm"] = fix.alarm
        await self.do("POST", f"{V1}/positions", item)

    async def drive(self, vehicle: Vehicle, fix: Fix, **more: Any) -> None:
        await self.send(vehicle, fix, **more)
        self.world.drive(vehicle, fix)

    async def draw(self, area: Area, group: str | None = None) -> None:
        mint, at = self.world.mint, self.rng.randrange(len(SITES) - 1)
        (south, west), (north, east) = SITES[at], self.rng.choice((SITES[at], SITES[at], SITES[at + 1]))
        south, west = south - 4000 - mint.corner(), west - 8000 - mint.corner()
        north, east = north + 4000 + mint.corner(), east + 8000 + mint.corner()
        group = group or self.rng.choice([*self.area_groups, None])
        drawn = Drawn((south, west, north, east), mint.text("area"), group, mint.color(), mint.text("note"))
        await self.do("PUT", f"{V1}/regions/{area.id}", drawn.feature(area.id))
        self.world.drawn(area, drawn)

    def _area(self) -> Area:
        area = Area(self.world.mint.text("region"))
        self.world.areas[area.id] = area
        return area

    # -------------------------------------------------------------------------------------------- what may happen

    async def moves(self) -> None:
        rng, world = self.rng, self.world
        vehicle = rng.choice(list(world.vehicles.values()))
        site = rng.choice(SITES if rng.random() < 0.75 else NOWHERE)
        how = rng.random()
        if vehicle.newest is None or how < 0.6:
            if vehicle.wild and vehicle.newest:  # it was nothing
                fix = world.fix(vehicle, (vehicle.newest.lat, vehicle.newest.lon), ago=-1)
                fix.time = vehicle.clock + 1000
                await self.drive(vehicle, fix)
                return
            if vehicle.clock + STEP_MS > world.now():
                return
            await self.drive(vehicle, world.fix(vehicle, site), speed_mps=rng.choice((10, 10, 20)))
        elif how < 0.75 and not vehicle.wild:
            await self.drive(vehicle, world.fix(vehicle, site, alarm=True), battery_pct=rng.choice((10, 50)))
        elif how < 0.85:
            ago = rng.randrange(8) * STEP_MS + (
                1500 if vehicle.wild else 500
            )  # one between a jump and before confirms it
            fix = world.fix(vehicle, site, ago=ago, alarm=rng.random() < 0.4)
            await self.send(vehicle, fix)
            world.drive_late(vehicle, fix)
        elif how < 0.9:  # the first said of a time counts, this is told to nobody
            first = rng.choice(vehicle.fixes)
            await self.send(vehicle, Fix(first.time, site[0] + 1, site[1] + 1, world.mint.text("driver")))
        else:
            fix = world.fix(vehicle, NOWHERE[0])
            if vehicle.wild:
                return
            if how < 0.95 and vehicle.clock == vehicle.newest.time:
                fix.time = vehicle.clock + 1000
                vehicle.wild = True
                await self.send(vehicle, fix)
            else:
                await self.send(vehicle, fix, accuracy_m=500)
            world.doubted(vehicle, fix)

    async def strays(self) -> None:
        """A vehicle stays in a region, and what comes late says that it was elsewhere meanwhile."""
        there = [
            (one, one.newest) for one in self.world.vehicles.values() if one.inside and one.newest and not one.wild
        ]
        if not there:
            return
        vehicle, newest = self.rng.choice(there)
        site = min(SITES, key=lambda site: abs(site[0] - newest.lat))
        await self.drive(vehicle, self.world.fix(vehicle, site))
        late = self.world.fix(vehicle, self.rng.choice(NOWHERE), ago=STEP_MS // 2)
        await self.send(vehicle, late)
        self.world.drive_late(vehicle, late)

    async def draws(self) -> None:
        rng, areas = self.rng, list(self.world.areas.values())
        there = [area for area in areas if area.there]
        how = rng.random()
        if how < 0.4 or not there:
            area = rng.choice(areas) if len(areas) >= 7 or rng.random() < 0.6 else self._area()
            await self.draw(area)
        elif how < 0.8:
            area, now = (one := rng.choice(there)), one.now
            group = rng.choice([*self.area_groups, None])
            await self.do("PATCH", f"{V1}/regions/{area.id}", {"properties": {"group": group}})
            self.world.drawn(area, Drawn(now.box, now.name, group, now.color, now.note))
        else:
            area = rng.choice(there)
            await self.do("DELETE", f"{V1}/regions/{area.id}")
            self.world.wiped(area)

    async def registers(self) -> None:
        rng, world = self.rng, self.world
        vehicle = rng.choice(list(world.vehicles.values()))
        how = rng.random()
        if how < 0.4:
            vehicle.group = rng.choice([*self.vehicle_groups, None])
            known = vehicle.newest is not None or bool(vehicle.said)
            if known:
                await self.do("PATCH", f"{V1}/vehicles/{vehicle.id}", {"group": vehicle.group})
            else:
                vehicle.group = None
        elif how < 0.8:
            await self.register(vehicle)
        elif how < 0.9 and len(world.vehicles) < 10:
            await self._add_vehicle()
        elif vehicle.newest is not None or vehicle.said:
            erased = rng.random() < 0.5
            await self.do("DELETE", f"{V1}/vehicles/{vehicle.id}?history={str(erased).lower()}")
            world.removed(vehicle, erased)

    def whose(self) -> tuple[Group, Person]:
        """Whose grants change: those of a group, or of one person."""
        return self.rng.choice(list(self.world.groups.values())), self.rng.choice(list(self.world.people.values()))

    async def regrants(self) -> None:
        rng, world = self.rng, self.world
        group, person = self.whose()
        how = rng.random()
        if how < 0.4:
            few = rng.sample(self.area_groups, rng.randrange(3))
            group.regions = None if rng.random() < 0.1 else few
            group.vehicles = rng.choice((None, None, rng.sample(self.vehicle_groups, rng.randrange(3))))
            group.coarse_m = rng.choice((0, 0, 0, 0, 2000))
            if rng.random() < 0.2:
                group.may = rng.sample(VERBS, rng.randrange(4))
            await self.do("PATCH", f"{V1}/groups/{group.name}", group.document())
        elif how < 0.7:
            person.groups = rng.sample(sorted(world.groups), rng.randrange(4))
            person.disabled = rng.random() < 0.15
            if person.disabled:
                person.cookie = ""
            told = {"groups": person.groups, "disabled": person.disabled}
            await self.do("PATCH", f"{V1}/users/{person.name}", told)
        elif how < 0.85 and person.token:
            id, person.token, person.token_id = person.token_id, "", ""
            await self.do("DELETE", f"{V1}/tokens/{id}")
        elif person.cookie:
            said = await ask(self.app, "DELETE", f"{V1}/session?everywhere=true", self.headers(person))
            assert said.status == 204, said
            person.cookie = ""
        if person.is_out and not person.disabled:
            await self.let_in(person)

    async def acknowledges(self) -> None:
        if self.world.events:
            event = self.rng.choice(list(self.world.events.values()))
            await self.do(self.rng.choice(("POST", "POST", "DELETE")), f"{V1}/events/{event.id}/ack", {"by": "x"})

    # ---------------------------------------------------------------------------------------------- what is told

    async def opens(self) -> None:
        """A channel, following something; perhaps from where somebody was long ago."""
        rng, world = self.rng, self.world
        person = rng.choice([one for one in world.people.values() if not one.is_out] or [None])
        if person is None:
            return
        if len(self.channels) >= MOST_CHANNELS:
            await self.channels.pop(0)[2].aclose()
        encoding = rng.choice(("tracker.v1.json", "tracker.v1.bin", "stream"))
        follow = self._follow()
        resumed = rng.choice(rng.choice(list(world.people.values())).cursors or [""])
        path = f"{V1}/live"
        if encoding == "stream":
            path = f"{V1}/stream?{query_of(follow)}" + (f"&since={resumed}" if resumed and rng.random() < 0.6 else "")
        stack = AsyncExitStack()
        channel = await stack.enter_async_context(Channel.open(self.app, path, self.headers(person), encoding))
        self.stack.push_async_exit(stack)
        if encoding != "stream":
            resume: dict[str, Any] = {"resume": resumed, "fresh": rng.random() < 0.3} if rng.random() < 0.6 else {}
            channel.say(op="follow", **follow, **(resume if resumed else {}))
        self.said.append(f"{person.name} opens {encoding} {path} {follow}")
        self.channels.append((channel, person, stack))

    def _follow(self) -> dict[str, Any]:
        rng, world = self.rng, self.world
        some = [rng.choice(list(world.vehicles)) for _ in range(3)]
        areas = [rng.choice(list(world.areas)) for _ in range(3)]
        at = rng.choice(SITES)
        box = [at[1] / 1e6 - 0.02, at[0] / 1e6 - 0.02, at[1] / 1e6 + 0.05, at[0] / 1e6 + 0.05]
        whole: dict[str, Any] = rng.choice((
            {"all": True}, {"all": True}, {"regions": areas}, {"vehicles": some}, {"regions": areas, "vehicles": some},
            {"view": {"bbox": box, "zoom": rng.choice((5, 9, 13))}}, {"all": True, "max_vehicles": 0},
        ))  # fmt: skip
        return dict(whole)

    async def still(self) -> None:
        """Until everybody was told what there is."""
        hub, live = self.node.hub, time.monotonic() + 5
        await asyncio.sleep(0)
        while time.monotonic() < live:
            waiting = hub.is_urgent or hub.doubted or hub.behind or hub.away or any(map(hub.lags, hub.viewers))
            if not hub.viewers or not waiting:
                break
            await asyncio.sleep(0.002)
        await asyncio.sleep(0)

    async def know(self) -> None:
        """What happened since, as an administrator reads it."""
        for event in await self.node.store.events(EventQuery(after=self.last, limit=10_000)):
            self.last = event.seq
            self.ids.add(f"!{event.id}")
            vehicle = self.world.vehicles.get(event.vehicle)
            if vehicle is None:  # erased as it happened
                self.world.erased.add(f"!{event.id}")
                continue
            before = vehicle.newest.told_in if vehicle.newest else set()
            at = (round(event.lat * 1e6), round(event.lon * 1e6)) if event.region else None
            marks = texts(event.vehicle, event.region, event.detail.get("alarm"))
            inside = frozenset(vehicle.inside | before)
            self.world.events[event.id] = Happened(event.id, event.seq, event.vehicle, event.region, inside, at, marks)

    async def listen(self) -> None:
        """What was told on every open channel may have been told, by what was allowed at some moment since."""
        for channel, person, _ in self.channels:
            allowed = self.world.allowed(person)
            may = self.was.get(person.name, allowed) | allowed
            for told in channel.heard():
                self.search(person, told, may, f"on {channel.encoding}")
                person.cursors += [cursor.decode() for cursor in re.findall(rb'"cursor":"([^"]+)"', told)][-1:]
                self.count(person, told)
            del person.cursors[:-20]

    def count(self, person: Person, told: bytes) -> None:
        """No more vehicles are counted than are seen, or were a moment ago by whoever was granted the same: a count is
        shared for a second, and whoever joins them meanwhile is told that one.
        """
        grants = {each[person.name][0] for _, each in self.sights}
        for cells in re.findall(rb'"op":"counts","cells":(\[.*?\])\}', told):
            counted = sum(int(one) for one in re.findall(rb",(\d+)\]", cells))
            seen = max(many for _, each in self.sights for grant, many in each.values() if grant in grants)
            self.seen += counted
            if counted > seen:
                raise Leak(f"{person.name} sees {seen} vehicles and is told of {counted}: {cells!r}")

    def look(self) -> None:
        """How many vehicles each of them sees."""
        vehicles, people = self.world.vehicles.values(), self.world.people.values()
        seen = {
            one.name: (self.world.grant_of(one), sum(self.world.sees(one, vehicle) for vehicle in vehicles))
            for one in people
        }
        self.sights.append((time.monotonic(), seen))

    def search(self, person: Person, told: bytes, may: frozenset[Mark], where: str, sent: str = "") -> None:
        found = set(found_in(told))
        self.seen += len(found & may)
        sent_marks = set(found_in(sent.encode()))
        for mark in found - may - sent_marks:
            if mark.startswith("!") and mark not in self.ids:  # of an event that was only rehearsed
                continue
            text = told.decode("utf-8", "replace")
            bare = mark.strip("@!")
            at = text.find(bare[:3] + "." + bare[3:] if mark.startswith("@10") else bare)
            if at < 0 and mark.startswith("@"):
                at = text.find(bare[:2] + "." + bare[2:].rstrip("0"))
            told_of = [one for one in self.said[-400:-5] if bare in one or person.name in one]
            history = "\n  ".join([*told_of, "…", *self.said[-5:]])
            raise Leak(
                f"{person.name} is told {mark} {where}: …{text[max(0, at - 250) : at + 150]}…\n  {history[-3000:]}"
            )

    # ------------------------------------------------------------------------------------------------- a step

    async def step(self, seed: str) -> None:
        from tests.leaks.doors import DOORS, track
        from tests.leaks.past import PAST

        self.rng = rng = Random(seed)
        deeds: list[tuple[int, Callable[[], Any]]] = [
            (10, self.moves), (2, self.strays), (3, self.draws), (3, self.registers), (3, self.regrants),
            (1, self.acknowledges), (4, self.opens),
        ]  # fmt: skip
        [deed] = rng.choices([one for _, one in deeds], [weight for weight, _ in deeds])
        people = list(self.world.people.values())
        before = {person.name: self.world.allowed(person) for person in people}
        self.look()
        await deed()
        await self.know()
        self.world.changed()
        after = {person.name: self.world.allowed(person) for person in people}
        self.was = {name: self.was.get(name, frozenset()) | before[name] for name in before}
        if rng.random() < 0.15 and deed in (self.moves, self.regrants):
            return  # the next comes before anybody is told of it
        await self.still()
        self.look()
        await self.listen()
        self.was = {}
        self.sights = [one for one in self.sights if one[0] > time.monotonic() - SHARED_S]
        for person in people if deed == self.strays else ():
            await track(self, person, after[person.name])
        for _ in range(3):
            person = rng.choice(people)
            door = rng.choice(DOORS)
            await door(self, person, after[person.name])
        if self.looks_back and rng.random() < 0.3:
            person = rng.choice(people)
            await rng.choice(PAST)(self, person, after[person.name])

    async def visit(self, person: Person, method: str, path: str, document: Any = None, **headers: str) -> Said:
        """Somebody asks; whatever comes is searched."""
        said = await ask(self.app, method, path, self.headers(person) | headers, document)
        sent = f"{path} {document}"
        self.search(person, said.all(), self.world.allowed(person), f"by {method} {path} ({said.status})", sent)
        return said


def query_of(follow: dict[str, Any]) -> str:
    parts = []
    for name, value in follow.items():
        if name == "view":
            parts += [f"bbox={','.join(map(str, value['bbox']))}", f"zoom={value['zoom']}"]
        elif isinstance(value, list):
            parts.append(f"{name}={quote(','.join(value), safe=',')}")
        else:
            parts.append(f"{name}={str(value).lower()}")
    return "&".join(parts)
