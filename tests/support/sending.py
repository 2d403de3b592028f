"""Vehicles that drive through a depot and are posted until they are acknowledged, whatever becomes of the server."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.servers import Answer, Server, circle, now
from tests.support.waiting import deadline, until_sync
from tracker.fleet.fleet import Fleet
from tracker.model.ping import Ping
from tracker.regions.region import Region
from tracker.times import parse_time

DEPOT = circle(60.0, 25.0, 300, name="Depot")


def drive(vehicle: str, begin: int, count: int) -> list[dict[str, Any]]:
    """A vehicle that goes to and fro through the depot, 100 m every 10 s; `begin` is the time of its first fix."""
    turn = random.Random(vehicle).randrange(40)
    fixes = []
    for step in range(count):
        phase = (step + turn) % 40
        offset = phase if phase < 20 else 40 - phase  # 0…20…0, in 100 m
        lat = round(60.0 + (offset - 10) * 100 / 111_400, 7)
        fixes.append({"vehicle": vehicle, "time": begin + step * 10_000, "lat": lat, "lon": 25.0})
    return fixes


def caused(fixes: list[dict[str, Any]]) -> set[str]:
    """Ids of the events these pings make, worked out here."""
    fleet = Fleet()
    fleet.save_regions([Region.read_feature(DEPOT, id="depot", version=1, now=0)], 0)
    pings = [Ping(fix["vehicle"], fix["time"], fix["lat"], fix["lon"]) for fix in fixes]
    return {event.id for ping in pings for event in fleet.apply([ping], ping.time).commit.events}


class Sender(threading.Thread):
    """Posts a vehicle's pings a few at a time; what got no answer is posted again, what was answered never."""

    def __init__(self, server: Server, fixes: list[dict[str, Any]], stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.fixes = fixes
        self.stopping = stopping
        self.acknowledged = 0
        self.refused: list[Answer] = []

    def run(self) -> None:
        size = random.Random(self.fixes[0]["vehicle"])
        while not self.stopping.is_set() and self.acknowledged < len(self.fixes):
            part = self.fixes[self.acknowledged : self.acknowledged + size.randint(1, 9)]
            try:
                answer = self.server.post("/api/v1/positions", part)
            except OSError:
                time.sleep(0.02)  # the server is down: not a wait for anything, just not a busy loop
                continue
            except Exception:  # an answer cut off in the middle
                continue
            if answer.status == 200:
                self.acknowledged += len(part)
            elif answer.status != 503:
                self.refused.append(answer)
                return


@contextmanager
def driving(server: Server, count: int) -> Iterator[list[Sender]]:
    """So many vehicles' senders, which have stopped after it."""
    begin = parse_time(now(-86_400)) // 1000 * 1000
    stopping = threading.Event()
    senders = [Sender(server, drive(f"van-{number}", begin + number, 4000), stopping) for number in range(count)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        stopping.set()
        for sender in senders:
            sender.join(deadline(30))


def track(server: Server, vehicle: str) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    path = f"/api/v1/vehicles/{vehicle}/track?from=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&limit=10000"
    for fix in server.get(path).json()["positions"]:
        found.append((parse_time(fix["time"]), fix["lat"]))
    return found


def dead(senders: list[Sender]) -> bool:
    return not all(sender.is_alive() for sender in senders)


def acknowledged(senders: list[Sender]) -> int:
    return sum(sender.acknowledged for sender in senders)


def until_more(senders: list[Sender], count: int) -> None:
    """Wait until so many more pings were acknowledged, or nobody sends any more."""
    goal = acknowledged(senders) + count
    until_sync(lambda: acknowledged(senders) >= goal or dead(senders), "more pings were acknowledged", 30)


Tracks = dict[str, list[tuple[int, float]]]


def check_all_is_there_once(server: Server, senders: list[Sender]) -> int:
    """What was acknowledged, no more than the last post beyond it, and exactly the events these pings make."""
    fixes = {sender.fixes[0]["vehicle"]: sender.fixes for sender in senders}
    settled = until_sync(lambda: _settled(server, fixes), "nothing is under way, and all events are numbered")
    assert settled
    tracks, events = settled
    expected: set[str] = set()
    for sender in senders:
        found = tracks[sender.fixes[0]["vehicle"]]
        # The last post may have been stored without its answer having come: nothing else may be more.
        assert sender.acknowledged <= len(found) <= sender.acknowledged + 9
        assert found == [(fix["time"], fix["lat"]) for fix in sender.fixes[: len(found)]]
        expected |= caused(sender.fixes[: len(found)])
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert Counter(event["id"] for event in events) == Counter(expected)
    return len(expected)


def _settled(server: Server, fixes: dict[str, list[dict[str, Any]]]) -> tuple[Tracks, list[dict[str, Any]]] | None:
    """Tracks and events, once a post that nobody waits for any more comes between them no more."""
    before = {vehicle: track(server, vehicle) for vehicle in fixes}
    events = server.events(after=0)
    expected = set[str]().union(*(caused(fixes[vehicle][: len(found)]) for vehicle, found in before.items()))
    after = {vehicle: track(server, vehicle) for vehicle in fixes}
    return (after, events) if before == after and len(events) >= len(expected) else None
