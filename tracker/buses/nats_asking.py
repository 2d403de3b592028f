"""Asking over NATS: request and reply, on a line of its own, so that large questions do not hold up changes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracker.buses import Answer, Failed, NoAnswer, NotAsked, nats_keeper
from tracker.buses.answering import Answering
from tracker.buses.nats_keeper import Keeper
from tracker.buses.nats_line import FAULTS, Line, NoRespondersError
from tracker.buses.nats_url import Place

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

DONE, FAILED, BUSY = b"\0", b"\1", b"\2"  #: how an answer begins
CHECK_S = 1.0  #: how often the server is asked whether it is there
CLOSE_S = 2.0  #: for answers to be on their way


class NatsAsking:
    def __init__(self, place: Place, me: str) -> None:
        self._me = me
        self._name = place.name
        self._keeper = Keeper(place, self, "no other node can be asked")
        self._answering: Answering | None = None
        self._questions: Subscription | None = None
        self._replies: set[asyncio.Task[None]] = set()

    @property
    def away(self) -> str:
        return "" if self._keeper.line else self._keeper.fault

    async def open(self, answer: Answer) -> None:
        self._answering = Answering(answer)
        await self._keeper.open()

    async def close(self) -> None:
        answering, self._answering = self._answering, None
        if answering and (line := self._keeper.line):
            with suppress(*FAULTS):
                async with asyncio.timeout(CLOSE_S):
                    if self._questions:
                        await line.unsubscribe(
                            self._questions
                        )  # whoever asked before that is told; then nobody is there
        if answering:
            await answering.finish()
        if self._replies:
            await asyncio.wait(self._replies, timeout=CLOSE_S)
        if line := self._keeper.line:
            with suppress(*FAULTS):
                async with asyncio.timeout(CLOSE_S):
                    await line.confirm()
        await self._keeper.close()

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        if node == self._me:
            if self._answering is None:
                raise NotAsked("this node is closed")
            return await self._answering.ask(node, question, seconds)
        line = self._keeper.line
        if line is None or self._answering is None:
            raise NotAsked(f"node {node} cannot be asked: {self.away or 'this one is closed'}")
        if len(question) > line.max_payload:
            raise NotAsked(f"a question of {len(question)} bytes is more than NATS takes ({line.max_payload})")
        asking: asyncio.Future[Any] = asyncio.ensure_future(line.request(f"{self._name}.ask.{node}", question, seconds))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait({asking, line.broken}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise NoAnswer(f"the connection broke before node {node} answered")
            reply = asking.result().data
        except NoRespondersError:
            raise NotAsked(f"no node {node} is there") from None
        except FAULTS as fault:
            raise NoAnswer(f"node {node} did not answer in {seconds:g} s") from fault
        finally:
            asking.cancel()
            asking.add_done_callback(_know)
        said = reply[1:]
        if reply[:1] == BUSY:
            raise NotAsked(said.decode())
        if reply[:1] == FAILED:
            raise Failed(said.decode())
        return bytes(said)

    # -- answering --------------------------------------------------------------------------------------------------

    async def subscribe(self, line: Line) -> None:
        self._questions = await line.subscribe(f"{self._name}.ask.{self._me}", cb=self._hear)

    def begin(self, line: Line) -> list[Coroutine[Any, Any, None]]:
        return [self._check(line)]

    def end(self) -> None:
        self._questions = None

    async def _check(self, line: Line) -> None:
        """A server that hangs is left: a question must not wait for it."""
        while True:
            async with asyncio.timeout(nats_keeper.LATE_S):
                await line.confirm()
            await asyncio.sleep(CHECK_S)

    async def _hear(self, message: Msg) -> None:
        try:
            if self._answering is None:
                raise NotAsked(f"node {self._me} is about to stop")
            answer = self._answering.begin(message.data)
        except NotAsked as fault:
            await message.respond(BUSY + str(fault).encode())
            return
        reply = asyncio.create_task(self._reply(message, answer))
        self._replies.add(reply)
        reply.add_done_callback(self._replies.discard)

    async def _reply(self, message: Msg, answer: asyncio.Task[bytes]) -> None:
        try:
            said = DONE + await answer
        except Failed as fault:
            said = FAILED + str(fault).encode()
        line = self._keeper.line
        if line and len(said) > line.max_payload:
            said = FAILED + f"an answer of {len(said)} bytes is more than NATS takes ({line.max_payload})".encode()
        with suppress(*FAULTS):  # the line broke: the asker knows
            await message.respond(said)


def _know(done: asyncio.Future[Any]) -> None:
    """What came of it too late is nothing to complain of."""
    if not done.cancelled():
        done.exception()
