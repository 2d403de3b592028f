"""Several servers on one PostgreSQL and one NATS: any of them takes any ping and serves any viewer, as if it were one."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_live import Listener
from tests.support import databases, nats
from tests.support.house import House
from tests.support.sending import DEPOT, Sender, check_all_is_there_once, drive, until_more
from tests.support.servers import Answer, Server, circle, now
from tests.support.waiting import until_sync
from tracker.times import parse_time


@pytest.fixture(scope="module")
def cluster() -> Iterator[databases.Cluster]:
    with databases.cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def bus() -> Iterator[nats.Server]:
    with nats.server() as bus:
        yield bus


Nodes = Callable[[int], list[House]]


@pytest.fixture
def start_nodes(
    cluster: databases.Cluster, bus: nats.Server, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Nodes]:
    """So many that share a schema of this test's own."""
    name = f"t{abs(hash(request.node.name)):x}"[:30]
    nodes: list[House] = []

    def start(count: int) -> list[House]:
        for at in range(count):
            node = House(tmp_path / f"node{len(nodes)}")
            node.settings |= {"store": cluster.url(name), "bus": f"{bus.url}/{name}"}
            nodes.append(node)
            node.start(wait=not at)  # the first makes the tables
        for node in nodes:
            until_sync(node.is_ready, "the node is ready", 30)
        return nodes

    yield start
    for node in nodes:
        node.kill()


@pytest.fixture
def two(start_nodes: Nodes) -> list[House]:
    return start_nodes(2)


def measured(node: Server, name: str) -> float:
    lines = node.get("/metrics", cookie=getattr(node, "cookie", "")).body.decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"tracker_{name} ")))


def fleet(count: int, lat: float, ago: float = 0) -> list[dict[str, Any]]:
    return [
        {"vehicle": f"van-{at}", "time": now(-ago), "lat": lat, "lon": 25.0, "accuracy_m": 5} for at in range(count)
    ]


def told(node: Server) -> list[tuple[int, str]]:
    return [(event["seq"], event["id"]) for event in node.events(after=0)]


def post(node: Server, pings: list[dict[str, Any]]) -> dict[str, Any]:
    answer = node.post("/api/v1/positions", pings)
    assert answer.status == 200, answer
    return dict(answer.json())


def test_a_request_of_vehicles_of_several_owners_is_answered_by_any_node_as_by_one(two: list[House]) -> None:
    until_sync(lambda: {measured(node, "nodes_owned") for node in two} == {32}, "each has its fair share")
    two[0].send("PUT", "/api/v1/regions/depot", DEPOT)
    for step in range(3):
        assert post(two[step % 2], fleet(20, 60.0, 30 - step))["accepted"] == 20
    again = fleet(20, 60.0, 5)
    assert post(two[0], again)["accepted"] == 20
    assert post(two[1], again)["duplicates"] == 20
    until_sync(lambda: len(told(two[1])) == 20 and told(two[0]) == told(two[1]), "both tell the same events")
    assert [seq for seq, _ in told(two[0])] == list(range(1, 21)), "each number once"
    assert all(measured(node, "nodes_asked_total") > 0 for node in two), "each gave the other what is the other's"


def test_an_edit_is_in_force_for_the_vehicles_of_every_node_when_it_is_answered(two: list[House]) -> None:
    post(two[0], fleet(12, 60.0, 5))
    for at, node in enumerate([*two, *two]):
        assert node.send("PUT", "/api/v1/regions/depot", circle(60.0 + at % 2, 25.0, 300)).status < 300
        kinds = [event["reason"] for event in until_told(two[0], 12 * (at + 1))]
        assert len(set(kinds[12 * at :])) == 1, kinds
    assert [node.get("/api/v1/regions/depot").json()["properties"]["version"] for node in two] == [4, 4]
    assert told(two[0]) == told(two[1])


def until_told(node: Server, count: int) -> list[dict[str, Any]]:
    def all_of_them() -> list[dict[str, Any]]:
        events = node.events(after=0)
        return events if len(events) >= count else []

    found: list[dict[str, Any]] = until_sync(all_of_them, f"{count} events are told")
    return found


def test_edits_at_two_nodes_at_once_both_hold(two: list[House]) -> None:
    post(two[0], fleet(10, 60.0, 5))
    answers: list[Answer] = []

    def draw(node: House, id: str) -> None:
        for turn in range(4):
            answers.append(node.send("PUT", f"/api/v1/regions/{id}", circle(60.0 + turn % 2, 25.0, 300)))

    threads = [threading.Thread(target=draw, args=(node, id)) for node, id in zip(two, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.status < 300 for answer in answers), answers
    versions = [[node.get(f"/api/v1/regions/{id}").json()["properties"]["version"] for id in "ab"] for node in two]
    assert versions == [[4, 4]] * 2
    assert len(until_told(two[0], 80)) == 80, "in and out of each, for each vehicle, as often as it changed"


async def test_viewers_of_any_node_hear_what_is_done_at_another(two: list[House]) -> None:
    here, there = two
    here.send("PUT", "/api/v1/regions/depot", DEPOT)
    listener = await Listener.open(there, all=True)
    await listener.until("cursor")
    post(here, fleet(4, 60.0, 5))
    while len(listener.told("events")) < 4 or len(listener.told("new")) < 4:
        await listener.next()
    assert {row[1] for row in listener.told("new")} == {f"van-{at}" for at in range(4)}
    event = listener.told("events")[0]["id"]
    here.post(f"/api/v1/events/{event}/ack", {"by": "Ann"})
    assert (await listener.until("acked"))["acked"][0]["by"] == "Ann"
    here.send("PUT", "/api/v1/vehicles/van-1", {"name": "Van One"})
    assert (await listener.until("vehicles"))["vehicles"][0]["name"] == "Van One"
    for vehicle in ("van-1", "van-2", "van-3"):  # one of them at least is the other node's
        assert here.request("DELETE", f"/api/v1/vehicles/{vehicle}").status == 204
        assert (await listener.until("left"))["left"][0][1] == "removed"
    until_sync(lambda: len(there.get("/api/v1/vehicles").json()["vehicles"]) == 1, "they are gone")
    await listener.connection.close()


async def test_only_what_is_looked_at_there_travels_to_a_node(two: list[House]) -> None:
    here, there = two
    until_sync(lambda: {measured(node, "nodes_owned") for node in two} == {32}, "each has its fair share")
    near, far = fleet(24, 60.0, 60)[:12], fleet(24, 65.0, 60)[12:]
    post(here, near + far)
    for ago in (50, 40):
        post(here, moved(near + far, ago))
    assert travelled(two) == (0, 48), "each owner knows its own, and nobody looks at the other's"

    listener = await Listener.open(there, view={"bbox": [24.9, 59.9, 25.1, 60.1], "zoom": 12})
    reset = await listener.until("reset")
    lat = reset["fields"].index("lat_e6")
    assert len(rows := reset["vehicles"]) == 12
    assert {row[lat] for row in rows} == {60_000_400}, "where they are by now, not where they were when first heard of"
    passed, spared = travelled(two)
    assert 0 < passed < 12, "those of the other's that are there"

    post(here, moved(near + far, 30))
    while len(listener.told("moved")) < 12:
        await listener.next()
    assert travelled(two) == (passed, spared + 24 - passed), (
        "where all look it goes over the bus, of the others nothing"
    )
    await listener.connection.close()

    again = [node.get("/api/v1/vehicles").json()["vehicles"] for node in two]
    for vehicles in again:
        assert {one["position"]["lat"] for one in vehicles} == {60.0003, 65.0003}, "whoever reads them looks at them"


def moved(pings: list[dict[str, Any]], ago: int) -> list[dict[str, Any]]:
    return [ping | {"time": now(-ago), "lat": round(ping["lat"] + ago / 1e5, 6)} for ping in pings]


def travelled(nodes: list[House]) -> tuple[float, float]:
    """Positions that were passed to another node, and that were not."""
    each = [[measured(node, f"nodes_{what}_total") for node in nodes] for what in ("passed", "spared")]
    return sum(each[0]), sum(each[1])


async def test_a_viewer_resumes_at_another_node_and_hears_each_event_once(start_nodes: Nodes) -> None:
    here, there = start_nodes(2)
    here.send("PUT", "/api/v1/regions/depot", DEPOT)
    listener = await Listener.open(here, all=True)
    post(here, fleet(6, 60.0, 60))
    while len(listener.told("events")) < 6:
        await listener.next()
    cursor = next(message["cursor"] for message in reversed(listener.heard) if "cursor" in message)
    heard = [event["seq"] for event in listener.told("events")]
    here.kill()
    until_sync(lambda: there.post("/api/v1/positions", fleet(6, 60.02, 5)).status == 200, "the other takes over")
    again = await Listener.open(there, all=True, resume=cursor)
    until_told(there, 12)
    while len(heard) + len(again.told("events")) < 12:
        await again.next()
    assert sorted(heard + [event["seq"] for event in again.told("events")]) == list(range(1, 13))
    await again.connection.close()


def test_who_may_come_in_is_known_everywhere_at_once(two: list[House]) -> None:
    here, there = two
    here.furnish()
    until_sync(lambda: there.get("/api/v1/vehicles").status == 401, "people sign in there as well", 1)
    there.cookie = here.cookie
    until_sync(lambda: b'"ben"' in there.get("/api/v1/users", cookie=here.cookie).body, "ben is known there", 1)
    ben = there.sign_in({"name": "ben", "password": "two blue vans in may"})
    until_sync(lambda: here.get("/api/v1/vehicles", cookie=ben).status == 200, "his session is good here, too", 1)
    assert [region["id"] for region in here.get("/api/v1/regions", cookie=ben).json()["regions"]] == ["here"]
    there.do("PATCH", "/api/v1/users/ben", {"disabled": True})
    until_sync(lambda: here.get("/api/v1/vehicles", cookie=ben).status == 401, "he is out here as well", 1)


def test_a_ticket_opens_once_at_whichever_node(two: list[House]) -> None:
    here, there = two
    there.cookie = here.furnish().cookie
    for first, second in ((there, here), (here, there)):
        ticket = here.do("POST", "/api/v1/tickets", {}).json()["ticket"]
        path = f"/api/v1/changes?ticket={ticket}"
        assert first.get(path).status == 200
        first.do("POST", "/api/v1/tickets", {})  # and what it said before has been heard
        assert second.get(path).status == 401


def test_a_report_is_watched_fetched_and_given_up_at_whichever_node(start_nodes: Nodes) -> None:
    here, there, third = start_nodes(3)
    post(here, fleet(3, 60.0, 60))
    day = {"from": now(-86_400)}
    report = here.post("/api/v1/reports", day).json()
    path = f"/api/v1/reports/{report['id']}"

    def is_drawn() -> bool:
        return bool(there.get(f"{path}?wait_s=5").json()["state"] == "done")

    assert there.get(path).status == 200
    until_sync(is_drawn, "it is drawn", 60)
    assert third.get(path).json() == here.get(path).json()
    files = [node.get(f"{path}/file") for node in (here, there, third)]
    assert {file.body for file in files} == {files[0].body}
    assert len(files[0].body) > 200_000, "it comes in pieces"
    assert {file.headers["content-disposition"] for file in files} == {files[0].headers["content-disposition"]}
    assert third.request("DELETE", path).status == 204
    assert [node.get(path).status for node in (here, there, third)] == [404] * 3
    gone = here.post("/api/v1/reports", day).json()["id"]
    assert there.get(f"/api/v1/reports/{gone}/file").status in (200, 409), "when it is drawn"
    here.kill()
    until_sync(lambda: there.get(f"/api/v1/reports/{gone}").json()["code"] == "unknown_report", "its node is gone", 20)


def test_there_is_one_import_wherever_it_was_begun(two: list[House]) -> None:
    here, there = two
    path = "/api/v1/store/import"
    track = "vehicle,time,lat,lon\n" + "".join(
        f"bus-{at % 50},2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}Z,60.1,25.{at % 1000:03}\n"
        for at in range(40_000)
    )
    headers = {"content-type": "application/octet-stream"}
    assert here.request("POST", f"{path}?name=day.csv", track.encode(), headers).status == 202
    assert there.get(path).json()["state"] == "working"
    refused = there.request("POST", f"{path}?name=more.csv", track.encode(), headers)
    assert (refused.status, refused.json()["code"]) == (409, "at_work")
    assert there.request("DELETE", path).status == 204
    assert [node.get(path).json()["state"] for node in two] == ["given_up"] * 2
    assert there.request("POST", f"{path}?name=next.csv", track[:100_000].encode(), headers).status == 202
    until_sync(lambda: here.get(f"{path}?wait_s=5").json()["state"] == "done", "it is done", 60)
    assert here.get(path).json() == there.get(path).json()


def test_what_was_acknowledged_is_there_once_whatever_becomes_of_the_nodes(start_nodes: Nodes) -> None:
    nodes = start_nodes(3)
    nodes[0].send("PUT", "/api/v1/regions/depot", DEPOT)
    with driving_to(nodes) as senders:
        until_more(senders, 100)
        nodes[1].kill()
        until_more(senders, 100)
        nodes[1].start()
        assert nodes[2].process
        nodes[2].process.send_signal(signal.SIGSTOP)
        until_sync(lambda: measured(nodes[0], "nodes_living") == 2, "it is taken for dead")
        until_more(senders, 100)
        nodes[2].process.send_signal(signal.SIGCONT)
        until_sync(lambda: measured(nodes[0], "nodes_living") == 3, "it lives again")
        until_more(senders, 100)
        assert nodes[0].stop() == 0
        until_more(senders, 100)
    assert not [answer for sender in senders for answer in sender.refused]
    check_all_is_there_once(nodes[1], senders)
    until_sync(lambda: told(nodes[1]) == told(nodes[2]), "both tell the same")
    seqs = [seq for seq, _ in told(nodes[1])]
    assert seqs == list(range(1, len(seqs) + 1))


class Anywhere:
    """A client behind a proxy: another node each time."""

    def __init__(self, nodes: list[House]) -> None:
        self._nodes = nodes
        self._turn = 0

    def post(self, path: str, document: Any) -> Answer:
        """A node that hangs is left after a while."""
        self._turn += 1
        port = self._nodes[self._turn % len(self._nodes)].port
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("POST", path, json.dumps(document), {"content-type": "application/json"})
            answer = connection.getresponse()
            return Answer(answer.status, {}, answer.read())
        finally:
            connection.close()


class driving_to:
    """Vehicles' senders, each with a proxy of its own, while it lasts."""

    def __init__(self, nodes: list[House], count: int = 6) -> None:
        begin = parse_time(now(-86_400)) // 1000 * 1000
        self._stopping = threading.Event()
        self._senders = [
            Sender(Anywhere(nodes), drive(f"van-{at}", begin + at, 4000), self._stopping)  # type: ignore[arg-type]
            for at in range(count)
        ]

    def __enter__(self) -> list[Sender]:
        for sender in self._senders:
            sender.start()
        return self._senders

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for sender in self._senders:
            sender.join(30)


def test_a_server_by_itself_does_not_begin_on_what_nodes_share(two: list[House], tmp_path: Path) -> None:
    alone = Server(tmp_path / "alone", store=two[0].settings["store"])
    alone.start(wait=False)
    assert alone.process
    assert alone.process.wait(30) == 1
    assert "--bus" in alone.log.read_text()


def test_while_nats_is_away_each_node_takes_what_is_its_own_and_all_is_told(
    start_nodes: Nodes, bus: nats.Server
) -> None:
    here, there = start_nodes(2)
    here.send("PUT", "/api/v1/regions/depot", DEPOT)
    post(here, fleet(8, 60.02, 60))
    bus.kill()
    try:
        statuses = {
            (at, node.post("/api/v1/positions", [ping]).status)
            for at, ping in enumerate(fleet(8, 60.0, 5))
            for node in (here, there)
        }
        assert {at for at, status in statuses if status == 200} == set(range(8)), "its owner takes each"
        assert len(until_told(here, 8)) == len(until_told(there, 8)) == 8
        assert there.send("PUT", "/api/v1/regions/depot", circle(61.0, 25.0, 300)).status == 200
        assert len(until_told(here, 16)) == 16
    finally:
        bus.start()
    until_sync(lambda: here.post("/api/v1/positions", fleet(8, 60.0, 1)).status == 200, "they ask each other again")
