"""Short torture runs that each bring one promise in danger: a fault planted in it must fail one (tests/faults/torture.toml).

No part of `make test`, which has a run with everything in it (tests/integration/test_torture.py).
"""

from __future__ import annotations

import pytest

from tests.torture.torture import torture

pytestmark = pytest.mark.timeout(200)
SEED, SECONDS = 3, 10


async def test_a_commit_that_comes_when_its_lease_is_over_is_refused() -> None:
    assert await torture(SEED, SECONDS, faults=["hold_commit"]) == []


async def test_no_two_nodes_commit_in_one_epoch_of_a_partition() -> None:
    assert await torture(SEED, SECONDS, faults=["stop_node", "pause_node"]) == []


async def test_events_are_numbered_in_the_order_of_transactions() -> None:
    assert await torture(SEED, SECONDS, faults=["slow_commit"]) == []


async def test_whoever_looks_at_any_node_is_told_what_was_acknowledged_and_where_all_are_at_the_end() -> None:
    assert await torture(1, 12, faults=["set_clock"]) == []
