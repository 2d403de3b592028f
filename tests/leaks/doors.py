"""Doors: every way somebody may ask. What comes is searched by `Walk.visit`; what is counted is compared here."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from tests.leaks import past
from tests.leaks.asking import ask
from tests.leaks.marks import LAT, LON, Mark, texts
from tests.leaks.walk import V1, Leak, Walk, query_of
from tests.leaks.world import Person
from tests.support.servers import circle
from tracker.model.targets import Target
from tracker.outputs import signing
from tracker.web.delivery.couriers import Courier, Moved
from tracker.web.delivery.post import Answer, Makes

Door = Callable[[Walk, Person, frozenset[Mark]], Awaitable[None]]
NEVER = "never-was"
EVERYWHERE = [LON / 1e6 - 0.4, LAT / 1e6 - 0.4, LON / 1e6 + 0.4, LAT / 1e6 + 0.4]
PLAIN = {"name": "x", "color": "#3b7dd8", "group": "of-nobody"}  #: the colour of regions that have none


async def vehicles(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    one, area = walk.rng.choice(list(walk.world.vehicles.values())), walk.rng.choice(list(walk.world.areas.values()))
    word = walk.rng.choice([one.id, *map(str, one.said.values()), str(one.group), "zq"])
    box = f"{LON / 1e6 - 0.1},{LAT / 1e6 - 0.1},{LON / 1e6 + 0.1},{LAT / 1e6 + 0.05}"
    for query in ("", f"?q={quote(word[:30])}", f"?region={area.id}", f"?bbox={box}", "?limit=2", "?state=moving"):
        said = await walk.visit(person, "GET", f"{V1}/vehicles{query}")
        if said.status == 200 and (next := said.json()["next"]):
            await walk.visit(person, "GET", f"{V1}/vehicles{query or '?limit=2'}&cursor={next}")


async def feeds(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """As files and feeds for other programs. What is packed in one, its text form says in the open."""
    area = walk.rng.choice(list(walk.world.areas.values()))
    group = walk.rng.choice([*walk.vehicle_groups, "zq"])
    positions = f"{V1}/gtfs-realtime/vehicle-positions?max_age_s=0"
    for path in (f"{V1}/vehicles?format=geojson", f"{positions}&format=text", f"{positions}&format=json", positions):
        query = walk.rng.choice(("", "", f"&group={group}", f"&region={area.id}"))
        await walk.visit(person, "GET", f"{path}{query}")


async def targets(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """What another program is told that is told what this person may see."""

    async def post(_url: str, make: Makes) -> Answer:
        if message := make():
            walk.search(person, message[1], walk.world.allowed(person), "as a target of theirs")
        return Answer(204)

    target = Target(f"of {person.name}", "https://example.invalid", signing.secret_of(bytes(32)), user=person.name)
    await Courier(walk.node, target, Moved(), post).round()


async def friends(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """What the OwnTracks of this person is told. Circles around regions are places of nothing: they go by their names."""
    message = {"_type": "location", "lat": 1, "lon": 2, "tst": int(walk.world.now() / 1000), "tid": "me"}
    said = await ask(walk.app, "POST", "/ingest/owntracks", walk.headers(person), message)
    if said.status != 200:
        walk.search(person, said.all(), walk.world.allowed(person), f"by their OwnTracks ({said.status})")
        return
    told = [one for one in said.json() if one["_type"] != "cmd"]
    named = [place for one in said.json() if one["_type"] == "cmd" for place in one["waypoints"]["waypoints"]]
    told += [{"rid": one["rid"], "desc": one["desc"]} for one in named if one["rad"]]
    walk.search(person, json.dumps(told).encode(), walk.world.allowed(person), "by their OwnTracks")


async def vehicle(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    one = walk.rng.choice(list(walk.world.vehicles.values()))
    seen = walk.world.sees(person, one)
    await alike(walk, person, "GET", f"{V1}/vehicles/{one.id}", one.id, seen)
    for form in ("json", "geojson", "csv", "gpx"):
        limit = walk.rng.choice(("", "&limit=3"))
        await alike(walk, person, "GET", f"{V1}/vehicles/{one.id}/track?format={form}{limit}", one.id, True)
    what = walk.rng.choice(("trips", "stops", "summary"))
    await past.story(walk, person, one, what)
    if not seen:
        await alike(walk, person, "GET", f"{V1}/vehicles/{one.id}/payloads", one.id, seen)
        for method, document in (("PATCH", {"name": "x"}), ("PUT", {"name": "x"}), ("DELETE", None)):
            await alike(walk, person, method, f"{V1}/vehicles/{one.id}", one.id, seen, document)


async def track(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """Of a vehicle that is seen, and was not always."""
    world = walk.world
    for one in world.vehicles.values():
        hidden = [fix for fix in one.fixes if not world.cells(person, one, fix.told_in)]
        if hidden and world.sees(person, one):
            for form in ("json", "csv"):
                await walk.visit(person, "GET", f"{V1}/vehicles/{one.id}/track?format={form}")


async def regions(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    for query in ("", "?format=geojson", "?limit=1"):
        said = await walk.visit(person, "GET", f"{V1}/regions{query}")
        if said.status != 200:
            continue
        told = said.json()
        for feature in told.get("regions", told.get("features")):
            count_inside(walk, person, feature)


def count_inside(walk: Walk, person: Person, feature: Any) -> None:
    told, seen = feature["properties"]["inside_count"], walk.world.inside_count(person, feature["id"])
    if told != seen:
        raise Leak(f"{person.name} sees {seen} vehicles in {feature['id']} and is told of {told}")


async def region(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    area = walk.rng.choice(list(walk.world.areas.values()))
    seen = walk.world.sees_area(person, area.id)
    said = await alike(walk, person, "GET", f"{V1}/regions/{area.id}", area.id, seen)
    if said == 200:
        told = await walk.visit(person, "GET", f"{V1}/regions/{area.id}")
        count_inside(walk, person, told.json())
    seen = seen or walk.world.sees_all_areas(person)  # what was there once, too
    for path in ("versions", "versions/1", f"versions/{len(area.versions)}"):
        if seen:
            await walk.visit(person, "GET", f"{V1}/regions/{area.id}/{path}")
        else:
            await alike(walk, person, "GET", f"{V1}/regions/{area.id}/{path}", area.id, seen)
    if not seen:
        box = circle(LAT / 1e6, LON / 1e6, 500, **PLAIN)
        headers: Any
        for method, document, headers in (
            ("PUT", box, {}), ("PUT", box, {"if-match": '"1"'}), ("PUT", box, {"if-none-match": "*"}),
            ("PATCH", {"properties": {"name": "x"}}, {"if-match": '"1"'}), ("DELETE", None, {}),
            ("DELETE", None, {"if-match": '"1"'}),
        ):  # fmt: skip
            await alike(walk, person, method, f"{V1}/regions/{area.id}", area.id, seen, document, **headers)
        await walk.visit(
            person, "POST", f"{V1}/regions", {"type": "FeatureCollection", "features": [box | {"id": area.id}]}
        )


async def events(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    world, rng = walk.world, walk.rng
    one, area = rng.choice(list(world.vehicles)), rng.choice(list(world.areas))
    most = max([event.seq for event in world.events_of(person)], default=0)
    for query in ("limit=1000", f"vehicle={one}", f"region={area}", "kind=alarm", "limit=3&before=100000", "after=1"):
        said = await walk.visit(person, "GET", f"{V1}/events?{query}")
        if said.status == 200 and said.json()["last"] > most and not world.sees_all_areas(person):
            raise Leak(f"{person.name} sees events up to {most} and is told that the last is {said.json()['last']}")


async def event(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    if not walk.world.events:
        return
    one = walk.rng.choice(list(walk.world.events.values()))
    seen = walk.world.sees_event(person, one)
    await alike(walk, person, "GET", f"{V1}/events/{one.id}", one.id, seen)
    if not seen:
        await alike(walk, person, "POST", f"{V1}/events/{one.id}/ack", one.id, seen, {"by": "x"})
        await alike(walk, person, "DELETE", f"{V1}/events/{one.id}/ack", one.id, seen)


async def preview(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    world = walk.world
    drawn = circle(LAT / 1e6 + walk.rng.randrange(6) * 0.03, LON / 1e6, walk.rng.choice((900, 40_000)), **PLAIN)
    said = await walk.visit(person, "POST", f"{V1}/regions/preview", drawn)
    if said.status == 200:
        told = said.json()
        fixes = sum(bool(world.cells(person, one, fix.told_in)) for one in world.vehicles.values() for fix in one.fixes)
        seen = sum(world.sees(person, one) for one in world.vehicles.values())
        if told["pings_read"] > fixes or told["inside_count"] > seen:
            raise Leak(f"{person.name} sees {seen} vehicles, {fixes} fixes, and a preview tells of {told}")


async def inside(walk: Walk, person: Person, allowed: frozenset[Mark]) -> None:
    """Who was here: of nobody more fixes than are told of their tracks. Where the lines between them cross the shape is
    a place of nothing, and seconds are no degrees."""
    world = walk.world
    shape = {"geometry": circle(LAT / 1e6, LON / 1e6, 1)["geometry"], "radius_m": walk.rng.choice((900, 60_000))}
    shape |= {"from": world.now() - 86_400_000, "until": world.now() + 86_400_000}
    query = walk.rng.choice(("", "?limit=2"))
    said = await ask(walk.app, "POST", f"{V1}/history/inside{query}", walk.headers(person), shape)
    told = said.json()
    for one in told.get("visits", ()):
        for end in (one["entry"], one["exit"]):
            if end["how"] == "crossed":
                end["lat"] = end["lon"] = None
        one["duration_s"] = one["silent_s"] = None
        known = world.vehicles.get(one["vehicle"])
        seen = sum(bool(world.cells(person, known, fix.told_in)) for fix in known.fixes) if known else 0
        if one["fixes"] > seen:
            raise Leak(f"{person.name} may be told {seen} fixes of {one['vehicle']}, and who was here counts {one}")
    walk.search(person, json.dumps(told).encode(), allowed, "by who was here")


async def changes(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    query = query_of(walk._follow())
    resumed = walk.rng.choice(walk.rng.choice(list(walk.world.people.values())).cursors or [""])
    for since in ("", f"&since={resumed}", f"&since={resumed}&fresh=true") if resumed else ("",):
        said = await walk.visit(person, "GET", f"{V1}/changes?{query}{since}")
        if said.status == 200:
            person.cursors.append(said.json()["cursor"])


async def counts(walk: Walk, _: Person, __: frozenset[Mark]) -> None:
    """How many there are, where they are too many to tell. It is kept for all who may be told the same."""
    follow = walk.rng.choice(({"all": True}, {"view": {"bbox": EVERYWHERE, "zoom": walk.rng.choice((3, 5, 9))}}))
    for person in walk.rng.sample(list(walk.world.people.values()), len(walk.world.people)):
        said = await walk.visit(person, "GET", f"{V1}/changes?{query_of(follow)}&max_vehicles=0")
        walk.count(person, said.body)


async def others(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """What is not of the fleet, and what is only for those who administer."""
    other = walk.rng.choice(list(walk.world.people.values()))
    group = walk.rng.choice(list(walk.world.groups))
    for path in ("/metrics", "/openapi.json", "/healthz", "/readyz", f"{V1}/page", f"{V1}/session", f"{V1}/audit",
                 f"{V1}/users", f"{V1}/users/{other.name}", f"{V1}/groups", f"{V1}/groups/{group}", f"{V1}/tokens",
                 f"{V1}/tokens/{other.token_id or 'x'}", f"{V1}/users/{other.name}/tokens", f"{V1}/targets", f"{V1}/nothing",
                 f"{V1}/history/arrivals", f"{V1}/history/bundle", f"{V1}/history/day", f"{V1}/history/edits", f"{V1}/quarantine", f"{V1}/store/compaction",
                 f"{V1}/tokens/{other.token_id or 'x'}/payloads"):  # fmt: skip
        await walk.visit(person, "GET", path)
    await walk.visit(person, "GET", f"{V1}/live")
    await walk.visit(person, "POST", f"{V1}/positions", [{"vehicle": walk.rng.choice(list(walk.world.vehicles))}])


async def edits(walk: Walk, person: Person, _: frozenset[Mark]) -> None:
    """What somebody may change is answered within what they see: to change nothing is enough."""
    for one in walk.world.vehicles.values():
        if walk.world.sees(person, one):
            await walk.visit(person, "PATCH", f"{V1}/vehicles/{one.id}", {"name": one.said.get("name")})
            break
    for id in walk.world.areas:
        if walk.world.sees_area(person, id):
            for headers in ({}, {"if-match": '"999"'}):
                said = await walk.visit(person, "PATCH", f"{V1}/regions/{id}", {"properties": {}}, **headers)
            if said.status == 200:
                count_inside(walk, person, said.json())
            break
    for seen in walk.world.events_of(person)[-1:]:
        said = await walk.visit(person, "POST", f"{V1}/events/{seen.id}/ack", {"by": "x"})
        if said.status == 200:
            seen.marks |= texts(person.name)  # whoever sees it is told who acknowledged it
            walk.world.changed()


async def alike(
    walk: Walk, person: Person, method: str, path: str, id: str, seen: bool, document: Any = None, **headers: str
) -> int:
    """What is not seen is answered as what never was. Answers the status."""
    said = await walk.visit(person, method, path, document, **headers)
    never = path.replace(id, NEVER)
    if said.status == 404 or not seen:
        twin = await walk.visit(person, method, never, document, **headers)
        ours = (said.status, said.body.replace(id.encode(), b"ID"), sorted(said.headers.items()))
        theirs = (twin.status, twin.body.replace(NEVER.encode(), b"ID"), sorted(twin.headers.items()))
        if without_length(ours) != without_length(theirs):
            raise Leak(f"{person.name} can tell {method} {path} from what never was: {said} and {twin}")
    return said.status


def without_length(answer: tuple[int, bytes, list[tuple[str, str]]]) -> Any:
    status, body, headers = answer
    return status, body, [one for one in headers if one[0] not in ("content-length", "date")]


DOORS: list[Door] = [
    vehicles, feeds, targets, friends, vehicle, track, regions, region, events, event, preview, inside, changes, counts, others, edits,
]  # fmt: skip
