"""Three minutes of the torture of several nodes: whatever happens to them, no promise is broken. TORTURE_SECONDS: for
so long."""

from __future__ import annotations

import os

import pytest

from tests.torture.torture import torture

SECONDS = float(os.environ.get("TORTURE_SECONDS", "180"))


@pytest.mark.timeout(SECONDS + 280)
async def test_whatever_happens_to_several_nodes_no_promise_is_broken() -> None:
    assert await torture(1, SECONDS) == []
