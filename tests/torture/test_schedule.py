"""What happens in a torture run is drawn from its seed, and everything happens."""

from __future__ import annotations

from itertools import islice

from tests.torture.faults import FAULTS
from tests.torture.routes import EDITED, REGIONS, Route, edited, routes_of
from tests.torture.schedule import LONGEST_S, SHORTEST_S, schedule
from tracker.regions.region import Region


def test_a_seed_gives_the_same_faults_and_another_seed_others() -> None:
    def drawn(seed: int) -> list[object]:
        return list(islice(schedule(seed, [*FAULTS], 3), 50))

    assert drawn(1) == drawn(1) != drawn(2)


def test_each_fault_comes_once_before_any_comes_again_and_each_node_has_some() -> None:
    planned = list(islice(schedule(1, [*FAULTS], 3), 4 * len(FAULTS)))
    for begin in range(0, len(planned), len(FAULTS)):
        assert sorted(one.fault for one in planned[begin : begin + len(FAULTS)]) == sorted(FAULTS)
    assert {one.node for one in planned} == {0, 1, 2}
    assert all(SHORTEST_S <= one.hold_s <= LONGEST_S for one in planned)
    assert {one.beside for one in planned} == {True, False}


def test_a_route_has_as_many_fixes_as_are_due_and_each_is_the_same_again() -> None:
    route = Route("van", 1000, most=3)
    assert [route.due(now) for now in (999, 1000, 1499, 1500, 9000)] == [0, 1, 1, 2, 3]
    assert [ping.time for ping in route.pings(3)] == [1000, 1500, 2000]
    assert route.fix(2) == route.fix(2)


def test_a_sender_has_vehicles_of_its_own_of_which_some_park() -> None:
    routes = routes_of(2, 5, 0, 12)
    assert len({route.vehicle for route in routes}) == len(routes) == 8
    assert sum(route.parks for route in routes) == 3
    assert not {route.vehicle for route in routes} & {route.vehicle for route in routes_of(1, 5, 0, 12)}


def test_every_region_that_is_drawn_and_every_edit_of_it_can_be_read() -> None:
    for name, feature in REGIONS.items():
        assert Region.read_feature(feature, id=name, version=1, now=0).id == name
    for name in EDITED:
        first, second = (Region.read_feature(edited(name, k), id=name, version=1, now=0) for k in (0, 1))
        assert not first.decides_like(second)
