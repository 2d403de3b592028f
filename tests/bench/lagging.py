"""The tracker's own command line, with a timer on its loop that writes down how late it rings.

python lagging.py FILE serve --port …
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar

T = TypeVar("T")

EVERY_S = float(os.environ.get("LAG_EVERY_S", "0.02"))


async def sample(tell: Callable[[float], object]) -> None:
    """Tell, for ever, by how many ms the loop is late."""
    while True:
        started = time.perf_counter()
        await asyncio.sleep(EVERY_S)
        tell((time.perf_counter() - started - EVERY_S) * 1000)


def main() -> None:
    from tracker.commands.cli import main as tracker

    target = open(sys.argv.pop(1), "a", buffering=1)  # noqa: SIM115 it lives as long as the process

    class Lagging(asyncio.Runner):  # type: ignore[misc]  # final for a type checker
        """Every loop of this process is watched from its first task on."""

        def run(self, coroutine: Coroutine[Any, Any, T], *, context: Context | None = None) -> T:
            async def watched() -> T:
                watch = asyncio.create_task(sample(lambda late: target.write(f"{late:.3f}\n")))
                try:
                    return await coroutine
                finally:
                    watch.cancel()

            return super().run(watched(), context=context)

    asyncio.Runner = Lagging  # type: ignore[misc]
    asyncio.runners.Runner = Lagging  # type: ignore[misc]
    tracker()


if __name__ == "__main__":
    main()
