"""Telling: what nodes say to each other on the bus. Positions and that there is something; all else is in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import msgspec

from tracker.model.change import Change, VehicleState
from tracker.model.events import Event
from tracker.model.picture import Picture

LATE_MS = 60_000  #: for so long it is known of whom a late word may come
WORD_S = 0.05  #: how long an event waits for the word of where its vehicle was, which comes on another way
MOST = 20_000  #: events of which that has come


class Telling:
    def __init__(
        self, picture: Picture, now: Callable[[], int], on_deed: Callable[[int], None], on_events: Callable[[], None]
    ) -> None:
        """`on_deed`: there is one at this place; `on_events`: there are some that may have no number yet."""
        self._picture = picture
        self._now = now
        self._on_deed = on_deed
        self._on_events = on_events
        self._removed: dict[str, int] = {}  # and when we heard of it
        self._placed: dict[str, None] = {}  # events of which it is known where their vehicles were
        self._word = asyncio.Event()

    def parts(self, change: Change) -> tuple[Change | None, bool, Change | None]:
        """What only this node is told, as all others follow it by themselves; whether before what all are told; that.

        A vehicle that goes is told where it went before it is gone, one in a new region once that is known."""
        self.note_removed(change.removed)
        told = Change(moved=change.moved, unnumbered=change.unnumbered, deed=change.deed)
        here = msgspec.structs.replace(change, moved=[], unnumbered=[], deed=0)
        return (
            here if here != Change() else None,
            not change.removed,
            told if told != Change() else None,
        )

    def hear_change(self, change: Change) -> None:
        """Take out what is older than what is known: a node that was overtaken may speak late."""
        if change.moved:
            change.moved = [state for state in change.moved if self._is_news(state)]
        if change.unnumbered:
            self._placed |= dict.fromkeys(event.id for event in change.unnumbered)
            while len(self._placed) > MOST:
                del self._placed[next(iter(self._placed))]
            self._word.set()
            self._on_events()
        if change.deed:
            self._on_deed(change.deed)

    async def placed(self, events: Iterable[Event]) -> None:
        """Return when it is known where the vehicles of all of these were, or a moment later: they have their numbers,
        and who may see some of them that depends on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WORD_S):
                for event in events:
                    while event.id not in self._placed:
                        self._word.clear()
                        await self._word.wait()

    def note_removed(self, vehicles: list[str]) -> None:
        if vehicles:
            now = self._now()
            self._removed = {name: at for name, at in self._removed.items() if now - at < LATE_MS}
            self._removed |= dict.fromkeys(vehicles, now)

    def _is_news(self, state: VehicleState) -> bool:
        known = self._picture.vehicles.get(state.ping.vehicle)
        if known is not None:
            return state.received_at >= known.received_at
        return state.received_at > self._removed.get(state.ping.vehicle, -1)
