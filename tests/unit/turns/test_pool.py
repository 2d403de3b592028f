"""Heavy work takes turns, waits in a queue that can be full, and gives way after every few things."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tracker.errors import Overloaded
from tracker.turns import slices
from tracker.turns.pool import Pool
from tracker.turns.slices import ROWS, in_slices
from tracker.web.server.answers import encoded


async def test_only_so_many_run_some_wait_and_one_too_many_is_told_to_come_again() -> None:
    pool, go, begun = Pool(2, 3), asyncio.Event(), list[int]()

    async def work(number: int) -> None:
        async with pool.turn():
            begun.append(number)
            await go.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert begun == [0, 1]
    assert pool.statistics()[:2] == (2, 3)
    refused = asyncio.create_task(work(5))
    await asyncio.sleep(0)
    go.set()
    [fault] = await asyncio.gather(refused, return_exceptions=True)
    assert isinstance(fault, Overloaded)
    assert fault.retry_after >= 1
    await asyncio.gather(*tasks)
    assert begun == [0, 1, 2, 3, 4]
    assert pool.statistics()[:4] == (0, 0, 5, 1)


async def test_of_one_kind_there_is_one_at_a_time_and_it_keeps_no_others_waiting() -> None:
    pool, alone, go, begun = Pool(2, 2), asyncio.Lock(), asyncio.Event(), list[str]()

    async def work(name: str, kind: asyncio.Lock | None) -> None:
        async with pool.turn(kind):
            begun.append(name)
            await go.wait()

    tasks = [asyncio.create_task(work(name, alone)) for name in ("first", "second", "third")]
    tasks.append(asyncio.create_task(work("other", None)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert begun == ["first", "other"]
    with pytest.raises(Overloaded):
        await work("fourth", alone)
    go.set()
    await asyncio.gather(*tasks)
    assert begun == ["first", "other", "second", "third"]


async def test_one_that_is_given_up_while_it_waits_leaves_its_place() -> None:
    pool = Pool(1, 1)
    async with pool.turn():
        waiting = asyncio.create_task(pool.run(len, "abc"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert pool.statistics().waiting == 0
    assert await pool.run(len, "abc") == 3


async def test_others_have_their_turn_after_every_few_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_S", 3600)  # on the fastest of machines
    done, between = 0, list[int]()

    async def other() -> None:
        while done < 1000:
            between.append(done)
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await asyncio.sleep(0)
    async for _ in in_slices(range(1000)):
        done += 1
    await beside
    assert len(between) >= 1000 // ROWS
    assert max(after - before for before, after in pairwise(between)) <= ROWS


async def test_a_slow_thing_is_a_slice_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_S", -1)  # on the slowest
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    assert await encoded(range(20), str) == [b'"%d"' % n for n in range(20)]
    beside.cancel()
    assert turns >= 20
