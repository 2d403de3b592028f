"""A seeded torture run of several nodes: make soak-nodes SECONDS=600 SEED=1 NODES=3

Ends with 1 where a promise was broken, and says which; the logs of the nodes are kept then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import sys

from tests.torture.torture import torture


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything is ended then, as at Ctrl-C
    logging.getLogger("tracker.client").setLevel(logging.ERROR)
    seconds = float(os.environ.get("SECONDS", "600"))
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    faults = os.environ.get("FAULTS", "").split()
    found = asyncio.run(torture(seed, seconds, int(os.environ.get("NODES", "3")), faults=faults))
    print("\n".join(found) or "nothing is lost, nothing is doubled")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
