"""A slice of the soak: connections break all the time, and nothing is missed or doubled. SOAK_SECONDS makes it longer."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import Server

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))


def _soak() -> Any:
    path = Path(__file__).parents[1] / "bench" / "soak_live.py"
    spec = importlib.util.spec_from_file_location("soak_live", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.soak


async def test_nothing_is_missed_and_nothing_is_doubled(start_server: Callable[..., Server]) -> None:
    assert await _soak()(start_server(), SECONDS) == []


@pytest.mark.parametrize("fault", ["dropped", "cursor", "doubled"])
async def test_the_soak_finds_a_planted_fault(start_server: Callable[..., Server], fault: str) -> None:
    assert await _soak()(start_server(), 2, fault) != []
