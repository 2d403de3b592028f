"""What it costs to read a ping in each protocol: the requests of fixtures/payloads that hold any, one after the other.

Reading alone, from bytes to checked pings: no HTTP, no token, no store. `one a request` are those with a single ping,
as phones send them; `in a batch` is the same request with its items a hundred times.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import Row, cost, report

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.support.requests import FIXTURES, INGEST, parse
from tracker.errors import TrackerError
from tracker.protocols import Payload, Reading

NOW = 1_795_424_430_000  # when the fixtures are received
ROUNDS = 5
PASSES = 60  #: of a round
MANY = 100
LISTS = ("locations", "positions", "points", "messages")

Read = Callable[[Payload, int], Reading]


def requests() -> Iterator[tuple[str, Read, Payload]]:
    for path in sorted((FIXTURES / "payloads").rglob("*.http")):
        scope, payload = parse(path.read_bytes())
        target = INGEST.at(scope)
        assert target is not None
        one = next(one for one in target.here.spoken if one.name == path.parent.name)
        if one.read:
            yield one.name, one.read, payload._replace(rest=target.rest)


def pings(read: Read, payload: Payload) -> int:
    """How many it holds; 0 when any of it is refused."""
    try:
        reading = read(payload, NOW)
    except TrackerError:
        return 0
    return 0 if reading.rejected else len(reading.pings)


def batch(payload: Payload) -> Payload | None:
    """The same a hundred times over, where it has a list of items."""
    try:
        document: Any = json.loads(payload.body)
    except ValueError:
        return None
    if isinstance(document, list):
        document *= MANY
    elif isinstance(document, dict) and (name := next((name for name in LISTS if name in document), None)):
        document = {name: document[name] * MANY}
    else:
        return None
    return payload._replace(body=json.dumps(document).encode())


def measure(work: list[tuple[Read, Payload]]) -> list[float]:
    """CPU seconds a ping, a round each."""
    count = sum(pings(read, payload) for read, payload in work)

    def all_of_them() -> None:
        for read, payload in work:
            read(payload, NOW)

    return [quickest(all_of_them) / count for _ in range(ROUNDS)]


def quickest(work: Callable[[], object]) -> float:
    """CPU seconds of its quickest pass: a neighbour on the same core makes the others look up to twice as long."""
    return min(cost(work, 0.002) for _ in range(PASSES))


def main() -> None:
    known: dict[str, list[tuple[Read, Payload]]] = {}
    for name, read, payload in requests():
        if pings(read, payload) == 1:
            known.setdefault(f"{name}, one a request", []).append((read, payload))
        if (many := batch(payload)) is not None and pings(read, many) >= MANY:
            known.setdefault(f"{name}, in a batch", []).append((read, many))
    location = b'{"lat":60.17,"lon":24.94,"tst":1795424400,"vel":36,"tid":"ne"}'
    reference = [1e6 * quickest(lambda: json.dumps(json.loads(location)).encode()) for _ in range(ROUNDS)]
    rows = []
    for what, work in sorted(known.items()):
        spent = measure(work)
        rate = f"{1 / sorted(spent)[ROUNDS // 2]:,.0f} pings/s of one core"
        rows.append(Row(what, "µs CPU a ping", [1e6 * one for one in spent], reference, rate))
    report("Reading a ping, by protocol", rows, "bare json of one location")


if __name__ == "__main__":
    main()
