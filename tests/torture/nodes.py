"""A node under torture: a server of its own process, its links to PostgreSQL and NATS, and a clock that can be set."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

from tests.support.moved_clock import set_by
from tests.support.servers import Server
from tests.support.waiting import deadline
from tests.torture.links import Link
from tests.torture.notes import Notes

SCHEMA = "torture"
START_S = 60


class Node:
    """Each run of it is a role of its own in PostgreSQL: so what a run commits is known to be of it."""

    def __init__(self, number: int, folder: Path, postgres: int, nats: int, notes: Notes) -> None:
        self.name = f"node{number}"
        self.links = {"postgres": Link(postgres), "nats": Link(nats)}
        self.turn = asyncio.Lock()  # of whoever starts, stops or pauses it
        self.server = Server(folder / self.name)
        self.crashes: list[str] = []
        self._clock = folder / f"{self.name}.clock"
        self._notes = notes
        self._runs = 0
        self.set_clock(0)
        self.server.program = [sys.executable, "-m", "tests.torture.program", str(self._clock)]

    async def open(self) -> None:
        for link in self.links.values():
            await link.open()
        self.server.settings |= {"bus": f"nats://127.0.0.1:{self.links['nats'].port}/torture", "log_level": "info"}

    async def start(self) -> None:
        """Until it is ready. One that ends before (because PostgreSQL is away, say) is started again, as systemd does."""
        end = time.monotonic() + deadline(START_S)
        await self._run()
        while not await asyncio.to_thread(self._is_ready):
            assert time.monotonic() < end, f"{self.name} is not ready after {START_S} s: {self.log()}"
            if self.ended():
                await self._run()
            await asyncio.sleep(0.1)

    async def _run(self) -> None:
        self._runs += 1
        role = f"{self.name}_{self._runs}"
        await self._notes.add_role(role)
        port = self.links["postgres"].port
        self.server.settings["store"] = f"postgresql://{role}@127.0.0.1:{port}/postgres?schema={SCHEMA}"
        self.server.start(wait=False)

    def _is_ready(self) -> bool:
        try:
            return not self.ended() and self.server.is_ready()
        except AssertionError:  # it ended just now
            return False

    def ended(self) -> bool:
        return self.server.process is None or self.server.process.poll() is not None

    async def kill(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def stop(self) -> None:
        """SIGTERM; one that does not end is killed, and that is told."""
        try:
            code = await asyncio.to_thread(self.server.stop)
        except Exception as fault:
            self.crashes.append(f"{self.name} did not stop: {fault!r}")
            return await self.kill()
        if code:
            self.crashes.append(f"{self.name} ended with {code} at SIGTERM: {self.log()}")

    def send_signal(self, which: signal.Signals) -> None:
        assert self.server.process
        self.server.process.send_signal(which)

    def set_clock(self, seconds: float) -> None:
        set_by(self._clock, seconds)

    async def watch(self) -> None:
        """One that ends although nobody told it to is a fault; it is started again."""
        while True:
            async with self.turn:
                if self.ended():
                    code = self.server.process and self.server.process.returncode
                    self.crashes.append(f"{self.name} ended by itself with {code}: {self.log()}")
                    await self.start()
            await asyncio.sleep(0.25)

    def log(self) -> str:
        return self.server.log.read_text(errors="replace")[-2000:]

    async def close(self) -> None:
        if not self.ended():
            self.send_signal(signal.SIGCONT)
        await self.kill()
        for link in self.links.values():
            await link.close()
