from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tracker.model.columns import NO_ALTITUDE, NOT_SAID, TYPES, Columns, concatenate, gather
from tracker.model.commit import APART, HELD, LATE, LIVE, StoredPing
from tracker.model.ping import Ping

T0 = 1_790_000_000_000


def fix(second: float, taken: int = LIVE, lat: float = 60.1, **more: Any) -> StoredPing:
    return StoredPing(
        7, Ping("van-7", T0 + int(second * 1000), lat, 24.9, **more), T0 + int(second * 1000) + 250, taken
    )


FULL = fix(
    1,
    HELD,
    -89.9999999,
    speed_mps=12.345,
    heading=359.99,
    altitude_m=-3.21,
    accuracy_m=10_000_000.0,
    ignition=False,
    battery_pct=81.25,
    odometer_m=1e10,
    driver="Zoë",
    alarm="sos",
    attributes={"door": "open", "n": 1, "ok": None},
)


def test_pings_are_integers_in_fix_order_and_come_back_as_they_were() -> None:
    told = [fix(3), FULL, fix(2, LATE, speed_mps=0.0, heading=0.0, altitude_m=0.0, accuracy_m=0.01)]
    columns = Columns.from_pings(told)
    assert len(columns) == 3
    assert columns.pings("van-7", 7) == [FULL, told[2], told[0]]
    assert columns.row.tolist() == [2, 3, 1]
    assert columns.time.tolist() == [T0 + 1000, T0 + 2000, T0 + 3000]
    assert columns.lat.tolist() == [-899999999, 601000000, 601000000]
    assert columns.speed.tolist() == [12345, 0, NOT_SAID]
    assert columns.heading.tolist() == [35999, 0, NOT_SAID]
    assert columns.altitude.tolist() == [-321, 0, NO_ALTITUDE]
    assert columns.accuracy.tolist() == [1_000_000_000, 1, NOT_SAID]
    assert columns.received.tolist() == [T0 + 1250, T0 + 2250, T0 + 3250]
    assert columns.taken.tolist() == [HELD, LATE, LIVE]
    assert list(columns.extra) == [0]
    assert {name: getattr(columns, name).dtype for name in TYPES} == {n: np.dtype(kind) for n, kind in TYPES.items()}


def test_each_fix_time_is_there_once_the_first_that_came_and_nothing_that_is_apart() -> None:
    told = [fix(1, APART, lat=1.0), fix(2, lat=2.0), fix(1, lat=3.0), fix(2, lat=4.0), fix(1, HELD, lat=5.0)]
    assert [one.ping.lat for one in Columns.from_pings(told).pings("van-7", 7)] == [3.0, 2.0]
    assert [one.ping.lat for one in Columns.from_pings(told, rows=[9, 8, 7, 6, 5]).pings("van-7", 7)] == [5.0, 4.0]
    assert Columns.all_of(told).pings("van-7", 7) == [told[at] for at in (0, 2, 4, 1, 3)]


def test_a_cut_is_half_open_and_keeps_what_belongs_to_each() -> None:
    told = [fix(second, driver=f"d{second}" if second % 2 else None) for second in range(6)]
    columns = Columns.from_pings(told)
    assert columns.cut(T0 + 1000, T0 + 4000).pings("van-7", 7) == told[1:4]
    assert columns.cut(0, 1 << 60).pings("van-7", 7) == told
    assert len(columns.cut(T0 + 1001, T0 + 2000)) == 0
    assert list(columns.cut(T0 + 1000, T0 + 4000).extra) == [0, 2]


@pytest.mark.parametrize("which", [[4, 1], slice(1, 5, 3), [False, True, False, False, True, False]])
def test_some_are_taken_by_mask_index_or_slice(which: Any) -> None:
    told = [fix(second, driver=f"d{second}" if second != 1 else None) for second in range(6)]
    chosen = np.array(which) if isinstance(which, list) else which
    expected = [told[4], told[1]] if which == [4, 1] else [told[1], told[4]]
    assert Columns.from_pings(told).take(chosen).pings("van-7", 7) == expected


def test_parts_are_put_together_in_order_each_fix_time_once() -> None:
    first, second = [fix(1), fix(4, driver="a"), fix(6, APART)], [fix(0, driver="b"), fix(4, driver="c"), fix(5)]
    parts = [Columns.all_of(first, [1, 2, 3]), Columns.empty(), Columns.all_of(second, [4, 5, 6])]
    assert concatenate(parts).pings("van-7", 7) == [second[0], first[0], first[1], second[2]]
    assert gather(parts).row.tolist() == [4, 1, 2, 5, 6, 3]
    assert gather(parts).pings("van-7", 7)[3] == second[1]
    assert concatenate([]).pings("van-7", 7) == [] == Columns.from_pings([]).pings("van-7", 7)
