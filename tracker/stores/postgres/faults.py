"""What an exception of PostgreSQL or of the way to it means for whoever runs the server, and what to do about it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import msgspec

from tracker.errors import StoreError, StoreFull, StoreLocked, StoreUnusable

if TYPE_CHECKING:
    from asyncpg import Connection

    from tracker.stores.postgres.url import Place

TAKEN = "TR001"  #: what `hold_lease` raises
FENCED = "TR002"  #: what `hold_leases` raises
SHARED, UNDONE = "TR004", "TR007"  #: what `take_store` raises
NEWER = "TR008"  #: what `lease_round` raises
OUTRUN, UNSEEN = "TR005", "TR006"  #: what `write_deed` raises
_FULL = "53100"
_SCRIPT = "docs/postgres.md has the script that makes it"
_DENIED = {
    "28P01": "does not take this password: it is in the URL, in PGPASSWORD or in ~/.pgpass",
    "28000": "does not let this user in from here: look at its pg_hba.conf, and whether it wants TLS (sslmode=)",
    "3D000": f"is in no database: {_SCRIPT}",
    "42704": "does not know something that is asked of it: look at how the parameters of the URL are written",
    "42501": f"lacks a right for this user: {_SCRIPT} with what it needs",
}


def meaning(error: BaseException, place: Place) -> StoreError:
    if isinstance(error, StoreError):
        return error
    code = str(getattr(error, "sqlstate", "") or "")
    if code == _FULL:
        return StoreFull(f"No room left for {place}. Nothing of this was stored; free some space there and repeat it.")
    if code == TAKEN:
        return taken(place)
    if code == FENCED:
        return StoreError("Another node takes these vehicles over: send the same again.", "fenced")
    if code in (OUTRUN, UNSEEN):
        return StoreError("Somebody did something else at another node just then: try again.", "outrun")
    if code == NEWER:
        return StoreUnusable(f"{place} was written by a newer tracker meanwhile: stop this one.", "store_newer")
    if code == SHARED:
        return shared(place)
    if code == UNDONE:
        return StoreLocked(f"At a node of {place} something was begun and is not done: start one again, then stop it.")
    if code in _DENIED:
        return StoreUnusable(f"{place} {_DENIED[code]} ({error}).", "store_denied")
    if isinstance(error, ssl.SSLError):
        return StoreUnusable(
            f"The certificate of {place} is not trusted ({error}): sslrootcert= names the file of its authority.",
            "store_denied",
        )
    if isinstance(error, FileNotFoundError) or type(error).__name__ == "ClientConfigurationError":
        said = str(error).partition("\n")[0]
        remedy = ": sslrootcert= names the file of its authority" if "certificate" in said or "[Errno" in said else ""
        return StoreUnusable(f"{place} cannot be reached as its URL says ({said}){remedy}.", "store_denied")
    if "rejected SSL upgrade" in str(error):
        return StoreUnusable(
            f"{place} does not speak TLS, which its URL asks for: set `ssl` to on there, or leave sslmode= away.",
            "store_denied",
        )
    if isinstance(error, OSError):
        return StoreError(
            f"{place} cannot be reached ({_said(error)}). Is PostgreSQL running there, and the URL right?"
        )
    if isinstance(error, msgspec.MsgspecError):
        return StoreUnusable(f"{place} is damaged ({error}). Restore a backup: tracker restore FILE.", "store_damaged")
    return StoreError(f"{place} could not do this ({_said(error)}). Nothing was changed; try again.")


def is_cut(error: Exception, connection: Connection) -> bool:
    """Whether nobody knows what became of what was asked: the database did not say itself that it refuses."""
    return connection.is_closed() or not getattr(error, "sqlstate", None)


def shared(place: Place) -> StoreLocked:
    return StoreLocked(f"Several nodes share {place}. To be one of them this server needs their --bus.")


def taken(place: Place) -> StoreUnusable:
    return StoreUnusable(f"Another server has taken {place}. Nothing more is taken here: stop this one.", "store_gone")


def _said(error: BaseException) -> str:
    hint = getattr(error, "hint", None)
    return (str(error) or type(error).__name__) + (f"; {hint}" if hint else "")
