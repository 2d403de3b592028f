"""What is kept apart is durable and nowhere else, until somebody lets it in, turns it away or forgets it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tracker.access.grants import EVERYTHING, Grant
from tracker.config import Settings
from tracker.errors import NotFound, TrackerError
from tracker.model.change import Registered
from tracker.model.ping import Ping
from tracker.model.records import Actor
from tracker.node import Node
from tracker.stores import AuditQuery
from tracker.turns.guests import Guests

T0 = 1_790_000_000_000
ADA = Actor("ada", "127.0.0.1")
Start = Callable[[str], Coroutine[Any, Any, Node]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """A node on one folder; one that ran before is stopped."""
    nodes: list[Node] = []

    async def started(does: str) -> Node:
        while nodes:
            await nodes.pop().stop()
        node = Node(Settings(data=str(tmp_path), unknown_vehicles=does, quarantine_fixes=2))  # type: ignore[arg-type]
        await node.start()
        nodes.append(node)
        return node

    yield started
    while nodes:
        await nodes.pop().stop()


def fix(vehicle: str, second: int) -> Ping:
    return Ping(vehicle, T0 + second * 1000, 60 + second / 1e5, 25.0)


def code(node: Node, vehicle: str, grant: Grant = EVERYTHING) -> str | None:
    fault = node.quarantine.fault(vehicle, grant)
    return fault.code if fault else None


async def test_what_is_kept_apart_is_counted_told_again_and_played_in_once_it_is_let_in(start: Start) -> None:
    node = await start("quarantine")
    await node.pipeline.submit([fix("known", 0)])
    answer = await node.quarantine.submit(
        [fix("van", 3), fix("known", 1), fix("van", 1), fix("van", 2)], EVERYTHING, "a"
    )
    assert (answer.accepted, answer.quarantined) == (4, 3)
    again = await node.quarantine.submit([fix("van", 3)], EVERYTHING, "a")
    assert (again.duplicates, again.quarantined) == (1, 0)
    assert "van" not in node.picture.vehicles
    assert node.quarantine.statistics()[:3] == (1, 0, 3)
    node = await start("quarantine")  # and it was durable
    await node.quarantine.admit_vehicle(Registered("van", name="Van"), ADA)
    assert [one.ping for one in await node.store.track(2, 0, 1 << 60, None, 10)] == [fix("van", 2), fix("van", 3)]
    assert (await node.quarantine.submit([fix("van", 4)], EVERYTHING, "a")).quarantined == 0
    with pytest.raises(NotFound):
        node.quarantine.stranger("van")


async def test_whoever_is_turned_away_is_refused_until_forgotten_and_both_are_told_once(start: Start) -> None:
    node = await start("quarantine")
    await node.quarantine.submit([fix("bad", 1)], EVERYTHING, "a")
    for _ in range(2):
        await node.quarantine.refuse("bad", ADA)
    assert code(node, "bad") == "vehicle_refused"
    assert code(node, "good") is None
    await node.quarantine.submit([fix("bad", 2)], EVERYTHING, "a")  # it had passed before it was turned away
    node = await start("create")
    assert (code(node, "bad"), code(node, "good")) == ("vehicle_refused", None)
    assert node.quarantine.stranger("bad").fixes == ()
    await node.quarantine.forget("bad", ADA)
    assert code(node, "bad") is None
    assert not node.quarantine.looks
    assert [one.what for one in await node.store.audit(AuditQuery())] == ["vehicle.forget", "vehicle.refuse"]


async def test_where_unknown_vehicles_are_refused_only_those_that_are_known_may_come(start: Start) -> None:
    node = await start("refuse")
    await node.quarantine.submit([fix("seen", 1)], EVERYTHING, "a")  # whoever asks for no fault is taken
    await node.pipeline.register(Registered("listed"), ADA)
    assert [code(node, vehicle) for vehicle in ("seen", "listed", "new")] == [None, None, "unknown_vehicle"]
    node.quarantine.rejected(2)
    assert node.quarantine.statistics().rejected == 2


async def test_a_vehicle_that_became_known_another_way_leaves_the_quarantine(start: Start) -> None:
    node = await start("quarantine")
    await node.quarantine.submit([fix("van", 1), fix("bus", 1)], EVERYTHING, "a")
    await node.pipeline.register(Registered("van"), ADA)
    await node.quarantine.play_known()
    assert set(node.directory.strangers.all()) == {"bus"}
    assert "van" in node.picture.vehicles


def test_a_guest_that_may_not_stay_is_shown_out_once_and_the_others_stay() -> None:
    guests, told = Guests(), list[TrackerError]()

    def no() -> None:
        raise NotFound("gone", "not let in any more")

    with guests.stay(no, told.append), guests.stay(lambda: None, told.append):
        guests.look()
        guests.look()
    assert [fault.code for fault in told] == ["gone"]
    guests.look()
