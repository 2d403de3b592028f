"""Sight: what a grant shows of the picture."""

from __future__ import annotations

from tracker.access.grants import Grant
from tracker.model.change import VehicleState
from tracker.model.picture import Picture


class Sight:
    """Who is there, and in which regions: every node knows that."""

    def __init__(self, picture: Picture, grant: Grant) -> None:
        self._picture, self.grant = picture, grant

    def sees(self, id: str) -> bool:
        """Has it a position that may be seen?"""
        state = self._picture.vehicles.get(id)
        return state is not None and self.grant.sees(state.regions, self._picture.group_of(id))

    def knows_vehicle(self, id: str) -> bool:
        """May it be seen at all, had it a position or not?"""
        if id in self._picture.vehicles:
            return self.sees(id)
        return id in self._picture.register and self.grant.sees((), self._picture.group_of(id))

    def candidates(self) -> list[str]:
        """Of which something may be known: all of whom it is, and others."""
        regions = self.grant.regions
        if regions is None:
            return list(self._picture.vehicles.keys() | self._picture.register.keys())
        return list(frozenset[str]().union(*(self._picture.inside.get(region, ()) for region in regions)))

    def names(self) -> frozenset[str] | None:
        """Outside of whom nobody may be seen; None: they are not known by name."""
        parts = self.grant.parts
        if self.grant.everything or any(part.vehicles is None for part in parts):
            return None
        groups = frozenset[str]().union(*(part.vehicles or () for part in parts))
        return frozenset(id for id, entry in self._picture.register.items() if entry.group in groups)

    def inside(self, region: str) -> int:
        """How many of those it has may be seen in it."""
        there = self._picture.inside.get(region, ())
        if self.grant.everything or all(part.vehicles is None for part in self.grant.parts if part.sees_region(region)):
            return len(there)
        return sum(1 for id in there if self.grant.sees((region,), self._picture.group_of(id)))


class Places(Sight):
    """And where. What a node was not in need of it knows as it once was: so `Node.places_of` makes them."""

    def vehicle(self, id: str) -> VehicleState | None:
        """Where it was last seen; None: it was not, or may not be seen."""
        state = self._picture.vehicles.get(id)
        return self.grant.shown(state, self._picture.group_of(id)) if state else None
