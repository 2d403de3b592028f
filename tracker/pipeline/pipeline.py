"""Pipeline: the only place where the order of things is written.

    inbox entry → fleet (sync) → store.commit → bus.publish → relay: picture and hub → the sender's answer

Everything that can change the fleet (pings, edits, timers) is an entry of one journal. One task takes what has
arrived, applies it, commits all of it in one transaction, publishes, and only then answers. While a commit is under
way the next one gathers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from copy import copy
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker.buses import Bus
from tracker.errors import NotFound, Overloaded, StoreError, StoreFull, StoreUnusable, TrackerError
from tracker.fleet.fleet import Fleet, Known, Outcome, Step
from tracker.model.change import Acked, Change, Registered
from tracker.model.commit import Commit
from tracker.model.events import ERASED, Ack, Event
from tracker.model.picture import Picture
from tracker.model.ping import Ping
from tracker.pipeline.inbox import Entry, Inbox, merged, says_anything
from tracker.pipeline.saves import Save, expect_version, new_id, take_together
from tracker.regions.importing import read_regions
from tracker.regions.region import Region
from tracker.stores import Store
from tracker.turns.lanes import Lane

CHUNK = 500  #: pings applied in one go: about 5 ms of the loop
MOST = 5000  #: pings in one commit, more or less
SLICE = 200  #: vehicles evaluated, or timers fired, before others have their turn; fewer when that takes too long
AT_ONCE = 8  #: slices of an edit's evaluation that are one transaction, the first of them with the edit
WITH_IT = 1600  #: vehicles whose evaluation is one transaction with the edit itself
EVENTS_WITH_IT = 2000  #: … unless they make more events than that
ROOM_A_VEHICLE, ROOM_MOST = 1024, 8 << 20  #: bytes that must be free when an edit is stored before its evaluation
FEW = 20  #: regions put in force at once on the loop; more in a thread
BREATH_S = 0.005  #: how long the intake keeps the loop to itself
PAUSE_S = 1.0  #: before timers and evaluations try again what the store could not commit
FLUSH_S = 2.0  #: how long a stop goes on committing what waits; the rest is refused
WATCH_S = 5.0  #: how long a sleep trusts that nobody sets the clock
SET_MS = 2000  #: a clock that differs more from the steady one was set; less is drift, and harms no timer

STOPPING = "The server is stopping; try again in a moment."

log = logging.getLogger(__name__)
T = TypeVar("T")


class Answer(msgspec.Struct):
    """What became of a request's pings. `late` and `held` are among the accepted, `conflicts` among the duplicates."""

    accepted: int = 0
    late: int = 0
    held: int = 0
    duplicates: int = 0
    conflicts: int = 0


class Statistics(NamedTuple):
    waiting: int  # pings in the inbox
    pings: int  # answered since the start, duplicates included
    events: int
    commits: int
    commit_s: float  # spent waiting for them
    refused: int  # pings, because the inbox was full
    failures: int  # commits that failed
    down: bool  # the store cannot even be read


class Pipeline:
    """`submit` and the edits return after the commit; by then what they changed can be read.

    All of them raise Overloaded, StoreError or StoreFull when nothing was changed and it is worth trying again.
    """

    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        bus: Bus,
        picture: Picture,
        *,
        clock: Callable[[], int],
        steady: Callable[[], int] | None = None,  # ms; never set: shows when the other was
        on_change: Callable[[Change], None] | None = None,
        on_lost: Callable[[Change], None] | None = None,
        relay: Lane | None = None,
        inbox_limit: int = 100_000,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._bus = bus
        self._picture = picture
        self._clock = clock
        self._on_change = on_change or picture.apply
        self._on_lost = on_lost or picture.apply
        self._relayed = relay or Lane("relay")
        self._limit = inbox_limit
        self._inbox = Inbox()
        self._under_way: list[Entry[Any]] = []
        self._wake = asyncio.Event()
        self._steady = steady or clock
        self._read = (0, 0)  # what both clocks said last
        self._settled = asyncio.Event()  # every vehicle was evaluated against the newest edit
        self._one_edit = asyncio.Lock()  # at a time
        self._edits = 0  # that wait for it …
        self._saves: deque[Save] = deque()  # … and regions to be saved
        self._slice = SLICE
        self._lasting: list[tuple[Entry[Any], Step | None]] = []  # edits that wait for that
        self._patience = 0.0  # loop time before which timers and evaluations do not try again
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._end = float("inf")  # loop time
        self._down: StoreError | None = None
        self._pings = self._events = self._commits = self._refused = self._failures = 0
        self._commit_s = 0.0

    # ------------------------------------------------------------------------------------------- start and stop

    async def start(self) -> None:
        """Open store and bus, and go on where the last run ended. Raises StoreLocked, StoreError."""
        loaded = await self._store.open()
        await self._bus.open()
        heard = self._bus.listen()  # interest first, then the picture: nothing falls between
        self._read = self._clock(), self._steady()
        try:
            self._fleet.restore(loaded, self._now())
        except Exception as fault:
            log.debug("could not read what is stored", exc_info=fault)
            await self._store.close()
            raise StoreUnusable(
                f"What is stored cannot be read ({type(fault).__name__}: {fault}): it is damaged. "
                "Restore a backup: tracker restore FILE.",
                "store_damaged",
            ) from fault
        self._picture.apply(self._fleet.snapshot())
        self._picture.last_seq = loaded.last_seq
        self._put(Entry(self._now(), lambda now, _: self._fleet.reread_regions(now), lambda _: None, alone=True))
        self._tasks = [
            asyncio.create_task(self._run(), name="intake"),
            asyncio.create_task(self._relay(heard), name="relay"),
        ]

    async def stop(self) -> None:
        """Whatever was submitted is committed or refused when this returns; bus and store are closed."""
        self._end = asyncio.get_running_loop().time() + FLUSH_S
        self._stopping.set()
        self._wake.set()
        if self._tasks:
            await self._tasks[0]
        await self._bus.close()
        await asyncio.gather(*self._tasks)
        self._tasks = []
        await self._store.close()

    def statistics(self) -> Statistics:
        return Statistics(
            self._inbox.waiting,
            self._pings,
            self._events,
            self._commits,
            self._commit_s,
            self._refused,
            self._failures,
            self._down is not None,
        )

    # --------------------------------------------------------------------------------------------------- pings

    async def submit(self, pings: list[Ping]) -> Answer:
        """Store the pings of one request. When it raises, some may be stored: sent again they are duplicates."""
        answers = [await part for part in self.offer(pings)]
        return answers[0] if len(answers) == 1 else _sum(answers)

    def offer(self, pings: list[Ping]) -> list[asyncio.Future[Answer]]:
        """`submit` without waiting for the answers, which come in order."""
        if self._inbox.waiting and self._inbox.waiting + len(pings) > self._limit:
            self._refused += len(pings)
            raise Overloaded(f"{self._inbox.waiting} positions wait to be stored already; try again in a second")
        now = self._now()  # of all chunks: no timer goes off between them
        if len(pings) <= CHUNK:
            return [self._put_pings(pings, now)]
        # Chunks in fix order decide what the whole would have decided: nothing in a later one is older.
        pings = sorted(pings, key=lambda ping: ping.time)
        return [self._put_pings(pings[begin : begin + CHUNK], now) for begin in range(0, len(pings), CHUNK)]

    def _put_pings(self, pings: list[Ping], now: int) -> asyncio.Future[Answer]:
        def apply(now: int, known: Known) -> Step:
            return self._fleet.apply(pings, now, known)

        return self._put(Entry(now, apply, _count, pings=pings))

    # --------------------------------------------------------------------------------------------------- edits

    async def save_regions(
        self, features: list[dict[str, Any]], *, expect: dict[str, int | None] | None = None, create_only: bool = False
    ) -> list[tuple[dict[str, Any], bool]]:
        """Create or replace regions, all or none; answers each Feature as stored, and whether it is new.

        Returns when every live vehicle was evaluated against them. A Feature without an id is given one. `expect`
        says which version an id must have (None: any). Raises Invalid, Conflict.
        """
        regions = await asyncio.to_thread(read_regions, features, self._clock(), new_id)
        return await self.put_regions(regions, expect=expect, create_only=create_only)

    async def put_regions(
        self, regions: list[Region], *, expect: dict[str, int | None] | None = None, create_only: bool = False
    ) -> list[tuple[dict[str, Any], bool]]:
        """The same of regions that were read already."""
        save = Save(regions, expect or {}, create_only)
        self._check_room()
        self._saves.append(save)
        try:
            async with self._one_edit:
                if save.done is None:
                    await self._settled.wait()
                    self._put_saves(take_together(self._saves))
                assert save.done is not None
                await asyncio.wait([save.done])
        finally:
            if save in self._saves:
                self._saves.remove(save)
        return save.result()

    def _put_saves(self, saves: list[Save]) -> None:
        """Those that waited for the same turn are one edit: to look round among all vehicles is done once."""
        regions = [region for save in saves for region in save.regions]
        versions: dict[str, int] = {}  # of those that were deleted: numbers go on

        async def prepare() -> None:
            live = self._fleet.regions.regions
            versions.update(await self._store.newest_versions([r.id for r in regions if r.id not in live]))

        def apply(now: int, _: Known) -> Step:
            saved = [region for save in saves for region in save.check(self._fleet.regions.regions, versions, now)]
            if not saved:
                raise saves[0].error or NotFound("no_regions", "there is nothing to save")
            return self._fleet.save_regions(saved, now)

        entry = Entry(
            self._now(), apply, lambda _: None, prepare=prepare, alone=True, lasting=True, long=len(regions) > FEW
        )
        done = self._put(entry)
        for save in saves:
            save.done = done

    async def delete_region(self, id: str, *, expect: int | None = None) -> None:
        """Raises NotFound, Conflict."""

        def apply(now: int, _: Known) -> Step:
            current = self._fleet.regions.regions.get(id)
            if current is None:
                raise NotFound("unknown_region", f"there is no region {id[:64]!r}")
            expect_version(id, current, expect)
            return self._fleet.delete_regions([id], now)

        await self._edit(apply, lambda _: None, lasting=True)

    async def register(self, entry: Registered) -> Registered:
        """Keep what people say of a vehicle."""
        return await self._edit(lambda now, _: self._fleet.register(entry, now), lambda _: entry)

    async def remove_vehicle(self, id: str, *, history: bool = False) -> None:
        """Take a vehicle off the map and out of the register. Its history stays, unless that is to be erased too.
        Raises NotFound."""
        past: list[int | None] = []

        async def prepare() -> None:
            past.append(await self._store.number(id) if history else None)

        def apply(now: int, _: Known) -> Step:
            if id not in self._picture.vehicles and id not in self._picture.register and past[-1] is None:
                raise NotFound(
                    "unknown_vehicle",
                    f"there is no vehicle {id!r}: it had no position and no entry yet, or was deleted",
                )
            return self._fleet.erase_vehicle(id, now) if history else self._fleet.remove_vehicle(id, now)

        await self._edit(apply, lambda _: None, prepare)

    async def ack(self, event_id: str, by: str | None) -> Event:
        """Acknowledge an event, or (`by` None) take that back; answers it as it is then. The first acknowledgement
        stands: which one that is, its turn decides. Raises NotFound."""
        found: list[Event] = []

        async def prepare() -> None:
            event = await self._store.event(event_id)
            found[:] = [event] if event is not None and event.kind != ERASED else []

        def apply(now: int, _: Known) -> Step:
            if not found:
                raise NotFound("unknown_event", f"there is no event {event_id[:64]!r} to acknowledge")
            if (by is None) == (found[0].ack is None):
                return Step(Commit(), Change(), [])
            acked = [Acked(event_id, by, now)]
            found[0] = msgspec.structs.replace(found[0], ack=None if by is None else Ack(by, now))
            return Step(Commit(acked=acked), Change(acked=acked), [])

        return await self._edit(apply, lambda _: found[0], prepare)

    async def _edit(
        self,
        apply: Callable[[int, Known], Step],
        answer: Callable[[Step | None], T],
        prepare: Callable[[], Awaitable[None]] | None = None,
        *,
        lasting: bool = False,
    ) -> T:
        self._check_room()
        if not lasting:
            return await self._put(Entry(self._now(), apply, answer, prepare=prepare, alone=True))
        self._edits += 1
        try:
            async with self._one_edit:  # the journal has the next when the last has reached every vehicle
                await self._settled.wait()
                return await self._put(Entry(self._now(), apply, answer, prepare=prepare, alone=True, lasting=True))
        finally:
            self._edits -= 1

    def _check_room(self) -> None:
        if (waiting := len(self._inbox) + self._edits + len(self._saves)) > self._limit:
            raise Overloaded(f"{waiting} changes wait already; try again in a second")

    # ------------------------------------------------------------------------------------------------ the order

    def _now(self) -> int:
        """What our clock says. When somebody set it, that enters the journal first.

        Both clocks going back tells it too: some set even the one that only ever goes on.
        """
        wall, steady = self._clock(), self._steady()
        if self._is_patient():
            return wall
        before, self._read = self._read, (wall, steady)
        by = wall - before[0] - max(steady - before[1], 0)
        if abs(by) > SET_MS:
            log.warning("the clock was set by %+.1f s: timers go on from there", by / 1000)
            entry = Entry(wall - by, lambda _, __: self._fleet.set_clock(by), lambda _: None, alone=True)
            entry.done.add_done_callback(lambda done: self._again(by) if done.exception() else None)
            self._inbox.put(entry)
            self._wake.set()
        return wall

    def _again(self, by: int) -> None:
        """That the clock was set could not be stored: it is noticed once more."""
        wall, steady = self._read
        self._read = wall - by, steady

    def _put(self, entry: Entry[T]) -> asyncio.Future[T]:
        if self._stopping.is_set():
            raise Overloaded(STOPPING)
        if self._down:
            raise self._down
        self._inbox.put(entry)
        self._wake.set()
        return entry.done

    async def _run(self) -> None:
        try:
            await self._intake()
            self._settled.set()
        except Exception as fault:  # ours; never leave a sender waiting for an answer that cannot come
            log.critical("the intake ended: restart the server", exc_info=fault)
            self._down = StoreError("The server made a mistake it cannot mend itself; restart it.")
            _fail(self._under_way, self._down)
            self._settled.set()
            while self._inbox:
                _fail(self._inbox.take(MOST), self._down)

    async def _intake(self) -> None:
        while True:
            entries = self._under_way = [] if self._comes_later(self._inbox.first) else self._inbox.take(MOST)
            if not (entries and entries[0].alone):
                entries += self._own()
            if entries and asyncio.get_running_loop().time() > self._end:
                _fail(entries, Overloaded(STOPPING))
                continue
            if entries:
                await self._process(entries)
                continue
            if self._stopping.is_set():
                break
            alarm = self._set_alarm()
            await self._wake.wait()
            self._wake.clear()
            if alarm:
                alarm.cancel()
        for entry, _ in self._lasting:
            entry.fail(StoreError("The region is stored; it takes effect everywhere after the restart."))

    def _is_patient(self) -> bool:
        """Are timers and evaluations to wait?"""
        return self._stopping.is_set() or asyncio.get_running_loop().time() < self._patience

    def _comes_later(self, entry: Entry[Any] | None) -> bool:
        """Before an edit the timers that are due have their turn, a slice at a time."""
        if entry is None or not entry.alone or self._is_patient():
            return False
        due = self._fleet.due_at()
        return due is not None and due <= entry.now

    def _own(self) -> list[Entry[Any]]:
        """What the journal's own time brings: the next slice of an edit's evaluation, timers that are due."""
        if self._is_patient():
            return []
        first = self._inbox.first
        now = first.now if first else self._now()  # nothing that waits came before it
        if self._inbox.first is not first:
            return []  # the clock was set: that comes first
        own: list[Entry[Any]] = []
        if not self._settled.is_set():
            own += [Entry(now, self._evaluate, self._evaluated) for _ in range(AT_ONCE)]
        due = self._fleet.due_at()
        if due is not None and due <= now:
            own.append(Entry(now, lambda now, _: self._fleet.fire(now, SLICE), lambda _: None))
        return own

    def _evaluate(self, now: int, _: Known) -> Step | None:
        """The next slice. How large it is changes no event, so it follows how long they take."""
        began = time.thread_time()  # who shares the machine makes nothing better by smaller slices
        step = self._fleet.evaluate(self._slice, now)
        took = time.thread_time() - began
        if took > BREATH_S:
            self._slice = max(self._slice // 2, 10)
        elif took < BREATH_S / 2:
            self._slice = min(self._slice * 2, SLICE)
        return step

    def _evaluated(self, step: Step | None) -> None:
        if not self._fleet.is_evaluating:
            self._settled.set()
            for entry, done in self._lasting:
                entry.resolve(done)
            self._lasting.clear()

    def _set_alarm(self) -> asyncio.TimerHandle | None:
        loop = asyncio.get_running_loop()
        due = self._fleet.due_at()
        if due is None and self._settled.is_set():
            return None
        if due is None or not self._settled.is_set():
            delay = 0.0
        else:
            delay = min(max((due - self._now()) / 1000, 0.0), WATCH_S)
        return loop.call_at(max(loop.time() + delay, self._patience), self._wake.set)

    async def _process(self, entries: list[Entry[Any]]) -> None:
        """Apply, commit, publish, answer: strictly in this order, all of it or none."""
        applied: list[tuple[Entry[Any], Step | None]] = []
        try:
            await self._apply(entries, applied)
            done = await self._apply_all_of_an_edit(applied)
            commit, change = merged([step for _, step in applied if step is not None])
            change.events = await self._commit(commit) if says_anything(commit) else []
            if not says_anything(commit) and any(entry.pings or entry.prepare for entry in entries):
                await self._look_at_store()
        except StoreError as error:
            await self._go_back(entries, applied, error)
            return
        except Exception as fault:  # ours: find the entry that brings it out, the others go on
            log.exception("could not apply %d entries", len(entries))
            await self._go_back(entries, applied, fault if len(entries) == 1 else None)
            for entry in entries if len(entries) > 1 else ():
                await self._process([entry])
            return
        if says_anything(change):
            await self._publish(change)
        for entry, step in applied:
            if entry.lasting and not done:
                self._settled.clear()
                self._lasting.append((entry, step))
            else:
                entry.resolve(step)
            self._pings += len(entry.pings)

    async def _apply(self, entries: list[Entry[Any]], applied: list[tuple[Entry[Any], Step | None]]) -> None:
        breath = time.perf_counter()
        for index, entry in enumerate(entries):
            known: Known = {}
            if entry.pings and (wanted := self._fleet.unknown_fixes(entry.pings)):
                if applied:  # the store can only tell of what is committed: that goes first
                    self._inbox.put_back(entries[index:])
                    del entries[index:]
                    return
                known = await self._store.fixes_at(wanted)
                for name, n, since, until in self._fleet.unknown_neighbours(entry.pings):
                    rows = await self._store.track(n, since, until, None, MOST)
                    self._fleet.learn(name, [row.ping for row in rows])
            if entry.prepare:
                await entry.prepare()
            try:
                if entry.long:
                    step = await asyncio.to_thread(entry.apply, entry.now, known)
                else:
                    step = entry.apply(entry.now, known)
                applied.append((entry, step))
            except TrackerError as error:
                entry.fail(error)
            if time.perf_counter() - breath > BREATH_S:
                await asyncio.sleep(0)
                breath = time.perf_counter()

    async def _apply_all_of_an_edit(self, applied: list[tuple[Entry[Any], Step | None]]) -> bool:
        """Evaluate vehicles against an edit before it is committed: all of it is stored, or none. Was that everybody?

        Where it would take long the rest follows in slices, and the store is asked now whether it has room for them.
        """
        edit, first = applied[0] if applied else (None, None)
        if edit is None or first is None or not edit.lasting:
            return False
        seen = made = 0
        while seen < WITH_IT and made < EVENTS_WITH_IT:
            seen += self._slice
            step = self._evaluate(edit.now, {})
            if step is None:
                return True
            made += len(step.commit.events)
            applied.append((Entry(edit.now, lambda now, _: None, lambda _: None), step))
            await asyncio.sleep(0)
        first.commit.room = min(len(self._fleet.vehicles) * ROOM_A_VEHICLE, ROOM_MOST)
        return False

    async def _look_at_store(self) -> None:
        """Before a success that stores nothing, as of a duplicate: what it says is stored has to be there still."""
        with suppress(StoreFull):  # there it is
            await self._store.ping()

    async def _commit(self, commit: Commit) -> list[Event]:
        began = time.perf_counter()
        try:
            events = await self._store.commit(commit)
        except StoreError:
            self._failures += 1
            raise
        self._commits += 1
        self._commit_s += time.perf_counter() - began
        self._events += len(events)
        return events

    async def _go_back(
        self, entries: list[Entry[Any]], applied: list[tuple[Entry[Any], Step | None]], error: Exception | None
    ) -> None:
        """A commit failed: the fleet forgets what it was told since the last one, the senders are told `error`."""
        self._patience = asyncio.get_running_loop().time() + PAUSE_S
        self._tell_who_waits(error)
        vehicles = {ping.vehicle for entry in entries for ping in entry.pings}
        only_pings = all(entry.pings for entry in entries)
        while True:
            try:
                if only_pings:
                    self._fleet.forget(sorted(vehicles), await self._store.reload(sorted(vehicles)))
                elif applied:
                    self._fleet.restore(await self._store.load(), self._now())
                if self._fleet.is_evaluating or self._lasting:
                    self._settled.clear()
                self._down = None
                _fail(entries, error)
                return
            except Exception as fault:
                if self._down is None:
                    log.error("cannot go back to what is stored; refusing everything until it works", exc_info=fault)
                unreadable = (
                    fault if isinstance(fault, StoreError) else StoreError(f"What is stored is unclear: {fault}.")
                )
                self._down, only_pings = unreadable, False
                self._settled.set()  # edits that wait for their turn are refused as well
                _fail(entries, error)
                while self._inbox:
                    _fail(self._inbox.take(MOST), unreadable)
            if self._stopping.is_set():
                return
            try:
                await asyncio.wait_for(self._stopping.wait(), PAUSE_S)
            except TimeoutError:
                continue

    def _tell_who_waits(self, error: Exception | None) -> None:
        """An edit that is stored already: its evaluation goes on by itself, nobody need wait for a disk to get room."""
        if isinstance(error, StoreError):
            told = copy(error)
            told.detail = f"The region is stored; what it changes follows when the store works again. {error.detail}"
            for entry, _ in self._lasting:
                entry.fail(told)
            self._lasting.clear()

    async def _publish(self, change: Change) -> None:
        try:
            await self._bus.publish(change)
        except Exception:  # it is committed: whoever missed it reads it from the store
            log.exception("could not publish a change")

    async def _relay(self, heard: AsyncIterator[Change]) -> None:
        """Every committed change of every node, this one's too, reaches the picture and the viewers."""
        async for change in heard:
            try:
                self._on_change(change)
                self._relayed.went_well()
            except Exception as fault:  # one change that cannot be shown must not end the showing of all others
                self._relayed.failed(fault)
                try:
                    self._on_lost(change)
                except Exception as worse:
                    self._relayed.failed(worse)


def _fail(entries: list[Entry[Any]], error: Exception | None) -> None:
    for entry in entries:
        if error is not None:
            entry.fail(error)


def _count(step: Step | None) -> Answer:
    count = step.outcomes.count if step else ().count
    late, held, conflicts = count(Outcome.LATE), count(Outcome.HELD), count(Outcome.CONFLICT)
    return Answer(count(Outcome.ACCEPTED) + late + held, late, held, count(Outcome.DUPLICATE) + conflicts, conflicts)


def _sum(answers: list[Answer]) -> Answer:
    fields = Answer.__struct_fields__
    return Answer(**{field: sum(getattr(answer, field) for answer in answers) for field in fields})
