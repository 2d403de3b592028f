"""Press: a report on its way into a file. The file is there when it is whole, and not before."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from types import TracebackType

from tracker.errors import StoreFull, TrackerError
from tracker.reports.asked import Asked, Message, Whole, packed
from tracker.reports.worker import NO_ROOM

SAID = 2_000  #: characters of what went wrong that are told


class Press:
    """`async with Press(asked, file) as press`: tell it vehicles and events; at the end it is printed. Whatever breaks
    the block off, or fails, leaves no file. Raises StoreFull, TrackerError."""

    def __init__(self, asked: Asked, file: Path) -> None:
        self._asked = asked
        self._file = file
        self._draft = file.with_name(f".{file.name}.{os.getpid()}.part")
        self._child: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Press:
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tracker.reports.worker", str(self._draft)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await self.tell(self._asked)
        return self

    async def tell(self, message: Message) -> None:
        """Events and vehicles, as they are read."""
        child = self._child
        assert child is not None and child.stdin is not None
        try:
            child.stdin.write(packed(message))
            await child.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            await self._end(child)
            raise TrackerError("report_failed", "what draws reports went away") from None

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        child = self._child
        assert child is not None and child.stdin is not None
        try:
            if kind is None:
                await self.tell(Whole())
                child.stdin.close()
                await self._end(child)
                os.replace(self._draft, self._file)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
            self._draft.unlink(missing_ok=True)

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        """Raises StoreFull, TrackerError."""
        assert child.stderr is not None
        said = (await child.stderr.read())[-SAID:].decode("utf-8", "replace").strip()
        code = await child.wait()
        if code == NO_ROOM:
            raise StoreFull("there is no room for the report on the disk")
        if code:
            raise TrackerError(
                "report_failed", f"the report could not be drawn ({said.splitlines()[-1] if said else code})"
            )
