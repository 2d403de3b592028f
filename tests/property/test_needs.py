"""Who needs a vehicle, found at once for all nodes, against each node asked in turn; and against what viewers see."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.property.test_viewer import GRANTS, GROUPS, PLACES, REGIONS, SETS, VEHICLES
from tracker.geometry.earth import tile
from tracker.live.requests import Follow
from tracker.live.viewer import Wish, narrow
from tracker.model.change import Change, Registered, VehicleState
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.nodes.audience import Audience, joining
from tracker.nodes.interest import Needs, needed, united

CELLS = [(zoom, *tile(*place, zoom)) for zoom in (0, 3, 7, 9, 10) for place in PLACES]


def some(names: list[Any]) -> st.SearchStrategy[frozenset[Any]]:
    return st.frozensets(st.sampled_from(names), max_size=2)


def needs() -> st.SearchStrategy[Needs]:
    rarely = st.integers(0, 9).map(lambda dice: dice == 0)
    return st.builds(Needs, rarely, some(CELLS), some(REGIONS), some([*VEHICLES, "nobody"]), some(["vans", "lorries"]))


def naive(needs: Needs, state: VehicleState, group: str | None) -> bool:
    place = (state.ping.lat, state.ping.lon)
    return (
        needs.everything
        or any(tile(*place, zoom) == (x, y) for zoom, x, y in needs.cells)
        or bool(needs.regions & state.regions.keys())
        or state.ping.vehicle in needs.vehicles
        or group in needs.groups
    )


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    known = Picture()
    for n, vehicle in enumerate(draw(st.lists(st.sampled_from(VEHICLES), unique=True))):
        place, group = draw(st.sampled_from(PLACES)), draw(st.sampled_from(GROUPS))
        regions = dict.fromkeys(sorted(draw(some(REGIONS))), 0)
        moved = VehicleState(n, Ping(vehicle, 0, *place), 0, regions=regions)
        known.apply(Change(moved=[moved], registered=[Registered(vehicle, group=group)]))
    return known


@given(pictures(), st.lists(needs(), max_size=4))
def test_a_vehicle_is_needed_by_each_node_that_needs_it_alone(known: Picture, each: list[Needs]) -> None:
    audience = Audience({f"node{at}": one for at, one in enumerate(each)})
    for vehicle, state in known.vehicles.items():
        group = known.group_of(vehicle)
        who = [f"node{at}" for at, one in enumerate(each) if naive(one, state, group)]
        assert list(audience.named(audience.who(state, group))) == who
        assert naive(united(each), state, group) == bool(who)


@given(pictures(), needs(), needs(), st.booleans())
def test_those_join_that_are_needed_and_were_not(known: Picture, before: Needs, now: Needs, narrowly: bool) -> None:
    if narrowly:
        now = msgspec.structs.replace(now, everything=before.everything, cells=before.cells, groups=before.groups)
    expected = [
        vehicle
        for vehicle, state in known.vehicles.items()
        if naive(now, state, known.group_of(vehicle)) and not naive(before, state, known.group_of(vehicle))
    ]
    assert sorted(filter(None, joining(known, before, now))) == sorted(expected)
    assert not (expected and before.covers(now))


@given(pictures())
def test_whatever_a_viewer_is_shown_is_needed(known: Picture) -> None:
    for follow, grant in product(SETS, GRANTS):
        wish = narrow(msgspec.convert(follow, Follow), grant)
        audience = Audience({"it": needed(wish, grant), "none": Needs()})
        for vehicle, state in known.vehicles.items():
            group = known.group_of(vehicle)
            shown = grant.shown(state, group)
            if shown is not None and follows(wish, shown):
                assert audience.who(state, group) == 1


def follows(wish: Wish, shown: VehicleState) -> bool:
    everything = wish.all or wish.granted
    return everything or naive(Needs(False, wish.cells, wish.regions, wish.vehicles), shown, None)
