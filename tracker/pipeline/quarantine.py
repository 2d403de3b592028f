"""Quarantine: what becomes of positions whose vehicle nobody knows, and of the vehicle when somebody decides.

Known is what has a position or an entry in the register, and what a token names letter by letter. What is kept apart is
durable before its sender hears so, as everything is; it goes through the same row as people and tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from tracker.access.directory import Directory
from tracker.access.grants import Grant
from tracker.config import Settings
from tracker.errors import NotFound
from tracker.model.change import Registered
from tracker.model.picture import Picture
from tracker.model.ping import Ping, Unfit
from tracker.model.records import Actor, Audit, Record
from tracker.model.strangers import Stranger
from tracker.pipeline.entries.batch import Answer
from tracker.pipeline.pipeline import Pipeline


class Statistics(NamedTuple):
    waiting: int  # vehicles
    refused: int  # vehicles that were turned away
    fixes: int  # kept apart since the start
    rejected: int  # of unknown vehicles, since the start


class Quarantine:
    def __init__(
        self, settings: Settings, pipeline: Pipeline, directory: Directory, picture: Picture, clock: Callable[[], int]
    ) -> None:
        self._meets = {people: settings.meets_unknown(people) for people in (False, True)}
        self._most, self._most_fixes = settings.quarantine_vehicles, settings.quarantine_fixes
        self._pipeline = pipeline
        self._directory = directory
        self._picture = picture
        self._clock = clock
        self._fixes = self._rejected = 0

    def statistics(self) -> Statistics:
        strangers = self._directory.strangers
        return Statistics(len(strangers.waiting), len(strangers.refused), self._fixes, self._rejected)

    # -- whoever sends ------------------------------------------------------------------------------------------------

    @property
    def does(self) -> str:
        return self._meets[self._directory.has_administrator]

    @property
    def looks(self) -> bool:
        """False: whatever comes is taken."""
        return self.does != "create" or bool(self._directory.strangers.refused)

    def is_known(self, vehicle: str, grant: Grant) -> bool:
        picture = self._picture
        return (
            vehicle in picture.vehicles
            or vehicle in picture.register
            or (grant.sends is not None and vehicle in grant.sends.vehicles)
        )

    def fault(self, vehicle: str, grant: Grant) -> Unfit | None:
        """Why a position of this vehicle is refused, if it is."""
        if not self.looks or self.is_known(vehicle, grant):
            return None
        if vehicle in self._directory.strangers.refused:
            return Unfit("vehicle_refused", "vehicle", f"{vehicle!r} was turned away by whoever runs this server")
        if self.does == "refuse":
            return Unfit("unknown_vehicle", "vehicle", f"nobody knows a vehicle {vehicle!r} here: register it first")
        return None

    def rejected(self, fixes: int) -> None:
        self._rejected += fixes

    async def submit(self, pings: list[Ping], grant: Grant, address: str) -> Answer:
        """Store what is known, keep apart what is not."""
        if self.does != "quarantine":
            return await self._pipeline.submit(pings)
        apart = {name for name in {ping.vehicle for ping in pings} if not self.is_known(name, grant)}
        if not apart:
            return await self._pipeline.submit(pings)
        known = [ping for ping in pings if ping.vehicle not in apart]
        answer = await self._pipeline.submit(known) if known else Answer()
        again = await self._keep([ping for ping in pings if ping.vehicle in apart], address, grant.who)
        kept = len(pings) - len(known) - again
        self._fixes += kept
        return Answer(
            answer.accepted + kept, answer.late, answer.held, answer.duplicates + again, answer.conflicts, kept
        )

    async def _keep(self, pings: list[Ping], address: str, who: str) -> int:
        """Answers how many of them were kept before."""
        directory, again = self._directory, 0

        def plan() -> tuple[list[Record], list[Audit]]:
            nonlocal again
            taken = [ping for ping in pings if ping.vehicle not in directory.strangers.refused]
            changed, again = directory.strangers.with_fixes(
                taken, self._clock(), address, who, self._most, self._most_fixes
            )
            return [directory.record("stranger", vehicle, one) for vehicle, one in changed.items()], []

        await self._pipeline.keep_records(plan)
        return again

    # -- whoever decides ----------------------------------------------------------------------------------------------

    def stranger(self, vehicle: str) -> Stranger:
        found = self._directory.strangers[vehicle]
        if found is None:
            raise NotFound("not_waiting", f"no vehicle {vehicle!r} waits here: it was let in, or never came")
        return found

    async def admit_vehicle(self, entry: Registered, by: Actor) -> None:
        """It is registered, and what was kept of it is played in, as if it came now in the order of its fixes."""
        self.stranger(entry.vehicle)
        await self._pipeline.register(entry, by, "vehicle.admit")
        await self.play(entry.vehicle)

    async def play(self, vehicle: str) -> None:
        """What was kept of a vehicle that is known by now. Interrupted and done again it changes nothing: what was
        played in are duplicates then."""
        directory = self._directory
        while stranger := directory.strangers[vehicle]:
            if stranger.fixes:
                await self._pipeline.submit(list(stranger.fixes))

            def plan(seen: Stranger = stranger) -> tuple[list[Record], list[Audit]]:
                if directory.strangers[vehicle] != seen:
                    return [], []  # more came meanwhile
                return [directory.record("stranger", vehicle, None)], []

            await self._pipeline.keep_records(plan)

    async def play_known(self) -> None:
        """Those that became known another way: by an entry of the register, or by a token that names them."""
        for vehicle in list(self._directory.strangers.all()):
            if vehicle in self._picture.vehicles or vehicle in self._picture.register:
                await self.play(vehicle)

    async def refuse(self, vehicle: str, by: Actor) -> None:
        """Turned away: what was kept of it is gone, and nothing more of it is taken until it is forgotten."""
        directory = self._directory

        def plan() -> tuple[list[Record], list[Audit]]:
            stranger = self.stranger(vehicle)
            if stranger.refused:
                return [], []
            turned = msgspec.structs.replace(stranger, refused=True, fixes=())
            entry = by.did(self._clock(), "vehicle.refuse", vehicle, {"fixes": stranger.count})
            return [directory.record("stranger", vehicle, turned)], [entry]

        await self._pipeline.keep_records(plan)

    async def forget(self, vehicle: str, by: Actor) -> None:
        """As if it had never come."""
        directory = self._directory

        def plan() -> tuple[list[Record], list[Audit]]:
            stranger = self.stranger(vehicle)
            before = {"fixes": stranger.count, "refused": stranger.refused}
            entry = by.did(self._clock(), "vehicle.forget", vehicle, before)
            return [directory.record("stranger", vehicle, None)], [entry]

        await self._pipeline.keep_records(plan)
