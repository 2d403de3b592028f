"""Worker: the process in which a report is drawn, so that nothing of that keeps the server from its loop.

It is told what is asked, then events and vehicles as they are read; once it is told that this is the whole of it, it
draws into the file it was named, and ends with 0. Told nothing more, it ends without a file.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import BinaryIO

from tracker.config import folder
from tracker.reports.asked import Asked, Befell, Heard, Whole, next_message
from tracker.reports.ground import land, read_land
from tracker.reports.payload import Payload
from tracker.reports.retold import Reteller

NO_ROOM, GIVEN_UP = 3, 4  #: what it ends with


def draw(said: BinaryIO, file: Path) -> None:
    """Raises EOFError when whoever tells ends before it said so."""
    asked = next_message(said)
    assert isinstance(asked, Asked)
    payload, reteller = Payload(asked), Reteller(asked)
    while not isinstance(message := next_message(said), Whole):
        if isinstance(message, Heard):
            payload.add_vehicle(reteller.retell(message))
        elif isinstance(message, Befell):
            payload.add_events(message.events)
    packed = payload.packed(land(read_land(folder("static") / "vendor" / "land-50m.json"), payload.box))
    from tracker.reports.document import render  # folium takes its time, and room

    with file.open("w", encoding="utf-8") as drawn:
        drawn.write(render(packed, asked.title, payload.names))
        drawn.flush()
        os.fsync(drawn.fileno())


def main() -> int:
    os.nice(5)
    file = Path(sys.argv[1])
    try:
        draw(sys.stdin.buffer, file)
    except EOFError:
        return GIVEN_UP
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            return NO_ROOM
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
