"""Near: which of many shapes may cover which of many places, asked of all at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely

from tracker.geometry.area import Floats
from tracker.geometry.shape import Shape

TWICE = (180.0, -180.0)  #: a place there has two names


class Near:
    """Shapes, asked of many places at once."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self._stretches = [(key, shape, i) for key, shape in shapes.items() for i in range(len(shape.stretches))]
        boxes = [(box, k) for k, (_, shape, i) in enumerate(self._stretches) for box in shape.stretches[i]]
        self._owners = np.array([k for _, k in boxes], np.int64)
        self._tree = shapely.STRtree(shapely.box(*np.array([box for box, _ in boxes]).T)) if boxes else None

    def at(self, lats: Floats, lons: Floats) -> dict[int, list[str]]:
        """By the number of each place, none of them at ±180, the shapes that may cover it."""
        found: dict[int, list[str]] = {}
        if self._tree is None:
            return found
        places, boxes = self._tree.query(shapely.points(lons, lats))
        owners = self._owners[boxes]
        order = np.argsort(owners, kind="stable")
        places, owners = places[order], owners[order]
        for part in np.split(np.arange(len(owners)), np.flatnonzero(np.diff(owners)) + 1) if len(owners) else ():
            key, shape, i = self._stretches[owners[part[0]]]
            asked = np.unique(places[part])  # once, however many of its boxes hold it
            for place in asked[shape.may_cover(lats[asked], lons[asked], i)].tolist():
                keys = found.setdefault(place, [])
                if key not in keys[-1:]:
                    keys.append(key)
        return found
