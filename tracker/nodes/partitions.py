"""Partitions: the parts in which nodes share the fleet among them. Which one a vehicle is in, by its id alone."""

from __future__ import annotations

from hashlib import sha256


def partition_of(vehicle: str, count: int) -> int:
    """0 to `count` - 1: the first four bytes of SHA-256 (FIPS 180-4) of the id in UTF-8, big-endian, modulo `count`.

    So on every machine, in every Python, and in PostgreSQL:
    `('x00000000' || left(encode(sha256(convert_to(id, 'UTF8')), 'hex'), 8))::bit(64)::bigint % count`.
    """
    return int.from_bytes(sha256(vehicle.encode()).digest()[:4], "big") % count
