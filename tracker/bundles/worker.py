"""Worker: the process in which a bundle is made, so that nothing of that keeps a server from its loop.

What is asked comes on standard input, the file goes to standard output; or, ending with REFUSED, why there is none.
"""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from tracker.bundles.making import Asked, make
from tracker.errors import TrackerError
from tracker.replay.past.stored import Stored

REFUSED = 3
_SAID = 2_000  #: characters of what went wrong that are told


class Order(msgspec.Struct):
    store: str  # URL
    now: int  # what is received later is left for later
    asked: Asked


class Refusal(msgspec.Struct):
    code: str
    detail: str


async def ordered(order: Order) -> bytes | Refusal:
    """Made in a process of its own, which ends with whoever waits for it. Raises TrackerError when it breaks."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tracker.bundles.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        made, said = await child.communicate(msgspec.json.encode(order))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == REFUSED:
        return msgspec.json.decode(made, type=Refusal)
    if child.returncode:
        lines = said[-_SAID:].decode("utf-8", "replace").split("\n")
        raise TrackerError("bundle_failed", f"the bundle could not be made ({[*filter(None, lines)][-1:]})")
    return made


def main() -> int:
    os.nice(5)
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    try:
        source = Stored(order.store, order.now)
        try:
            made = make(source, order.asked).file
        finally:
            source.close()
    except TrackerError as fault:
        refusal = Refusal(fault.code, fault.detail)
        sys.stdout.buffer.write(msgspec.json.encode(refusal))
        return REFUSED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
