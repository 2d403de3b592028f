"""A model of receivers that jump: a vehicle that stands never leaves by one fix, one that drives leaves as before."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scenario import START, Town, box, place
from tracker.fleet import fleet
from tracker.model.events import Event
from tracker.model.ping import Ping

SEEDS = st.integers(0, 10_000_000)
REGIONS = {"yard": box(0, 0, 400, 300), "bay": box(150, 50, 250, 150), "next-door": box(430, 0, 900, 300)}


def town() -> Town:
    made = Town()
    for id, geometry in REGIONS.items():
        made.region(id, geometry)
    return made


def reported(rng: random.Random, kind: str) -> dict[str, Any]:
    """What a receiver says beside the place while it stands: it is sure of itself, whatever it does."""
    known: dict[str, Any] = {"accuracy_m": round(rng.uniform(1.7, 9.0), 1)} if rng.random() < 0.9 else {}
    if kind == "speed":
        known["speed_mps"] = round(abs(rng.gauss(0, 0.3)), 2)
    return known


def standing(rng: random.Random, fixes: int) -> list[Ping]:
    """Hours on one spot with noise, and jumps of one fix each, however often."""
    kind, gap = rng.choice(["speed", "none"]), rng.choice([1, 5, 10, 30, 60])
    pings, time, jumped = [], START, True  # it arrives before it jumps
    for number in range(fixes):
        time += gap * 1000
        jumped = number > 2 and not jumped and rng.random() < 0.2
        far = rng.uniform(60, 600) if jumped else 0.0
        turn = rng.choice([(1, 0), (-1, 0), (0, 1), (0, -1), (0.7, 0.7)])
        east, north = 200 + far * turn[0] + rng.gauss(0, 3), 100 + far * turn[1] + rng.gauss(0, 3)
        pings.append(Ping("van", time, *place(east, north), **reported(rng, kind)))
    return pings


def play(pings: list[Ping], prompt: bool = True) -> list[Event]:
    """As they come, timers in between; not prompt: all in one request an hour later."""
    made = town()
    if not prompt:
        made.now = pings[-1].time + 3_600_000
        made.took(made.fleet.apply(pings, made.now))
        return made.events
    for ping in pings:
        made.wait((ping.time - made.now) / 1000)
        made.took(made.fleet.apply([ping], made.now))
    return made.events


@given(SEEDS, st.booleans())
def test_no_single_fix_moves_a_vehicle_that_stands(seed: int, prompt: bool) -> None:
    events = play(standing(random.Random(seed), 120), prompt)
    went = [(event.kind, event.region, event.time) for event in events if event.kind in ("exit", "cross", "enter")]
    assert sorted(went)[2:] == [], "more than the two regions it stands in"
    assert {region for _, region, _ in went} == {"yard", "bay"}


def driving(rng: random.Random) -> list[Ping]:
    """A drive through all regions with stops, at its own speed."""
    pings, time, east, gap = [], START, -600.0, rng.choice([1, 2, 5, 10])
    while east < 1500:
        speed = 0.0 if rng.random() < 0.1 else round(rng.uniform(3.0, 20.0), 2)
        for _ in range(rng.randint(1, 8)):
            time += gap * 1000
            east += speed * gap
            pings.append(Ping("van", time, *place(east, 100 + rng.gauss(0, 2)), speed_mps=speed, accuracy_m=4.0))
    return pings


@given(SEEDS)
def test_a_real_exit_at_speed_is_as_early_as_without_doubt(seed: int) -> None:
    pings = driving(random.Random(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fleet, "is_doubtful", lambda _vehicle, _ping: False)
        without = play(pings)
    assert [(e.id, e.time, e.received_at) for e in play(pings)] == [(e.id, e.time, e.received_at) for e in without]
