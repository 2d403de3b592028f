"""What an exception of PostgreSQL or of the way to it means for whoever runs the server, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tracker.errors import StoreError, StoreFull, StoreUnusable

if TYPE_CHECKING:
    from asyncpg import Connection

    from tracker.stores.postgres.url import Place

FENCED = "TR001"  #: what `hold_lease` raises
_FULL = ("53100", "53200")  # disk, memory
_DENIED = ("28000", "28P01", "42501", "3D000")


def meaning(error: BaseException, place: Place) -> StoreError:
    if isinstance(error, StoreError):
        return error
    code = str(getattr(error, "sqlstate", "") or "")
    if code in _FULL:
        return StoreFull(f"No room left for {place}. Nothing of this was stored; free some space there and repeat it.")
    if code == FENCED:
        return taken(place)
    if code in _DENIED:
        return StoreUnusable(f"{place} does not let this user in or work ({error}).", "store_denied")
    if isinstance(error, msgspec.MsgspecError):
        return StoreUnusable(f"{place} is damaged ({error}). Restore a backup: tracker restore FILE.", "store_damaged")
    return StoreError(f"{place} could not do this ({_said(error)}). Nothing was changed; try again.")


def is_cut(error: Exception, connection: Connection) -> bool:
    """Whether nobody knows what became of what was asked: the database did not say itself that it refuses."""
    return connection.is_closed() or not getattr(error, "sqlstate", None)


def taken(place: Place) -> StoreUnusable:
    return StoreUnusable(f"Another server has taken {place}. Nothing more is taken here: stop this one.", "store_gone")


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
