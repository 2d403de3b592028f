"""Retold: what became of one vehicle, as a report tells it: its line, where it stood, and what is summed up."""

from __future__ import annotations

from typing import Any

from tracker.fleet.fleet import FleetSettings
from tracker.geometry.geojson import parameter_names, read_shape
from tracker.history.inside import believed
from tracker.history.story.corrected import UNSEEN, corrected
from tracker.history.story.dwell import Drawn
from tracker.history.story.stops import Stop
from tracker.history.story.summary import totals
from tracker.history.story.trips import Story, story_of
from tracker.model.columns import Columns
from tracker.reports.asked import Asked, Heard
from tracker.reports.payload import Stood, Vehicle


class Reteller:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._limits = FleetSettings(max_accuracy_m=asked.max_accuracy_m)
        self._drawn = Drawn({str(feature["id"]): _shape(feature) for feature in asked.regions})

    def retell(self, heard: Heard) -> Vehicle:
        columns = heard.columns
        story = corrected(story_of(columns), heard.corrections, self._asked.since, self._asked.until)
        stops = [self._stood(stop, columns) for stop in story.stops] if story else []
        shown = believed(columns, self._limits)
        summed, said = self._summed(story), heard.corrections
        return Vehicle(heard.id, heard.name, heard.group, shown, len(columns), stops, summed, said)

    def _stood(self, stop: Stop, columns: Columns) -> Stood:
        inside = self._drawn.covering(stop.lat, stop.lon)
        fixes = stop.since, stop.until
        if stop.first != UNSEEN:
            fixes = int(columns.time[stop.first]), int(columns.time[stop.last])
        return Stood(stop.since, stop.until, stop.lat, stop.lon, inside, fixes)

    def _summed(self, story: Story | None) -> dict[str, Any]:
        dwells = self._drawn.dwells(story) if story else {}
        sums = totals(story, dwells, self._asked.since, self._asked.until)
        return {
            "distance_m": round(sums.metres),
            "driving_s": round(sums.driving_ms / 1000),
            "idle_s": round(sums.idle_ms / 1000),
            "stopped_s": round(sums.stopped_ms / 1000),
            "silent_s": round(sums.silent_ms / 1000),
            "trips": sums.trips,
            "max_mps": sums.fastest_mps and round(sums.fastest_mps, 2),
            "regions": [
                {"region": id, "duration_s": round(ms / 1000), "visits": len(dwells[id])}
                for id, ms in sorted(sums.dwells.items())
            ],
        }


def _shape(feature: dict[str, Any]) -> Any:
    said = feature["properties"]
    return read_shape(feature["geometry"], **{name: said[name] for name in parameter_names() if said.get(name)})
