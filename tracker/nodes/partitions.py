"""Partitions: the parts in which nodes share the fleet among them. Which one a vehicle is in, by its id alone."""

from __future__ import annotations

from hashlib import sha256

from tracker.config import SettingsError

FEWEST, MOST = 64, 256  #: partitions: enough to share fairly, few enough to be looked at in every round


def partition_of(vehicle: str, count: int) -> int:
    """0 to `count` - 1: the first four bytes of SHA-256 (FIPS 180-4) of the id in UTF-8, big-endian, modulo `count`.

    So on every machine, in every Python, and in PostgreSQL:
    `('x00000000' || left(encode(sha256(convert_to(id, 'UTF8')), 'hex'), 8))::bit(64)::bigint % count`.
    """
    return int.from_bytes(sha256(vehicle.encode()).digest()[:4], "big") % count


def agreed(wanted: int, kept: int | None) -> int:
    """How many there are: what the store was made with (`kept`), or what is `wanted` of one that is new. Raises
    SettingsError when they differ: each vehicle would be somebody else's, and two nodes might be right about it."""
    if not FEWEST <= wanted <= MOST:
        raise SettingsError(f"there may be {FEWEST} to {MOST} partitions, not {wanted}")
    if kept is not None and kept != wanted:
        raise SettingsError(f"this store was made with {kept} partitions, which stays so; {wanted} are set here")
    return wanted
