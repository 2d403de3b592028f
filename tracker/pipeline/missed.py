"""Missed: what a node did not hear on the bus it finds by comparing what it knows with what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress

from tracker.buses import Gap
from tracker.fleet.fleet import Fleet, FleetSettings
from tracker.model.change import Change
from tracker.model.commit import Loaded
from tracker.model.picture import Picture
from tracker.model.records import Record
from tracker.stores import EventQuery, Store

PAGE = 1000  #: events read at once
LATELY_S = 5.0  #: what was read so long ago is not read once more because nobody can be asked
SOON_S = 2.0  #: how long a reading is waited for
MARGIN_MS = 60_000  #: by which clocks of nodes may differ

Versions = Mapping[tuple[str, str], int]  # kind and key of each record that is there


def stored_fleet(loaded: Loaded, settings: FleetSettings, now: int) -> Fleet:
    fleet = Fleet(settings)
    fleet.restore(loaded, now)
    return fleet


def as_stored(loaded: Loaded, settings: FleetSettings, now: int) -> Change:
    """What an empty picture would start from."""
    stored = stored_fleet(loaded, settings, now).snapshot()
    stored.records = loaded.records
    return stored


def find_missed(picture: Picture, known: Versions, stored: Change, meanwhile: Iterable[Change]) -> Change:
    """What makes of what is known what is `stored`. Of whom something was heard `meanwhile`, since it was read, that is
    left as it is: nothing that follows on it is missed without a gap of its own."""
    vehicles: set[str] = set()
    regions: set[str] = set()
    records: set[tuple[str, str]] = set()
    for change in meanwhile:
        vehicles.update(state.ping.vehicle for state in change.moved)
        vehicles.update(entry.vehicle for entry in change.registered)
        vehicles.update(change.removed)
        regions.update(feature["id"] for feature in change.regions)
        regions.update(change.regions_deleted)
        records.update((record.kind, record.key) for record in change.records)
    moved = {state.ping.vehicle: state for state in stored.moved}
    registered = {entry.vehicle: entry for entry in stored.registered}
    features = {feature["id"]: feature for feature in stored.regions}
    kept = {(record.kind, record.key): record for record in stored.records}
    gone = {*picture.vehicles, *picture.register} - {*moved, *registered}
    gone |= picture.vehicles.keys() - moved.keys()
    return Change(
        moved=[one for name, one in moved.items() if name not in vehicles and picture.vehicles.get(name) != one],
        registered=[
            one for name, one in registered.items() if name not in vehicles and picture.register.get(name) != one
        ],
        removed=sorted(gone - vehicles),
        regions=[one for id, one in features.items() if id not in regions and picture.regions.get(id) != one],
        regions_deleted=sorted(picture.regions.keys() - features.keys() - regions),
        records=[one for name, one in kept.items() if name not in records and known.get(name, 0) < one.version]
        + [
            Record(kind, key, known[kind, key] + 1, None, lasting=False)
            for kind, key in sorted(known.keys() - kept.keys())
            if (kind, key) not in records
        ],
    )


class Missed:
    """Told of every gap and every change that is heard; `take` is given what was missed."""

    def __init__(
        self,
        store: Store,
        picture: Picture,
        settings: FleetSettings,
        now: Callable[[], int],
        take: Callable[[Change], None],
        *,
        only_positions: bool = False,
    ) -> None:
        """`only_positions`: everything else that others do is heard of in another way."""
        self._store = store
        self._picture = picture
        self._settings = settings
        self._now = now
        self._take = take
        self._only_positions = only_positions
        self._records: dict[tuple[str, str], int] = {}
        self._gap: Gap | None = None
        self._wanted = asyncio.Event()
        self._is_read = asyncio.Event()  # all that is stored, since the last gap
        self._read_at = float("-inf")  # by the loop's clock
        self._meanwhile: list[Change] | None = None  # heard since a reading began
        self.marked: Callable[[], Awaitable[int]] = nobody_marks  # which deed all that is stored is after
        self.on_read: Callable[[], None] = lambda: None

    @property
    def is_behind(self) -> bool:
        """Was something missed that is going to be read?"""
        return self._meanwhile is not None or bool(self._gap and not self._gap.away)

    def begin(self, records: list[Record]) -> None:
        self._note_records(records)

    def note_gap(self, gap: Gap) -> None:
        before = self._gap or Gap(0, away=True)
        self._is_read.clear()
        self._gap = Gap(max(before.ms, gap.ms), before.away and gap.away)
        self._wanted.set()

    async def read_stored(self) -> None:
        """Read what is stored, and return when that is known; or soon, or at once when it was read lately."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._read_at < LATELY_S:
            return
        self.note_gap(Gap(0))
        with suppress(TimeoutError):
            async with asyncio.timeout(SOON_S):
                await self._is_read.wait()

    def note_change(self, change: Change) -> None:
        self._note_records(change.records)
        if self._meanwhile is not None:
            self._meanwhile.append(change)

    def _note_records(self, records: list[Record]) -> None:
        for record in records:
            if record.body is None and not record.lasting:
                self._records.pop((record.kind, record.key), None)
            else:
                self._records[record.kind, record.key] = record.version

    async def catch_up(self) -> None:
        """Wait for a gap and read what was missed. Raises StoreError; then the gap is still there."""
        await self._wanted.wait()
        self._wanted.clear()
        gap, self._gap = self._gap, None
        assert gap, "a gap is wanted"
        try:
            if not gap.away:  # else it comes again when the bus is back: it would cost too much every time
                await self._read_all(gap)
            if not self._only_positions:
                await self._read_events()
        except BaseException:
            self.note_gap(gap)
            raise

    async def _read_all(self, gap: Gap) -> None:
        meanwhile: list[Change] = []
        self._meanwhile = meanwhile
        self._is_read.clear()
        self._read_at = asyncio.get_running_loop().time()
        try:
            marked = await self.marked()
            loaded = await self._store.load()
            stored = await asyncio.to_thread(as_stored, loaded, self._settings, self._now())
            change = find_missed(self._picture, self._records, stored, meanwhile)
            if self._only_positions:
                change = Change(moved=change.moved)
            if change.removed:
                change.erased = [name for name in change.removed if not await self._has_events(name)]
        finally:
            self._meanwhile = None
        self._note_records(change.records)
        if change != Change():
            change.after = marked
            self._take(change)
        self._is_read.set()
        self.on_read()
        if self._only_positions:
            return
        await self._read_acks(self._now() - gap.ms - MARGIN_MS)

    async def _has_events(self, vehicle: str) -> bool:
        """Once its history is erased there is none of it any more."""
        return bool(await self._store.events(EventQuery(after=0, vehicles=frozenset({vehicle}), limit=1)))

    async def _read_events(self) -> None:
        while events := await self._store.events(EventQuery(after=self._picture.last_seq, limit=PAGE)):
            heard = self._picture.last_seq  # by now
            self._take(Change(events=[event for event in events if event.seq > heard]))

    async def _read_acks(self, since: int) -> None:
        after = 0
        while page := await self._store.acknowledged(since, after, PAGE):
            self._take(Change(acked=[ack for ack, _ in page]))
            after = page[-1][1].seq


async def nobody_marks() -> int:
    return 0
