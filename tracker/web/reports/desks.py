"""Desks: reports at whichever node they were asked for: their ids name it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import msgspec

from tracker.access.grants import Grant
from tracker.errors import NotFound
from tracker.pipeline.shared.calling import Calling
from tracker.web.reports.desk import Desk, Report, Whose, whose

CHUNK = 128 * 1024  #: bytes of a report that one node asks another at once


class Piece(msgspec.Struct):
    """Of a report that is drawn."""

    title: str
    size: int
    body: bytes


class Desks:
    def __init__(self, own: Desk, calling: Calling) -> None:
        self._own, self._calling = own, calling
        calling.answers |= {"report.watch": self._watch, "report.read": self._read, "report.give_up": self._give_up}

    async def watch(self, id: str, grant: Grant, wait_s: int) -> dict[str, Any]:
        """Its document, once it has come further, or so long after. Raises NotFound."""
        if (node := self._there(id)) is None:
            return await self._watch_here(self._own.find(id, whose(grant)), wait_s)
        told = await self._calling.call(node, "report.watch", (id, whose(grant), wait_s), wait_s)
        return msgspec.msgpack.decode(told, type=dict[str, Any])

    async def read(self, id: str, grant: Grant) -> tuple[str, bytes]:
        """Its title, and all of it. Raises NotFound, InTheWay."""
        node, body = self._there(id), bytearray()
        while True:
            if node is None:
                piece = await self._read_here(self._own.find(id, whose(grant)), 0, None)
            else:
                told = await self._calling.call(node, "report.read", (id, whose(grant), len(body)))
                piece = msgspec.msgpack.decode(told, type=Piece)
            body += piece.body
            if len(body) >= piece.size:
                return piece.title, bytes(body)

    async def give_up(self, id: str, grant: Grant) -> None:
        """Raises NotFound."""
        if (node := self._there(id)) is None:
            await self._own.give_up(self._own.find(id, whose(grant)))
        else:
            await self._calling.call(node, "report.give_up", (id, whose(grant)))

    def _there(self, id: str) -> str | None:
        """The other node that has it; None: this one. Raises NotFound."""
        node = id.rpartition(".")[0]
        if node in ("", self._calling.me):
            return None
        if not self._calling.lives(node):
            raise NotFound("unknown_report", f"the node that had the report {id[:64]!r} is gone; ask for it again")
        return node

    # -- what other nodes ask ------------------------------------------------------------------------------------------

    async def _watch(self, given: msgspec.Raw) -> dict[str, Any]:
        id, of, wait_s = msgspec.msgpack.decode(given, type=tuple[str, Whose, int])
        return await self._watch_here(self._own.find(id, of), wait_s)

    async def _read(self, given: msgspec.Raw) -> Piece:
        id, of, since = msgspec.msgpack.decode(given, type=tuple[str, Whose, int])
        return await self._read_here(self._own.find(id, of), since, CHUNK)

    async def _give_up(self, given: msgspec.Raw) -> None:
        id, of = msgspec.msgpack.decode(given, type=tuple[str, Whose])
        await self._own.give_up(self._own.find(id, of))

    @staticmethod
    async def _watch_here(report: Report, wait_s: int) -> dict[str, Any]:
        if wait_s and not report.is_over:
            report.moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await report.moved.wait()
        return report.document()

    async def _read_here(self, report: Report, since: int, most: int | None) -> Piece:
        body = await asyncio.to_thread(self._own.read, report, since, most)
        return Piece(report.asked.title, report.bytes or 0, body)
