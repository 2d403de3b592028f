"""A place told coarsely: the row is made before the state it is a row of."""

from __future__ import annotations

import gc

from hypothesis import given
from hypothesis import strategies as st

from tracker.live.messages import moved_row
from tracker.live.topics import Entry
from tracker.model.change import VehicleState
from tracker.model.coarse import coarsened, middle
from tracker.model.ping import NOWHERE, Ping

LAT, LON = st.floats(-90, 90), st.floats(-180, 180)


def entry(lat: float, lon: float) -> Entry:
    ping = Ping("van", 9_000, lat, lon, 12.34, 77.0, accuracy_m=4.0, odometer_m=123.0)
    return Entry(VehicleState(7, ping, 9_500, 1, held=Ping("van", 9_400, lat, lon)), 1_000)


@given(LAT, LON, st.sampled_from([10.0, 57.5, 1000.0, 50_000.0]))
def test_a_coarse_row_is_that_of_the_coarse_state(lat: float, lon: float, cell_m: float) -> None:
    exact = entry(lat, lon)
    seen = exact.coarse(cell_m)
    assert seen.row == moved_row(seen.state, 1_000)
    assert seen.state.ping == coarsened(exact.state.ping, cell_m)
    assert seen.state.held == coarsened(exact.state.held, cell_m)  # type: ignore[arg-type]
    there = middle(seen.state.ping.lat, seen.state.ping.lon, cell_m)
    assert (lat, lon) == NOWHERE or there == (seen.state.ping.lat, seen.state.ping.lon), "its own cell's middle"


def test_each_size_of_cell_makes_one_entry_for_all_who_share_it() -> None:
    exact = entry(60.17, 24.94)
    seen = {cell_m: exact.coarse(cell_m) for cell_m in (100.0, 1000.0, 5000.0)}
    assert all(exact.coarse(cell_m) is one and one.cell_m == cell_m for cell_m, one in seen.items())
    assert len({one.row for one in seen.values()}) == 3


def test_no_coarse_entry_leads_back_to_the_exact_one() -> None:
    """A circle would leave thousands a second to the garbage collector, which took longer than telling them."""
    exact = entry(60.17, 24.94)
    ways: list[object] = [exact.coarse(100.0), exact.coarse(1000.0)]
    for _ in range(3):
        ways += gc.get_referents(*ways)
    assert not any(one is exact for one in ways)
