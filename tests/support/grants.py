"""Grants for tests, without a server."""

from __future__ import annotations

from tracker.access.grants import WATCH, Grant, Part


def limited(
    *regions: str,
    anywhere: bool = False,
    vehicles: frozenset[str] | None = None,
    may: frozenset[str] = frozenset({WATCH}),
    coarse_m: float = 0.0,
    groups: frozenset[str] = frozenset(),
) -> Grant:
    """Of one part: these regions, and of these groups of vehicles those that are in them."""
    part = Part(None if anywhere else frozenset(regions), vehicles, may, coarse_m, None if anywhere else groups)
    return Grant(parts=(part,), may=may)


def of_all(*grants: Grant) -> Grant:
    """What somebody sees who is in several groups."""
    parts = tuple(part for grant in grants for part in grant.parts)
    return Grant(parts=parts, may=frozenset[str]().union(*(grant.may for grant in grants)))
