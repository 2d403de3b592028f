"""Of large imports one is read at a time, and the others wait as small as they can be."""

from __future__ import annotations

import asyncio
import weakref

from tests.support.waiting import until
from tracker.web.api.imports import Turn
from tracker.web.ingest.bodies import SMALL


class Large(bytearray):
    """Somebody may watch when it is gone."""


async def test_a_large_body_waits_packed_and_comes_back_whole() -> None:
    lock = asyncio.Lock()
    bodies = [Large(b"abc" * SMALL)]
    held = weakref.ref(bodies[0])
    with Turn(lock) as second:
        with Turn(lock) as first:
            await first.take_turn()
            waiting = asyncio.create_task(second.admit(bodies.pop()))
            await until(lambda: held() is None, "the body is packed and given up while another is read")
            assert not waiting.done()
        assert await waiting == b"abc" * SMALL
        assert lock.locked()
    assert not lock.locked()


async def test_a_small_body_waits_for_nobody() -> None:
    lock = asyncio.Lock()
    with Turn(lock) as first, Turn(lock) as second:
        await first.take_turn()
        await first.take_turn()
        assert await second.admit(b"{}") == b"{}"
    assert not lock.locked()


async def test_who_gives_up_while_waiting_leaves_the_turn_to_others() -> None:
    lock = asyncio.Lock()
    with Turn(lock) as first:
        await first.take_turn()
        with Turn(lock) as second:
            waiting = asyncio.create_task(second.admit(bytearray(SMALL + 1)))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    assert not lock.locked()
