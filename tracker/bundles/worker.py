"""Worker: makes the bundle that is ordered, in a process of its own."""

from __future__ import annotations

from typing import IO

import msgspec

from tracker.bundles.apart import carry_out, made_apart
from tracker.bundles.making import Asked, make
from tracker.replay.past.stored import Stored


class Order(msgspec.Struct):
    store: str  # URL
    now: int  # what is received later is left for later
    asked: Asked


async def ordered(order: Order) -> bytes:
    """Raises TrackerError."""
    return await made_apart(__name__, order, "bundle_failed")


def _make(said: bytes, out: IO[bytes]) -> None:
    order = msgspec.json.decode(said, type=Order)
    source = Stored(order.store, order.now)
    try:
        out.write(make(source, order.asked).file)
    finally:
        source.close()


if __name__ == "__main__":
    carry_out(_make)
