"""Kept: the processes in which regions are dragged at this moment, one for each person and region. Who is overtaken by
a newer shape is told so; who drags nothing any more gives room to others."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress

import msgspec

from tracker.errors import InTheWay, Overloaded, TrackerError
from tracker.replay.rehearsing.worker import Move, Order, Said, length_of, packed

AT_ONCE = 2
IDLE_MS = 60_000  #: then its process ends
PAUSE_MS = 5_000  #: then it may end for somebody else's
FRESH_MS = 600_000  #: yesterday is that of then; after so long it is read again
SOON_S = 5  #: who finds no room comes again

Key = tuple[str | None, str]  # who, and which region


class _Session:
    def __init__(self, order: Order, stamp: int, now: int) -> None:
        self.order, self.stamp = order, stamp
        self.asked_at = now
        self.lock = asyncio.Lock()
        self.newest = 0
        self._child: asyncio.subprocess.Process | None = None

    async def exchange(self, move: Move) -> Said:
        """Raises TrackerError when the process went away."""
        try:
            if self._child is None:
                self._child = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "tracker.replay.rehearsing.worker"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                self._tell(packed(self.order))
            self._tell(packed(move))
            out = self._child.stdout
            assert out is not None
            return msgspec.json.decode(await out.readexactly(length_of(await out.readexactly(4))), type=Said)
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
            await self.end()
            raise TrackerError("rehearsal_failed", "the process that tried the region went away; try again") from None

    def _tell(self, message: bytes) -> None:
        assert self._child is not None and self._child.stdin is not None
        self._child.stdin.write(message)

    async def end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()


class Rehearsals:
    def __init__(self, store: str, clock: Callable[[], int], steady: Callable[[], int]) -> None:
        """`store`: URL. Both clocks in ms."""
        self._store, self._clock, self._steady = store, clock, steady
        self._sessions: dict[Key, _Session] = {}
        self._under_way: set[asyncio.Task[Said]] = set()

    async def move(self, key: Key, stamp: int, move: Move) -> Said:
        """`stamp`: another one, and nothing of before is of use. Raises InTheWay, Overloaded, TrackerError."""
        session, over = self._session(key, stamp)
        if over is not None:
            await over.end()
        session.newest += 1
        task = asyncio.create_task(self._exchange(session, session.newest, move), name="rehearse")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)  # who goes away leaves no half of an answer behind

    async def _exchange(self, session: _Session, number: int, move: Move) -> Said:
        async with session.lock:
            if number != session.newest:
                raise InTheWay("overtaken", "a newer shape of this region was sent: its answer counts")
            try:
                return await session.exchange(move)
            finally:
                session.asked_at = self._steady()

    def _session(self, key: Key, stamp: int) -> tuple[_Session, _Session | None]:
        """And which has to go for it."""
        now = self._steady()
        session, over = self._sessions.get(key), None
        if session is not None and not session.lock.locked() and self._is_stale(session, stamp):
            over, session = self._sessions.pop(key), None
        if session is None:
            if len(self._sessions) >= AT_ONCE:
                over = self._sessions.pop(self._free(key, now))
            session = self._sessions[key] = _Session(Order(self._store, self._clock()), stamp, now)
        session.asked_at = now
        return session, over

    def _is_stale(self, session: _Session, stamp: int) -> bool:
        return session.stamp != stamp or self._clock() - session.order.now > FRESH_MS

    def _free(self, key: Key, now: int) -> Key:
        """Raises Overloaded."""
        for other, session in self._sessions.items():
            if not session.lock.locked() and (other[0] == key[0] or now - session.asked_at >= PAUSE_MS):
                return other
        raise Overloaded("others are trying regions on yesterday; try again in a few seconds", SOON_S)

    async def end_idle(self, _now: int) -> None:
        now = self._steady()
        for key, session in list(self._sessions.items()):
            if now - session.asked_at >= IDLE_MS and not session.lock.locked():
                await self._end(key)

    async def close(self) -> None:
        for key in list(self._sessions):
            await self._end(key)
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _end(self, key: Key) -> None:
        if (session := self._sessions.pop(key, None)) is not None:
            await session.end()
