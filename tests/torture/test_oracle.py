"""The oracle of the torture run explains what one node tells, in any order the answers leave, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.servers import circle
from tests.torture.oracle import Edit, Way, explain
from tracker.model.ping import Ping
from tracker.regions.region import Region

#: from 220 m west of the place to 220 m east of it
PINGS = [
    Ping("van", 1_795_000_000_000 + at * 500, 60.0, 25.0 + (at * 20 - 220) / 55_800, speed_mps=40.0) for at in range(23)
]


def version(number: int, radius_m: float, **rules: Any) -> Region:
    feature = circle(60.0, 25.0, radius_m, debounce="none", rules=rules)
    return Region.read_feature(feature, id="gate", version=number, now=0)


def happened(*edits: tuple[int, Region]) -> list[str]:
    """With each edit before that ping."""
    way = Way()
    for at, ping in enumerate(PINGS):
        for before, region in edits:
            if before == at:
                way.edit(region, ping.time)
        way.take(way.fleet.apply([ping], ping.time), "gate")
    return way.events


def tell(edits: Sequence[Edit], told: Sequence[str]) -> str:
    return explain("van", "gate", PINGS, edits, told).fault


FIRST, WIDER = version(1, 100), version(2, 190)


def test_what_one_node_tells_is_explained() -> None:
    told = happened((0, FIRST))
    assert len(told) == 2
    assert tell([Edit(FIRST, 0, 0)], told) == ""


@pytest.mark.parametrize("before", [3, 4, 5])
def test_an_edit_that_was_under_way_may_come_before_or_after_any_of_these_pings(before: int) -> None:
    told = happened((0, FIRST), (before, WIDER))
    assert tell([Edit(FIRST, 0, 0), Edit(WIDER, 3, 5)], told) == ""


def test_an_edit_comes_no_sooner_than_what_was_acknowledged_before_it() -> None:
    told = happened((0, FIRST), (3, WIDER))
    assert tell([Edit(FIRST, 0, 0), Edit(WIDER, 10, 12)], told) != ""


def test_an_edit_comes_no_later_than_what_was_sent_after_it() -> None:
    told = happened((0, FIRST), (10, WIDER))
    assert tell([Edit(FIRST, 0, 0), Edit(WIDER, 2, 4)], told) != ""


def test_an_edit_that_nobody_answered_is_before_the_next_that_was() -> None:
    told = happened((0, FIRST), (12, WIDER), (12, version(3, 150)))
    edits = [Edit(FIRST, 0, 0), Edit(WIDER, 1, 23), Edit(version(3, 150), 0, 14)]
    assert tell(edits, told) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told[:-1],  # lost
        lambda told: [told[0], *told],  # doubled
        lambda told: told[::-1],  # in another order
        lambda told: [*told, "another"],
        lambda told: ["another", *told[1:]],
    ],
)
def test_an_event_that_is_lost_doubled_moved_or_changed_is_not_explained(change: Any) -> None:
    told = change(happened((0, FIRST)))
    assert "of" in tell([Edit(FIRST, 0, 0)], told)


def test_who_stays_in_a_region_has_dwelled_there() -> None:
    way, slow = Way(), version(1, 100, dwell_s=3)
    way.edit(slow, 0)
    for ping in PINGS[:12]:
        way.take(way.fleet.apply([ping], ping.time), "gate")
    enter = way.events.copy()
    way.take(way.fleet.fire(PINGS[12].time + 60_000), "gate")
    assert len(way.events) == len(enter) + 1
    story = explain("van", "gate", PINGS[:12], [Edit(slow, 0, 0)], way.events)
    assert story.fault == "" and story.inside == {True}
    assert explain("van", "gate", PINGS[:12], [Edit(slow, 0, 0)], enter).fault != ""


def test_each_alarm_is_told_once() -> None:
    pings = [replace(ping, alarm=f"sos {at}" if at % 5 == 0 else None) for at, ping in enumerate(PINGS)]
    way = Way()
    for ping in pings:
        way.take(way.fleet.apply([ping], ping.time), None)
    assert len(way.events) == 5
    assert explain("van", None, pings, [], way.events).fault == ""
    for told in (way.events[1:], [*way.events, way.events[-1]]):
        assert "its alarms" in explain("van", None, pings, [], told).fault
