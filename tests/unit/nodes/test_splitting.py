"""A request of vehicles of several owners is answered as if one node had all of them."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Overloaded, StoreFull, TrackerError
from tracker.fleet.fleet import Fleet
from tracker.model.ping import Ping
from tracker.nodes.splitting import joined, no_owner, split
from tracker.pipeline.entries.batch import Answer, total
from tracker.pipeline.entries.journal import Messages, decide
from tracker.protocols import Payload
from tracker.protocols.native import SPOKEN
from tracker.web.ingest.counts import Counts
from tracker.web.server.answers import problem

T0 = 1_790_000_000_000
OWNERS = {"v0": "a", "v1": "b", "v2": "a", "v3": "c"}


def fix(vehicle: str, second: int) -> Ping:
    return Ping(vehicle, T0 + second * 1000, 60 + second / 1e5, 25.0)


def answer(fleet: Fleet, pings: list[Ping]) -> Answer:
    """As Batch.answer counts."""
    outcomes = decide(fleet, Messages(T0, pings), {}).outcomes
    late, held, conflicts = (outcomes.count(word) for word in ("late", "held", "conflict"))
    doubles = outcomes.count("duplicate") + conflicts
    return Answer(len(pings) - doubles, late, held, doubles, conflicts)


def test_a_part_has_the_pings_of_one_owner_in_their_order_and_their_places() -> None:
    pings = [fix("v1", 4), fix("v0", 9), fix("v1", 2), fix("v2", 3), fix("v0", 1)]
    asked: list[str] = []

    def owner_of(vehicle: str) -> str | None:
        asked.append(vehicle)
        return None if vehicle == "v1" else "a"

    first, second = split(pings, owner_of)
    assert first == (None, [pings[0], pings[2]], [0, 2])
    assert second == ("a", [pings[1], pings[3], pings[4]], [1, 3, 4])
    assert asked == ["v1", "v0", "v2"]
    assert split([], owner_of) == []


def test_one_part_is_answered_as_its_owner_answers() -> None:
    parts = split([fix("v0", 1)], OWNERS.get)
    said = Answer(accepted=1)
    assert joined(parts, [said], total) is said
    full = StoreFull("no room")
    with pytest.raises(StoreFull) as fault:
        joined(parts, [full], total)
    assert fault.value is full


def test_parts_are_added_up() -> None:
    parts = split([fix("v0", 1), fix("v1", 1)], OWNERS.get)
    assert joined(parts, [Answer(1, late=1), Answer(duplicates=1)], total) == Answer(1, 1, 0, 1)


def test_when_a_part_failed_it_is_told_what_is_not_stored_and_to_send_it_again() -> None:
    parts = split([fix("v1", 1), fix("v3", 1), fix("v0", 1), fix("v1", 2)], OWNERS.get)
    outcomes: list[Answer | TrackerError] = [no_owner(), StoreFull("no room"), Answer(1)]
    with pytest.raises(Overloaded) as fault:
        joined(parts, outcomes, total)
    status, headers, body = problem(fault.value)
    told = msgspec.json.decode(body)
    assert (status, headers["retry-after"], told["code"]) == (503, "1", "partly_stored")
    assert told["detail"].startswith("3 of 4 positions are not stored; send all of them again")
    assert [(one["index"], one["code"]) for one in told["errors"]] == [
        (0, "no_owner"),
        (1, "store_full"),
        (3, "no_owner"),
    ]


def test_one_part_that_failed_is_enough() -> None:
    parts = split([fix("v0", 1), fix("v1", 1), fix("v1", 2)], OWNERS.get)
    outcomes: list[Answer | TrackerError] = [Answer(1), no_owner()]
    with pytest.raises(Overloaded) as fault:
        joined(parts, outcomes, total)
    assert (fault.value.code, [one["index"] for one in fault.value.errors]) == ("partly_stored", [1, 2])


def test_what_became_of_all_parts_alike_is_told_as_it_is_with_the_longest_wait() -> None:
    parts = split([fix("v0", 1), fix("v1", 1)], OWNERS.get)
    with pytest.raises(Overloaded) as fault:
        joined(parts, [Overloaded("x", 2), Overloaded("y", 30)], total)
    assert (fault.value.detail, fault.value.retry_after) == ("y", 30)


def test_parts_that_failed_in_different_ways_are_told_apart() -> None:
    parts = split([fix("v0", 1), fix("v1", 1)], OWNERS.get)
    with pytest.raises(Overloaded) as fault:
        joined(parts, [TrackerError("internal", "x"), Overloaded("y", 30)], total)
    assert (fault.value.code, fault.value.retry_after) == ("partly_stored", 30)
    assert [one["code"] for one in fault.value.errors] == ["internal", "overloaded"]


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["v0", "v1", "v2", "v3", ""]), st.integers(-3, 9)), max_size=12), max_size=5
    )
)
def test_several_nodes_answer_with_the_same_bytes_as_one(requests: list[list[tuple[str, int]]]) -> None:
    """Late, held and doubled positions, and some that are none: their places are those in the whole request."""
    read = SPOKEN[0].read
    assert read
    one, nodes = Fleet(), {owner: Fleet() for owner in "abc"}
    for request in requests:
        items = [
            {"vehicle": vehicle, "time": "2026-09-21T12:00:00Z" if second < 0 else T0 / 1000 + second}
            | {"lat": 60 + second / 10, "lon": 25.0}
            for vehicle, second in request
        ]
        reading = read(Payload(msgspec.json.encode(items)), T0)
        parts = split(reading.pings, OWNERS.get)
        outcomes = [answer(nodes[part.owner or ""], part.pings) for part in parts]
        shared, alone = Counts(), Counts()
        if reading.pings:
            shared.add_answer(joined(parts, outcomes, total))
        alone.add_answer(answer(one, reading.pings))
        assert shared.answer(reading) == alone.answer(reading)
