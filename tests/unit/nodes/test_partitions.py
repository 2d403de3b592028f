"""A vehicle is in one partition, the same for everybody who asks."""

from __future__ import annotations

from collections import Counter

import pytest

from tracker.config import SettingsError
from tracker.nodes.partitions import agreed, partition_of


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


def test_a_store_stays_with_the_partitions_it_was_made_with() -> None:
    assert agreed(128, None) == agreed(128, 128) == 128
    with pytest.raises(SettingsError, match="made with 64 partitions"):
        agreed(128, 64)


@pytest.mark.parametrize("wanted", [63, 257])
def test_there_are_neither_too_few_partitions_nor_too_many(wanted: int) -> None:
    with pytest.raises(SettingsError, match="64 to 256"):
        agreed(wanted, None)


def test_the_fewest_and_the_most_are_allowed() -> None:
    assert (agreed(64, None), agreed(256, 256)) == (64, 256)
