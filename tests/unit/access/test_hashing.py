from __future__ import annotations

import asyncio
import os
import sys
import threading

import pytest

from tests.support.waiting import deadline
from tracker.access import passwords
from tracker.access.hashing import MOST_STRANGERS, MOST_WAITING, NICE, Hashing
from tracker.errors import Overloaded


async def test_a_password_matches_its_own_and_nobody_has_one() -> None:
    hashing = Hashing()
    kept = await hashing.hash("two blue vans")
    assert await hashing.matches("two blue vans", kept)
    assert not await hashing.matches("two blue van", kept)
    assert not await hashing.matches("two blue vans", None)
    hashing.close()


async def test_a_crowd_is_told_to_come_again_and_takes_one_turn_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, threads = threading.Event(), set()

    def slow(password: str) -> str:
        threads.add(threading.current_thread().name)
        gate.wait(deadline(20))
        return password

    monkeypatch.setattr(passwords, "hash_password", slow)
    hashing = Hashing()
    waiting = [asyncio.ensure_future(hashing.hash(str(n))) for n in range(MOST_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await hashing.hash("one too many")
    gate.set()
    assert await asyncio.gather(*waiting) == [str(n) for n in range(MOST_WAITING)]
    assert len(threads) == 1
    assert await hashing.hash("there is room again")
    hashing.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has no priority of its own")
async def test_looking_at_a_password_gives_way_to_every_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(_password: str) -> str:
        return str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    monkeypatch.setattr(passwords, "hash_password", at)
    hashing = Hashing()
    ours = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert int(await hashing.hash("")) == max(ours, NICE)
    hashing.close()


async def test_a_crowd_of_strangers_leaves_room_for_who_has_been_here_before(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr(passwords, "nobodys", lambda: "")
    monkeypatch.setattr(passwords, "matches", lambda *_: gate.wait(deadline(20)))
    hashing = Hashing()
    try:
        crowd = [asyncio.ensure_future(hashing.matches("x", "kept", known=False)) for _ in range(MOST_STRANGERS)]
        one_more = asyncio.ensure_future(hashing.matches("x", "kept", known=False))
        owner = asyncio.ensure_future(hashing.matches("mine", "kept", known=True))
        await asyncio.sleep(0)
        assert one_more.done()
        assert isinstance(one_more.exception(), Overloaded)
        assert not owner.done(), "it waits its turn"
    finally:
        gate.set()
    assert all(await asyncio.gather(owner, *crowd))
    hashing.close()
