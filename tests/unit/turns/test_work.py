"""Work that takes long: one at a time, watched while it lasts."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.support.waiting import deadline, until
from tracker.errors import InTheWay, NotFound, TrackerError
from tracker.turns.work import Told, Work

ANYTIME_S = deadline(30)
ENDED = 7000


class Steps:
    """Tells how far it is as a test says so, and ends or fails when it is let."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.shares: asyncio.Queue[float | None] = asyncio.Queue()
        self.fault = fault
        self.told = 0

    async def __call__(self, tell: Told) -> None:
        while (share := await self.shares.get()) is not None:
            tell(share)
            self.told += 1
        if self.fault:
            raise self.fault


def document(state: str, progress: float, error: dict[str, Any] | None = None) -> dict[str, Any]:
    ended_at = "1970-01-01T00:00:07.000Z" if state in ("done", "failed", "given_up") else None
    return {"state": state, "progress": progress, "ended_at": ended_at, "error": error}


def ours(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "tracker.turns.work"]


async def ended(work: Work) -> None:
    await until(lambda: not work.is_working, "the end of the work")


async def test_work_tells_how_far_it_is_until_it_is_done() -> None:
    work, steps = Work("packing", lambda: ENDED), Steps()
    assert work.document() == document("none", 0.0)
    work.begin(steps)
    assert work.is_working and work.document() == document("working", 0.0)
    steps.shares.put_nowait(1 / 3)
    await until(lambda: steps.told == 1)
    assert work.document() == document("working", 0.333)
    steps.shares.put_nowait(None)
    await ended(work)
    assert work.document() == document("done", 1.0)


async def test_who_watches_is_woken_by_each_step_and_by_the_end() -> None:
    work, steps = Work("packing", lambda: ENDED), Steps()
    await work.move(ANYTIME_S)  # nothing is under way: there is nothing to wait for
    work.begin(steps)
    seen = []
    for share in (0.25, 0.5, None):
        waits = asyncio.create_task(work.move(ANYTIME_S))
        await asyncio.sleep(0)  # it waits from here on
        steps.shares.put_nowait(share)
        await waits
        seen.append((work.state, work.progress))
    assert seen == [("working", 0.25), ("working", 0.5), ("done", 1.0)]


async def test_who_watches_work_that_stands_still_waits_no_longer_than_it_said() -> None:
    work = Work("packing", lambda: ENDED)
    work.begin(Steps())
    await work.move(0.001)
    assert work.document() == document("working", 0.0)
    await work.give_up()


async def test_a_second_work_has_to_wait_for_the_end_of_the_first() -> None:
    work, steps = Work("packing", lambda: ENDED), Steps()
    work.begin(steps)
    with pytest.raises(InTheWay, match="one packing under way") as raised:
        work.begin(Steps())
    assert raised.value.code == "at_work"
    steps.shares.put_nowait(0.5)
    steps.shares.put_nowait(None)
    await ended(work)
    work.begin(Steps())
    assert work.document() == document("working", 0.0), "it begins anew"
    await work.give_up()


async def test_a_fault_of_ours_is_told_as_it_is_and_is_gone_with_the_next_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    work, steps = Work("packing", lambda: ENDED), Steps(NotFound("unknown_vehicle", "there is no vehicle van-7"))
    work.begin(steps)
    steps.shares.put_nowait(0.75)
    steps.shares.put_nowait(None)
    await ended(work)
    error = {"code": "unknown_vehicle", "detail": "there is no vehicle van-7"}
    assert work.document() == document("failed", 0.75, error)
    assert not ours(caplog)
    work.begin(Steps())
    assert work.document() == document("working", 0.0)
    await work.give_up()


async def test_any_other_fault_is_for_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    work, steps = Work("packing", lambda: ENDED), Steps(OSError("/var/lib is full"))
    work.begin(steps)
    steps.shares.put_nowait(None)
    await ended(work)
    assert work.state == "failed"
    assert isinstance(work.fault, TrackerError) and work.fault.code == "work_failed"
    assert "/var/lib" not in work.fault.detail
    [record] = ours(caplog)
    assert record.levelno == logging.ERROR and record.getMessage() == "the packing failed"
    assert record.exc_info and record.exc_info[1] is steps.fault


async def test_work_that_is_given_up_keeps_what_it_did_and_wakes_who_watches() -> None:
    work, steps = Work("packing", lambda: ENDED), Steps()
    await work.give_up()
    assert work.state == "none", "there was nothing to give up"
    work.begin(steps)
    steps.shares.put_nowait(0.5)
    await until(lambda: steps.told == 1)
    waits = asyncio.create_task(work.move(ANYTIME_S))
    await asyncio.sleep(0)
    await work.give_up()
    await waits
    assert work.document() == document("given_up", 0.5)
    await work.give_up()
    assert work.state == "given_up"
