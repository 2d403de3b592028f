"""A leak hunt: nobody is told what they may not have, whatever happens and however they ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.leaks.hunt import hunt


@pytest.mark.parametrize("seed", ["1", "2", "3", "4"])
async def test_nobody_is_told_what_they_may_not_have(tmp_path: Path, seed: str) -> None:
    seen = await hunt(tmp_path, seed, range(40))
    assert seen > 300, "they are told what they may have"
