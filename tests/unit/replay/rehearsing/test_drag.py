"""A region in somebody's hand tells what a fleet with that region would have told, however it was dragged there."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.scenario import START, box, feature, place, point
from tracker.fleet.fleet import FleetSettings
from tracker.model.columns import Columns, Heard
from tracker.model.commit import StoredPing
from tracker.model.events import Event
from tracker.model.ping import Ping
from tracker.pipeline.entries.journal import ClockSet, Entry, RegionsSaved, VehicleRemoved
from tracker.regions.region import Region
from tracker.replay.past.life import Past
from tracker.replay.rehearsing.drag import Drag
from tracker.replay.rehearsing.line import Line
from tracker.replay.rehearsing.playing import EVER, Span

LIMITS = FleetSettings()
HOURS = {"zone": "UTC", "weekly": {"mon": [["09:10", "09:50"], ["10:05", "11:30"]]}}
PROPERTIES: list[dict[str, Any]] = [
    {},
    {"debounce": "none"},
    {"rules": {"dwell_s": 90}},
    {"rules": {"speed_limit_mps": 9, "min_s": 20}},
    {"rules": {"schedule": HOURS, "dwell_s": 60}},
]


def region(geometry: dict[str, Any], **properties: Any) -> Region:
    return Region.read_feature(feature(geometry, **properties), id="yard", version=1, now=START)


def drive(seed: int, vehicle: str) -> list[StoredPing]:
    """Through town and into it, with stands, noise, leaps, fixes that are late or poor, with speeds or without."""
    rng = random.Random(f"{seed} {vehicle}")
    told, time, east, north = list[StoredPing](), START, rng.uniform(-4000, 4000), rng.uniform(-4000, 4000)
    says, late = rng.random() < 0.7, 0.03 * rng.randrange(3)
    for _ in range(rng.randrange(5, 14)):
        to = (
            (rng.uniform(-100, 500), rng.uniform(-100, 400))
            if rng.random() < 0.5
            else (rng.uniform(-4000, 4000), rng.uniform(-4000, 4000))
        )
        mps, gap = round(rng.uniform(4, 25), 3), rng.choice([10, 30, 30, 30, 90])
        far = ((to[0] - east) ** 2 + (to[1] - north) ** 2) ** 0.5
        steps = max(1, int(far / (mps * gap)))
        way = [
            (east + (to[0] - east) * i / steps, north + (to[1] - north) * i / steps, mps) for i in range(1, steps + 1)
        ]
        way += [(*to, 0.0)] * rng.choice([0, 0, 1, 4, 40])
        for at_east, at_north, speed in way:
            time += gap * 1000
            noise = rng.choice([0, 3, 3, 15])
            leap = 20_000 if rng.random() < 0.01 else rng.choice([0] * 40 + [150])
            lat, lon = place(at_east + rng.gauss(0, noise) + leap, at_north + rng.gauss(0, noise))
            accuracy = rng.choice([None, 5.0, 5.0, 30.0, *([500.0] if rng.random() < 0.2 else [])])
            behind = rng.choice([40_000, 200_000]) if rng.random() < late else rng.randrange(2000)
            told.append(
                StoredPing(
                    1, Ping(vehicle, time, lat, lon, speed if says else None, None, None, accuracy), time + behind
                )
            )
        east, north = to
    return sorted(told, key=lambda one: one.received_at)


def line(told: list[StoredPing], deeds: list[Entry]) -> Line:
    columns = Columns.all_of(told)
    heard = Heard.from_columns(columns.take(columns.row.argsort()))
    mine = [one for one in deeds if getattr(one, "vehicle", told[0].ping.vehicle) == told[0].ping.vehicle]
    return Line(told[0].ping.vehicle, heard, mine, LIMITS.jump_mps, LIMITS.max_accuracy_m)


def lived(one: Region, told: list[StoredPing], deeds: list[Entry], span: Span) -> list[tuple[Any, ...]]:
    """As `tracker replay --diff` plays it."""
    heard: list[Event] = []
    past = Past(LIMITS, heard.append, span.since, span.until)
    arrivals = sorted(told, key=lambda one: one.received_at)
    past.play(iter([RegionsSaved(-EVER, [one]), *deeds]), arrivals, lambda: span.end)
    return facts([event for event in heard if event.region == one.id])


def facts(events: list[Event]) -> list[tuple[Any, ...]]:
    told = ("entered_at", "exited_at", "duration_s", "max_speed_mps", "chord_m")
    return sorted(
        (e.vehicle, e.time, e.kind, e.reason, e.id, e.lat, e.lon, *(e.detail.get(name, -1) for name in told))
        for e in events
    )


def corner(rng: random.Random) -> dict[str, Any]:
    """A yard, one corner of which is dragged."""
    east, north = rng.uniform(200, 900), rng.uniform(150, 700)
    ring = [place(*one)[::-1] for one in ((0, 0), (400, 0), (east, north), (0, 300), (0, 0))]
    return {"type": "Polygon", "coordinates": [[list(one) for one in ring]]}


@settings(max_examples=12)
@given(st.integers(0, 1_000_000), st.sampled_from(range(len(PROPERTIES))), st.booleans())
@example(1, 0, False)
def test_a_dragged_region_tells_what_the_fleet_would_have_told(seed: int, rules: int, acts: bool) -> None:
    rng = random.Random(seed)
    told = {name: drive(seed, name) for name in ("a", "b", "c")}
    every = [one for some in told.values() for one in some]
    newest = max(one.received_at for one in every)
    deeds: list[Entry] = []
    if acts:
        removed = rng.randrange(START, newest)
        deeds = sorted([VehicleRemoved(removed, "a"), ClockSet(removed + 60_000, 5000)], key=lambda deed: deed.now)
    span = Span(START + 600_000, newest - 300_000, newest + rng.choice([0, 200_000]))
    drag = Drag([line(some, deeds) for some in told.values()], [(0, LIMITS)], span, [])
    for step in range(4):
        shape = corner(rng) if step != 2 or rng.random() < 0.5 else point(200, 200)
        extra = {"radius_m": rng.uniform(50, 400)} if shape["type"] == "Point" else {}
        one = region(shape, **PROPERTIES[rules], **extra)
        drag.move(one, whole=False, may=lambda: rng.random() < 0.5)
        while drag.answer(0)["behind"]:
            drag.move(one, whole=False, may=lambda: rng.random() < 0.5)
        assert facts(drag.events()) == lived(one, every, deeds, span)
    assert drag.answer(0)["events_count"] == len(drag.events())


def test_a_leg_that_the_change_is_far_from_is_not_decided_again() -> None:
    told = [
        StoredPing(1, Ping("a", START + at * 30_000, *place(-3000 + at * 300, 100), 10.0), START + at * 30_000)
        for at in range(30)
    ]
    drag = Drag([line(told, [])], [(0, LIMITS)], Span(START, EVER, 0), [])
    drag.move(region(box(0, 0, 400, 300)), whole=False)
    assert [event.kind for event in drag.events()] == ["enter", "exit"]


def test_a_region_dragged_far_away_is_tried_on_who_drives_there() -> None:
    told = [
        StoredPing(1, Ping("a", START + at * 30_000, *place(8000, -4400 + at * 300), 10.0), START + at * 30_000)
        for at in range(30)
    ]
    drag = Drag([line(told, [])], [(0, LIMITS)], Span(START, EVER, 0), [])
    drag.move(region(box(0, 0, 400, 300)), whole=False)
    assert drag.events() == []
    there = region(box(7800, 0, 8200, 400))
    drag.move(there, whole=False)
    assert [event.kind for event in drag.events()] == ["enter", "exit"]
    assert facts(drag.events()) == lived(there, told, [], Span(START, EVER, 0))


def test_what_takes_too_long_while_it_is_dragged_follows_and_is_never_left_out() -> None:
    told = {name: drive(3, name) for name in ("a", "b", "c")}
    every = [one for some in told.values() for one in some]
    newest = max(one.received_at for one in every)
    span = Span(START, newest, newest)
    drag = Drag([line(some, []) for some in told.values()], [(0, LIMITS)], span, [])
    drag.move(region(box(0, 0, 400, 300)), whole=False)
    shape = region(box(-300, -300, 500, 400))
    drag.move(shape, whole=False, may=lambda: False)
    assert (drag.decided, drag.answer(0)["behind"] > 0) == (1, True)
    while drag.answer(0)["behind"]:
        drag.move(shape, whole=False, may=lambda: False)
        assert drag.decided == 1
    assert facts(drag.events()) == lived(shape, every, [], span)
    drag.move(region(box(0, 0, 400, 300)), whole=False, may=lambda: False)
    shape = region(box(100, -300, 600, 300))
    drag.move(shape, whole=True, may=lambda: False)
    assert drag.answer(0)["behind"] == 0
    assert facts(drag.events()) == lived(shape, every, [], span)


def test_who_was_heard_a_few_times_is_decided_as_all_others() -> None:
    there = region(box(-400, -400, 800, 800))
    for count in range(1, 8):
        told = [
            StoredPing(1, Ping("a", START + at * 30_000, *place(-900 + at * 300, 100), 10.0), START + at * 30_000)
            for at in range(count)
        ]
        span = Span(START, EVER, told[-1].received_at)
        try:
            drag = Drag([line(told, [])], [(0, LIMITS)], span, [])
        except ValueError as fault:
            pytest.fail(f"heard {count} times: {fault}")
        drag.move(there, whole=False)
        assert facts(drag.events()) == lived(there, told, [], span)
    silent = [StoredPing(1, Ping("b", START, *place(0, 0), None, None, None, 9999.0), START)]
    drag = Drag([line(silent, [])], [(0, LIMITS)], Span(START, EVER, START), [])
    drag.move(there, whole=False)
    assert drag.events() == []
