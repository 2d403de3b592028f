"""Answering: the questions a node is answering, in the order they came."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from tracker.buses import Answer, Failed, NoAnswer, NotAsked
from tracker.errors import TrackerError

MOST = 1000  #: questions answered at once
FINISH_S = 3.0  #: for those under way when a node stops

log = logging.getLogger(__name__)


class Answering:
    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._under_way: set[asyncio.Task[bytes]] = set()

    def begin(self, question: bytes) -> asyncio.Task[bytes]:
        """Its result is the answer, or Failed. Raises NotAsked."""
        if len(self._under_way) >= MOST:
            raise NotAsked(f"{MOST} questions wait there already")
        task = asyncio.create_task(self._try(question), name="answer")
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return task

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        """What a node of this process answers. Raises as `Asking.ask`."""
        answer = self.begin(question)
        await asyncio.wait({answer}, timeout=seconds)
        if not answer.done() or answer.cancelled():
            raise NoAnswer(f"node {node} did not answer in {seconds:g} s")
        return answer.result()

    async def finish(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=FINISH_S)
        for task in self._under_way:
            task.cancel()

    def _end(self, task: asyncio.Task[bytes]) -> None:
        self._under_way.discard(task)
        with suppress(asyncio.CancelledError):
            task.exception()  # nobody may be waiting any more

    async def _try(self, question: bytes) -> bytes:
        try:
            return await self._answer(question)
        except TrackerError as fault:
            raise Failed(str(fault)) from fault
        except Exception as fault:
            log.exception("could not answer another node")
            raise Failed(f"{type(fault).__name__}: {fault}") from fault
