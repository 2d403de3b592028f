"""A stand-in for the server that speaks the contract's outside with a fleet the test decides: states, ages and rates no
real fleet would hold still for. Run alone to look at the page: python -m tests.browser.feed 8123 60
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
import time
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from quart import Quart, Response, request, send_from_directory, websocket

from tests.browser.past import Past
from tests.browser.printing import Printing
from tests.support.waiting import deadline, free_port
from tracker.web.api.page import content_policy

ROOT = Path(__file__).resolve().parents[2]
FIELDS = [
    "n", "vehicle", "name", "when", "lat_e6", "lon_e6", "speed_dmps", "heading", "state", "heard", "since", "group",
    "kind", "accuracy_dm", "held", "plate",
]  # fmt: skip


#: louder than the demo, which is calm: tests want to be told of every enter
NOTIFY: dict[str, dict[str, list[str]]] = {
    "depot": {"notify": ["enter", "exit", "dwell"]},
    "harbour": {"notify": ["enter", "exit", "dwell"]},
    "kamppi": {"notify": ["enter"]},
    "kruununhaka": {"notify": ["enter"]},
}


def stamp(ms: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms / 1000)) + f".{int(ms % 1000):03d}Z"


class Feed:
    """The fleet, and every socket that watches it."""

    def __init__(
        self, vehicles: int = 60, seed: int = 1, spread: float = 0.02, demo: bool = True, regions: bool = True
    ) -> None:
        self.random = random.Random(seed)
        self.t0 = int(time.time() * 1000) - 3_600_000
        self.epoch = "e1"
        self.demo = demo
        self.rows = [self._row(n, spread) for n in range(1, vehicles + 1)]
        features = json.loads((ROOT / "fixtures/demo/regions.geojson").read_text())["features"] if regions else []
        self.regions: dict[str, dict[str, Any]] = {f["id"]: self._feature(f) for f in features}
        self.members: dict[str, list[int]] = {
            id: [row[0] for row in self.rows if row[0] % 7 == i] for i, id in enumerate(self.regions)
        }
        self.events: list[dict[str, Any]] = []
        self.sockets: dict[Any, asyncio.Queue[dict[str, Any]]] = {}
        self.conversations: set[asyncio.Task[Any]] = set()
        self.followed: list[dict[str, Any]] = []
        self.got: list[int] = []  # frames acknowledged, of whichever connection
        self.heartbeat = 20  # seconds, as the welcome says; less where a test waits for silence to be noticed
        self.parts = 1  # of a snapshot
        self.parts_told = 99  # so many of them come; `tell_parts` brings the rest
        self.silent = False  # open sockets, no message: half-open
        self.refuse = False  # no WebSocket passes
        self.posted: list[Any] = []
        self.day = "full"  # what is told of a day: "empty", "refused", or "more" than fits in an answer
        self.asked: list[tuple[str, dict[str, str]]] = []  # of the past
        self.corrections: list[dict[str, Any]] = []  # of the day of a vehicle
        self.inside: int | None = None  # the status with which who was here is refused
        self.rehearsed: list[tuple[dict[str, Any], bool]] = []  # shapes, and was each still going on?
        self.behind = 0  # and how many of these do not follow at once
        self.rehearse: int | None = None  # the status with which these are refused
        self.inside_told = 4  # visits on the first page, …
        self.inside_next: str | None = None  # … and whether there are more
        self.tiles: dict[str, Any] = {}
        self.printing = Printing()
        self.past = Past()

    def _feature(self, feature: dict[str, Any]) -> dict[str, Any]:
        properties = {"version": 1, "area_m2": 120_000.0, "updated_at": stamp(self.t0), **feature["properties"]}
        properties |= NOTIFY.get(feature.get("id", ""), {})
        return feature | {"properties": properties}

    def now(self) -> int:
        return int(time.time() * 1000)

    def _row(self, n: int, spread: float) -> list[Any]:
        pick, when = self.random, self.now() - self.t0
        state = pick.choices([1, 2, 3, 4], [70, 14, 13, 3])[0]
        heading = pick.randrange(360) if n % 11 else -1
        heard = when - (pick.randrange(3000) if n % 13 else 40_000)
        lat, lon = 60.1709 + pick.uniform(-1, 1) * spread * 0.38, 24.9435 + pick.uniform(-1, 1) * spread * 0.62
        return [
            n, f"van-{n:02d}", f"Van {n}" if n % 9 else None, heard, round(lat * 1e6), round(lon * 1e6),
            pick.randrange(30, 160) if state == 1 else 0, heading, state, heard, when - pick.randrange(60_000, 4_000_000),
            ["North", "South"][n % 2], "van", 80, None, f"ABC-{n:03d}",
        ]  # fmt: skip

    def event(self, kind: str, n: int, region: str | None, **more: Any) -> dict[str, Any]:
        row, now = self.rows[n - 1], self.now()
        lat, lon = row[4] / 1e6, row[5] / 1e6
        seq = len(self.events) + 1
        told: dict[str, Any] = {"seq": seq, "id": f"event{seq:06d}", "kind": kind, "vehicle": row[1]}
        if region:
            told["region"] = region
        told |= {
            "time": stamp(now), "received_at": stamp(now), "reason": "moved", "lat": lat, "lon": lon, "delayed": False,
            "version": 1,
        }  # fmt: skip
        if region:
            told["why"] = {
                "from": {"time": now - 5000, "lat": lat + 2e-4, "lon": lon - 3e-4, "accuracy_m": 8, "edge_m": 14.2},
                "to": {"time": now, "lat": lat, "lon": lon, "accuracy_m": 8, "edge_m": -22.5},
                "enter_m": -8.0, "exit_m": 20.0, "debounce": "accuracy",
            }  # fmt: skip
        told |= more
        self.events.append(told)
        return told

    def move(self, share: float = 1.0) -> list[list[int]]:
        """A step for moving vehicles, as `moved` rows."""
        when, out = self.now() - self.t0, []
        for row in self.rows:
            if row[8] != 1 or row[0] % 13 == 0 or self.random.random() > share:
                continue
            row[7] = (row[7] + self.random.randrange(-12, 13)) % 360 if row[7] >= 0 else -1
            angle, step = math.radians(max(row[7], 0)), row[6] / 10
            row[4] += round(math.cos(angle) * step / 111_000 * 1e6)
            row[5] += round(math.sin(angle) * step / 55_000 * 1e6)
            row[3] = row[9] = when
            out.append([row[0], when, row[4], row[5], row[6], row[7], row[8]])
        return out

    def snapshot(self, follow: dict[str, Any]) -> dict[str, Any]:
        chosen = (
            None if follow.get("all") else {n for id in follow.get("regions", []) for n in self.members.get(id, [])}
        )
        if chosen is not None:
            chosen |= {row[0] for row in self.rows if row[1] in follow.get("vehicles", [])}
        rows = [row for row in self.rows if chosen is None or row[0] in chosen]
        told = {id: m for id, m in self.members.items() if follow.get("all") or id in follow.get("regions", [])}
        seen = [f for id, f in self.regions.items() if follow.get("all") or id in follow.get("regions", [])]
        return {
            "op": "snapshot", "cursor": f"c{len(self.events)}", "reset": True, "part": 1, "parts": 1, "fields": FIELDS,
            "vehicles": rows, "regions": seen, "in": [[id, m] for id, m in told.items()],
        }  # fmt: skip

    def tell(self, **parts: Any) -> None:
        """An update to everybody who may see it."""
        if self.silent:
            return
        for socket_, queue in self.sockets.items():
            mine = dict(parts)
            socket_["frame"] += 1
            if "moved" in mine and not socket_["follow"].get("all"):
                seen = {row[0] for row in self.snapshot(socket_["follow"])["vehicles"]}
                mine["moved"] = [row for row in mine["moved"] if row[0] in seen]
            queue.put_nowait({"op": "update", "frame": socket_["frame"], "cursor": f"c{len(self.events)}", **mine})

    def snapshot_parts(self, follow: dict[str, Any]) -> list[dict[str, Any]]:
        """The same, its vehicles spread over several messages."""
        whole, parts = self.snapshot(follow), self.parts
        each = [whole | {"part": n + 1, "parts": parts, "vehicles": whole["vehicles"][n::parts]} for n in range(parts)]
        return [part if n == 0 else part | {"regions": [], "in": []} for n, part in enumerate(each)]

    def tell_parts(self) -> None:
        """The parts of the snapshot that were kept back."""
        for key, queue in self.sockets.items():
            for part in self.snapshot_parts(key["follow"])[self.parts_told :]:
                queue.put_nowait(part)

    def drop(self, code: int = 1012, reason: str = "") -> None:
        """Every socket is closed, as a restarting server does."""
        for queue in self.sockets.values():
            queue.put_nowait({"op": "close", "code": code, "reason": reason})


HOUR = 3_600_000


def days(feed: Feed, row: list[Any], what: str, since: int, until: int) -> dict[str, Any]:
    """A day of two trips around a stop in a region, a silence, and a stop outside of any."""
    empty = feed.day == "empty"

    def at(east: float) -> dict[str, Any]:
        return {"lat": row[4] / 1e6, "lon": row[5] / 1e6 + east}

    def lasts(hour: float, hours: float) -> dict[str, Any]:
        begin = since + hour * HOUR
        return {"from": stamp(begin), "until": stamp(begin + hours * HOUR), "duration_s": hours * 3600}

    trips: list[dict[str, Any]] = [
        lasts(8 + 3 * n, 0.5) | {"start": at(0), "end": at(0.02), "distance_m": 8400.0 + n, "driving_s": 1500, "idle_s": 300, "max_mps": 19.4}
        for n in range(2)
    ]  # fmt: skip
    gap: dict[str, Any] = lasts(11.5, 0.75) | {"start": at(0.02), "end": at(0.03), "distance_m": 900.0}
    region: dict[str, Any] = {"id": "depot", "name": "Central depot"}
    stops: list[dict[str, Any]] = [
        lasts(0, 8) | at(0) | {"regions": [region]}, lasts(8.5, 2.5) | at(0.02) | {"regions": []},
        lasts(12.25, 11.75) | at(0.03) | {"regions": [region, {"id": "kamppi", "name": None}]},
    ]  # fmt: skip
    sums: dict[str, Any] = {
        "distance_m": 16_801.0,
        "driving_s": 3000,
        "idle_s": 600,
        "stopped_s": 80_100,
        "silent_s": 2700,
        "trips": 2,
    }
    more = feed.day == "more" and "cursor" not in request.args
    if feed.corrections and "as" not in request.args:
        stops[1] |= {"corrected": feed.corrections, "until": feed.corrections[0].get("new_until") or stops[1]["until"]}
    match what:
        case "trips":
            return {"vehicle": row[1], "trips": [] if empty else trips, "gaps": [] if empty else [gap], "next": None}
        case "stops":
            some = [] if empty else stops[:1] if more else stops[1:] if feed.day == "more" else stops
            return {"vehicle": row[1], "stops": some, "next": "c1" if more else None}
    span: dict[str, Any] = {"from": stamp(since), "until": stamp(until)}
    if empty:
        sums = dict.fromkeys(sums, 0)
    if feed.corrections and "as" not in request.args:
        span |= {"corrections": feed.corrections}
    return {"vehicle": row[1], "tz": "UTC", **span, **sums, "stops": 3, "max_mps": None if empty else 19.4, "regions": [], "days": []}  # fmt: skip


def leg(asked: Any) -> tuple[int, int]:
    return int(asked["from"]), int(asked["until"])


def trip(row: list[Any], since: int, until: int) -> list[dict[str, Any]]:
    """A fix every ten seconds, ever faster, with a silence of three minutes in the middle."""
    out, count = [], (until - since) // 10_000
    for n in range(count):
        if abs(n - count // 2) < 9:
            continue
        place = {"lat": row[4] / 1e6 + 0.004 * math.sin(n / 20), "lon": row[5] / 1e6 + 0.02 * n / count}
        out.append({"time": stamp(since + n * 10_000), **place, "speed_mps": 25 * n / count})
    return out


class Key(dict[str, Any]):
    __hash__ = object.__hash__  # type: ignore[assignment]


def application(feed: Feed) -> Quart:
    app = Quart("feed", static_folder=None)

    @app.before_request
    async def read_body() -> None:
        """An answer to half a request ends its connection, which a browser may hear of before it hears the answer."""
        await request.get_data()

    @app.get("/")
    async def index() -> Response:
        answer = await send_from_directory(ROOT / "static", "index.html")
        answer.headers["content-security-policy"] = content_policy(feed.tiles.get("url") or "")
        return answer

    @app.get("/fixtures/demo/<path:name>")
    async def fixture(name: str) -> Response:
        return await send_from_directory(ROOT / "fixtures/demo", name)

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "now": feed.now()}

    @app.get("/api/v1/page")
    async def page() -> dict[str, Any]:
        tiles = {"url": None, "attribution": "", "reachable": False} | feed.tiles
        return {"version": "0.1.0", "demo": feed.demo, "tiles": tiles}

    @app.get("/api/v1/session")
    async def session() -> dict[str, Any]:
        """Somebody without a name who may do everything: no page of who is who, no notice that nobody signs in."""
        may = ["watch", "acknowledge", "edit_regions", "edit_vehicles"]
        return {"open": False, "name": None, "role": None, "groups": [], "may": may}

    @app.get("/api/v1/events")
    async def events() -> dict[str, Any]:
        chosen = [e for e in feed.events if request.args.get("region") in (None, e.get("region"))]
        if "until" in request.args:
            since, until = stamp(int(request.args["from"])), stamp(int(request.args["until"]))
            chosen = [
                e for e in chosen if since <= e["time"] < until and request.args.get("vehicle") in (None, e["vehicle"])
            ]
            return {"events": chosen, "next": None, "last": len(feed.events)}
        before = int(request.args.get("before", 2**60))
        chosen = [e for e in chosen if e["seq"] < before][-int(request.args.get("limit", 100)) :]
        return {"events": chosen[::-1], "next": None, "last": len(feed.events)}

    @app.route("/api/v1/events/<id>/ack", methods=["POST", "DELETE"])
    async def ack(id: str) -> dict[str, Any]:
        event = next(e for e in feed.events if e["id"] == id)
        by = (await request.get_json())["by"] if request.method == "POST" else None
        event.pop("ack", None)
        if by:
            event["ack"] = {"by": by, "at": stamp(feed.now())}
        feed.tell(acked=[{"id": id, "by": by, "at": stamp(feed.now())}])
        return event

    def shown(row: list[Any]) -> dict[str, Any]:
        regions = [
            {"id": id, "name": id, "entered_at": stamp(feed.now() - 754_000)}
            for id, members in feed.members.items()
            if row[0] in members
        ]
        position = {
            "time": stamp(feed.t0 + row[3]), "lat": row[4] / 1e6, "lon": row[5] / 1e6, "speed_mps": row[6] / 10,
            "heading": row[7], "accuracy_m": 8.0, "battery_pct": 87, "received_at": stamp(feed.t0 + row[9]),
        }  # fmt: skip
        return {
            "vehicle": row[1], "name": row[2], "plate": row[15], "group": row[11], "kind": row[12], "attributes": {},
            "position": position, "state": "moving", "state_since": None, "regions": regions, "held": row[14] and position | {"lat": 60.18, "lon": 24.95},
        }  # fmt: skip

    @app.get("/api/v1/vehicles")
    async def vehicles() -> dict[str, Any]:
        members = feed.members.get(request.args.get("region", ""), [])
        return {"vehicles": [shown(feed.rows[n - 1]) for n in members], "next": None}

    @app.route("/api/v1/vehicles/<id>", methods=["GET", "PATCH"])
    async def vehicle(id: str) -> Any:
        row = next((row for row in feed.rows if row[1] == id), None)
        if row is None:
            return {"title": "not found", "status": 404, "code": "unknown_vehicle", "detail": "there is none"}, 404
        if request.method == "PATCH":
            said = await request.get_json()
            for key, at in {"name": 2, "plate": 15, "group": 11, "kind": 12}.items():
                row[at] = said.get(key, row[at])
            feed.tell(vehicles=[{"vehicle": id, **said}])
        return shown(row)

    @app.get("/api/v1/vehicles/<id>/payloads")
    async def payloads(id: str) -> dict[str, Any]:
        kept = {
            "at": stamp(feed.now()), "protocol": "owntracks", "method": "POST", "path": "/ingest/owntracks/•••", "query": "",
            "headers": {"User-Agent": "Phone/1"}, "body": json.dumps({"_type": "location", "tid": id}), "bytes": 40, "cut": False,
            "status": 200, "code": "no_fix", "message": "(0, 0) is what a receiver without a fix says", "counts": {},
        }  # fmt: skip
        return {
            "payloads": [kept, kept | {"path": None, "body": None, "code": None}],
            "next": None,
            "since": stamp(feed.t0),
        }

    @app.get("/api/v1/vehicles/<id>/<any(trips, stops, summary):what>")
    async def day(id: str, what: str) -> Any:
        feed.asked.append((what, request.args.to_dict()))
        row = next((row for row in feed.rows if row[1] == id), None)
        if row is None or feed.day == "refused":
            return {"title": "not found", "status": 404, "code": "unknown_vehicle", "detail": "there is none"}, 404
        return days(feed, row, what, int(request.args["from"]), int(request.args["until"]))

    @app.get("/api/v1/vehicles/<id>/track")
    async def track(id: str) -> Any:
        row = next((row for row in feed.rows if row[1] == id), None)
        if row is None:
            return {"title": "not found", "status": 404, "code": "unknown_vehicle", "detail": "there is none"}, 404
        feed.asked.append(("track", request.args.to_dict()))
        if "until" in request.args and int(request.args["until"]) - int(request.args["from"]) < 4 * HOUR:
            return {"vehicle": id, "positions": trip(row, *leg(request.args)), "next": None}
        pick, out, now = random.Random(row[0]), [], feed.now()
        for step in range(240):
            ago = (240 - step) * 60_000 if step < 120 else (240 - step) * 10_000
            speed = 0 if step % 60 > 44 else 8.0
            lat, lon = (
                row[4] / 1e6 - (240 - step) * 6e-5,
                row[5] / 1e6 + math.sin(step / 9) * 2e-3 + pick.random() * 1e-4,
            )
            out.append({"time": stamp(now - ago), "lat": lat, "lon": lon, "speed_mps": speed})
        return {"vehicle": id, "positions": out, "next": None}

    feed.printing.route(app)
    feed.past.routes(app, feed)

    @app.post("/api/v1/history/corrections")
    async def correct() -> Any:
        said = await request.get_json()
        if "gate" not in said["why"]:
            fault = {"field": "why", "code": "invalid", "message": "say more"}
            return {"title": "no", "status": 422, "code": "invalid", "detail": "say more", "errors": [fault]}, 422
        feed.corrections.append(said | {"id": "c1", "at": stamp(feed.now()), "taken_back": None})
        return feed.corrections[-1], 201

    @app.delete("/api/v1/history/corrections/<id>")
    async def take_back(id: str) -> Any:
        assert id == "c1"
        return feed.corrections.pop()

    @app.post("/api/v1/regions/preview")
    async def preview() -> dict[str, Any]:
        return {"counts": {"enter": 12, "exit": 11, "dwell": 3}, "inside_count": 4}

    @app.post("/api/v1/history/rehearse")
    async def rehearse() -> Any:
        """Each shape makes one event more appear; `rehearse` is a status with which it is refused. While it goes on so many
        answers are `behind`."""
        going = "going" in request.args
        feed.rehearsed.append((await request.get_json(), going))
        if feed.rehearse:
            return {"status": feed.rehearse, "code": "overloaded", "detail": "come again"}, feed.rehearse
        row, now, n = feed.rows[2], feed.now(), len(feed.rehearsed)
        at = {"vehicle": row[1], "reason": "moved", "lat": row[4] / 1e6, "lon": row[5] / 1e6}
        new = at | {"id": f"new{n}", "kind": "enter", "region": "preview", "time": stamp(now - 1_800_000)}
        gone = at | {"id": "gone1", "kind": "exit", "region": "preview", "time": stamp(now - 3_600_000)}
        counts = {"appeared_count": 100 + n, "vanished_count": 1, "changed_count": 0, "same": 4321}
        counts["behind"] = feed.behind = max(0, feed.behind - 1) if going else 0
        return {"counts": {}, **counts, "appeared": [new], "vanished": [gone], "changed": []}

    @app.post("/api/v1/history/inside")
    async def inside() -> Any:
        feed.posted.append(await request.get_json())
        if isinstance(feed.inside, int):
            return {"title": "busy", "status": feed.inside, "code": "overloaded", "detail": "come again"}, feed.inside
        now = feed.now()
        crossed = {"how": "crossed", "lat": 60.1709, "lon": 24.9391}
        beyond = {"how": "beyond", "lat": None, "lon": None}
        told: dict[str, Any] = {"duration_s": 754.2, "fixes": 31, "passed_through": False, "silent_s": 31.0}
        told |= {"entered_at": stamp(now - 3_000_000), "exited_at": stamp(now - 2_245_800), "entry": crossed}
        told |= {"exit": crossed | {"lon": 24.9479}}
        visits = [
            {"vehicle": "van-03", **told},
            {"vehicle": "van-03", **told, "exited_at": None, "exit": beyond},
            {"vehicle": "van-05", **told, "fixes": 0, "passed_through": True, "duration_s": 9.1},
            {"vehicle": "van-77", **told, "entered_at": None, "entry": beyond, "exit": crossed | {"how": "fix"}},
        ]
        first = "cursor" not in request.args
        return {
            "visits": visits[: feed.inside_told] if first else visits[2:],
            "next": feed.inside_next if first else None,
        }

    @app.get("/api/v1/regions")
    async def regions() -> dict[str, Any]:
        return {"regions": list(feed.regions.values()), "next": None}

    @app.post("/api/v1/regions")
    async def create() -> Any:
        said = await request.get_json()
        feature = feed._feature(said | {"id": f"new{len(feed.regions)}"})
        feed.regions[feature["id"]] = feature
        feed.members[feature["id"]] = []
        feed.tell(regions=[feature])
        return feature, 201

    @app.route("/api/v1/regions/<id>", methods=["GET", "PUT", "DELETE"])
    async def region(id: str) -> Any:
        before = feed.regions.get(id)
        if before is None and request.method == "PUT" and "if-match" not in request.headers:
            feed.regions[id] = feed._feature(await request.get_json())
            feed.regions[id]["properties"]["version"] = 9
            feed.members[id] = []
            feed.tell(regions=[feed.regions[id]])
            return feed.regions[id], 201
        if before is None:
            return {"title": "not found", "status": 404, "code": "unknown_region", "detail": "there is none"}, 404
        if request.method == "GET":
            return before
        if (match := request.headers.get("if-match")) and match != f'"{before["properties"]["version"]}"':
            return {"title": "changed", "status": 412, "code": "version_conflict", "detail": "somebody changed it"}, 412
        if request.method == "DELETE":
            del feed.regions[id]
            feed.tell(regions_deleted=[id])
            return "", 204
        said = await request.get_json()
        said["properties"] |= {"version": before["properties"]["version"] + 1, "updated_at": stamp(feed.now())}
        feed.regions[id] = said
        feed.tell(regions=[said])
        return said

    @app.websocket("/api/v1/live")
    async def live() -> None:
        if feed.refuse:
            raise RuntimeError("no WebSocket here")
        conversation = asyncio.current_task()
        assert conversation
        feed.conversations.add(conversation)
        conversation.add_done_callback(feed.conversations.discard)
        await websocket.accept(subprotocol="tracker.v1.json")
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        key = Key(follow={}, frame=0)
        if not feed.silent:
            queue.put_nowait(
                {
                    "op": "welcome",
                    "epoch": feed.epoch,
                    "t0": feed.t0,
                    "now": feed.now(),
                    "heartbeat_s": feed.heartbeat,
                    "limits": {},
                }
            )
        sending = asyncio.ensure_future(send(queue))
        try:
            while True:
                said = json.loads(await websocket.receive())
                if said["op"] == "ping" and not feed.silent:
                    queue.put_nowait({"op": "pong", "t": said["t"], "now": feed.now()})
                if said["op"] == "got":
                    feed.got.append(said["frame"])
                if said["op"] == "follow":
                    key["follow"] = said
                    feed.followed.append(said)
                    feed.sockets[key] = queue
                    if not feed.silent:
                        for part in feed.snapshot_parts(said)[: feed.parts_told]:
                            queue.put_nowait(part)
        finally:
            feed.sockets.pop(key, None)
            sending.cancel()

    async def send(queue: asyncio.Queue[dict[str, Any]]) -> None:
        while (message := await queue.get())["op"] != "close":
            await websocket.send(json.dumps(message, separators=(",", ":")))
        await websocket.close(message["code"], message["reason"])

    return app


def with_files(app: Quart) -> ASGIFramework:
    """The page's files, nearly two hundred in each window: Quart, asked for each, would be half of what one costs."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        file = ROOT / scope.get("path", "").removeprefix("/")
        if scope["type"] != "http" or not scope["path"].startswith("/static/") or not file.is_file():
            return await app(scope, receive, send)
        kind = guess_type(file.name)[0] or "application/octet-stream"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        body = file.read_bytes()  # here and now, which a thread for each makes no quicker
        told = {"content-type": kind, "content-length": str(len(body)), "cache-control": "no-cache"}
        headers = [(name.encode(), value.encode()) for name, value in told.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


class Running:
    """A feed being served on a free port of this machine."""

    def __init__(self, feed: Feed, port: int = 0) -> None:
        self.feed = feed
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Running:
        config = Config()
        config.bind = [f"127.0.0.1:{self.port}"]
        config.errorlog = None
        config.graceful_timeout = 0.2
        self._serving = asyncio.ensure_future(
            serve(with_files(application(self.feed)), config, shutdown_trigger=self._stop.wait)
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return self

    async def __aexit__(self, *_: object) -> None:
        self.feed.drop()
        self._stop.set()
        # cut short, it leaves tasks behind for a later test to be blamed
        await asyncio.wait({self._serving}, timeout=deadline(5))
        left = [self._serving, *self.feed.conversations]  # Hypercorn forgets some it no longer waits for
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def main(port: int, vehicles: int, spread: float) -> None:
    feed = Feed(vehicles, spread=spread)
    kinds = ["enter", "exit", "enter", "dwell", "cross"]
    for i in range(14):
        region = list(feed.regions)[i % len(feed.regions)]
        feed.event(kinds[i % 5], 1 + i * 3 % vehicles, region, duration_s=340, dwell_s=120)
    async with Running(feed, port):
        while True:
            await asyncio.sleep(1)
            feed.tell(moved=feed.move())
            if feed.random.random() < 0.12 and feed.regions:
                region = feed.random.choice(list(feed.regions))
                kind = feed.random.choice(kinds)
                feed.tell(events=[feed.event(kind, feed.random.randrange(1, vehicles + 1), region, duration_s=61)])


if __name__ == "__main__":
    argument = dict(enumerate(sys.argv))
    asyncio.run(main(int(argument.get(1, 8123)), int(argument.get(2, 60)), float(argument.get(3, 0.02))))
