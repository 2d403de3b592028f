"""Ground: fixes on the ground, in metres from the Earth's centre, where neither poles nor antimeridian are special."""

from __future__ import annotations

from math import atan2, degrees, hypot, sqrt

import numpy as np
import numpy.typing as npt

from tracker.fleet.states import NO_ACCURACY_M
from tracker.geometry.earth import E2, A
from tracker.model.columns import Columns

Floats = npt.NDArray[np.float64]


class Ground:
    """As lists: they are looked at one by one. In fix order, any number of them at a time."""

    def __init__(self) -> None:
        self.t: list[int] = []
        self.x: list[float] = []
        self.y: list[float] = []
        self.z: list[float] = []
        self.accuracy: list[float] = []
        self.speed: list[float] = []  # below 0: not said

    def take_fixes(self, columns: Columns) -> None:
        lat, lon = np.radians(columns.lat / 1e7), np.radians(columns.lon / 1e7)
        n = A / np.sqrt(1 - E2 * np.sin(lat) ** 2)
        self.t += columns.time.tolist()
        self.x += (n * np.cos(lat) * np.cos(lon)).tolist()
        self.y += (n * np.cos(lat) * np.sin(lon)).tolist()
        self.z += (n * (1 - E2) * np.sin(lat)).tolist()
        self.accuracy += np.where(columns.accuracy > 0, columns.accuracy / 100, NO_ACCURACY_M).tolist()
        self.speed += (columns.speed / 1000).tolist()

    def __len__(self) -> int:
        return len(self.t)

    def far(self, i: int, k: int) -> float:
        """Metres between two of them: the chord, which is as long as the way within 10 km and 1 mm."""
        x, y, z = self.x, self.y, self.z
        return sqrt((x[k] - x[i]) ** 2 + (y[k] - y[i]) ** 2 + (z[k] - z[i]) ** 2)

    def seconds(self, i: int, k: int) -> float:
        return (self.t[k] - self.t[i]) / 1000

    def middle(self, fixes: list[int]) -> tuple[float, float, float]:
        x, y, z = (float(np.median([known[i] for i in fixes])) for known in (self.x, self.y, self.z))
        return x, y, z

    def place(self, i: int) -> tuple[float, float]:
        return place_of(self.x[i], self.y[i], self.z[i])


def place_of(x: float, y: float, z: float) -> tuple[float, float]:
    """(lat, lon) of what lies on the ground, or near it."""
    return round(degrees(atan2(z, hypot(x, y) * (1 - E2))), 7), round(degrees(atan2(y, x)), 7)
