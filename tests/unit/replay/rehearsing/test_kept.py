"""Regions in hands: two at once, the newest shape counts, and nobody's process stays when they are done."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from tests.support.waiting import until
from tracker.errors import InTheWay, Overloaded, TrackerError
from tracker.replay.rehearsing import kept
from tracker.replay.rehearsing.kept import FRESH_MS, IDLE_MS, PAUSE_MS, Rehearsals
from tracker.replay.rehearsing.worker import Move, Said

ANN, BOB = ("ann", "yard"), ("bob", "yard")


class Hands:
    """Rehearsals whose processes are none: an answer waits until it may come."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000
        self.may = asyncio.Event()
        self.may.set()
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.answered: list[int] = []
        self.rehearsals = Rehearsals("sqlite:nowhere", lambda: self.now, lambda: self.now)

        async def exchange(session: Any, move: Move) -> Said:
            if session not in self.begun:
                self.begun.append(session)
            await self.may.wait()
            self.answered.append(move.most)
            return Said(detail=str(move.most))

        async def end(session: Any) -> None:
            self.ended.append(session)

        monkeypatch.setattr(kept._Session, "exchange", exchange)
        monkeypatch.setattr(kept._Session, "end", end)

    async def move(self, key: tuple[str, str], number: int = 0, stamp: int = 1) -> str:
        return (await self.rehearsals.move(key, stamp, Move({}, False, number))).detail


@pytest.fixture
async def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)


async def test_a_shape_that_waits_is_overtaken_by_a_newer_one(hands: Hands) -> None:
    hands.may.clear()
    first = asyncio.create_task(hands.move(ANN, 1))
    await until(lambda: bool(hands.begun))
    second, third = (asyncio.create_task(hands.move(ANN, number)) for number in (2, 3))
    await until(lambda: len(hands.rehearsals._under_way) == 3)
    hands.may.set()
    assert await first == "1"
    with pytest.raises(InTheWay, match="newer shape"):
        await second
    assert await third == "3"
    assert len(hands.begun) == 1


async def test_who_goes_away_leaves_the_next_shape_its_process(hands: Hands) -> None:
    hands.may.clear()
    gone = asyncio.create_task(hands.move(ANN, 1))
    await until(lambda: bool(hands.begun))
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    hands.may.set()
    assert await hands.move(ANN, 2) == "2"
    assert hands.answered == [1, 2]
    assert len(hands.begun) == 1 and not hands.ended


async def test_two_regions_are_dragged_at_once_and_a_third_comes_again_in_a_few_seconds(hands: Hands) -> None:
    await hands.move(ANN)
    await hands.move(BOB)
    with pytest.raises(Overloaded) as fault:
        await hands.move(("cid", "yard"))
    assert fault.value.retry_after == kept.SOON_S
    await hands.move(("ann", "depot"))  # one's own gives way at once
    assert hands.ended == hands.begun[:1]
    hands.now += PAUSE_MS
    await hands.move(("cid", "yard"))
    assert len(hands.ended) == 2


async def test_a_region_that_was_saved_or_a_yesterday_that_grew_old_is_read_again(hands: Hands) -> None:
    await hands.move(ANN, stamp=1)
    await hands.move(ANN, stamp=1)
    assert len(hands.begun) == 1
    await hands.move(ANN, stamp=2)
    assert (len(hands.begun), len(hands.ended)) == (2, 1)
    hands.now += FRESH_MS + 1
    await hands.move(ANN, stamp=2)
    assert (len(hands.begun), len(hands.ended)) == (3, 2)


async def test_a_process_ends_when_nothing_is_dragged_any_more_and_when_the_server_stops(hands: Hands) -> None:
    await hands.move(ANN)
    await hands.rehearsals.end_idle(0)
    assert not hands.ended
    hands.now += IDLE_MS
    await hands.rehearsals.end_idle(0)
    assert hands.ended == hands.begun
    await hands.move(BOB)
    await hands.rehearsals.close()
    assert len(hands.ended) == 2


async def test_a_process_that_dies_is_told_and_the_next_shape_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    rehearsals = Rehearsals("sqlite:nowhere", lambda: 0, lambda: 0)
    for _ in range(2):
        with pytest.raises(TrackerError, match="try again"):
            await rehearsals.move(ANN, 1, Move({}, False, 0))
    await rehearsals.close()
