"""Hashing: passwords are looked at one after the other, in a thread of its own that gives way to every other: a crowd
at the door stops no map."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tracker.access import passwords
from tracker.errors import Overloaded

NICE = 10  #: of 19, and the loop has 0: at a full load a tenth of a core is left for it
MOST_WAITING = 32  #: about three seconds of them
MOST_STRANGERS = 24  #: of them; the rest is for who has signed in from there before

T = TypeVar("T")


class Hashing:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "passwords", initializer=_give_way)
        self.waiting = 0

    async def hash(self, password: str) -> str:
        """Raises Overloaded."""
        return await self._run(passwords.hash_password, password)

    async def matches(self, password: str, kept: str | None, known: bool = True) -> bool:
        """`kept` None: of nobody, which takes as long. `known`: they signed in from there before. Raises Overloaded."""
        return await self._run(_matches, password, kept, most=MOST_WAITING if known else MOST_STRANGERS)

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[..., T], *values: object, most: int = MOST_WAITING) -> T:
        if self.waiting >= most:
            raise Overloaded(f"{self.waiting} others sign in at this moment; try again in a second", 2)
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *values)
        finally:
            self.waiting -= 1


def _give_way() -> None:
    """The calling thread, not the process: Linux weighs each by itself. Elsewhere it stays as it is."""
    if os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _matches(password: str, kept: str | None) -> bool:
    nobodys = passwords.nobodys()  # made at the first try, whoever that is of
    return passwords.matches(password, kept or nobodys) and kept is not None
