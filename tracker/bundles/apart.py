"""Apart: work in a process of its own, so that nothing keeps a server from its loop. It ends with who waits for it.

What is asked comes to it on standard input, what it makes goes to standard output; why it makes nothing, to standard
error, ending with REFUSED.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from typing import IO, NoReturn

import msgspec

from tracker.errors import TrackerError

REFUSED = 3
_SAID = 2_000  #: characters of what went wrong that are told


class Refusal(msgspec.Struct):
    code: str
    detail: str


async def made_apart(module: str, order: msgspec.Struct, broken: str, out: IO[bytes] | int = PIPE) -> bytes:
    """By the `main` of a module, unless it goes to the file `out`. Raises TrackerError with the code it refuses with,
    or `broken` where it breaks."""
    child = await asyncio.create_subprocess_exec(*(sys.executable, "-m", module), stdin=PIPE, stdout=out, stderr=PIPE)
    try:
        made, said = await child.communicate(msgspec.json.encode(order))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    lines = [*filter(None, said[-_SAID:].decode("utf-8", "replace").split("\n"))]
    if child.returncode == REFUSED:
        refusal = msgspec.json.decode(lines[-1], type=Refusal)
        raise TrackerError(refusal.code, refusal.detail)
    if child.returncode:
        raise TrackerError(broken, f"it could not be made ({lines[-1:]})")
    return made or b""


def carry_out(make: Callable[[bytes, IO[bytes]], None]) -> NoReturn:
    """`make` of what is ordered, into a file. Ends the process."""
    os.nice(5)
    try:
        make(sys.stdin.buffer.read(), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except TrackerError as fault:
        sys.stderr.buffer.write(msgspec.json.encode(Refusal(fault.code, fault.detail)) + b"\n")
        sys.exit(REFUSED)
    sys.exit(0)
