"""How tests wait: for a condition, with a deadline. Never for a time."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import SystemRandom  # of which no seed makes two runs choose alike
from typing import Any, TypeVar, overload

T = TypeVar("T")

SLOWNESS = float(os.environ.get("TRACKER_TEST_SLOWNESS", "1"))  #: how many times slower this machine may be


def deadline(seconds: float) -> float:
    """A time limit in seconds, longer on a machine that said it is slow."""
    return seconds * SLOWNESS


@overload
async def until(condition: Callable[[], Awaitable[T]], what: str = "", seconds: float = 10) -> T: ...
@overload
async def until(condition: Callable[[], T], what: str = "", seconds: float = 10) -> T: ...
async def until(condition: Callable[[], Any], what: str = "", seconds: float = 10) -> Any:
    """The first truthy answer of `condition` (plain or async), asked again and again until the deadline."""
    end = time.monotonic() + deadline(seconds)
    while True:
        answer = condition()
        if isinstance(answer, Awaitable):
            answer = await answer
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline(seconds):.0f} s in vain: {what or condition}")
        await asyncio.sleep(0.01)


def until_sync(condition: Callable[[], T], what: str = "", seconds: float = 10) -> T:
    """The same for a test without an event loop."""
    end = time.monotonic() + deadline(seconds)
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline(seconds):.0f} s in vain: {what or condition}")
        time.sleep(0.01)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody has now, and that no outgoing connection is given: those come from 32768 on."""
    while True:
        port = SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
