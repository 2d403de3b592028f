"""A question over NATS whose time is over as it ends."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from tracker.buses import NoAnswer
from tracker.buses.nats_asking import NatsAsking
from tracker.buses.nats_line import NoRespondersError
from tracker.buses.nats_url import place_of


class Line:
    """Says that nobody is there just when nobody waits for that any more."""

    max_payload = 1000

    def __init__(self) -> None:
        self.broken = asyncio.get_running_loop().create_future()

    async def request(self, *_: object) -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise NoRespondersError from None


async def nobody(_: bytes) -> bytes:
    return b""


async def test_what_comes_of_a_question_too_late_is_no_fault_in_the_log() -> None:
    asking, said = NatsAsking(place_of("nats://127.0.0.1:1"), "eve"), list[str]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    asking._keeper.line = Line()  # type: ignore[assignment]
    asking._answering = nobody  # type: ignore[assignment]
    with pytest.raises(NoAnswer):
        await asking.ask("bob", b"?", 0)
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    assert said == []
