"""Reel: the tracks of all vehicles somebody may see, in the order of their ids, some vehicles at a time.

They are read, and looked at, in the threads that read the store. Who may not see everything is asked for as a whole,
and only those of whom something may be told are read: the time it takes says nothing of others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar

import numpy as np

from tracker.history.film.frames import Told, admitted
from tracker.history.story.corrections import Span, right
from tracker.history.visits import Shown, Visits
from tracker.model.columns import SILENT_MS, Tracks
from tracker.stores import Store
from tracker.turns.slices import batched, in_slices

DAY_MS = 86_400_000
DAYS = 96  #: of vehicles, read at once
SAMPLES = 1 << 16  #: made at once
TOGETHER = 512  #: vehicles at most
AT_ONCE = 500  #: that are looked at on the loop, unless it takes long

T = TypeVar("T")
Names = Callable[[str], bool]
Wrong = Callable[[str], Sequence[Span]]  #: when the fixes of a vehicle are


class Reel:
    def __init__(
        self,
        store: Store,
        span: tuple[int, int],
        columns: int,
        shown: Shown | None,
        wrong: Wrong = lambda _id: (),
    ) -> None:
        """Fixes of since <= time < until, and the one before; of each vehicle so many things will be made. `shown`: for
        whoever may not see everything; `wrong`: when the fixes of a vehicle are, which are left out."""
        self._store, self._span, self._columns, self._shown, self._wrong = store, span, columns, shown, wrong

    async def looked_at(
        self, asks: Names, after: str | None, look: Callable[[list[str], Tracks, Told | None], T]
    ) -> AsyncGenerator[T, None]:
        """What `look`, asked in a thread, makes of those that are asked for, from the vehicle `after` on."""
        numbers = await self._store.numbers()
        visits = await self._visits(numbers)
        known = sorted(numbers) if visits is None else list(visits)
        ids = [id async for id in in_slices(known, AT_ONCE) if (after is None or id > after) and asks(id)]
        shares = [list(some) for some in batched(ids, self._share())]

        def look_at(at: int, tracks: Tracks) -> T:
            told = None
            tracks = self._right(shares[at], tracks)
            if visits is not None:
                tracks, told = admitted(tracks, [visits[id] for id in shares[at]])
            return look(shares[at], tracks, told)

        wanted = [[numbers[id] for id in share] for share in shares]
        async with aclosing(self._store.tracks(wanted, *self._span, look_at)) as read:
            async for made in read:
                yield made

    async def _visits(self, numbers: dict[str, int]) -> dict[str, Visits] | None:
        """Of those of whom something may be told, by id. None: everything of everybody."""
        if self._shown is None:
            return None
        since, until = self._span[0] - SILENT_MS, self._span[1]
        of = await self._shown.everybody(since)
        seen = {id: of(id) async for id in in_slices(sorted(numbers))}
        return {id: one for id, one in seen.items() if one and one.cut(since, until)}

    def _right(self, ids: list[str], tracks: Tracks) -> Tracks:
        wrong = [(at, spans) for at, id in enumerate(ids) if (spans := self._wrong(id))]
        if not wrong:
            return tracks
        kept = np.ones(len(tracks.time), np.bool_)
        for at, spans in wrong:
            mine = slice(*tracks.begins[at : at + 2].tolist())
            kept[mine] = right(tracks.time[mine], spans)
        return tracks.kept(kept)

    def _share(self) -> int:
        span = max(1, self._span[1] - self._span[0])
        return max(1, min(TOGETHER, DAYS * DAY_MS // span, SAMPLES // self._columns))
