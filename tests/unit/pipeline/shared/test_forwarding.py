"""Pings on their way to their owners: one request, in parts, one answer to all of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.company import Company, Node, ping
from tracker.buses import Failed, NoAnswer, NotAsked
from tracker.errors import Overloaded, Stopping, StoreError, StoreFull, TrackerError
from tracker.model.ping import NOWHERE, Ping
from tracker.pipeline.entries.batch import Answer
from tracker.pipeline.shared.questions import Store, encode


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.05)
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.LOOK_S", 0.005)


def fails_with(node: Node, monkeypatch: pytest.MonkeyPatch, fault: TrackerError) -> None:
    async def here(_pings: list[Ping]) -> Answer:
        raise fault

    monkeypatch.setattr(node.sharing.forwarding, "_here", here)


async def test_a_request_of_several_owners_is_answered_once(company: Company, a: Node, b: Node) -> None:
    ours, theirs = company.vehicle_of(a), company.vehicle_of(b)
    pings = [ping(theirs, 0), ping(ours, 0), ping(theirs, 1), ping(theirs, 0), ping(ours, 1)]
    answer = await a.pipeline.submit(pings)
    assert (answer.accepted, answer.duplicates) == (4, 1)
    kept = {(one.ping.vehicle, one.ping.time) for one in company.place.kept.pings if one}
    assert kept == {(one.vehicle, one.time) for one in pings} and len(company.place.kept.pings) == 4


async def test_what_a_ping_says_arrives_as_it_was(company: Company, a: Node, b: Node) -> None:
    full = ping(
        company.vehicle_of(b), 0.123, -59.123456, 179.999999, speed_mps=12.5, heading=359.5, altitude_m=-3.25,
        accuracy_m=4.5, ignition=False, battery_pct=0.5, odometer_m=123456.75, driver="Ännie", alarm="sos",
        attributes={"n": 1, "t": "x", "f": 1.5, "nothing": None, "b": True},
    )  # fmt: skip
    nowhere = ping(full.vehicle, 5, *NOWHERE, attributes={"only": "heard"})
    await a.pipeline.submit([full, nowhere])
    kept = [one.ping for one in company.place.kept.pings if one]
    assert kept[0] == full
    assert kept[1] == nowhere


@pytest.mark.parametrize(
    "fault",
    [
        StoreFull("no room"),
        StoreError("the disk hangs"),
        Overloaded("too much waits", 7),
    ],
)
async def test_what_an_owner_refuses_is_refused_by_whoever_was_asked(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch, fault: TrackerError
) -> None:
    fails_with(b, monkeypatch, fault)
    with pytest.raises(TrackerError) as told:
        await a.pipeline.submit([ping(company.vehicle_of(b))])
    assert type(told.value) is type(fault)
    assert (told.value.code, told.value.detail) == (fault.code, fault.detail)
    assert told.value.retry_after == getattr(fault, "retry_after", 1)  # type: ignore[attr-defined]
    assert not company.place.kept.pings


@pytest.mark.parametrize("fault", [Stopping("it stops", 5), StoreError("its lease is over", "fenced")])
async def test_a_part_whose_owner_goes_is_tried_again_for_a_while(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch, fault: TrackerError
) -> None:
    name = company.vehicle_of(b)
    real = b.sharing.forwarding._here
    asked = 0

    async def here(pings: list[Ping]) -> Answer:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise fault
        return await real(pings)

    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 5.0)
    monkeypatch.setattr(b.sharing.forwarding, "_here", here)
    answer = await company.do(a.pipeline.submit([ping(name), ping(company.vehicle_of(a))]))
    assert answer.accepted == 2 and asked == 3
    assert answer.duplicates == 0, "what was stored is not sent again"

    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 0.05)
    fails_with(b, monkeypatch, fault)
    with pytest.raises(type(fault)) as told:
        await company.do(a.pipeline.submit([ping(name, 60)]))
    assert told.value.code == fault.code


async def test_partly_stored_is_told_with_the_places_of_what_is_not(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = company.vehicle_of(a), company.vehicle_of(b)
    fails_with(b, monkeypatch, StoreFull("no room"))
    pings = [ping(ours, 0), ping(theirs, 0), ping(ours, 1), ping(theirs, 1)]
    with pytest.raises(Overloaded) as told:
        await a.pipeline.submit(pings)
    assert told.value.code == "partly_stored"
    assert [(one["index"], one["code"]) for one in told.value.errors] == [(1, "store_full"), (3, "store_full")]
    assert [one.ping for one in company.place.kept.pings if one] == [pings[0], pings[2]]


async def test_places_are_those_of_the_request_also_when_a_part_was_tried_again(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = company.vehicle_of(a), company.vehicle_of(b)
    fails_with(b, monkeypatch, StoreError("its lease is over", "fenced"))
    with pytest.raises(Overloaded) as told:
        await company.do(a.pipeline.submit([ping(ours, 0), ping(theirs, 0), ping(ours, 1), ping(theirs, 1)]))
    assert told.value.code == "partly_stored"
    assert [one["index"] for one in told.value.errors] == [1, 3]


@pytest.mark.parametrize(
    "fault, code",
    [
        (NotAsked("there is no such node"), "cut_off"),
        (NoAnswer("it did not answer"), "cut_off"),
        (Failed("KeyError: 'van'"), "store"),
    ],
)
async def test_an_owner_that_does_not_answer_is_told_kindly(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    async def ask(_node: str, _question: bytes, _seconds: float) -> bytes:
        raise fault

    monkeypatch.setattr(a.asking, "ask", ask)
    with pytest.raises((StoreError, Overloaded)) as told:
        await a.pipeline.submit([ping(company.vehicle_of(b))])
    assert told.value.code == code
    if code == "cut_off":
        assert "is not heard over NATS" in told.value.detail, "nobody will take them over while it lives"
    if code == "store":
        assert "KeyError" in told.value.detail and "send the same again" in told.value.detail


async def test_who_cannot_be_asked_just_now_is_asked_again(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 5.0)
    real, asked = a.asking.ask, 0

    async def ask(node: str, question: bytes, seconds: float) -> bytes:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NotAsked("there is no such node")
        return await real(node, question, seconds)

    monkeypatch.setattr(a.asking, "ask", ask)
    answer = await company.do(a.pipeline.submit([ping(company.vehicle_of(b))]))
    assert (answer.accepted, asked) == (1, 3)


async def test_an_owner_that_hangs_is_waited_for_while_it_is_the_owner(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 5.0)
    name = company.vehicle_of(b)
    b.store.gate.clear()
    sending = asyncio.create_task(a.pipeline.submit([ping(name)]))
    for _ in range(10):
        await company.go_on()
    assert not sending.done()
    b.hangs = True
    b.store.fails["lease_round"] = 1_000_000
    await company.until(sending.done)
    assert sending.result().accepted == 1
    assert name in a.fleet.vehicles
    b.store.gate.set()


async def test_vehicles_nobody_owns_are_waited_for(company: Company, a: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.pipeline.shared.forwarding.PATIENCE_S", 5.0)
    company.place.now += 1000
    sending = asyncio.create_task(a.pipeline.submit([ping("van")]))
    await asyncio.sleep(0)
    assert not sending.done()
    await company.until(sending.done)
    assert sending.result().accepted == 1


async def test_a_node_that_takes_vehicles_back_answers_for_them_itself(company: Company, a: Node, b: Node) -> None:
    """Who asks has an older view: the one that is asked says that it is not the owner."""
    answer = await a.sharing.reply(encode(Store([ping(company.vehicle_of(b))])))
    assert b"refused" in answer and b"no_owner" in answer


async def test_where_no_node_can_be_asked_nobody_waits(
    company: Company, a: Node, b: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = company.vehicle_of(b)
    company.answering.pop("a")  # it has no way to the others
    monkeypatch.setattr(a.asking, "away", "the line is cut")
    with pytest.raises(Overloaded, match="the line is cut") as told:
        await a.pipeline.submit([ping(name)])
    assert told.value.code == "cut_off"
    assert (await a.pipeline.submit([ping(company.vehicle_of(a))])).accepted == 1, "its own are stored"
