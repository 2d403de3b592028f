"""Cities to measure in: seeded regions and vehicles, the same in every run.

The mix of the study behind the cell index: 70 % sites (median radius 150 m), 22 % zones (1.2 km), 8 % districts (6 km),
log-normal, star-shaped with 20 to 500 vertices (median 71), Gaussian around 12 cities at 10,000 regions. Fewer regions
lie on less ground, so that their density, and with it the hits per ping, stays about the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

SPREAD_M = 16_000.0  # standard deviation of a city of 833 regions: about three hits per ping
PER_CITY = 10_000 / 12
KY = 111_200.0  # metres per degree of latitude: near enough to place things


def centres(count: int) -> list[tuple[float, float, float]]:
    """(lat, lon, spread in metres) of the cities for that many regions."""
    cities = max(1, ceil(count / PER_CITY - 0.5))
    spread = SPREAD_M * (count / cities / PER_CITY) ** 0.5
    return [(44.0 + 1.5 * (i // 4), 2.0 + 2.5 * (i % 4), spread) for i in range(cities)]


def geometries(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """GeoJSON polygons."""
    rng = np.random.default_rng(seed)
    cities = centres(count)
    drawn = []
    for i in range(count):
        lat, lon, spread = cities[i % len(cities)]
        kx = KY * np.cos(np.radians(lat))
        median, sigma = ((150, 0.5), (1200, 0.5), (6000, 0.4))[int(rng.choice(3, p=(0.70, 0.22, 0.08)))]
        radius = median * np.exp(rng.normal(0, sigma))
        corners = int(np.clip(71 * np.exp(rng.normal(0, 0.8)), 20, 500))
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        waves = sum(rng.uniform(0, 0.12) * np.cos(k * angles + rng.uniform(0, 2 * np.pi)) for k in (2, 3, 5))
        reach = radius * (1 + waves) * (1 + rng.uniform(-0.04, 0.04, corners))
        x = lon + (rng.normal(0, spread) + reach * np.cos(angles)) / kx
        y = lat + (rng.normal(0, spread) + reach * np.sin(angles)) / KY
        ring = np.round(np.column_stack([x, y]), 7).tolist()
        drawn.append({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})
    return drawn


def drives(
    count: int, vehicles: int = 500, steps: int = 100, every_s: float = 10.0, seed: int = 2
) -> Iterator[tuple[list[float], list[float]]]:
    """Round by round, (lats, lons) of all vehicles: random walks at 12 m/s in the cities for `count` regions."""
    rng = np.random.default_rng(seed)
    cities = np.array(centres(count))[np.arange(vehicles) % len(centres(count))]
    spread, kx = cities[:, 2], KY * np.cos(np.radians(cities[:, 0]))
    x, y = rng.normal(0, spread), rng.normal(0, spread)
    heading = rng.uniform(0, 2 * np.pi, vehicles)
    for _ in range(steps):
        lats, lons = np.round(cities[:, 0] + y / KY, 7), np.round(cities[:, 1] + x / kx, 7)
        yield lats.tolist(), lons.tolist()
        heading += rng.normal(0, 0.3, vehicles)
        heading = np.where(np.hypot(x, y) > 2 * spread, np.arctan2(-y, -x), heading)  # out of town: turn back
        x += 12 * every_s * np.cos(heading)
        y += 12 * every_s * np.sin(heading)
