"""A server's reports, as a test has them: one is drawn when the test says so."""

from __future__ import annotations

import asyncio
from typing import Any

from quart import Quart, request


class Printing:
    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.given_up: list[str] = []
        self._count = 0
        self._done = asyncio.Event()

    def finish(self) -> None:
        self._done.set()

    def told(self) -> dict[str, Any]:
        state = "done" if self._done.is_set() else "working"
        return {"id": f"r{self._count}", "state": state, "progress": 0.4, "bytes": 282_000, "error": None}

    def route(self, app: Quart) -> None:
        @app.post("/api/v1/reports")
        async def ask() -> Any:
            self._count += 1
            self.asked = await request.get_json()
            return self.told(), 202

        @app.get("/api/v1/reports/<id>")
        async def watch(id: str) -> Any:
            if id not in self.given_up:
                await self._done.wait()
            return self.told()

        @app.delete("/api/v1/reports/<id>")
        async def give_up(id: str) -> Any:
            self.given_up.append(id)
            return "", 204
