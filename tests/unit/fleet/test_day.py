"""The recorded day tells what it always told. `make day` asks the same of all of it, a million pings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

from tests.support.day import Day, of, size
from tracker.model.events import KINDS
from tracker.pipeline.entries import journal

KNOWN = json.loads((Path(__file__).parents[3] / "fixtures" / "day.json").read_text())


def test_the_events_of_the_recorded_day_are_those_they_always_were() -> None:
    """Who means to change what is decided says so here, and runs `make day` for the whole."""
    day = of(20_000)
    assert day.hash.hexdigest() == KNOWN["20000"]
    beside = {"SettingsChanged", "EventsTold"}  # what another system decided decides nothing here
    assert set(day.entered) | beside == {kind.__name__ for kind in get_args(journal.Entry)}, (
        "it has entries of every kind"
    )
    assert set(day.kinds) == set(KINDS), "and events of every kind"
    assert has_all_there_is(day)
    assert size(1_000_000) == (1000, 500)


def has_all_there_is(day: Day) -> bool:
    """Restarts, messages without a place, fixes that decide nothing, hours, and regions of all shapes."""
    regions = day.machine.fleet.regions.regions.values()
    kinds = {region.shape.geojson()["type"] for region in regions}
    return bool(
        day.restarts > 2
        and day.machine.placeless > 20
        and day.poor > 10
        and any(region.rules.schedule for region in regions)
        and kinds == {"Point", "LineString", "Polygon"}
    )
