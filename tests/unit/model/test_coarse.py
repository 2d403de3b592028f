"""Places told as cells: their middles, and what is left out with them."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from tracker.geometry.earth import frame
from tracker.model import coarse
from tracker.model.coarse import coarsened, coarsened_columns, middle, middle_e6
from tracker.model.columns import Columns
from tracker.model.commit import StoredPing
from tracker.model.ping import NOWHERE, Ping

T0 = 1_790_000_000_000
FULL = Ping(
    "van", T0, 60.1712345, 24.9412345, 12.5, 77.0, altitude_m=31.5, accuracy_m=4.0, odometer_m=123.0, ignition=True,
    driver="Zoë", attributes={"cell": "244-05"},
)  # fmt: skip


@pytest.mark.parametrize("cell_m", [10.0, 1000.0, 50_000.0])
@pytest.mark.parametrize("lat", [-90.0, -89.99, -33.9, 0.0, 60.17, 89.99, 90.0])
@pytest.mark.parametrize("lon", [-180.0, -70.5, 0.0, 24.94, 179.999])
def test_the_middle_of_a_cell_is_near_and_in_it(lat: float, lon: float, cell_m: float) -> None:
    there = middle(lat, lon, cell_m)
    assert -90 <= there[0] <= 90 and -180 <= there[1] <= 180
    assert middle(*there, cell_m) == there
    assert abs(there[0] - lat) * 111_195 <= 0.51 * cell_m
    assert abs((there[1] - lon + 180) % 360 - 180) * frame(there[0])[0] <= 0.6 * cell_m


def test_neighbours_share_a_cell_and_those_farther_do_not() -> None:
    lat = middle(60.17, 24.94, 1000)[0]
    cells = [middle(lat, 24.9 + step / 1000, 1000) for step in range(200)]
    assert len(set(cells)) == pytest.approx(0.2 * frame(lat)[0] / 1000, abs=1.5)
    assert all(west[1] <= east[1] for west, east in pairwise(cells))
    assert middle_e6(lat, 24.9, 1000) == tuple(round(one * 1e6) for one in cells[0])


def test_no_more_bands_are_remembered_than_a_few_and_forgetting_changes_no_cell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lats = [*range(-60, 60)] * 2
    before = [middle(lat, 24.94, 77.0) for lat in lats]
    coarse._bands.cache_clear()
    monkeypatch.setattr(coarse, "MOST_KEPT", 5)
    assert [middle(lat, 24.94, 77.0) for lat in lats] == before
    assert 0 < len(coarse._bands(77.0)[1]) <= 6


def test_a_coarse_fix_keeps_what_tells_no_place() -> None:
    told = coarsened(FULL, 1000)
    lat, lon = middle(FULL.lat, FULL.lon, 1000)
    assert told == Ping("van", T0, lat, lon, 12.5, accuracy_m=1000.0, ignition=True, driver="Zoë")
    vague = msgspec.structs.replace(FULL, accuracy_m=2500.0)
    assert coarsened(vague, 1000).accuracy_m == 2500, "it never was known better"
    nowhere = coarsened(Ping("van", T0, *NOWHERE), 1000)
    assert (nowhere.lat, nowhere.lon) == NOWHERE, "a fix without a place gets none"


def test_many_fixes_are_told_as_each_would_be_alone_by_its_own_cell() -> None:
    vague = Ping("van", T0 + 1000, -33.9, 18.4, accuracy_m=7000.0, odometer_m=9.0)
    nowhere = Ping("van", T0 + 2000, *NOWHERE, battery_pct=40.0)
    exact = msgspec.structs.replace(FULL, time=T0 + 3000)
    fixes = Columns.from_pings(StoredPing(7, one, T0) for one in (FULL, vague, nowhere, exact))
    cells_m = np.array([500.0, 5000.0, 1000.0, 0.0])
    told = [one.ping for one in coarsened_columns(fixes, cells_m).pings("van", 7)]
    alone = [coarsened(FULL, 500), coarsened(vague, 5000), coarsened(nowhere, 1000)]
    assert told == [*alone, exact]
    assert [one.ping for one in fixes.pings("van", 7)] == [FULL, vague, nowhere, exact], "what is stored stays"
