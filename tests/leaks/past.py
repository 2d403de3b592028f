"""Doors to the past: trips, stops, sums, who was in a shape, reports. Many of their places lie between those of fixes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.leaks.asking import ask
from tests.leaks.marks import Mark
from tests.leaks.walk import V1, Leak, Walk
from tests.leaks.world import SITES, Fix, Person, Vehicle
from tests.support.reports import read_report
from tracker.history.film import tape

CELL = 45_000  #: millionths of a degree, wider than the cells of those who see coarsely
ROUNDED = 10  #: millionths, of the places of a report


async def stories(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    one = walk.rng.choice(list(walk.world.vehicles.values()))
    for what in ("trips", "stops", "summary"):
        await story(walk, person, one, what)


async def story(walk: Walk, person: Person, one: Vehicle, what: str) -> None:
    from tests.leaks.doors import alike

    path = f"{V1}/vehicles/{one.id}/{what}"
    said = await ask(walk.app, "GET", f"{path}?limit=1000" if what != "summary" else path, walk.headers(person))
    if said.status == 404:
        await alike(walk, person, "GET", path, one.id, True)
        return
    tells(walk, person, one, said.json() if said.status == 200 else {}, f"by {what}")
    said = await ask(walk.app, "GET", f"{path}?format=csv", walk.headers(person))
    names(walk, person, said.body.decode(), f"by {what} as CSV ({said.status})")


async def sums(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    for query in ("", "?limit=1", f"?group={walk.rng.choice(walk.vehicle_groups)}", "?format=csv"):
        said = await ask(walk.app, "GET", f"{V1}/summary{query}", walk.headers(person))
        names(walk, person, said.body.decode(), f"by the summary ({said.status})")


async def visitors(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    world, rng = walk.world, walk.rng
    lat, lon = rng.choice(SITES)
    area = rng.choice(list(world.areas.values()))
    shape = rng.choice((
        {"region": area.id},
        {"geometry": {"type": "Point", "coordinates": [lon / 1e6, lat / 1e6]}, "radius_m": rng.choice((900, 40_000))},
    ))  # fmt: skip
    asked = shape | {"from": (world.begin - 3_600_000) / 1000}
    for query in ("?limit=1000", "?limit=1", "?format=csv"):
        said = await ask(walk.app, "POST", f"{V1}/history/inside{query}", walk.headers(person), asked)
        names(walk, person, said.body.decode().replace(area.id, ""), f"by who was inside ({said.status})")
        for one in said.json()["visits"] if said.status == 200 and "csv" not in query else ():
            vehicle = world.vehicles[one["vehicle"]]
            tells(walk, person, vehicle, one, "by who was inside")
            if one["fixes"] > len(shown(walk, person, vehicle)):
                raise Leak(f"{person.name} is told of {one['fixes']} fixes of {vehicle.id} inside {shape}")


async def everybody(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """Where all were: as frames, as a tape, and how many there were."""
    world = walk.world
    span = f"from={world.begin - 3_600_000}&until={world.now() + 600_000}"
    step = walk.rng.choice((7, 60, 600))
    for query in ("", "&limit=1", f"&group={walk.rng.choice(walk.vehicle_groups)}"):
        path = f"{V1}/history/frames?{span}&step_s={step}{query}"
        said = await ask(walk.app, "GET", path, walk.headers(person))
        names(walk, person, said.body.decode(), f"by frames ({said.status})")
        for frame in said.json()["frames"] if said.status == 200 else ():
            for one in frame["positions"]:
                tells(walk, person, world.vehicles[one["vehicle"]], one, "by frames")
    said = await ask(walk.app, "GET", f"{V1}/history/frames?{span}&step_s={step}&format=tape", walk.headers(person))
    if said.status == 200:
        head, known, lats, lons = tape.read(said.body)
        names(walk, person, json.dumps(head), "by a tape")
        for row, one in enumerate(head["vehicles"]):
            for at in known[row].nonzero()[0].tolist():
                lat, lon = round(lats[row, at] * 1e6), round(lons[row, at] * 1e6)
                between(walk, person, world.vehicles[one["vehicle"]], lat, lon, ROUNDED, "by a tape")
    said = await walk.visit(person, "GET", f"{V1}/history/regions?{span}&limit=1000")
    said = await ask(walk.app, "GET", f"{V1}/history/activity?{span}&step_s=600", walk.headers(person))
    most = sum(1 for one in world.vehicles.values() if shown(walk, person, one))
    if said.status == 200 and max(said.json()["known"]) > most:
        raise Leak(f"{person.name} may be told of {most} vehicles and is told that there were more")


async def reports(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    now = walk.world.now() / 1000
    asked = {"from": walk.world.begin / 1000 - 3600, "until": now + 3600}
    said = await walk.visit(person, "POST", f"{V1}/reports", asked)
    if said.status != 202:
        return
    mine = f"{V1}/reports/{said.json()['id']}"
    while (said := await walk.visit(person, "GET", f"{mine}?wait_s=20")).json()["state"] in ("waiting", "working"):
        pass
    file = await ask(walk.app, "GET", f"{mine}/file", walk.headers(person))
    if file.status == 200:
        report = read_report(file.body.decode())
        names(walk, person, report.text, "by a report")
        for id in report.vehicles:
            vehicle = walk.world.vehicles[id]
            for lat, lon, _at in report.track(id):
                between(walk, person, vehicle, lat * 10, lon * 10, ROUNDED, "by a report")
    await walk.visit(person, "DELETE", mine)


def names(walk: Walk, person: Person, told: str, where: str) -> None:
    """What things are called, in an answer full of other numbers and colours."""
    said = " ".join(re.findall(r"zq\d{5}", told))
    walk.search(person, said.encode(), walk.world.allowed(person), where)


def shown(walk: Walk, person: Person, vehicle: Vehicle) -> list[tuple[Fix, set[float]]]:
    """The fixes of a vehicle that somebody may be told, and how coarsely."""
    cells = [(fix, walk.world.cells(person, vehicle, fix.told_in)) for fix in vehicle.fixes]
    return [(fix, coarse) for fix, coarse in cells if coarse]


def tells(walk: Walk, person: Person, vehicle: Vehicle, told: Any, where: str) -> None:
    """What is told of one vehicle: names, and places."""
    names(walk, person, json.dumps(told), where)
    for lat, lon in places(told):
        between(walk, person, vehicle, round(lat * 1e6), round(lon * 1e6), 1, where)


def between(walk: Walk, person: Person, vehicle: Vehicle, lat: int, lon: int, by: int, where: str) -> None:
    """A place of a vehicle lies among those that may be told, and is none that may not."""
    may = shown(walk, person, vehicle)
    by += CELL if any(min(coarse) for _, coarse in may) else 0
    lats, lons = [fix.lat for fix, _ in may], [fix.lon for fix, _ in may]
    among = bool(may) and min(lats) - by <= lat <= max(lats) + by and min(lons) - by <= lon <= max(lons) + by
    told = {(fix.lat, fix.lon) for fix, _ in may}
    hidden = {(fix.lat, fix.lon) for fix in vehicle.fixes} - told
    walk.seen += 1
    if not among or (lat, lon) in hidden:
        raise Leak(f"{person.name} is told {where} that {vehicle.id} was at {(lat, lon)}: {[*told]} may be told")


def places(told: Any) -> Iterator[tuple[float, float]]:
    if isinstance(told, dict):
        if told.get("lat") is not None:
            yield told["lat"], told["lon"]
        for one in told.values():
            yield from places(one)
    elif isinstance(told, list):
        for one in told:
            yield from places(one)


PAST = [stories, stories, sums, sums, visitors, visitors, everybody, everybody, reports]
