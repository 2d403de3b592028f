"""Many Features of regions, read at once, with every fault where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tracker.errors import Invalid
from tracker.geometry.area import Area
from tracker.geometry.plain import TOGETHER, plain_ring, read_plain
from tracker.regions.foreign import Drawn
from tracker.regions.region import Region, region_id
from tracker.regions.strays import kind_of, summary

MOST_ERRORS = 1000  #: faults collected from one import; the rest is only counted


NewId = Callable[[int], str]  #: an id for the n-th Feature, which has none


class Imported:
    """What came of a file: its regions, without a version yet, and the faults of what could not be one."""

    def __init__(self) -> None:
        self.regions: list[Region] = []
        self.errors: list[dict[str, Any]] = []  # each with the `index`, `line` and `name` of what has it
        self.refused = 0  # how many have any
        self._first: tuple[Drawn, Invalid] | None = None
        self._codes: list[str] = []

    def refuse(self, index: int, one: Drawn, error: Invalid) -> None:
        self.refused += 1
        self._codes.append(kind_of(error))
        self._first = self._first or (one, error)
        place: dict[str, Any] = {"index": index}
        if one.line:
            place["line"] = one.line
        if one.name:
            place["name"] = one.name
        if len(self.errors) < MOST_ERRORS:
            self.errors += [place | fault for fault in error.errors or [{"code": error.code, "message": error.detail}]]

    def refusal(self) -> Invalid | None:
        """Why none of it is stored, when all of it should have been."""
        if self._first is None:
            return None
        one, error = self._first
        if not self.regions and (whole := summary(self._codes)):
            return Invalid("not_regions", f"Nothing was stored: {whole}.", self.errors)
        place = f"{one.name!r}, " * bool(one.name) + f"line {one.line}" * bool(one.line)
        where = f"{place.removesuffix(', ')}: " if place else ""
        return Invalid(error.code, f"Nothing was stored: {where}{error.detail}", self.errors)


def read_all(drawn: Iterable[Drawn], now: int, new_id: NewId) -> Imported:
    """Slow for large shapes."""
    found = Imported()
    seen: dict[str, Drawn] = {}
    for index, (one, shape) in enumerate(_with_shapes(drawn)):
        try:
            if isinstance(one.feature, Invalid):
                raise one.feature
            id = one.feature.get("id") or new_id(index)
            if id in seen:
                other = seen[id].name or f"line {seen[id].line}"
                message = f"has the same id {id!r} as {other!r} before it in the same file"
                raise Invalid("duplicate_id", message, [{"field": "id", "code": "duplicate_id", "message": message}])
            seen[id] = one
            feature = one.feature | {"id": id}
            region = Region.read_feature(feature, id=region_id(id), version=0, now=now, shape=shape)
            found.regions.append(region)
        except Invalid as error:
            found.refuse(index, one, error)
    return found


def _with_shapes(drawn: Iterable[Drawn]) -> Iterator[tuple[Drawn, Area | None]]:
    """With the areas of plain outlines, read together while they follow each other. None: it is still to be read."""
    waiting: list[Drawn] = []
    rings: list[list[Any]] = []
    corners = 0
    for one in drawn:
        ring = plain_ring(one.feature.get("geometry")) if isinstance(one.feature, dict) else None
        if ring is not None:
            waiting.append(one)
            rings.append(ring)
            corners += len(ring)
        if rings and (ring is None or corners >= TOGETHER):
            yield from zip(waiting, read_plain(rings), strict=True)
            waiting, rings, corners = [], [], 0
        if ring is None:
            yield one, None
    if rings:
        yield from zip(waiting, read_plain(rings), strict=True)


def read_regions(features: Iterable[Any], now: int, new_id: NewId) -> list[Region]:
    """Features as the API takes them. Raises Invalid with the faults of every one."""
    drawn = [Drawn(feature) for feature in features]
    if len(drawn) == 1:
        feature = drawn[0].feature
        id = feature.get("id") if isinstance(feature, dict) else None
        id = new_id(0) if id is None else region_id(str(id))
        return [Region.read_feature(feature, id=id, version=0, now=now)]
    found = read_all(drawn, now, new_id)
    if (refusal := found.refusal()) is not None:
        raise refusal
    return found.regions
