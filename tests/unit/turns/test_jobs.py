"""What the server does by itself, told by clocks that a test moves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from tests.support.waiting import deadline, until
from tracker.errors import StoreError
from tracker.turns.jobs import Job, Jobs

NOON = 1_790_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ms = 0

    def __call__(self) -> int:
        return self.ms


class Work:
    """Counts its rounds; may fail, or wait until it is let go on."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.fails = False
        self.fault: Exception = OSError("no such luck")
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def __call__(self, now: int) -> None:
        self.times.append(now)
        await self.go_on.wait()
        if self.fails:
            raise self.fault


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def jobs(clock: Clock) -> AsyncIterator[Jobs]:
    jobs = Jobs(lambda: NOON + clock.ms, clock)
    yield jobs
    await jobs.stop()


async def pass_time(jobs: Jobs, clock: Clock, seconds: float) -> float | None:
    """Second by second, each round ended before the next. Answers how long nothing is due then."""
    for _ in range(round(seconds * 10)):
        clock.ms += 100
        jobs.begin_due()
        await jobs.finish_begun()
    return jobs.begin_due()


async def test_a_round_comes_when_its_time_has_and_is_told_the_time(jobs: Jobs, clock: Clock) -> None:
    rare, often, first = Work(), Work(), Work()
    jobs.add_job(Job("rare", 60, rare))
    jobs.add_job(Job("often", 0.4, often))
    jobs.add_job(Job("first", 60, first, at_once=True))
    assert await pass_time(jobs, clock, 59) == pytest.approx(0.2)
    assert (rare.times, len(first.times)) == ([], 1)
    assert len(often.times) in range(140, 149)
    await pass_time(jobs, clock, 1)
    assert rare.times == [NOON + 60_000]


async def test_the_time_between_rounds_counts_from_the_end_of_one(jobs: Jobs, clock: Clock) -> None:
    work = Work()
    jobs.add_job(Job("slow", 10, work))
    work.go_on.clear()
    clock.ms = 10_000
    jobs.begin_due()
    await until(lambda: work.times)
    clock.ms = 45_000
    assert jobs.begin_due() is None, "it is under way: nobody knows when it is due"
    work.go_on.set()
    await jobs.finish_begun()
    assert jobs.begin_due() == 10
    assert work.times == [NOON + 10_000]


async def test_one_that_takes_long_keeps_no_other(jobs: Jobs, clock: Clock) -> None:
    slow, quick = Work(), Work()
    slow.go_on.clear()
    jobs.add_job(Job("slow", 1, slow))
    jobs.add_job(Job("quick", 1, quick))
    for _ in range(5):
        clock.ms += 1000
        jobs.begin_due()
        await until(lambda: len(quick.times) == clock.ms // 1000)
    assert len(slow.times) == 1


async def test_a_fault_is_logged_counted_and_tried_again_ever_later(
    jobs: Jobs, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.fails = True
    jobs.add_job(Job("retention", 3600, work))
    await pass_time(jobs, clock, 3600 + 32)
    begun = [(time - NOON) / 1000 - 3600 for time in work.times]
    assert begun == [0, 1, 3, 7, 15, 31]
    assert jobs.statistics() == (6, 6, 1)
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in told] == [
        f"the job 'retention' failed, {times} in a row: no such luck" for times in (1, 2, 4)
    ]
    assert told[0].exc_info
    work.fails = False
    await pass_time(jobs, clock, 32)
    assert jobs.statistics() == (7, 6, 0)
    assert jobs.begin_due() == pytest.approx(3600, abs=40), "all is well: it comes in its time"


async def test_a_fault_that_says_all_there_is_to_say_is_logged_in_a_line(
    jobs: Jobs, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.fails, work.fault = True, StoreError("the database is away")
    jobs.add_job(Job("compact", 60, work, at_once=True))
    await pass_time(jobs, clock, 1)
    (told,) = caplog.records
    assert (told.getMessage(), told.exc_info) == ("the job 'compact' failed, 1 in a row: the database is away", None)


async def test_a_job_that_comes_often_is_tried_again_as_often(jobs: Jobs, clock: Clock) -> None:
    work = Work()
    work.fails = True
    jobs.add_job(Job("look", 0.4, work))
    await pass_time(jobs, clock, 40)
    assert len(work.times) in range(90, 101)


async def test_it_runs_by_itself_and_stops_with_what_is_under_way(clock: Clock) -> None:
    jobs, work = Jobs(clock, clock), Work()
    jobs.start()
    work.go_on.clear()
    jobs.add_job(Job("late", 3600, work, at_once=True))
    await until(lambda: work.times, "it is begun, though it was added after the start")
    await jobs.stop()
    work.go_on.set()
    clock.ms += 10_000_000
    assert jobs.begin_due() is None
    assert len(work.times) == 1


@pytest.mark.parametrize("turns", range(6))
async def test_it_stops_though_it_is_just_told_of_another_job(clock: Clock, turns: int) -> None:
    jobs = Jobs(clock, clock)
    jobs.add_job(Job("one", 3600, Work()))
    jobs.start()
    for _ in range(8):  # it waits
        await asyncio.sleep(0)
    jobs.add_job(Job("late", 3600, Work()))
    for _ in range(turns):
        await asyncio.sleep(0)
    stopping = asyncio.create_task(jobs.stop())
    done, _ = await asyncio.wait({stopping}, timeout=deadline(1))
    stopping.cancel()
    assert done
