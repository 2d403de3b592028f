"""Intake: the order of things. One task takes what has arrived, applies it, commits all of it in one transaction,
publishes, and only then answers. While a commit is under way the next one gathers."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import msgspec

from tracker.errors import Stopping, StoreError, StoreFull, TrackerError
from tracker.fleet.fleet import SETTINGS, Fleet
from tracker.model.commit import Commit
from tracker.model.events import Event
from tracker.nodes.splitting import no_owner
from tracker.pipeline.clocks import SET_MS, Clocks
from tracker.pipeline.company import Company
from tracker.pipeline.deeds import SetClock
from tracker.pipeline.entries.batch import Batch
from tracker.pipeline.entries.inbox import Deed, Edit, Entry, Inbox, Own
from tracker.pipeline.evaluation import SLICE, Evaluation
from tracker.pipeline.relay import Relay
from tracker.pipeline.shared.following import Follow
from tracker.pipeline.shared.sharing import Sharing
from tracker.pipeline.steps import merged, says_anything
from tracker.stores import Store

MOST = 5000  #: pings in one commit, more or less
AT_ONCE = 8  #: slices of an edit's evaluation that are one transaction, the first of them with the edit
WITH_IT = 1600  #: vehicles whose evaluation is one transaction with the edit itself
EVENTS_WITH_IT = 2000  #: … unless they make more events than that
ROOM_A_VEHICLE, ROOM_MOST = 1024, 8 << 20  #: bytes that must be free when an edit is stored before its evaluation
FEW = 20  #: regions put in force at once on the loop; more in a thread
BREATH_S = 0.005  #: how long the intake keeps the loop to itself
MOST_TRIES = 50  #: of a deed, when somebody at another node is quicker again and again
PAUSE_S = 1.0  #: before timers and evaluations try again what the store could not commit
FLUSH_S = 2.0  #: how long a stop goes on committing what waits; the rest is refused
WATCH_S = 5.0  #: how long a sleep trusts that nobody sets the clock


log = logging.getLogger(__name__)
T = TypeVar("T")


class Statistics(NamedTuple):
    waiting: int  # pings in the inbox
    pings: int  # answered since the start, duplicates included
    events: int
    commits: int
    commit_s: float  # spent waiting for them
    refused: int  # pings, because the inbox was full
    failures: int  # commits that failed
    down: bool  # the store cannot even be read


class Intake:
    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        clocks: Clocks,
        evaluation: Evaluation,
        relay: Relay,
        sharing: Sharing | None = None,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._clocks = clocks
        self._evaluation = evaluation
        self._relay = relay
        self._sharing = sharing  # with other nodes
        self._inbox = Inbox()
        self._company = Company()
        self._under_way: list[Entry[Any]] = []
        self._wake = asyncio.Event()
        self._heard_at = self._did_at = 0  # the newest message, the newest deed
        self._patience = 0.0  # loop time before which timers and evaluations do not try again
        self._stopping = asyncio.Event()
        self._end = float("inf")  # loop time
        self._down: StoreError | None = None
        self._pings = self._events = self._commits = self._failures = 0
        self._commit_s = 0.0

    def statistics(self, refused: int) -> Statistics:
        return Statistics(
            self.waiting,
            self._pings,
            self._events,
            self._commits,
            self._commit_s,
            refused,
            self._failures,
            self._down is not None,
        )

    @property
    def waiting(self) -> int:
        """Pings."""
        return self._inbox.waiting

    @property
    def entries(self) -> int:
        return len(self._inbox)

    def now(self) -> int:
        """What our clock says. When somebody set it, that enters the journal first."""
        if self._is_patient():
            return self._clocks.now()
        wall, by = self._clocks.look()
        if by:
            log.warning("the clock was set by %+.1f s: timers go on from there", by / 1000)
            entry = SetClock(wall - by, by)
            entry.done.add_done_callback(lambda done: self._clocks.look_again(by) if done.exception() else None)
            self._inbox.put(entry)
            self._wake.set()
        return wall

    def now_of_messages(self) -> int:
        self._heard_at = now = _not_before(self._did_at, self.now())
        return now

    def now_of_deed(self) -> int:
        """After every message before it, and before none of those after it: so their times alone tell a replay the
        order."""
        self._did_at = now = _not_before(self._heard_at + 1, self.now())
        return now

    def put(self, entry: Entry[T]) -> asyncio.Future[T]:
        if self._stopping.is_set():
            raise Stopping
        if self._down:
            raise self._down
        self._inbox.put(entry)
        self._wake.set()
        return entry.done

    def wake(self) -> None:
        """There is something to be done that nobody put here."""
        self._wake.set()

    def stop(self) -> None:
        """What waits is committed, or refused; then `run` ends."""
        self._end = asyncio.get_running_loop().time() + FLUSH_S
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        try:
            await self._take_turns()
            self._evaluation.let_all_come()
        except Exception as fault:  # ours; never leave a sender waiting for an answer that cannot come
            log.critical("the intake ended: restart the server", exc_info=fault)
            self._down = StoreError("The server made a mistake it cannot mend itself; restart it.")
            _fail(self._under_way, self._down)
            self._evaluation.let_all_come()
            while self._inbox:
                _fail(self._inbox.take_entries(MOST), self._down)

    # ---------------------------------------------------------------------------------------------- whose turn it is

    async def _take_turns(self) -> None:
        while True:
            await self._gather()
            await self._catch_up()
            entries = self._under_way = self._next()
            if entries:
                self._company.begin(len(entries), asyncio.get_running_loop().time())
            if not (entries and isinstance(entries[0], Deed)):
                entries += self._own()
            if entries and asyncio.get_running_loop().time() > self._end:
                _fail(entries, Stopping())
                continue
            if entries:
                await self._process(entries)
                self._company.end(len(self._inbox))
                continue
            if self._stopping.is_set():
                break
            alarm = self._set_alarm()
            await self._wake.wait()
            self._wake.clear()
            if alarm:
                alarm.cancel()
        self._evaluation.stop()

    async def _gather(self) -> None:
        """What waits has company, or waited long enough; but deeds, evaluations and whoever stops us do not wait."""
        loop = asyncio.get_running_loop()
        while self._inbox and self._evaluation.is_settled and not self._stopping.is_set():
            wait_s = self._company.wait_s(len(self._inbox), loop.time())
            if not wait_s or isinstance(self._inbox.first, Deed):
                return
            self._wake.clear()
            alarm = loop.call_later(wait_s, self._wake.set)
            await self._wake.wait()
            alarm.cancel()

    def _is_patient(self) -> bool:
        """Are timers and evaluations to wait?"""
        return self._stopping.is_set() or asyncio.get_running_loop().time() < self._patience

    def _next(self) -> list[Entry[Any]]:
        first = self._inbox.first
        if isinstance(first, Deed) and not self._is_patient():
            if self._sharing and first.lasts and not self._sharing.following.may_last():
                return self._inbox.take_urgent()  # it may wait for vehicles that are to be ours
            if self._comes_later(first):
                return []
        return self._inbox.take_entries(MOST)

    def _comes_later(self, entry: Deed[Any]) -> bool:
        """Before a deed the timers that are due have their turn, a slice at a time."""
        due = self._fleet.due_at()
        return due is not None and due <= entry.now

    def _own(self) -> list[Entry[Any]]:
        """What the journal's own time brings: the next slice of an edit's evaluation, timers that are due."""
        if self._is_patient():
            return []
        first = self._inbox.first
        now = first.now if first else self.now()  # nothing that waits came before it
        if self._inbox.first is not first:
            return []  # the clock was set: that comes first
        own: list[Entry[Any]] = []
        if not self._evaluation.is_settled:
            own += [Own(now, self._evaluation.step, self._evaluation.stored) for _ in range(AT_ONCE)]
        due = self._fleet.due_at()
        if due is not None and due <= now:
            own.append(Own(now, lambda fleet, now: fleet.fire(now, SLICE)))
        return own

    def _set_alarm(self) -> asyncio.TimerHandle | None:
        loop = asyncio.get_running_loop()
        due, settled = self._fleet.due_at(), self._evaluation.is_settled
        if due is None and settled:
            return None
        delay = 0.0 if due is None or not settled else min(max((due - self.now()) / 1000, 0.0), WATCH_S)
        return loop.call_at(max(loop.time() + delay, self._patience), self._wake.set)

    async def _catch_up(self) -> None:
        """What was done at other nodes is done here as well, before anything that somebody decides on it."""
        if self._sharing is None:
            return
        following, first = self._sharing.following, self._inbox.first
        if not isinstance(first, Deed) and (not following.is_behind or self._is_patient()):
            return
        try:
            while deeds := await following.unfollowed():
                for deed in deeds:
                    await self._process([deed])
                    if fault := deed.done.exception():  # it is followed again
                        raise fault
        except Exception as fault:  # ours were told by `_process`: what was read again holds it
            self._patience = asyncio.get_running_loop().time() + PAUSE_S
            log.debug("cannot follow what other nodes did: %s", fault)
            if isinstance(first, Deed):  # it would be decided on less than there is
                _fail(self._inbox.take_entries(1), fault)

    # ------------------------------------------------------------------------------------------------------ the order

    async def _process(self, entries: list[Entry[Any]]) -> None:
        """Apply, commit, publish, answer: strictly in this order, all of it or none."""
        applied: list[Entry[Any]] = []
        shown = self._sharing.following.shown if self._sharing else 0
        try:
            await self._apply(entries, applied)
            done = await self._apply_all_of_an_edit(applied)
            commit, change = merged([entry.step for entry in applied if entry.step is not None])
            deed = applied[0] if applied and isinstance(applied[0], Deed) else None
            wrote = says_anything(commit)
            if wrote and self._sharing:
                self._sharing.sign(commit, deed)
            events = await self._commit(commit) if wrote else []
            if not wrote and not all(isinstance(entry, Own) for entry in entries):
                await self._look_at_store()
            if self._sharing and deed:
                self._followed(self._sharing, deed, commit)
        except StoreError as error:
            if error.code != "outrun" or not await self._try_again(entries):
                await self._go_back(entries, applied, error)
            return
        except Exception as fault:  # ours: find the entry that brings it out, the others go on
            log.exception("could not apply %d entries", len(entries))
            await self._go_back(entries, applied, fault if len(entries) == 1 else None)
            for entry in entries if len(entries) > 1 else ():
                await self._process([entry])
            return
        change.events = [event for event in events if event.seq]
        change.unnumbered = [event for event in events if not event.seq]
        change.deed = commit.deed.after + 1 if commit.deed else 0
        if says_anything(change):
            change.after = shown
            await self._relay.publish(change)
        if self._sharing and deed:
            self._sharing.following.told_deeds()
        for entry in applied:
            if isinstance(entry, Edit) and not done:
                self._evaluation.begin_edit(entry)
            else:
                entry.resolve()
            self._pings += len(entry.pings)

    async def _apply(self, entries: list[Entry[Any]], applied: list[Entry[Any]]) -> None:
        breath = time.perf_counter()
        for index, entry in enumerate(entries):
            if self._sharing and entry.pings:
                if not self._sharing.owns_all(entry.pings):
                    entry.fail(no_owner())
                    continue
                await self._sharing.stock(self._fleet, len(entry.pings))
            if isinstance(entry, Batch) and (wanted := self._fleet.unknown_fixes(entry.pings)):
                if applied:  # the store can only tell of what is committed: that goes first
                    self._inbox.put_back(entries[index:])
                    del entries[index:]
                    return
                await self._look_up(entry, wanted)
            elif isinstance(entry, Deed):
                await entry.prepare(self._store)
            try:
                if isinstance(entry, Edit) and entry.regions > FEW:  # nobody else touches the fleet meanwhile
                    entry.step = await asyncio.to_thread(entry.decide, self._fleet)
                else:
                    entry.step = entry.decide(self._fleet)
                applied.append(entry)
            except TrackerError as error:
                entry.fail(error)
            if time.perf_counter() - breath > BREATH_S:
                await asyncio.sleep(0)
                breath = time.perf_counter()

    async def _look_up(self, batch: Batch, wanted: list[tuple[int, int]]) -> None:
        """What the store has of a batch, and what the fleet has to know of the fixes beside its alarms."""
        batch.known = await self._store.fixes_at(wanted)
        for name, n, since, until in self._fleet.unknown_neighbours(batch.pings):
            rows = await self._store.track(n, since, until, None, MOST)
            self._fleet.learn(name, [row.ping for row in rows])

    async def _apply_all_of_an_edit(self, applied: list[Entry[Any]]) -> bool:
        """Evaluate vehicles against an edit before it is committed: all of it is stored, or none. Was that everybody?

        Where it would take long the rest follows in slices, and the store is asked now whether it has room for them.
        """
        edit = applied[0] if applied else None
        if not isinstance(edit, Edit):
            return False
        assert edit.step is not None  # an edit is refused, or does something
        seen = made = 0
        while seen < WITH_IT and made < EVENTS_WITH_IT:
            seen += self._evaluation.slice
            own = Own(edit.now, self._evaluation.step)
            own.step = own.decide(self._fleet)
            if own.step is None:
                return True
            made += len(own.step.commit.events)
            applied.append(own)
            await asyncio.sleep(0)
        edit.step.commit.room = min(len(self._fleet.vehicles) * ROOM_A_VEHICLE, ROOM_MOST)
        return False

    async def _look_at_store(self) -> None:
        """Before a success that stores nothing, as of a duplicate: what it says is stored has to be there still."""
        with suppress(StoreFull):  # there it is
            await self._store.ping()

    async def _commit(self, commit: Commit) -> list[Event]:
        began = time.perf_counter()
        if self._fleet.unkept:  # a replay decides by the settings there were
            commit.meta[SETTINGS] = msgspec.json.encode(self._fleet.settings_log).decode()
        try:
            events = await self._store.commit(commit)
        except StoreError:
            self._failures += 1
            raise
        self._fleet.unkept = False
        self._commits += 1
        self._commit_s += time.perf_counter() - began
        self._events += len(events)
        return events

    # ------------------------------------------------------------------------------------- what other nodes did, and we

    def _followed(self, sharing: Sharing, deed: Deed[Any], commit: Commit) -> None:
        """It is committed: what others decide from now on comes after it."""
        if isinstance(deed, Follow):
            sharing.following.did(deed.place, lasts=deed.deed.lasts)
        elif commit.deed:
            sharing.following.did(commit.deed.after + 1, lasts=commit.deed.lasts)
        self._evaluation.go_on()  # nobody has seen it before all of ours have
        if self._evaluation.is_settled:
            sharing.settled()

    async def _try_again(self, entries: list[Entry[Any]]) -> bool:
        """Somebody at another node was quicker: what they did comes first, then this is decided anew."""
        (deed,) = entries
        assert isinstance(deed, Deed), "only a deed is outrun"
        deed.tries += 1
        if deed.tries > MOST_TRIES or self._stopping.is_set():
            return False
        try:
            await self._restore()
        except Exception as fault:
            log.debug("could not go back to what is stored: %s", fault)
            return False
        self._inbox.put_back(entries)
        return True

    async def _restore(self) -> None:
        loaded = await self._store.load()
        if self._sharing:
            loaded = self._sharing.own_part(loaded)
        self._fleet.restore(loaded, self.now())
        if self._sharing:
            self._sharing.following.went_back(loaded.deed)
        self._evaluation.go_on()

    async def _reload(self, vehicles: list[str]) -> None:
        saved = await self._store.reload(vehicles)
        if self._sharing:
            saved = [one for one in saved if self._sharing.ownership.has(one.vehicle)]
        self._fleet.forget_vehicles(vehicles, saved)

    # ------------------------------------------------------------------------------------------------------ going back

    async def _go_back(self, entries: list[Entry[Any]], applied: list[Entry[Any]], error: Exception | None) -> None:
        """A commit failed: the fleet forgets what it was told since the last one, the senders are told `error`."""
        self._patience = asyncio.get_running_loop().time() + PAUSE_S
        if isinstance(error, StoreError):
            self._evaluation.interrupt(error)
        if self._sharing:
            self._sharing.ownership.hurry()
        vehicles = {ping.vehicle for entry in entries for ping in entry.pings}
        only_pings = all(entry.pings for entry in entries)
        while True:
            try:
                if only_pings:
                    await self._reload(sorted(vehicles))
                elif applied:
                    await self._restore()
                self._evaluation.go_on()
                if self._down is not None:
                    log.warning("what is stored can be read again: positions are taken")
                self._down = None
                _fail(entries, error)
                return
            except Exception as fault:
                if self._down is None:
                    why = None if isinstance(fault, TrackerError) else fault
                    text = "cannot go back to what is stored (%s); refusing everything until it works"
                    log.error(text, fault, exc_info=why)
                unreadable = (
                    fault if isinstance(fault, StoreError) else StoreError(f"What is stored is unclear: {fault}.")
                )
                self._down, only_pings = unreadable, False
                self._evaluation.let_all_come()  # edits that wait for their turn are refused as well
                _fail(entries, error)
                while self._inbox:
                    _fail(self._inbox.take_entries(MOST), unreadable)
            if self._stopping.is_set():
                return
            try:
                async with asyncio.timeout(PAUSE_S):
                    await self._stopping.wait()
            except TimeoutError:
                continue


def _not_before(time: int, now: int) -> int:
    """`now`, unless that is a little before: where somebody set the clock back, it is as it is."""
    return time if now < time <= now + SET_MS else now


def _fail(entries: list[Entry[Any]], error: Exception | None) -> None:
    for entry in entries:
        if error is not None:
            entry.fail(error)
