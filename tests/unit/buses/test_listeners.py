from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tracker.buses import Gap, Heard, listeners
from tracker.buses.listeners import Listeners
from tracker.model.change import Change


def named(name: str) -> Change:
    return Change(removed=[name])


async def next_of(heard: AsyncIterator[Heard]) -> str | Gap:
    what = await asyncio.wait_for(anext(heard), 5)
    return what if isinstance(what, Gap) else what.removed[0]


async def test_after_a_gap_nothing_of_others_is_told_until_it_was_taken() -> None:
    all = Listeners()
    heard = all.listen()
    all.overhear(named("1"), 10, Gap(0))
    all.miss(Gap(5))
    all.miss(Gap(9))
    assert all.overhear(named("2"), 10, Gap(0)) == 0
    own = asyncio.create_task(all.hear(named("own")))
    await asyncio.sleep(0)
    assert [await next_of(heard) for _ in range(3)] == ["1", Gap(5), "own"]
    all.overhear(named("3"), 10, Gap(0))
    assert await next_of(heard) == "3"
    await own


async def test_a_listener_that_is_behind_loses_what_others_say_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MOST", 100)
    all = Listeners()
    heard = all.listen()
    assert [all.overhear(named(str(number)), 60, Gap(7)) for number in range(3)] == [0, 1, 0]
    assert [await next_of(heard) for _ in range(2)] == ["0", Gap(7)]
    assert all.overhear(named("large"), 1000, Gap(7)) == 0  # one alone is always taken
    assert await next_of(heard) == "large"


async def test_who_waits_for_a_listener_that_leaves_waits_no_longer() -> None:
    all = Listeners()
    heard = all.listen()
    own = [asyncio.create_task(all.hear(named(str(number)))) for number in range(3)]
    assert await next_of(heard) == "0"
    await heard.aclose()  # type: ignore[attr-defined]
    await asyncio.wait_for(asyncio.gather(*own), 5)


async def test_a_listener_waits_for_what_comes() -> None:
    all = Listeners()
    heard = all.listen()
    waiting = asyncio.create_task(next_of(heard))
    await asyncio.sleep(0)
    all.overhear(named("late"), 1, Gap(0))
    assert await waiting == "late"


async def test_who_gave_up_waiting_is_not_told() -> None:
    all = Listeners()
    heard = all.listen()
    own = asyncio.create_task(all.hear(named("0")))
    await asyncio.sleep(0)
    own.cancel()
    await asyncio.gather(own, return_exceptions=True)
    assert await next_of(heard) == "0"
    all.end()
    with pytest.raises(StopAsyncIteration):
        await anext(heard)
