"""Everything that can go wrong, by what a caller does about it; `tracker.problems` has the codes and their statuses.

    TrackerError
    ├── BadRequest         400  the request cannot be read at all
    │   ├── TooLarge       413  more bytes, items or vertices than a limit allows
    │   ├── Unsupported    415  a content type or encoding we do not speak
    │   └── Invalid        422  it can be read, but says something impossible
    ├── NotSignedIn        401  say who you are
    ├── NotAllowed         403  you may not do this
    ├── NotFound           404  no such vehicle, region, event or version
    ├── Conflict           412  somebody else changed it first
    ├── InTheWay           409  something else has to be done first
    ├── TooManyTries       429  try again after `retry_after` seconds
    ├── Overloaded         503  try again after `retry_after` seconds
    │   └── Stopping       503  … when another server is there
    └── StoreError         503  the store could not commit; nothing was changed
        ├── StoreFull      507  no room on the disk
        ├── StoreLocked     -   another server uses this folder (the process exits)
        └── StoreUnusable  503  what is stored is gone, damaged or not ours: a person has to look

An error holds fields and formats itself; `detail` says what to do next.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tracker.problems import PROBLEMS, TITLES


class TrackerError(Exception):
    exit_code: ClassVar[int] = 1  # of a command that ends with it

    def __init__(self, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        problem = PROBLEMS[code]
        self.status = problem.status or 500
        self.title = problem.title
        self.code = code
        self.detail = detail
        self.errors = errors or []

    def __str__(self) -> str:
        return self.detail


class BadRequest(TrackerError):
    """The request cannot be read."""


class TooLarge(BadRequest):
    """More bytes, items or vertices than a limit allows."""


class Unsupported(BadRequest):
    """A content type or encoding we do not speak."""


class Invalid(BadRequest):
    """It can be read, but says something impossible. Told by the code of the first thing that is wrong in it, which may
    be that of an item that cannot be read."""

    def __init__(self, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(code, detail, errors)
        self.status, self.title = 422, TITLES[422]

    @classmethod
    def of_field(cls, field: str, message: str, code: str = "bad_parameter") -> Invalid:
        """One thing is wrong, in this field or parameter."""
        return cls(code, message, [{"field": field, "code": code, "message": message}])


class NotSignedIn(TrackerError):
    """Say who you are."""


class NotAllowed(TrackerError):
    """You may not do this."""


class NotFound(TrackerError):
    """There is none."""


class Conflict(TrackerError):
    """`current` is the newer version, as it would be answered to a GET."""

    def __init__(self, code: str, detail: str, current: Any = None) -> None:
        super().__init__(code, detail)
        self.current = current


class InTheWay(TrackerError):
    """Something else has to be done first."""


class TooManyTries(TrackerError):
    def __init__(self, retry_after: int) -> None:
        super().__init__("too_many_tries", f"too many wrong passwords; the next is looked at in {retry_after} s")
        self.retry_after = retry_after


class Overloaded(TrackerError):
    def __init__(self, detail: str, retry_after: int = 1, code: str = "overloaded") -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class Stopping(Overloaded):
    """Not here and now: the server stops."""

    def __init__(self, detail: str = "The server is stopping; try again in a moment.", retry_after: int = 1) -> None:
        super().__init__(detail, retry_after, "stopping")


class StoreError(TrackerError):
    retry_after = 1

    def __init__(self, detail: str, code: str = "store") -> None:
        super().__init__(code, detail)


class StoreFull(StoreError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail, "store_full")


class StoreLocked(StoreError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail, "store_locked")


class StoreUnusable(StoreError):
    """No try again helps, and no restart: the command ends with 3, on which systemd can be told to leave it."""

    exit_code = 3
