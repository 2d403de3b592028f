"""Ground: fixes on the ground, in metres from the Earth's centre, where neither poles nor antimeridian are special."""

from __future__ import annotations

from math import dist

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
        self.step: list[float] = []  # metres from the one before
        self.accuracy: list[float] = []
        self.speed: list[float] = []  # below 0: not said
        self.leaps: set[int] = set()  # to these it cannot have driven
        self._lat: list[int] = []
        self._lon: list[int] = []

    def take_fixes(self, columns: Columns) -> None:
        lat, lon = np.radians(columns.lat / 1e7), np.radians(columns.lon / 1e7)
        n = A / np.sqrt(1 - E2 * np.sin(lat) ** 2)
        known = len(self.t)
        places = n * np.cos(lat) * np.cos(lon), n * np.cos(lat) * np.sin(lon), n * (1 - E2) * np.sin(lat)
        for one, more in zip((self.x, self.y, self.z), places, strict=True):
            one += more.tolist()
        self.t += columns.time.tolist()
        self._lat += columns.lat.tolist()
        self._lon += columns.lon.tolist()
        if len(self.t) > known:
            self.step.append(self.far(known - 1, known) if known else 0.0)
            self.step += np.sqrt(sum(np.diff(one) ** 2 for one in places)).tolist()
        self.accuracy += np.where(columns.accuracy > 0, columns.accuracy / 100, NO_ACCURACY_M).tolist()
        self.speed += (columns.speed / 1000).tolist()

    def __len__(self) -> int:
        return len(self.t)

    def far(self, i: int, k: int) -> float:
        """Metres between two of them: the chord, which is as long as the way within 10 km and 1 mm."""
        x, y, z = self.x, self.y, self.z
        return dist((x[i], y[i], z[i]), (x[k], y[k], z[k]))

    def seconds(self, i: int, k: int) -> float:
        return (self.t[k] - self.t[i]) / 1000

    def middle(self, fixes: list[int]) -> tuple[float, float, float]:
        """The median in each direction: a few that are far off move it little."""
        low, high = (len(fixes) - 1) // 2, len(fixes) // 2
        x, y, z = self.x, self.y, self.z
        xs, ys, zs = sorted([x[i] for i in fixes]), sorted([y[i] for i in fixes]), sorted([z[i] for i in fixes])
        return (xs[low] + xs[high]) / 2, (ys[low] + ys[high]) / 2, (zs[low] + zs[high]) / 2

    def place(self, i: int) -> tuple[float, float]:
        return self._lat[i] / 1e7, self._lon[i] / 1e7
