"""A long hunt, in many worlds: `make leaks`. What it finds is cut down to the steps that are needed for it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.leaks.walk import Leak, Walk
from tracker.config import Settings
from tracker.web.app import create_app

WORLD = 250  #: steps in one world


async def hunt(folder: Path, seed: str, steps: Iterable[int], *, looks_back: bool = False) -> int:
    """Take these steps of a walk. Answers how much was told that may be. Raises Leak."""
    app = create_app(Settings(data=str(folder), tiles="", live_messages_per_s=100_000))
    async with app.test_app(), AsyncExitStack() as stack:
        walk = Walk(app, stack)
        walk.rng = random.Random(seed)
        walk.looks_back = looks_back
        await walk.begin()
        for number in steps:
            await walk.step(f"{seed}:{number}")
    return walk.seen


def leak_of(seed: str, steps: list[int]) -> Leak | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            asyncio.run(hunt(Path(folder), seed, steps, looks_back=True))
        except Leak as leak:
            return leak
    return None


def shrunk(seed: str, steps: list[int]) -> tuple[list[int], Leak | None]:
    """Fewer and fewer steps that still leak."""
    found, size = None, len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            with contextlib.suppress(Exception):  # without some of its steps a walk may come to nothing
                if leak := leak_of(seed, fewer):
                    steps, found = fewer, leak
                    continue
            at += size
        size //= 2
    return steps, found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    began, seen, taken = time.monotonic(), 0, 0
    print(f"seed {asked.seed}", flush=True)
    while taken < asked.steps:
        seed, steps = f"{asked.seed}/{taken}", list(range(min(WORLD, asked.steps - taken)))
        with tempfile.TemporaryDirectory() as folder:
            try:
                seen += asyncio.run(hunt(Path(folder), seed, steps, looks_back=True))
            except Leak as leak:
                print(f"world {seed}: {leak}")
                needed, last = shrunk(seed, steps)
                print(f"of these steps {needed} are enough: {last or leak}")
                return 1
        taken += len(steps)
        print(f"{taken} steps, {seen} marks told that may be, 0 leaks, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
