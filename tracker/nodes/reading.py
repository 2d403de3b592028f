"""Reading: which vehicles a node has to hear of before it answers where they are."""

from __future__ import annotations

from tracker.access.grants import Grant
from tracker.live.viewer import Wish
from tracker.nodes.interest import Needs, needed


def needs_of(grant: Grant) -> Needs:
    """All that a grant shows."""
    return needed(Wish(all=True), grant)


def needs_of_vehicle(vehicle: str) -> Needs:
    return Needs(vehicles=frozenset({vehicle}))
