"""What is kept of those who may come in, and of what they changed: opaque to the store, read by access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

#: kinds a backup would bring back to life: who signed out since would be in again, and a link that was used good again
ENDED_BY_RESTORE = ("session", "link")


class Record(msgspec.Struct, frozen=True):
    """One version of a document that is kept under a kind and a key. `body` None: gone in this version."""

    kind: str
    key: str
    version: int
    body: dict[str, Any] | None
    lasting: bool = True  # its earlier versions stay; else there is nothing left of it when it is gone


class Audit(msgspec.Struct, frozen=True):
    """What somebody changed, from where. Secrets are in neither `before` nor `after`."""

    at: int
    who: str  # the user, `token:<id>`, or what of the server's own did it
    address: str
    what: str  # `user.save`, `region.delete`, …
    target: str = ""
    before: Any = None
    after: Any = None
    seq: int = 0


class Actor(NamedTuple):
    """Who does something, and from where."""

    who: str
    address: str
    ask: Callable[[], None] = lambda: None  # raises TrackerError when they may not do it any more

    def did(self, at: int, what: str, target: str, before: Any = None, after: Any = None) -> Audit:
        """Said in its turn, before it is done. Raises what `ask` does: then it is not."""
        self.ask()
        return Audit(at, self.who, self.address, what, target, before, after)
