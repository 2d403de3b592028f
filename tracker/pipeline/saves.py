"""Saves: regions somebody wants in force, guarded against what somebody else changed, and put in force together."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from tracker.errors import Conflict, TrackerError
from tracker.model.records import Actor, Audit
from tracker.regions.region import Region

CHOSEN = ("name", "group", "version", "color", "radius_m", "buffer_m", "debounce", "rules", "notify")
MOST_TOLD = 100  #: regions of one import that the audit names
TOGETHER = 1000  #: regions of one edit, when many wait for their turn


def new_id(_: int) -> str:
    """For a region whose sender gave none."""
    return secrets.token_hex(6)


class Save:
    """Regions somebody wants in force, and what became of them."""

    def __init__(self, regions: list[Region], expect: Mapping[str, int | None], create_only: bool) -> None:
        self.regions = regions
        self.done: asyncio.Future[None] | None = None  # of the journal's entry, once there is one
        self.error: TrackerError | None = None
        self._expect = expect
        self._create_only = create_only
        self._saved: list[tuple[Region, bool]] = []
        self.by: Actor | None = None

    def check_versions(self, live: Mapping[str, Region], versions: Mapping[str, int], now: int) -> list[Region]:
        """The regions as they will be, with their new versions; none when somebody else was quicker."""
        saved: list[Region] = []
        self.error, self._saved = None, []  # it may be asked again, when somebody at another node was quicker
        try:
            if self.by:
                self.by.ask()  # those it is saved with must not fail with it
            for region in self.regions:
                expect_version(region.id, live.get(region.id), self._expect.get(region.id), self._create_only)
        except TrackerError as error:
            self.error = error
            return saved
        for region in self.regions:
            current = live.get(region.id)
            version = (current.version if current else versions.get(region.id, 0)) + 1
            saved.append(msgspec.structs.replace(region, version=version, updated_at=now))
            self._saved.append((saved[-1], current is None))
        return saved

    def audit(self, by: Actor, live: Mapping[str, Region], now: int) -> Audit:
        """One entry, however many regions; the shapes are in the versions."""
        ids = [region.id for region, _ in self._saved]
        if len(ids) == 1:
            was = _told(live[ids[0]].feature()["properties"]) if ids[0] in live else None
            return by.did(now, "region.save", ids[0], was, _told(self._saved[0][0].feature()["properties"]))
        before = {id: named(live[id]) for id in ids[:MOST_TOLD] if id in live}
        after = {region.id: named(region) for region, _ in self._saved[:MOST_TOLD]}
        return by.did(now, "region.import", f"{len(ids)} regions", before or None, after)

    def result(self) -> list[tuple[Region, bool]]:
        """Each region as stored, and whether it is new; raises what kept them from being stored."""
        if self.error is not None:
            raise self.error
        if self.done is not None:
            self.done.result()
        return self._saved


def named(region: Region) -> dict[str, Any]:
    """What the audit says of a region."""
    return {"name": region.name, "group": region.group, "version": region.version}


def _told(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Of one that somebody edited: all that people choose but its shape, which its versions have."""
    return {name: properties.get(name) for name in CHOSEN}


def take_together(waiting: deque[Save]) -> list[Save]:
    """The first that wait, as many as can be one edit: no region twice."""
    taken: list[Save] = []
    ids: set[str] = set()
    while waiting:
        more = {region.id for region in waiting[0].regions}
        if taken and (len(ids) + len(more) > TOGETHER or not ids.isdisjoint(more)):
            break
        taken.append(waiting.popleft())
        ids |= more
    return taken


def expect_version(id: str, current: Region | None, version: int | None, create_only: bool = False) -> None:
    """Raises Conflict, with the region as it is now, when that is not what the sender has seen."""
    if create_only and current is not None:
        raise Conflict("exists", f"there is a region {id!r} already (version {current.version}).", current.feature())
    if version is None or (current is not None and current.version == version):
        return
    if current is None:
        raise Conflict("gone", f"There is no region {id!r} (any more); you expected version {version}.")
    raise Conflict(
        "version_conflict",
        f"Somebody changed the region {id!r} since: you expected version {version}, it has version {current.version}.",
        current.feature(),
    )
