"""Long work on the event loop, cut into slices: whoever else waits has its turn in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

SLICE_S = 0.002  #: how long one slice keeps the loop, more or less
ROWS = 50  #: things dealt with in one slice, however fast they are

T = TypeVar("T")
Made = TypeVar("Made")


async def in_slices(things: Iterable[T], rows: int = ROWS) -> AsyncIterator[T]:
    """The things one by one; others have their turn after so many of them, or when those took long enough."""
    began, done = time.perf_counter(), 0
    for thing in things:
        yield thing
        done += 1
        if done == rows or time.perf_counter() - began > SLICE_S:
            await asyncio.sleep(0)
            began, done = time.perf_counter(), 0


def batched(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """So many of them at a time."""
    return (things[at : at + size] for at in range(0, len(things), size))


async def ahead(make: Callable[[T], Awaitable[Made]], things: Iterable[T]) -> AsyncGenerator[Made, None]:
    """What is made of each; the next while somebody looks at this."""
    making: list[asyncio.Future[Made]] = []
    try:
        for thing in things:
            making.append(asyncio.ensure_future(make(thing)))
            if len(making) == 2:
                yield await making.pop(0)
        for one in making:
            yield await one
    finally:
        for one in making:
            one.cancel()
