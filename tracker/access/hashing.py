"""Hashing: passwords are looked at one after the other, in a thread of its own: a crowd at the door stops no map."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tracker.access import passwords
from tracker.errors import Overloaded

MOST_WAITING = 32  #: about three seconds of them

T = TypeVar("T")


class Hashing:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "passwords")
        self.waiting = 0

    async def hash(self, password: str) -> str:
        """Raises Overloaded."""
        return await self._run(passwords.hash_password, password)

    async def matches(self, password: str, kept: str | None) -> bool:
        """`kept` None: of nobody, which takes as long. Raises Overloaded."""
        return await self._run(_matches, password, kept)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[..., T], *values: object) -> T:
        if self.waiting >= MOST_WAITING:
            raise Overloaded(f"{self.waiting} others sign in at this moment; try again in a second", 2)
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)
        finally:
            self.waiting -= 1


def _matches(password: str, kept: str | None) -> bool:
    nobodys = passwords.nobodys()  # made at the first try, whoever that is of
    return passwords.matches(password, kept or nobodys) and kept is not None
