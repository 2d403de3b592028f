"""Health: is the process alive, would it take a ping now, and what has it been doing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quart import Blueprint, Response

from tracker import __version__
from tracker.errors import StoreError
from tracker.web import api
from tracker.web.node import Node


def blueprint(node: Node) -> Blueprint:
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    async def healthz() -> Response:
        return api.answer({"status": "ok", "version": __version__})

    @routes.get("/readyz")
    async def readyz() -> Response:
        if not node.ready:
            return api.answer({"status": "stopping or starting"}, 503, retry_after="1")
        try:
            await node.store.ping()
        except StoreError as fault:
            return api.answer({"status": "store", "detail": fault.detail}, 503, retry_after="1")
        if node.pipeline.statistics().down:
            return api.answer(
                {"status": "intake", "detail": "nothing can be stored; the log says why"}, 503, retry_after="1"
            )
        if dead := node.lanes.dead():
            detail = f"what viewers are told fails again and again ({', '.join(dead)}); the log says why"
            return api.answer({"status": "live", "detail": detail}, 503, retry_after="1")
        return api.answer({"status": "ok"})

    @routes.get("/metrics")
    async def metrics() -> Response:
        text = "\n".join(exposition(_measured(node))) + "\n"
        return Response(text, 200, {"content-type": "text/plain; version=0.0.4; charset=utf-8"})

    return routes


#: statistics that only grow
COUNTERS = frozenset({"pings", "events", "commits", "commit_s", "refused", "failures", "done", "seconds"})


def _measured(node: Node) -> Iterator[tuple[str, float]]:
    """Everything that counts, as (name, value)."""
    yield "up_seconds", (node.clock() - node.started_at) / 1000
    yield "ready", node.ready
    yield "vehicles", len(node.picture.vehicles)
    yield "regions", len(node.picture.regions)
    yield "last_seq", node.picture.last_seq
    yield "live_faults_total", node.lanes.faults
    yield "bodies_held_bytes", node.bodies.held
    for part, source in (("pipeline", node.pipeline), ("hub", node.hub), ("store", node.store), ("heavy", node.heavy)):
        statistics = getattr(source, "statistics", None)
        measured: dict[str, Any] = statistics()._asdict() if statistics else {}
        for name, value in measured.items():
            yield f"{part}_{name}{'_total' if name in COUNTERS else ''}", value


def exposition(measured: Iterator[tuple[str, float]]) -> Iterator[str]:
    """Prometheus text format 0.0.4; what only grows is called …_total."""
    for name, value in measured:
        yield f"# TYPE tracker_{name} {'counter' if name.endswith('_total') else 'gauge'}"
        yield f"tracker_{name} {float(value):.15g}"
