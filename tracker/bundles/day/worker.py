"""Worker: writes the fleet day that is ordered: in the process that asks, or in one of its own."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from typing import IO
from zoneinfo import ZoneInfo

import msgspec

from tracker.bundles.apart import carry_out, made_apart
from tracker.bundles.day.gathering import gathered
from tracker.bundles.day.writing import Written
from tracker.history.story.summary import midnights
from tracker.stores import read_store


class Order(msgspec.Struct):
    store: str  # URL
    now: int
    day: str
    zone: str
    since: int
    until: int


def order_of(store: str, now: int, day: date, zone: str) -> Order:
    """Raises ValueError where there is no such day, or none yet."""
    clock = ZoneInfo(zone)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=clock)
    since, until = midnights(clock, *[round(noon.timestamp() * 1000)] * 2)
    if datetime.fromtimestamp((since + until) / 2000, clock).date() != day:
        raise ValueError(f"there was no {day} in {zone}")
    if since > now:
        raise ValueError(f"{day} has not begun there yet")
    return Order(store, now, str(day), zone, since, until)


async def write(order: Order, out: IO[bytes]) -> str:
    """Its hash. Beside a server or without one: nothing of the store is locked or written. Raises TrackerError."""
    written = Written(order.day, order.zone, order.since, order.until)
    store = read_store(order.store)
    loaded = await store.open()
    try:
        async for piece in gathered(store, loaded, written, order.now):
            out.write(piece)
    finally:
        await store.close()
    return written.hash


async def ordered(order: Order, out: IO[bytes]) -> None:
    """Raises TrackerError."""
    await made_apart(__name__, order, "bundle_failed", out)


def _make(said: bytes, out: IO[bytes]) -> None:
    asyncio.run(write(msgspec.json.decode(said, type=Order), out))


if __name__ == "__main__":
    carry_out(_make)
