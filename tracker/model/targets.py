"""Targets: addresses of other programs that are told where vehicles are as they move."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tracker.times import rfc3339

ALL = "all"


class Target(msgspec.Struct, frozen=True, omit_defaults=True):
    """It is told what `user` may see, or a viewer in these groups of people, or everything; of that what lies in these
    groups of regions, and vehicles of these groups."""

    id: str
    url: str
    secret: str  # signs what it is told; itself told to nobody
    kind: Literal["positions"] = "positions"
    name: str = ""
    enabled: bool = True
    every_s: float = 5.0  # from one request to the next
    vehicle_every_s: float = 10.0  # from one position of a vehicle to its next
    user: str | None = None
    groups: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None  # None: anywhere
    vehicles: tuple[str, ...] | None = None  # None: those in no group as well
    created_at: int = 0
    created_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Without the secret."""
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "url": self.url,
            "enabled": self.enabled,
            "every_s": self.every_s,
            "vehicle_every_s": self.vehicle_every_s,
            "user": self.user,
            "groups": _told(self.groups),
            "regions": _told(self.regions),
            "vehicles": _told(self.vehicles),
            "created_at": rfc3339(self.created_at),
            "created_by": self.created_by,
        }


def _told(names: tuple[str, ...] | None) -> str | list[str]:
    return ALL if names is None else list(names)
