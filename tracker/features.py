"""Features of regions: read many at once before the journal, and guarded in it against what somebody else changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from tracker.errors import Conflict, Invalid
from tracker.regions import Region

MOST_ERRORS = 1000  #: faults collected from one import; the rest is not read


def read_regions(features: Iterable[Any], now: int) -> list[Region]:
    """Regions without a version yet. Slow for large shapes. Raises Invalid with the faults of every Feature.

    An Invalid among the features is one that could not be made a Feature of, and counts as its fault.
    """
    regions: list[Region] = []
    errors: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    first: Invalid | None = None
    index = 0
    for index, feature in enumerate(features):
        id = feature.get("id") if isinstance(feature, dict) else None
        id = secrets.token_hex(6) if id is None else str(id)
        try:
            if isinstance(feature, Invalid):
                raise feature
            if id in seen:
                message = f"Features {seen[id]} and {index} have the same id {id!r}"
                fault = {"field": "id", "code": "duplicate_id", "message": message}
                raise Invalid("duplicate_id", message, [fault])
            seen[id] = index
            regions.append(Region.read(feature, id=id, version=0, now=now))
        except Invalid as error:
            first = first or error
            faults = error.errors or [{"code": error.code, "message": error.detail}]
            errors += [{"index": index} | fault for fault in faults]
            if len(errors) >= MOST_ERRORS:
                break
    if first is None:
        return regions
    if index == 0:
        raise first
    raise Invalid(first.code, f"Nothing was stored: {first.detail}", errors)


def expect_version(id: str, current: Region | None, version: int | None, create_only: bool = False) -> None:
    """Raises Conflict, with the region as it is now, when that is not what the sender has seen."""
    if create_only and current is not None:
        raise Conflict("exists", f"There is a region {id!r} already (version {current.version}).", current.feature())
    if version is None or (current is not None and current.version == version):
        return
    if current is None:
        raise Conflict("gone", f"There is no region {id!r} (any more); you expected version {version}.")
    raise Conflict(
        "version_conflict",
        f"Somebody changed the region {id!r} since: you expected version {version}, it has version {current.version}.",
        current.feature(),
    )
