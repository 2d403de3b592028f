"""Found: what nodes, PostgreSQL and clients know once all is well again, brought into the words of the checks."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tests.torture.checks.acked import check_acked
from tests.torture.checks.alike import Place, check_alike
from tests.torture.checks.edited import check_edited
from tests.torture.checks.numbered import check_numbered
from tests.torture.checks.ordered import check_ordered
from tests.torture.checks.owned import check_owned
from tests.torture.checks.reread import Spans, check_reread
from tests.torture.checks.seen import check_seen
from tests.torture.checks.stored import Fix, check_stored
from tests.torture.dispatchers import Asked, Dispatcher
from tests.torture.follows import hears, wanted
from tests.torture.nodes import Node
from tests.torture.oracle import Edit, explain
from tests.torture.readers import Reader
from tests.torture.routes import REGIONS, Route
from tests.torture.senders import Sender
from tests.torture.viewers import Viewer
from tests.torture.world import World
from tracker.regions.region import Region
from tracker.times import parse_time

PAGE = 10_000
SLACK_MS = 1_000  #: so little the clock of an edit differs from ours

#: in a log: no trouble with a server or the network, but a mistake
OURS = re.compile(
    r"^\s*(Assertion|Attribute|Index|Key|Name|Runtime|Type|Unbound\w+)Error\b.*|.*never (retrieved|awaited).*", re.M
)


def get(node: Node, path: str) -> Any:
    answer = node.server.get(path)
    assert answer.status == 200, f"{node.name} answers {answer.status} to {path}: {answer.body[:300]!r}"
    return answer.json()


def track_of(node: Node, vehicle: str) -> list[Fix]:
    found: list[Fix] = []
    path = f"/api/v1/vehicles/{vehicle}/track?from=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&limit={PAGE}"
    if node.server.get(path).status == 404:
        return []
    page = get(node, path)
    while True:
        found += [(parse_time(fix["time"]), fix["lat"], fix["lon"]) for fix in page["positions"]]
        if not page["next"]:
            return found
        page = get(node, f"{path}&cursor={page['next']}")


def events_of(node: Node) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = get(node, f"/api/v1/events?after={after}&limit={PAGE}")
        found += page["events"]
        after = page["next"]
    return found


def places_of(node: Node) -> dict[str, Place]:
    found = dict[str, Place]()
    page = get(node, "/api/v1/vehicles?limit=1000")
    while True:
        for one in page["vehicles"]:
            at = one["position"]
            regions = frozenset(region["id"] for region in one["regions"])
            found[one["vehicle"]] = Place(parse_time(at["time"]), round(at["lat"], 6), round(at["lon"], 6), regions)
        if not page["next"]:
            return found
        page = get(node, f"/api/v1/vehicles?limit=1000&cursor={page['next']}")


def versions_of(node: Node, region: str) -> list[dict[str, Any]]:
    versions = get(node, f"/api/v1/regions/{region}/versions")["versions"]
    return [get(node, f"/api/v1/regions/{region}/versions/{one['version']}") for one in versions]


class Found:
    """Everything is asked of each node: all have to say the same."""

    def __init__(
        self,
        world: World,
        senders: Sequence[Sender],
        viewers: Sequence[Viewer],
        dispatchers: Sequence[Dispatcher],
        readers: Sequence[Reader],
        cut: Spans,
    ) -> None:
        """`cut`: when NATS or PostgreSQL was away from some node."""
        self.world, self.senders, self.viewers, self.dispatchers = world, senders, viewers, dispatchers
        self.reads, self.cut = [read for reader in readers for read in reader.reads], cut
        #: before any node is asked for all there is, and so hears of it
        self.seen = {viewer.name: viewer.places() for viewer in viewers}
        self.routes: dict[str, Route] = {route.vehicle: route for one in senders for route in one.routes}
        self.sent = {vehicle: count for sender in senders for vehicle, count in sender.sent.items() if count}
        self.acknowledged = {vehicle: count for sender in senders for vehicle, count in sender.acknowledged.items()}
        self.stored = dict[str, int]()
        self.events: list[dict[str, Any]] = []

    def told(self) -> Iterator[str]:
        """What was seen while it ran."""
        for sender in self.senders:
            yield from sender.faults
        for dispatcher in self.dispatchers:
            yield from dispatcher.faults
        for viewer in self.viewers:
            yield from viewer.errors
        yield from check_reread(self.reads, self.cut)
        for node in self.world.nodes:
            yield from node.crashes
            log = node.server.log.read_text(errors="replace")
            if fault := OURS.search(log):
                yield f"{node.name} logs a fault of its own: {log[max(0, fault.start() - 3000) : fault.end()]}"

    def of_events(self) -> Iterator[str]:
        nodes = self.world.nodes
        self.events = events_of(nodes[0])
        yield from check_numbered([(event["seq"], event["id"]) for event in self.events])
        for node in nodes[1:]:
            if events_of(node) != self.events:
                yield f"{node.name} lists other events than {nodes[0].name}"
        for viewer in self.viewers:
            its = {(event["seq"], event["id"]): hears(viewer.follow, event) for event in self.events}
            yield from check_seen(viewer.name, viewer.events, its)
        kept = {event["id"]: (event.get("ack") or {}).get("by") for event in self.events}
        yield from check_acked([one for each in self.dispatchers for one in each.acked], kept)

    def of_pings(self) -> Iterator[str]:
        sent = {name: [self.routes[name].fix(k) for k in range(count)] for name, count in self.sent.items()}
        for node in self.world.nodes:
            stored = {name: track_of(node, name) for name in sent}
            self.stored = {name: len(fixes) for name, fixes in stored.items() if fixes}
            yield from (f"{node.name}: {fault}" for fault in check_stored(sent, self.acknowledged, stored))

    def of_stories(self) -> Iterator[str]:
        """Events are those of one node; and all know where every vehicle is."""
        told = defaultdict[tuple[str, str | None], list[str]](list)
        for event in self.events:
            if "region" in event or event["kind"] == "alarm":
                told[event["vehicle"], event.get("region")].append(event["id"])
        asked = {(one.region, one.number): one for each in self.dispatchers for one in each.edits}
        versions = {name: versions_of(self.world.nodes[0], name) for name in (*REGIONS, *{name for name, _ in asked})}
        for name in {name for name, _ in asked}:
            made = [(one["properties"]["version"], one["properties"]["attributes"]["edit"]) for one in versions[name]]
            yield from check_edited(name, {k: one.version for (n, k), one in asked.items() if n == name}, made)
        places = dict[str, Place]()
        drawn = {name: list(_drawn(features, asked)) for name, features in versions.items()}
        for vehicle, count in self.stored.items():
            pings = self.routes[vehicle].pings(count)
            regions = []
            alarms = explain(vehicle, None, pings, [], told.pop((vehicle, None), []))
            if alarms.fault:
                yield f"{alarms.fault}; {count} pings since {pings[0].time}"
            for name, some in drawn.items():
                edits = [one.edit(self.routes[vehicle], count) for one in some]
                story = explain(vehicle, name, pings, edits, told.pop((vehicle, name), []))
                if story.fault:
                    yield f"{story.fault}; {count} pings since {pings[0].time}"
                    yield from (f"    version {one.region.version} after {one.least} to {one.most}" for one in edits)
                    yield from (f"    {_shown(one)}" for one in self.events if self._is_of(one, vehicle, name))
                if True in story.inside:
                    regions.append(name)
            newest = pings[-1]
            places[vehicle] = Place(newest.time, round(newest.lat, 6), round(newest.lon, 6), frozenset(regions))
        for vehicle, region in told:
            yield f"{vehicle} has events in {region or 'its alarms'}, and nobody sent anything of it or drew that"
        for viewer in self.viewers:
            yield from check_alike(viewer.name, self.seen[viewer.name], *wanted(viewer.follow, places))
        for node in self.world.nodes:
            yield from check_alike(node.name, places_of(node), places)

    @staticmethod
    def _is_of(event: dict[str, Any], vehicle: str, region: str) -> bool:
        return event["vehicle"] == vehicle and event.get("region") == region

    async def of_commits(self) -> list[str]:
        """By what PostgreSQL says."""
        notes = self.world.notes
        return [*check_owned(await notes.held()), *check_ordered(await notes.numbered())]

    async def faults(self) -> list[str]:
        """In words; none: all promises were kept."""
        found: list[str] = []
        for look in (self.told, self.of_events, self.of_pings, self.of_stories):
            try:
                found += await asyncio.to_thread(lambda look=look: list(look()))  # type: ignore[misc]
            except Exception as fault:
                found.append(f"{look.__name__}: {fault!r}")
        return found + await self.of_commits()


def _shown(event: dict[str, Any]) -> str:
    return ", ".join(f"{event[name]}" for name in ("seq", "id", "kind", "reason", "version", "time", "received_at"))


class Drawn(NamedTuple):
    """A version of a region; who asked for it (None: it was there before all), and when the next one came."""

    region: Region
    asked: Asked | None
    until: int | None

    def edit(self, route: Route, count: int) -> Edit:
        """Between which pings of this vehicle it can have come: all had seen it before the next."""
        if self.asked is None:
            return Edit(self.region, 0, 0)
        most = count if self.until is None else min(count, route.due(self.until + SLACK_MS))
        if self.asked.after is not None:
            most = min(most, self.asked.after.get(route.vehicle, 0))
        return Edit(self.region, min(most, self.asked.before.get(route.vehicle, 0)), most)


def _drawn(features: Sequence[dict[str, Any]], asked: dict[tuple[str, int], Asked]) -> Iterator[Drawn]:
    times = [parse_time(one["properties"]["updated_at"]) for one in features]
    for feature, until in zip(features, [*times[1:], None], strict=True):
        properties = feature["properties"]
        region = Region.read_feature(feature, id=feature["id"], version=properties["version"], now=0)
        yield Drawn(region, asked.get((feature["id"], properties["attributes"].get("edit", -1))), until)
