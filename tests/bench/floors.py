"""What others take for the same bytes to as many connections, each in a process of its own: bare `os.write`, which is
what the kernel takes, and `websockets.broadcast`, which is what a WebSocket library takes that knows of nobody's view.

    python tests/bench/floors.py write|broadcast

says on which port it listens; then, for each line `FRAMES BYTES` it reads, sends so many frames of so many bytes to
everybody, five a second, and says how much CPU that took, in seconds.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection, broadcast, serve

HZ = 5.0


class Floor:
    """One of them, and what it answers."""

    def __init__(self, way: str) -> None:
        self.way = way
        self._process = subprocess.Popen(
            [sys.executable, __file__, way], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self._line())

    async def cpu_s(self, frames: int, size: int) -> float:
        """CPU seconds it takes to send everybody so many frames of so many bytes."""
        assert self._process.stdin
        self._process.stdin.write(f"{frames} {size}\n")
        self._process.stdin.flush()
        return float(await asyncio.get_running_loop().run_in_executor(None, self._line))

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


async def _answer(port: int, send: Callable[[bytes], None]) -> None:
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while words := (await loop.run_in_executor(None, sys.stdin.readline)).split():
        frames, size = map(int, words)
        chunk, began, cpu = b"x" * size, time.perf_counter(), time.process_time()
        for number in range(frames):
            await asyncio.sleep(max(0.0, began + number / HZ - time.perf_counter()))
            send(chunk)
        print(time.process_time() - cpu, flush=True)


async def _write() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setblocking(False)
    loop, peers = asyncio.get_running_loop(), list[socket.socket]()

    def accept() -> None:
        peer = listener.accept()[0]
        peer.setblocking(False)
        peers.append(peer)
        os.write(peer.fileno(), b"HTTP/1.1 101 \r\n\r\n")

    def send(chunk: bytes) -> None:
        for peer in peers:
            os.write(peer.fileno(), chunk)

    loop.add_reader(listener, accept)
    await _answer(listener.getsockname()[1], send)


async def _broadcast() -> None:
    peers = set[ServerConnection]()

    async def keep(peer: ServerConnection) -> None:
        peers.add(peer)
        await peer.wait_closed()
        peers.discard(peer)

    async with serve(keep, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        await _answer(port, lambda chunk: broadcast(peers, chunk.decode()))


if __name__ == "__main__":
    asyncio.run(_write() if sys.argv[1] == "write" else _broadcast())
