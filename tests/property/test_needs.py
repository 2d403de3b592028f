"""A node that hears only what it needs tells its viewers what one that hears everything would have told them.

The worlds of test_viewer, but for the node: every change is cut to what its viewers need, by what the owner knows. What
they begin to need is asked for before they are told anything.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_viewer import (
    GRANTS,
    GROUPS,
    PLACES,
    REGIONS,
    SETS,
    VEHICLES,
    Desk,
    World,
    compare,
    play,
    steps,
)
from tracker.access.grants import EVERYTHING, Grant
from tracker.live import requests
from tracker.live.hub import Hub
from tracker.live.viewer import Viewer, Wish, cells_of, narrow
from tracker.model.change import Change
from tracker.model.picture import Picture
from tracker.nodes.audience import Audience, joining, news_for
from tracker.nodes.interest import NOTHING, Needs, needed


class FarHub(Hub):
    """Of a node that owns no vehicle. `truth` is what the owner knows."""

    def __init__(self, truth: Picture) -> None:
        super().__init__(Picture())
        self.truth = truth
        self.needs = NOTHING
        self.heard = self.moved = 0

    def route(self, change: Change) -> None:
        others = Audience({"first": NOTHING, "far": self.needs, "last": Needs(regions=frozenset({"yard"}))})
        for part in news_for(others, change, self.truth).get("far", ()):
            self.heard += len(part.moved)
            super().route(part)
        self.moved += len(change.moved)
        self.truth.apply(change)
        self.ask_for(NOTHING)

    def follow(self, viewer: Viewer, follow: requests.Follow, grant: Grant | None = None) -> bool:
        viewer.grant = grant or viewer.grant
        self.ask_for(needed(narrow(follow, viewer.grant), viewer.grant))
        return super().follow(viewer, follow, grant)

    def view(self, viewer: Viewer, view: requests.View, now: int) -> None:
        self.ask_for(needed(Wish(cells=cells_of(view)), EVERYTHING))
        super().view(viewer, view, now)

    def ask_for(self, more: Needs) -> None:
        """First the others know what is needed from now on, then they tell what was not."""
        now = more
        for viewer in self.viewers:
            if viewer.interest is not None:
                now |= needed(viewer.interest.wish, viewer.grant)
        before, self.needs = self.needs, now
        told = {state.ping.vehicle for state in joining(self.truth, before, now)}
        told |= {state.ping.vehicle for state in joining(self.picture, before, now)}
        if states := [self.truth.vehicles[vehicle] for vehicle in sorted(told)]:
            super().route(Change(moved=states))


class FarWorld(World):
    """`picture` is the truth, of which the hub has its own."""

    def __init__(self) -> None:
        super().__init__()
        self.hub: FarHub = FarHub(Picture())
        self.hub.begin(epoch=b"\1\2\3\4", t0=0)
        self.picture = self.hub.truth
        self.hub.route(Change(regions=[{"type": "Feature", "id": region, "properties": {}} for region in REGIONS]))


class Two:
    """The same viewers of two nodes, of which one hears everything."""

    def __init__(self, sets: list[tuple[dict[str, Any], Grant]], binary: bool = False) -> None:
        self.near, self.far = World(), FarWorld()
        for world in (self.near, self.far):
            world.desks = [Desk(world, dict(follow), binary, grant) for follow, grant in sets]
            world.serve()

    def play(self, step: tuple[Any, ...]) -> None:
        play(self.near, step)
        play(self.far, step)

    def compare(self) -> None:
        compare(self.near)
        compare(self.far)
        for near, far in zip(self.near.desks, self.far.desks, strict=True):
            assert near.model.vehicles == far.model.vehicles, near.follow
            assert near.model.regions.keys() == far.model.regions.keys()


@given(
    steps(),
    st.lists(st.tuples(st.sampled_from(SETS), st.sampled_from(GRANTS)), min_size=4, max_size=4),
)
def test_viewers_know_the_same_though_their_node_hears_only_what_they_need(
    plan: list[tuple[Any, ...]], sets: list[tuple[dict[str, Any], Grant]]
) -> None:
    two = Two(sets)
    for step in plan:
        two.play(step)
    two.compare()


@pytest.mark.parametrize("seed", range(16))
def test_it_stays_so_through_a_long_day(seed: int) -> None:
    dice = random.Random(seed)
    sets = [one for one in SETS if "all" not in one]
    grants = [*GRANTS[:-1], *GRANTS[:1] * 4]
    two = Two([(dice.choice(sets), dice.choice(grants)) for _ in range(2)], bool(seed % 2))
    where: dict[str, set[str]] = {}
    for at in range(300):
        moves: list[Any] = []
        for vehicle in dice.sample(VEHICLES, dice.randrange(1, 4)):
            if dice.random() < 0.2:  # nothing befalls most of those that move
                where[vehicle] = set(dice.sample(REGIONS, dice.randrange(2)))
            moves.append((vehicle, dice.choice(PLACES), where.get(vehicle, set())))
        desk = dice.randrange(2)
        alarms = {dice.choice(VEHICLES)} if dice.random() < 0.1 else set[str]()
        kinds: list[tuple[Any, ...]] = [("move", moves, alarms)] * 12
        kinds += [("serve",)] * 6 + [("urgent",), ("resume", desk)]
        kinds += [("remove", dice.choice(VEHICLES)), ("register", dice.choice(VEHICLES), dice.choice(GROUPS))]
        if dice.random() < 0.2:
            kinds += [("view", desk, dice.choice([(24.0, 60.0), (24.7, 60.4)])), ("follow", desk, dice.choice(sets))]
        two.play(dice.choice(kinds))
        if at % 4 == 0:
            two.compare()
    assert two.far.hub.heard < two.far.hub.moved, "something was not needed"
