"""Everything that can go wrong, and the HTTP status each means.

    TrackerError
    ├── BadRequest         400  the request cannot be read at all
    │   ├── TooLarge       413  more bytes, items or vertices than a limit allows
    │   ├── Unsupported    415  a content type or encoding we do not speak
    │   └── Invalid        422  it can be read, but says something impossible
    ├── NotAllowed         403  you may not do this
    ├── NotFound           404  no such vehicle, region, event or version
    ├── Conflict           412  somebody else changed it first
    ├── Overloaded         503  try again after `retry_after` seconds
    └── StoreError         503  the store could not commit; nothing was changed
        ├── StoreFull      507  no room on the disk
        ├── StoreLocked     -   another server uses this folder (the process exits)
        └── StoreUnusable  503  what is stored is gone, damaged or not ours: a person has to look

An error holds fields and formats itself; `detail` says what to do next.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TrackerError(Exception):
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    exit_code: ClassVar[int] = 1  # of a command that ends with it

    def __init__(self, code: str, detail: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors or []

    def __str__(self) -> str:
        return self.detail


class BadRequest(TrackerError):
    status = 400
    title = "The request cannot be read"


class TooLarge(BadRequest):
    status = 413
    title = "Too large"


class Unsupported(BadRequest):
    status = 415
    title = "Unsupported type or encoding"


class Invalid(BadRequest):
    status = 422
    title = "Not valid"


class NotAllowed(TrackerError):
    status = 403
    title = "Not allowed"


class NotFound(TrackerError):
    status = 404
    title = "Not found"


class Conflict(TrackerError):
    """`current` is the newer version, as it would be answered to a GET."""

    status = 412
    title = "Changed by somebody else"

    def __init__(self, code: str, detail: str, current: Any = None) -> None:
        super().__init__(code, detail)
        self.current = current


class Overloaded(TrackerError):
    status = 503
    title = "Busy"

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__("overloaded", detail)
        self.retry_after = retry_after


class StoreError(TrackerError):
    status = 503
    title = "The store is not available"
    retry_after = 1

    def __init__(self, detail: str, code: str = "store") -> None:
        super().__init__(code, detail)


class StoreFull(StoreError):
    status = 507
    title = "No room left"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, "store_full")


class StoreLocked(StoreError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail, "store_locked")


class StoreUnusable(StoreError):
    """No try again helps, and no restart: the command ends with 3, on which systemd can be told to leave it."""

    title = "The stored data needs somebody to look at it"
    exit_code = 3
