"""Send positions: python examples/send.py http://127.0.0.1:8000 van-7 60.1712 24.9440 [60.1713 24.9441 …]

Where people sign in, the environment has a token: TRACKER_TOKEN.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request


def send(server: str, vehicle: str, lat: float, lon: float) -> None:
    """One position of this moment. When this returns, it is on the server's disk."""
    position = {"vehicle": vehicle, "time": time.time(), "lat": lat, "lon": lon}
    request = urllib.request.Request(f"{server}/api/v1/positions", json.dumps(position).encode())
    request.add_header("Content-Type", "application/json")
    if token := os.environ.get("TRACKER_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status, answer.read().decode())


if len(sys.argv) < 5 or len(sys.argv) % 2 == 0:
    sys.exit(__doc__)
server, vehicle, *places = sys.argv[1:]
try:
    for lat, lon in zip(places[::2], places[1::2], strict=True):
        send(server, vehicle, float(lat), float(lon))
except urllib.error.HTTPError as refused:  # what is wrong with it: docs/errors.md
    sys.exit(f"{refused.code} {refused.read().decode()}")
except urllib.error.URLError as fault:  # nobody there: the same again later loses and doubles nothing
    sys.exit(f"{server}: {fault.reason}")
