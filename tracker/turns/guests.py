"""Guests: who stays for long and asks nothing, a sender say. Each is shown out once it is not let in any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tracker.errors import TrackerError

LOOK_S = 0.5  #: between two looks: sessions and tokens end by themselves, too


class Guests:
    def __init__(self) -> None:
        self._staying: dict[object, tuple[Callable[[], None], Callable[[TrackerError], None]]] = {}

    @contextmanager
    def stay(self, ask: Callable[[], None], leave: Callable[[TrackerError], None]) -> Iterator[None]:
        """`ask` raises TrackerError when this one may not stay; then `leave` is told why, once."""
        key = object()
        self._staying[key] = ask, leave
        try:
            yield
        finally:
            self._staying.pop(key, None)

    def look(self) -> None:
        """Who may come in has changed, or time has passed."""
        for key, (ask, leave) in list(self._staying.items()):
            try:
                ask()
            except TrackerError as fault:
                self._staying.pop(key, None)
                leave(fault)
