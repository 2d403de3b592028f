"""A vehicle is in one partition, the same for everybody who asks."""

from __future__ import annotations

from collections import Counter

import pytest

from tracker.nodes.partitions import partition_of


@pytest.mark.parametrize(
    ("vehicle", "whole", "of_64", "of_100"),
    [("bus-1", 1098398102, 22, 2), ("Straßenbahn 4", 1815601007, 47, 7), ("v", 1284786270, 30, 70)],
)
def test_a_vehicle_is_in_the_partition_that_others_compute_too(
    vehicle: str, whole: int, of_64: int, of_100: int
) -> None:
    assert partition_of(vehicle, 1 << 32) == whole
    assert (partition_of(vehicle, 64), partition_of(vehicle, 100)) == (of_64, of_100)


@pytest.mark.parametrize("count", [64, 100, 256])
def test_a_fleet_with_numbers_for_names_is_shared_evenly(count: int) -> None:
    found = Counter(partition_of(f"bus-{n:05}", count) for n in range(count * 200))
    assert found.keys() == set(range(count))
    assert max(found.values()) < 270
    assert min(found.values()) > 140
