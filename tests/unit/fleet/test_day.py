"""The recorded day tells what it always told. `make day` asks the same of all of it, a million pings."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.day import of

KNOWN = json.loads((Path(__file__).parents[3] / "fixtures" / "day.json").read_text())


def test_the_events_of_the_recorded_day_are_those_they_always_were() -> None:
    """Who means to change what is decided says so here, and runs `make day` for the whole."""
    assert of(20_000).hash.hexdigest() == KNOWN["20000"]
