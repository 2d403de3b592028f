"""Features of regions: read many at once before the journal, and guarded in it against what somebody else changed."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from tracker.errors import Conflict, Invalid, TrackerError
from tracker.regions.foreign import Drawn
from tracker.regions.region import Region, region_id
from tracker.regions.strays import summary

TOGETHER = 1000  #: regions of one edit, when many wait for their turn
MOST_ERRORS = 1000  #: faults collected from one import; the rest is only counted


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
        self._codes.append(error.code)
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


def read_all(drawn: Iterable[Drawn], now: int, new_id: Callable[[int], str]) -> Imported:
    """Slow for large shapes."""
    found = Imported()
    seen: dict[str, Drawn] = {}
    for index, one in enumerate(drawn):
        try:
            if isinstance(one.feature, Invalid):
                raise one.feature
            id = one.feature.get("id") or new_id(index)
            if id in seen:
                other = seen[id].name or f"line {seen[id].line}"
                message = f"has the same id {id!r} as {other!r} before it in the same file"
                raise Invalid("duplicate_id", message, [{"field": "id", "code": "duplicate_id", "message": message}])
            seen[id] = one
            found.regions.append(Region.read(one.feature | {"id": id}, id=region_id(id), version=0, now=now))
        except Invalid as error:
            found.refuse(index, one, error)
    return found


def read_regions(features: Iterable[Any], now: int) -> list[Region]:
    """Features as the API takes them. Raises Invalid with the faults of every one."""
    drawn = [Drawn(feature) for feature in features]
    if len(drawn) == 1:
        feature = drawn[0].feature
        id = feature.get("id") if isinstance(feature, dict) else None
        id = secrets.token_hex(6) if id is None else region_id(str(id))
        return [Region.read(feature, id=id, version=0, now=now)]
    found = read_all(drawn, now, lambda index: secrets.token_hex(6))
    if (refusal := found.refusal()) is not None:
        raise refusal
    return found.regions


class Save:
    """Regions somebody wants in force, and what became of them."""

    def __init__(self, regions: list[Region], expect: Mapping[str, int | None], create_only: bool) -> None:
        self.regions = regions
        self.done: asyncio.Future[None] | None = None  # of the journal's entry, once there is one
        self.error: TrackerError | None = None
        self._expect = expect
        self._create_only = create_only
        self._answer: list[tuple[dict[str, Any], bool]] = []

    def check(self, live: Mapping[str, Region], versions: Mapping[str, int], now: int) -> list[Region]:
        """The regions as they will be, with their new versions; none when somebody else was quicker."""
        saved: list[Region] = []
        try:
            for region in self.regions:
                expect_version(region.id, live.get(region.id), self._expect.get(region.id), self._create_only)
        except TrackerError as error:
            self.error = error
            return saved
        for region in self.regions:
            current = live.get(region.id)
            version = (current.version if current else versions.get(region.id, 0)) + 1
            saved.append(msgspec.structs.replace(region, version=version, updated_at=now))
            self._answer.append((saved[-1].feature(), current is None))
        return saved

    def result(self) -> list[tuple[dict[str, Any], bool]]:
        """Each Feature as stored, and whether it is new; raises what kept them from being stored."""
        if self.error is not None:
            raise self.error
        if self.done is not None:
            self.done.result()
        return self._answer


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
