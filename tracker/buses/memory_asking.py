"""Asking among the nodes of one process: there is only one, but in tests."""

from __future__ import annotations

from tracker.buses import Answer, NotAsked
from tracker.buses.answering import Answering


class MemoryAsking:
    away = ""

    def __init__(self, me: str, nodes: dict[str, Answering] | None = None) -> None:
        self._me = me
        self._nodes = {} if nodes is None else nodes

    async def open(self, answer: Answer) -> None:
        self._nodes[self._me] = Answering(answer)

    async def close(self) -> None:
        if answering := self._nodes.pop(self._me, None):
            await answering.finish()

    async def ask(self, node: str, question: bytes, seconds: float) -> bytes:
        answering = self._nodes.get(node)
        if answering is None or self._me not in self._nodes:
            raise NotAsked(f"no node {node} is there")
        return await answering.ask(node, question, seconds)
