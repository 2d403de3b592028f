"""Health: is the process alive, and would it take a ping now."""

from __future__ import annotations

import asyncio
from typing import Any

from tracker import __version__
from tracker.errors import StoreError
from tracker.node import Node
from tracker.web.server.answers import JSON, Answered, encode

PATIENCE_S = 2.0  #: whoever asks whether we are ready has another node to send to


async def healthz(node: Node) -> Answered:
    return _answered({"status": "ok", "version": __version__, "now": node.clock()})


async def readyz(node: Node) -> Answered:
    if not node.ready:
        return _unready("stopping or starting")
    try:
        async with asyncio.timeout(PATIENCE_S):
            await node.store.ping()
    except StoreError as fault:
        return _unready("store", detail=fault.detail)
    except TimeoutError:
        detail = f"the store has not answered for {PATIENCE_S:g} s: what became of a commit is asked, or its disk hangs"
        return _unready("store", detail=detail)
    if node.pipeline.statistics().down:
        return _unready("intake", detail="nothing can be stored; the log says why")
    if dead := node.lanes.dead():
        detail = f"what viewers are told fails again and again ({', '.join(dead)}); the log says why"
        return _unready("live", detail=detail)
    if node.bus.away:  # no fault of this node alone: if it were 503, all of them would be gone at once
        return _answered({"status": "ok", "bus": "away"})
    return _answered({"status": "ok"})


def _unready(status: str, **more: str) -> Answered:
    return _answered({"status": status} | more, 503, {"retry-after": "1"})


def _answered(told: Any, status: int = 200, more: dict[str, str] | None = None) -> Answered:
    return status, {"content-type": JSON} | (more or {}), encode(told)
