"""Seeded traffic: vehicles that drive about a city with regions in it, as positions ready to send."""

from __future__ import annotations

import json
import math
import random
from typing import Any

SOUTH, WEST, NORTH, EAST = 60.10, 24.70, 60.30, 25.20  # 22 km by 28 km
STEP_S = 10  # between two fixes of a vehicle
SPEED_MPS = 12.0


class Traffic:
    """`vehicles` take turns; each fix lies ten seconds and about 120 m after its last one."""

    def __init__(self, vehicles: int, start_ms: int, seed: int = 7, prefix: str = "v") -> None:
        self.random = random.Random(seed)
        self.start_ms = start_ms
        self.names = [f"{prefix}{number}" for number in range(vehicles)]
        self.places = [
            [self.random.uniform(SOUTH, NORTH), self.random.uniform(WEST, EAST), self.random.uniform(0, math.tau)]
            for _ in range(vehicles)
        ]
        self.sent = 0

    def take(self, count: int, step_ms: int = STEP_S * 1000, at_ms: int | None = None) -> list[bytes]:
        """The next `count` positions, each as JSON; `at_ms`: all of them fixed then, not in turn."""
        taken = []
        for number in range(self.sent, self.sent + count):
            turn, vehicle = divmod(number, len(self.names))
            place = self.places[vehicle]
            lat, lon, heading = place
            metres = SPEED_MPS * step_ms / 1000
            lat += math.cos(heading) * metres / 111_200
            lon += math.sin(heading) * metres / 55_600
            if not (SOUTH < lat < NORTH and WEST < lon < EAST):
                heading += math.pi
            else:
                heading += self.random.uniform(-0.3, 0.3)
                place[0], place[1] = lat, lon
            place[2] = heading % math.tau
            time = self.start_ms + turn * step_ms + vehicle * step_ms // len(self.names) if at_ms is None else at_ms
            taken.append(
                b'{"vehicle":"%s","time":%d,"lat":%.6f,"lon":%.6f,"speed_mps":%.1f,"heading":%d,"accuracy_m":8}'
                % (self.names[vehicle].encode(), time, place[0], place[1], SPEED_MPS, math.degrees(place[2]) % 360)
            )
        self.sent += count
        return taken


def circles(count: int, radius_m: float = 300, seed: int = 11) -> dict[str, Any]:
    """`count` circular regions in the same city, as a FeatureCollection."""
    chance = random.Random(seed)
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": f"r{number}",
                "geometry": {
                    "type": "Point",
                    "coordinates": [round(chance.uniform(WEST, EAST), 6), round(chance.uniform(SOUTH, NORTH), 6)],
                },
                "properties": {"name": f"Region {number}", "radius_m": radius_m},
            }
            for number in range(count)
        ],
    }


def encoded(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
