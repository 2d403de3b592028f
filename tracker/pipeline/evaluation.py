"""Evaluation: an edit goes round all vehicles, a slice at a time; whoever made it waits until all have seen it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from copy import copy
from typing import Any

from tracker.errors import StoreError
from tracker.fleet.fleet import Fleet, Step
from tracker.pipeline.entries.inbox import Edit

SLICE = 200  #: vehicles evaluated before others have their turn; fewer when that takes too long
SLICE_S = 0.005  #: … than this


class Evaluation:
    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._slice = SLICE
        self._waiting: list[Edit[Any]] = []
        self.on_settled: Callable[[], None] = lambda: None
        self._settled = asyncio.Event()  # every vehicle was evaluated against the newest edit

    @property
    def is_settled(self) -> bool:
        return self._settled.is_set()

    @property
    def slice(self) -> int:
        """How many vehicles the next step evaluates."""
        return self._slice

    async def settled(self) -> None:
        """The newest edit has been seen by all, or the next may come all the same: to be refused."""
        await self._settled.wait()

    def let_all_come(self) -> None:
        self._settled.set()

    def begin_edit(self, edit: Edit[Any]) -> None:
        """It is stored, and goes round."""
        self._settled.clear()
        self._waiting.append(edit)

    def go_on(self) -> None:
        """After the fleet went back, somebody may have to be evaluated again."""
        if self._fleet.is_evaluating or self._waiting:
            self._settled.clear()

    def step(self, fleet: Fleet, _now: int) -> Step | None:
        """The next slice. How large it is changes no event, so it follows how long they take."""
        began = time.thread_time()  # who shares the machine makes nothing better by smaller slices
        step = fleet.evaluate(self._slice)
        took = time.thread_time() - began
        if took > SLICE_S:
            self._slice = max(self._slice // 2, 10)
        elif took < SLICE_S / 2:
            self._slice = min(self._slice * 2, SLICE)
        return step

    def stored(self) -> None:
        """What the last steps did is: if they were the last, whoever made the edit hears of it."""
        if not self._fleet.is_evaluating:
            self._settled.set()
            for edit in self._waiting:
                edit.resolve()
            self._waiting.clear()
            self.on_settled()

    def interrupt(self, error: StoreError) -> None:
        """The edit is stored, and goes on going round by itself: nobody need wait for a disk to get room."""
        told = copy(error)
        told.detail = f"The region is stored; what it changes follows when the store works again. {error.detail}"
        self._leave(told)

    def stop(self) -> None:
        self._leave(StoreError("The region is stored; it takes effect everywhere after the restart."))

    def _leave(self, error: StoreError) -> None:
        for edit in self._waiting:
            edit.fail(error)
        self._waiting.clear()
