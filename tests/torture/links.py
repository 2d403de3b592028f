"""Link: the way between a node and one of its servers, which can be cut, or held up in either direction.

What is held up is delivered when the link is well again, also when whoever sent it has hung up since: as what was under
way in a network is.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

UP, DOWN = "up", "down"  #: from the node to the server, and back


class Link:
    def __init__(self, port: int) -> None:
        """`port`: of the server, on this machine."""
        self.port = 0  # where the node connects; known once it is open
        self._target = port
        self._passes = {UP: asyncio.Event(), DOWN: asyncio.Event()}
        self._refuses = False
        self._lines = set[asyncio.StreamWriter]()
        self._tasks = set[asyncio.Task[None]]()
        self._server: asyncio.Server | None = None
        self.mend()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def hold(self, *ways: str) -> None:
        """Nothing passes that way; who waits hears nothing of it."""
        for way in ways:
            self._passes[way].clear()

    def cut(self) -> None:
        """Every connection breaks, and nobody gets another."""
        self._refuses = True
        for line in self._lines:
            line.transport.abort()

    def mend(self) -> None:
        self._refuses = False
        for gate in self._passes.values():
            gate.set()

    async def close(self) -> None:
        self.cut()
        self.mend()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server:
            self._server.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._join(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = {writer}
        try:
            if self._refuses:
                return writer.transport.abort()
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            lines.add(back)
            self._lines |= lines
            await asyncio.gather(self._carry(reader, back, UP), self._carry(there, writer, DOWN))
        except OSError:
            pass
        finally:
            self._lines -= lines
            for line in lines:
                line.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        gate = self._passes[way]
        with suppress(OSError):
            while data := await reader.read(65536):
                await gate.wait()
                writer.write(data)
                await writer.drain()
        await gate.wait()
        writer.close()
