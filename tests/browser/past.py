"""The past of a stand-in server: every vehicle drives rounds by day and stands by night (before five, UTC), every fifth
is silent over noon; one region was elsewhere before six, another was not yet drawn."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from quart import Quart, Response, request

if TYPE_CHECKING:
    from tests.browser.feed import Feed

SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
NOTHING, GAP, BETWEEN = 0, 1, 2


class Past:
    """What is told of it, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refused = 0  #: the status that says so
        self.empty = False
        self.cut = False  #: a tape ends in its middle
        self.held: asyncio.Event | None = None  #: answers wait for it
        self.page = 10_000  #: vehicles on a page of a tape
        self.without: set[str] = set()  #: of these the reader is told nothing any more

    def routes(self, app: Quart, feed: Feed) -> None:
        @app.get("/api/v1/history/<any(frames, regions, activity):what>")
        async def history(what: str) -> Any:
            query = request.args.to_dict()
            self.asked.append((what, query))
            if self.held:
                await self.held.wait()
            if self.refused:
                return (
                    {"status": self.refused, "code": "not_granted", "title": "no", "detail": "not you"},
                    self.refused,
                    {"Retry-After": "1"},
                )
            if what == "frames":
                return self.tape(feed, query) if query.get("format") == "tape" else self.frames(feed, query)
            since, until = int(query["from"]), int(query["until"])
            if what == "regions":
                return {"versions": self.versions(feed, since, until), "next": None}
            at = np.arange(since, until, int(query["step_s"]) * SECOND)
            count = 0 if self.empty else 1 if "vehicle" in query else len(feed.rows)
            moving = np.where(at % DAY >= 5 * HOUR, count, 0)
            return {"known": [count] * len(at), "moving": moving.tolist()}

    def rows(self, feed: Feed) -> list[list[Any]]:
        return [] if self.empty else [row for row in feed.rows if row[1] not in self.without]

    def frames(self, feed: Feed, query: dict[str, str]) -> dict[str, Any]:
        at = int(query["from"])
        positions = []
        for row in self.rows(feed):
            known, lat, lon = place(row, np.array([at]))
            age = (at % DAY - 12 * HOUR) / SECOND if known[0] == GAP else 7.0
            one = {"vehicle": row[1], "lat": round(float(lat[0]), 7), "lon": round(float(lon[0]), 7), "age_s": age}
            positions.append(one | ({"gap": True} if known[0] == GAP else {}))
        return {"frames": [{"time": at, "positions": positions}], "next": None}

    def tape(self, feed: Feed, query: dict[str, str]) -> Response:
        rows, begin = self.rows(feed), int(query.get("cursor", 0))
        step = int(query["step_s"]) * SECOND
        at = np.arange(int(query["from"]), int(query["until"]), step)
        digits = 6 if step < 30 * SECOND else 5
        page = min(self.page, int(query.get("limit", self.page)))
        some = rows[begin : begin + page]
        samples = [place(row, at) for row in some]
        vehicles, known, lats, lons = [], [], [], []
        for row, (what, lat, lon) in zip(some, samples, strict=True):
            y, x = np.round(lat * 10**digits).astype(np.int64), np.round(lon * 10**digits).astype(np.int64)
            lats.append(np.diff(y, prepend=y[:1]))
            lons.append(np.diff(x, prepend=x[:1]))
            known.append(what)
            told = {"vehicle": row[1], "name": row[2], "group": row[11], "kind": row[12]}
            vehicles.append(told | {"lat": int(y[0]), "lon": int(x[0])})
        more = begin + page < len(rows)
        header = {
            "from": int(query["from"]), "step_ms": step, "instants": len(at), "digits": digits, "vehicles": vehicles,
            "next": str(begin + page) if more else None,
        }  # fmt: skip
        body = packed(header, known, lats, lons)
        return Response(body[: len(body) // 2] if self.cut else body, mimetype="application/vnd.tracker.tape")

    def versions(self, feed: Feed, since: int, until: int) -> list[dict[str, Any]]:
        out = []
        for n, (id, feature) in enumerate(feed.regions.items()):
            six = until - until % DAY + 6 * HOUR
            if n == 0:
                moved = json.loads(json.dumps(feature))
                for ring in moved["geometry"]["coordinates"]:
                    for point in ring:
                        point[0] += 0.01
                out.append(version(id, 1, 0, six, moved))
            out.append(version(id, 2, six if n < 2 else 0, None, feature))
        return [one for one in out if one["until"] is None or one["until"] > stamp(since)]


def version(id: str, number: int, since: int, until: int | None, feature: dict[str, Any]) -> dict[str, Any]:
    told = {"id": id, "version": number, "from": stamp(since), "until": None if until is None else stamp(until)}
    return told | {"feature": feature}


def stamp(ms: int) -> str:
    return str(np.datetime64(ms, "ms")) + "Z"


def place(row: list[Any], at: Any) -> tuple[Any, Any, Any]:
    """Rounds of twenty minutes, from five in the morning on."""
    clock = at % DAY
    turn = np.maximum(clock - 5 * HOUR, 0) / (20 * 60 * SECOND) * 2 * np.pi + row[0]
    silent = (row[0] % 5 == 0) & (clock > 12 * HOUR) & (clock < 13 * HOUR)
    turn = np.where(silent, (7 * HOUR) / (20 * 60 * SECOND) * 2 * np.pi + row[0], turn)
    lat, lon = row[4] / 1e6 + 0.01 * np.sin(turn), row[5] / 1e6 + 0.02 * np.cos(turn)
    return np.where(silent, GAP, BETWEEN).astype(np.uint8), lat, lon


def packed(header: dict[str, Any], known: list[Any], lats: list[Any], lons: list[Any]) -> bytes:
    words = json.dumps(header).encode()
    words += b" " * (-len(words) % 4)
    parts = [np.concatenate([*known, np.zeros(0, np.uint8)]).astype(np.uint8).tobytes()]
    values = [np.concatenate([*some, np.zeros(0, np.int64)]) for some in (lats, lons)]
    zigzag = [(value << 1) ^ (value >> 63) for value in values]
    planes = max([1, *(int(one.max()).bit_length() + 7 >> 3 for one in zigzag if one.size)])
    for one in zigzag:
        parts += [(one >> (8 * plane) & 255).astype(np.uint8).tobytes() for plane in range(planes)]
    return b"TAPE" + struct.pack("<BBHI", 1, planes, 0, len(words)) + words + b"".join(parts)
