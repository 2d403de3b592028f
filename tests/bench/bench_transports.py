"""The same news by WebSocket, Server-Sent Events and polling, directly and through a buffering nginx.

    python tests/bench/bench_transports.py [viewers]        the rows with nginx need it on PATH (Debian: apt install nginx)

100 viewers follow 100 vehicles that report twice a second, each time in ten batches. CPU is the server's, less what the
same pings cost with nobody watching, for each update a viewer received. Ages are of fixes, at one of the viewers.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from bench import Row, cpu_seconds, percentile, report
from bench_live import FOLLOW, post
from clients import Http, Server, Socket
from traffic import Traffic
from watching import LIVE

VIEWERS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
VEHICLES, RATE, SECONDS = 100, 200, 10.0
POLL_S = 2.0


class Seen:
    """What all viewers received; one of them (`first`) also reads it."""

    def __init__(self) -> None:
        self.updates = self.bytes = self.moves = self.t0 = 0
        self.ages: list[float] = []

    def count(self, data: bytes) -> None:
        self.bytes += len(data)
        self.updates += data.count(b'"op":"update"')

    def read(self, payload: bytes) -> None:
        message = json.loads(payload)
        for one in message.get("messages", [message]):
            self.t0 = one.get("t0", self.t0)
            moved = one.get("moved", ()) if one.get("op") == "update" else ()
            now = time.time() * 1000 - self.t0
            self.moves += len(moved)
            self.ages += [now - row[1] for row in moved]


async def websocket(port: int, seen: Seen, first: bool) -> None:
    def hear(payload: bytes) -> None:
        seen.count(payload)
        if first:
            seen.read(payload)

    viewer = await Socket.connect(port, LIVE, hear, "tracker.v1.json")
    viewer.send(FOLLOW)
    try:
        await asyncio.Event().wait()
    finally:
        viewer.close()


async def stream(port: int, seen: Seen, first: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    # HTTP/1.0: an answer without chunks, so that each line is a line of the stream
    writer.write(f"GET /api/v1/stream?all=true HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    try:
        while line := await reader.readline():
            seen.count(line)
            if first and line.startswith(b"data: "):
                seen.read(line[6:])
    finally:
        writer.close()


async def poll(port: int, seen: Seen, first: bool, wait: str, pause_s: float) -> None:
    client, cursor = await Http.connect(port), ""
    try:
        while True:
            path = f"/api/v1/changes?since={cursor}{wait}"
            status, body = await client.request(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            if status != 200:
                raise SystemExit(f"{path}: {status} {body[:200]!r}")
            seen.count(body)
            cursor = body[body.rindex(b'"cursor":"') + 10 :][:36].decode()
            if first:
                seen.read(body)
            await asyncio.sleep(pause_s)
    finally:
        client.transport.close()


Way = Callable[[int, Seen, bool], Awaitable[None]]
WAYS: dict[str, Way] = {
    "WebSocket": websocket,
    "Server-Sent Events": stream,
    "long polling (wait=20)": lambda port, seen, first: poll(port, seen, first, "&wait=20", 0.0),
    "polling every 2 s": lambda port, seen, first: poll(port, seen, first, "", POLL_S),
}


async def measure(server: Server, port: int, way: Way, idle: float) -> tuple[float, list[float], float, float]:
    """CPU µs an update, ages, bytes an update, share of the moves that were seen."""
    seen = Seen()
    viewers = [asyncio.ensure_future(way(port, seen, not number)) for number in range(VIEWERS)]
    traffic = Traffic(VEHICLES, 0)
    await post(server, traffic, RATE, 3)
    seen.updates = seen.bytes = seen.moves = 0
    seen.ages.clear()
    cpu, begun = cpu_seconds(server.pid), time.perf_counter()
    await post(server, traffic, RATE, SECONDS)
    spent, passed = cpu_seconds(server.pid) - cpu, time.perf_counter() - begun
    for viewer in viewers:
        if viewer.done():
            viewer.result()
        viewer.cancel()
    await asyncio.gather(*viewers, return_exceptions=True)
    updates = max(1, seen.updates)
    return (
        (spent - idle * passed) / updates * 1e6,
        seen.ages or [float("nan")],
        seen.bytes / updates,
        seen.moves / (RATE * SECONDS),
    )


class Nginx:
    """A proxy of its own in front of a server, buffering as nginx does by default."""

    def __init__(self, server: Server, *, deaf: bool) -> None:
        """`deaf`: it speaks HTTP/1.0 to us, passes no Upgrade and ignores X-Accel-Buffering, as other proxies may."""
        self.folder = Path(tempfile.mkdtemp())
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        version = "1.0; proxy_ignore_headers X-Accel-Buffering" if deaf else "1.1"
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {self.folder}/pid; error_log {self.folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{ access_log off; client_body_temp_path {self.folder}/a; proxy_temp_path {self.folder}/b;
              fastcgi_temp_path {self.folder}/c; uwsgi_temp_path {self.folder}/d; scgi_temp_path {self.folder}/e;
              server {{ listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://127.0.0.1:{server.port};
                proxy_http_version {version}; proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $http_connection; proxy_buffering on; }} }} }}""")
        self.process = subprocess.Popen(["nginx", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")])

    def __enter__(self) -> int:
        """Its port."""
        time.sleep(1)
        return self.port

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def main() -> None:
    rows: list[Row] = []
    fronts = ["", "behind nginx", "behind a proxy of HTTP/1.0 that buffers"]
    for front in fronts if shutil.which("nginx") else fronts[:1]:
        for name, way in WAYS.items():
            if "1.0" in front and way is websocket:
                continue  # cannot be opened there
            with Server() as server:
                traffic = Traffic(VEHICLES, 0)
                asyncio.run(post(server, traffic, RATE, 2))
                cpu, begun = cpu_seconds(server.pid), time.perf_counter()
                asyncio.run(post(server, traffic, RATE, 4))
                idle = (cpu_seconds(server.pid) - cpu) / (time.perf_counter() - begun)
                if not front:
                    found = asyncio.run(measure(server, server.port, way, idle))
                else:
                    with Nginx(server, deaf="1.0" in front) as port:
                        found = asyncio.run(measure(server, port, way, idle))
            cost, ages, size, share = found
            note = (
                f"age p50 {percentile(ages, 0.5):,.0f} p99 {percentile(ages, 0.99):,.0f} ms, {size:,.0f} B an update, "
                f"{share:.0%} of the moves seen"
            )
            rows.append(Row(f"{name} {front}".strip(), "µs an update", [cost], (), note))
            print(rows[-1].what, f"{cost:.0f} µs", note, flush=True)
    report(f"The same news in four ways, {VIEWERS} viewers", rows, "")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
