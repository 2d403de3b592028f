"""What it costs to look at a token, however it is shown, among 10,000 of them; no server around it.

Each way takes its turn in every round. A check is all that the door does before a request is answered: Host, Origin, who
it is, what they may, and that the token was used. The reference is plain `json` of one ping.
"""

from __future__ import annotations

import base64
from typing import Any

from bench import Row, cost, json_loop, report
from bench_grants import PING

from tracker.access.credentials import IN_PATH
from tracker.access.directory import Directory
from tracker.access.doorman import Doorman
from tracker.access.guard import Guard
from tracker.access.people import User
from tracker.access.tokens import Token, hash_of, new_id, new_secret
from tracker.config import Settings

TOKENS, ROUNDS, MOST_US = 10_000, 7, 3.0


def doorman() -> tuple[Doorman, str]:
    """With an administrator, many devices, and the secret of one."""
    directory = Directory()
    directory.folder = "f00d"
    directory.take(directory.user_saved(User("ada", "administrator")))
    for _ in range(TOKENS):
        secret = new_secret()
        token = Token(new_id(), "device", hash_of(secret), vehicles=("*",))
        directory.take([directory.record("token", token.id, token)])
    return Doorman(Guard(Settings()), directory, lambda groups: groups, lambda: 1_767_268_800_000), secret


def scope(path: str = "/api/v1/positions", query: str = "", **more: str) -> dict[str, Any]:
    """As it comes from a device."""
    headers = {"host": "localhost:8000", "user-agent": "gateway/1.0", "content-type": "application/json"}
    headers |= {"accept": "*/*", "content-length": "106"} | {
        name.replace("_", "-"): text for name, text in more.items()
    }
    return {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        "client": ("192.0.2.7", 50_000),
    }


def main() -> None:
    door, secret = doorman()
    basic = base64.b64encode(f"phone:{secret}".encode()).decode()
    ways = {
        "Authorization: Bearer": scope(authorization=f"Bearer {secret}"),
        "Authorization: Basic": scope(authorization=f"Basic {basic}"),
        "X-API-Key": scope(x_api_key=secret),
        "`?token=`": scope(query=f"token={secret}&lat=60.171&lon=24.941&speed=12.5"),
        "in the path": scope(f"/ingest/native/{secret}"),
        "in the path, taken apart": scope("/ingest/native") | {IN_PATH: secret},
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    reference: list[float] = []
    for _ in range(ROUNDS):
        reference.append(1e6 * json_loop(PING))
        for way, asked in ways.items():
            took[way].append(1e6 * cost(lambda asked=asked: door.check("POST", asked), 0.1))  # type: ignore[misc]
    rows = [Row(way, "µs", values, reference, f"at most {MOST_US:.0f}") for way, values in took.items()]
    report(f"A token check among {TOKENS:,}", rows, "bare json")


if __name__ == "__main__":
    main()
