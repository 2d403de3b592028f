"""Calling: what one node asks another for somebody who was sent to the wrong one: of what only one of them has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import msgspec

from tracker.buses import Asking, Failed, NoAnswer, NotAsked
from tracker.errors import Overloaded, TrackerError
from tracker.pipeline.shared.questions import Called, encode

CALL_S = 5.0  #: so long an answer may take
TELL_S = 0.3  #: … and what all are told

Answers = Callable[[msgspec.Raw], Awaitable[Any]]


class Said(msgspec.Struct):
    """How a call was answered: by a value, or by a problem."""

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    code: str = ""
    detail: str = ""


_said: Callable[[bytes], Said] = msgspec.msgpack.Decoder(Said).decode


def nobody() -> Collection[str]:
    return ()


class Calling:
    """`answers`: by name, what this node answers to what it is given; each part of the program adds its own."""

    def __init__(
        self, me: str = "", asking: Asking | None = None, others: Callable[[], Collection[str]] = nobody
    ) -> None:
        """`me`: this node's name; empty: it is alone. `others`: those that live."""
        self.me = me
        self.answers: dict[str, Answers] = {}
        self._asking = asking
        self._others = others

    async def answer(self, called: Called) -> bytes:
        try:
            value = await self.answers[called.what](called.given)
        except TrackerError as fault:
            return encode(Said(code=fault.code, detail=fault.detail))
        return encode(Said(msgspec.Raw(encode(value))))

    def lives(self, node: str) -> bool:
        return node in self._others()

    async def call(self, node: str, what: str, given: Any, seconds: float = 0.0) -> msgspec.Raw:
        """`seconds`: that it may wait before it answers. Raises TrackerError, as the other one says it; Overloaded
        where it does not answer."""
        assert self._asking, "there are others"
        question = encode(Called(what, msgspec.Raw(encode(given))))
        try:
            said = _said(await self._asking.ask(node, question, seconds + CALL_S))
        except (NotAsked, NoAnswer, Failed) as fault:
            detail = f"node {node}, which has it, does not answer ({fault}); try again in a moment"
            raise Overloaded(detail, code="cut_off") from None
        if said.code:
            raise TrackerError(said.code, said.detail)
        return said.value

    async def call_all(self, what: str, given: Any, seconds: float = CALL_S) -> dict[str, msgspec.Raw]:
        """What the others answer, by node; of those that do not answer in time, nothing."""
        replies = await self.ask_all(encode(Called(what, msgspec.Raw(encode(given)))), seconds)
        told = {node: _said(reply) for node, reply in replies.items()}
        return {node: said.value for node, said in told.items() if not said.code}

    async def ask_all(self, question: bytes, seconds: float) -> dict[str, bytes]:
        """The same of any question, as it is."""
        if self._asking is None or self._asking.away:
            return {}
        nodes = list(self._others())
        asked = (self._asking.ask(node, question, seconds) for node in nodes)
        replies = await asyncio.gather(*asked, return_exceptions=True)
        return {node: reply for node, reply in zip(nodes, replies, strict=True) if isinstance(reply, bytes)}
