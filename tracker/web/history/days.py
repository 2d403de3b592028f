"""Days: a day of the whole fleet as one file (docs/fleetday.md). For those who may see everything."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from datetime import date
from typing import IO

from quart import Blueprint, Response, request

from tracker.access.grants import Grant
from tracker.bundles.day.worker import order_of, ordered
from tracker.errors import NotFound
from tracker.node import Node
from tracker.times import BadZone, named_zone
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes

PATH = "/api/v1/history/day"
TYPE = "application/vnd.tracker.fleetday"
PIECE = 262_144  #: bytes that are sent at once


def blueprint(node: Node) -> Blueprint:
    routes = Routes("days", node)
    routes.add(PATH, GET=get_day)
    return routes.blueprint


async def get_day(node: Node, grant: Grant) -> Response:
    """Made whole before it is sent, so that a slow reader keeps no process waiting."""
    if not grant.everything:
        raise NotFound("may_not", "a fleet day holds all of everybody: it is made for who may see everything")
    api.only("date", "tz")
    try:
        zone = named_zone(request.args.get("tz", "UTC")).key
    except BadZone:
        raise api.bad("tz", "an IANA time zone such as Europe/Berlin") from None
    try:
        order = order_of(node.settings.store_url, node.clock(), _day(request.args.get("date", "")), zone)
    except (ValueError, OverflowError) as fault:
        raise api.bad("date", f"a day that was there, as YYYY-MM-DD ({fault})") from None
    lasts = api.lasts(node.access)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - sent, then closed
    try:
        async with node.heavy.turn():
            lasts()
            await ordered(order, file)
        size = file.seek(0, 2)
    except BaseException:
        file.close()
        raise
    headers = {"content-type": TYPE, "content-length": str(size), "cache-control": "no-store"}
    headers["content-disposition"] = f'attachment; filename="{order.day}.fleetday"'
    return Response(_sent(file, lasts), 200, headers)


def _day(text: str) -> date:
    if len(text) != len("YYYY-MM-DD") or text[4] != "-":
        raise ValueError("it is written otherwise")
    return date.fromisoformat(text)


async def _sent(file: IO[bytes], lasts: api.Lasts) -> AsyncIterator[bytes]:
    with file:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, PIECE):
            lasts()
            yield piece
