"""A fault of ours costs one viewer its connection and nobody anything else; every lane goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from quart import Quart

from tests.support.waiting import until
from tracker.access.grants import EVERYTHING
from tracker.config import Settings
from tracker.errors import StoreError
from tracker.live import close_codes, requests
from tracker.live.cursor import NO_MARK, Cursor
from tracker.model.change import Acked, Change
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.stores import EventQuery
from tracker.turns import lanes
from tracker.turns.lanes import MANY, Lane
from tracker.web.app import create_app
from tracker.web.live.channel import Line, Live

T0 = 1_790_000_000_000


class Seat:
    """A connection that keeps what it is sent, and comes back when it is told to."""

    def __init__(self, live: Live, **follow: Any) -> None:
        self.live, self.wanted = live, follow
        self.sent: list[dict[str, Any]] = []
        self.codes: list[int] = []
        self.pending = 0
        self.heard = float("inf")
        self.line: Line
        self.enter()

    def enter(self, **resume: str) -> None:
        self.line = self.live.open(self, self, "10.0.0.1", EVERYTHING)
        self.live.obey(self.line.viewer, msgspec.convert({"op": "follow", **self.wanted, **resume}, requests.Follow))

    def come_back(self) -> None:
        self.enter(resume=[message["cursor"] for message in self.sent if "cursor" in message][-1])

    def send(self, payload: bytes, _text: bool = True) -> None:
        self.sent.append(msgspec.json.decode(payload))

    def ping(self) -> None: ...

    def close(self, code: int) -> None:
        self.codes.append(code)

    def told(self, member: str) -> list[Any]:
        return [item for message in self.sent for item in message.get(member, ())]

    @property
    def events(self) -> list[int]:
        return [event["seq"] for event in self.told("events")]

    @property
    def newest(self) -> dict[int, int]:
        """Latitude of each vehicle, as it was told last."""
        places: dict[int, int] = {}
        for message in self.sent:
            if message.get("reset"):
                places.clear()
            for row in (*message.get("vehicles", ()), *message.get("new", ())):
                if isinstance(row, list):
                    places[row[0]] = row[4]
            places |= {row[0]: row[2] for row in message.get("moved", ())}
        return places


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Quart]:
    app = create_app(Settings(data=str(tmp_path)))
    async with app.test_app():
        yield app


@pytest.fixture
def node(app: Quart) -> Node:
    found: Node = app.extensions["node"]
    return found


@pytest.fixture
def live(app: Quart) -> Live:
    found: Live = app.extensions["live"]
    return found


def plant(place: Any, name: str, times: float = 3, when: Callable[..., bool] = lambda *_: True) -> list[int]:
    """Have a method fail so often; answers a list that grows with each time."""
    method, failed = getattr(place, name), list[int]()

    def failing(*args: Any, **more: Any) -> Any:
        if len(failed) < times and when(*args):
            failed.append(1)
            raise RuntimeError("planted")
        return method(*args, **more)

    setattr(place, name, failing)
    return failed


async def report(node: Node, step: int, vehicle: str = "v") -> None:
    """One message, with an event of its own."""
    await node.pipeline.submit([Ping(vehicle, T0 + step * 1000, 60 + step / 10_000, 24.0, alarm=f"sos {step}")])


async def status(app: Quart) -> int:
    return (await app.test_client().get("/readyz")).status_code


def place(lane: str, live: Live) -> tuple[Any, str]:
    return {
        "tick": (live.hub, "tick"),
        "urgent": (live, "_tell_urgent"),
        "house": (live.hub, "keep_house"),
        "relay": (live.hub.routing, "take_change"),
    }[lane]


@pytest.mark.parametrize("lane", ["tick", "urgent", "house", "relay"])
async def test_a_lane_that_fails_three_times_goes_on_and_nobody_misses_anything(
    app: Quart, node: Node, live: Live, lane: str
) -> None:
    seat = Seat(live, all=True)
    failed = plant(*place(lane, live))
    for step in range(1, 6):
        await report(node, step)
    await until(lambda: len(failed) == 3, f"{lane} failed three times")
    await until(lambda: seat.newest == {1: 60_000_500} and len(seat.events) == 5, f"the news after {lane} failed")
    assert seat.events == [1, 2, 3, 4, 5]
    assert seat.codes == []
    assert node.lanes[lane].faults == 3
    assert await status(app) == 200


def test_a_lane_that_fails_for_long_is_told_of_ever_more_seldom_and_once_when_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    monkeypatch.setattr(lanes, "monotonic", lambda: now)
    lane = Lane("leases")
    for second in range(3600):
        now = second
        lane.failed(StoreError("it is away"))
    assert len(caplog.records) < 80
    assert [record.exc_info for record in caplog.records[:2]] == [None, None], "it says all there is to say"
    lane.went_well()
    lane.went_well()
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "the lane 'leases' goes on after 3600 faults in a row"
    ]
    caplog.clear()
    now += 1
    lane.failed(RuntimeError("planted"))
    assert caplog.records[0].exc_info, "of another fault at once"
    lane.went_well()
    assert len(caplog.records) == 1, "it was never said not to live"


async def test_a_change_that_could_not_be_routed_is_told_all_the_same(node: Node, live: Live) -> None:
    seat = Seat(live, all=True)
    plant(live.hub.routing, "take_change", 1)
    await report(node, 1)
    await until(lambda: seat.newest == {1: 60_000_100} and seat.events == [1], "the news that was not routed")
    assert list(node.picture.vehicles) == ["v"]
    assert seat.codes == []


@pytest.mark.parametrize("lane", ["tick", "urgent", "house", "relay"])
async def test_readiness_tells_of_a_lane_that_cannot_live(app: Quart, node: Node, live: Live, lane: str) -> None:
    Seat(live, all=True)
    seen = [200]
    failed = plant(*place(lane, live), float("inf"), lambda *_: 503 not in seen)
    assert await status(app) == 200
    for step in range(1, 6):
        await report(node, step)
        if len(failed) > MANY:
            break

    async def is_told() -> bool:
        seen.append(await status(app))
        return 503 in seen

    await until(is_told, f"/readyz says that {lane} does not live")
    await report(node, 9)

    async def is_well() -> bool:
        return await status(app) == 200

    await until(is_well, "and that it does again")


@pytest.mark.parametrize("name", ["serve", "serve_urgent"])
async def test_a_viewer_that_cannot_be_told_comes_back_and_the_others_notice_nothing(
    node: Node, live: Live, name: str
) -> None:
    unlucky, other = Seat(live, all=True), Seat(live, all=True)
    await until(lambda: unlucky.told("vehicles") or unlucky.told("regions") or len(unlucky.sent) > 1)
    await report(node, 1)
    for step in range(2, 5):
        await until(lambda: unlucky.line.viewer in live.lines)
        failed = plant(live.hub, name, 1, lambda viewer, *_: viewer is unlucky.line.viewer)
        await report(node, step)
        await until(lambda: unlucky.codes, "it is closed")
        assert failed == [1]
        assert unlucky.codes == [close_codes.FAULT]
        assert close_codes.may_return(unlucky.codes.pop())
        assert unlucky.sent[-1]["op"] == "bye"
        assert unlucky.line.viewer not in live.hub.viewers
        unlucky.come_back()
    await until(lambda: [seat.newest for seat in (unlucky, other)] == [{1: 60_000_400}] * 2, "both know the newest")
    await until(lambda: [seat.events for seat in (unlucky, other)] == [[1, 2, 3, 4]] * 2, "and each event once")
    assert other.codes == []
    assert node.lanes.faults == 3
    assert not live.admission._open["10.0.0.1"] > 2


async def test_a_viewer_whose_replay_fails_comes_back(node: Node, live: Live) -> None:
    for step in range(1, 4):
        await report(node, step)
    node.hub.recent.restore([], 3, {})  # the hub remembers none of them
    seat = Seat(live, all=True, resume=Cursor(bytes(4), bytes(8), NO_MARK, 0, 0).text())
    failed = plant(node.store, "events", 3)
    for _ in range(3):
        await until(lambda: seat.codes, "it is closed")
        assert seat.codes.pop() == close_codes.FAULT
        seat.come_back()
    await until(lambda: len(seat.events) == 3, "all events from the store")
    assert seat.events == [1, 2, 3]
    assert len(failed) == 3


async def test_an_acknowledgement_whose_event_cannot_be_read_is_told_in_the_end(node: Node, live: Live) -> None:
    for step in range(1, 3):
        await report(node, step)
    node.hub.recent.restore([], 2, {})
    seat = Seat(live, vehicles=["v"])
    await until(lambda: len(seat.sent) > 1)
    [first, second] = await node.store.events(EventQuery(after=0, limit=2))
    acks = [Acked(event.id, "me", T0) for event in (first, second)]
    failed = plant(node.store, "event", 3)
    node.hub.route(Change(acked=acks))
    await until(lambda: len(seat.told("acked")) == 2, "both are told")
    assert {one["id"] for one in seat.told("acked")} == {first.id, second.id}
    assert len(failed) == 3


async def test_an_acknowledgement_that_never_can_be_placed_stops_no_other(node: Node, live: Live) -> None:
    for step in range(1, 3):
        await report(node, step)
    node.hub.recent.restore([], 2, {})
    seat = Seat(live, vehicles=["v"])
    [first, second] = await node.store.events(EventQuery(after=0, limit=2))
    plant(node.store, "event", float("inf"), lambda id: id == first.id)
    node.hub.route(Change(acked=[Acked(event.id, "me", T0) for event in (first, second)]))
    await until(lambda: seat.told("acked"), "the other is told")
    assert [one["id"] for one in seat.told("acked")] == [second.id]


async def test_a_message_that_brings_out_a_fault_costs_only_its_sender(live: Live) -> None:
    plant(live.hub, "follow", 1)
    told: list[tuple[int, bytes]] = []

    class Transport:
        pending, heard = 0, float("inf")

        def send(self, payload: bytes, _text: bool = True) -> None:
            told.append((0, payload))

        def close(self, code: int) -> None:
            told.append((code, b""))

    transport: Any = Transport()
    listener = live.listen_to(transport, {"client": ("10.0.0.1", 1)}, EVERYTHING, None)
    listener.hear_message('{"op":"follow","all":true}')
    assert told[-1][0] == close_codes.FAULT
    assert not live.lines


async def test_a_stop_says_good_bye_to_everybody_even_if_one_of_them_cannot_be_told(live: Live) -> None:
    seats = [Seat(live, all=True) for _ in range(4)]
    plant(live.hub, "serve_urgent", 3)
    await live.drain()
    assert [seat.sent[-1]["op"] for seat in seats] == ["bye"] * 4
    assert sorted(code for seat in seats for code in seat.codes) == [close_codes.RESTART] + [close_codes.FAULT] * 3


def test_a_lane_waits_longer_from_fault_to_fault_and_a_good_round_makes_good(caplog: pytest.LogCaptureFixture) -> None:
    lane = Lane("tick")
    waits = [lane.failed(RuntimeError("planted")) for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[-1] == 1.0
    assert not lane.lives
    lane.went_well()
    assert lane.lives
    assert lane.faults == 8
    assert "tick" in caplog.text


@pytest.mark.parametrize("broken", ["serve", "follow"])
async def test_a_poll_that_brings_out_a_fault_hears_so_and_comes_back(app: Quart, live: Live, broken: str) -> None:
    plant(*{"serve": (live.hub, "serve"), "follow": (live, "obey")}[broken], times=1)
    answer = await app.test_client().get("/api/v1/changes?all=1")
    assert (answer.status_code, (await answer.get_json(force=True))["code"]) == (503, "fault")
    assert answer.headers["retry-after"]
    assert (await app.test_client().get("/api/v1/changes?all=1")).status_code == 200
