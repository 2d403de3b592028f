"""Print what a fleet does, missing no event: python examples/follow.py http://127.0.0.1:8000

The cursor is kept in the file `follow.cursor` (or the one named second); delete it to begin anew. Ctrl-C ends it.
Where people sign in, the environment has a token of yours: TRACKER_TOKEN.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tracker.client import Live, Refused, Unreachable


async def follow(server: str, cursor: str | None, keep: Callable[[str], object]) -> None:
    async with Live(server, all=True, resume=cursor, token=os.environ.get("TRACKER_TOKEN")) as live:
        async for update in live:
            for vehicle in update.moved:
                print(vehicle.id, vehicle.lat, vehicle.lon, vehicle.state, flush=True)
            for event in update.events:
                print(event["seq"], event["kind"], event.get("vehicle"), event.get("region"), flush=True)
            if live.cursor:
                keep(live.cursor)  # after the work: what was not done yet comes again


def keep_in(file: Path) -> Callable[[str], object]:
    """Whole or not at all, whenever the program ends."""
    new = file.with_name(file.name + ".new")
    return lambda cursor: new.write_text(cursor) and new.replace(file)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    kept = Path(sys.argv[2] if len(sys.argv) > 2 else "follow.cursor")
    try:
        asyncio.run(follow(sys.argv[1], kept.read_text() if kept.exists() else None, keep_in(kept)))
    except (Refused, Unreachable) as why:
        sys.exit(str(why))
    except KeyboardInterrupt:
        pass
