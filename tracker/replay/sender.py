"""Sender: batches of points to a server over HTTP, again and again until each is answered.

A batch whose answer was lost (the server was killed, the network broke) is sent again, and the server then calls what
it had already stored duplicates. So that every point is counted as what it was, the vehicles' tracks are asked when
their points were received, and how they were taken: what arrived since this replay began was accepted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import msgspec

from tracker.formats import Point, item
from tracker.model.ping import Unfit, read_ping
from tracker.replay.connection import Connection, Failed, Response
from tracker.replay.tally import COUNTS, Tally
from tracker.times import parse_time, rfc3339

POSITIONS = "/api/v1/positions"
ROWS = 10_000

_encode = msgspec.json.encode


class Sender:
    def __init__(
        self,
        connection: Connection,
        *,
        where: Callable[[Point], str] = lambda point: f"line {point.line}",
        item: Callable[[Point, int], Any] = lambda point, shift: item(point, shift, number=True),
    ) -> None:
        """`item`: a point as the API takes it, its time shifted by so many ms."""
        self._item = item
        self._connection = connection
        self._where = where
        self._began: int | None = None  # the server's clock at its first answer, a second early
        self._last: dict[str, int] = {}  # vehicle → newest fix time sent

    def send(self, points: list[Point], shift: int = 0) -> Tally:
        """Send a batch, its times shifted by so many ms; returns what became of it. Raises Failed."""
        items = [self._item(point, shift) for point in points]
        body = _encode(items)
        if self._began is None:
            self._began = self._server_clock()
        response = self._connection.request("POST", POSITIONS, body)
        answer = self._understood(response, "accepted")
        counts = _counts(answer, len(items))
        if response.unsure and counts.duplicates:
            self._recount(counts, items)
        self._explain(counts, answer, items, points)
        for point in points:
            if isinstance(point.vehicle, str):
                self._last[point.vehicle] = max(self._last.get(point.vehicle, 0), point.time + shift)
        return counts

    def _server_clock(self) -> int:
        """A second before now by the server's clock: what it received since then came from this replay."""
        date = self._connection.request("GET", "/healthz").headers.get("date", "")
        try:
            return int(parsedate_to_datetime(date).timestamp() * 1000) - 1000
        except (ValueError, TypeError):
            return int(time.time() * 1000) - 1000

    def _understood(self, response: Response, field: str) -> dict[str, Any]:
        """The answer, which has this field. Raises Failed when the server refuses, or is not ours."""
        answer = response.json()
        if response.status in (200, 207, 422) and field in answer:
            return answer
        url = self._connection.url
        if "detail" in answer or "title" in answer:
            do = "; --token T shows one (`tracker token create --vehicle '*'`)" if response.status == 401 else ""
            raise Failed(f"{url} refused with {response.status}: {answer.get('detail') or answer.get('title')}{do}")
        raise Failed(f"{url} answered {response.status} with something that is not ours; is the tracker there?")

    def _explain(self, counts: Tally, answer: dict[str, Any], items: list[Any], points: list[Point]) -> None:
        """Count the rejected by reason. A server tells at most a hundred; the rest meets the same gate here."""
        told = [error for error in answer.get("errors", ()) if isinstance(error, dict)]
        for error in told:
            index = error.get("index")
            place = self._where(points[index]) if isinstance(index, int) and 0 <= index < len(points) else "an item"
            counts.refuse(str(error.get("code")), f"{place}: {error.get('message')}")
        left = counts.rejected - len(told)
        if left <= 0:
            return
        seen = max((error["index"] for error in told if isinstance(error.get("index"), int)), default=-1)
        now = int(time.time() * 1000)
        for point, one in zip(points[seen + 1 :], items[seen + 1 :], strict=True):
            try:
                read_ping(one, now)
            except Unfit as fault:
                counts.refuse(fault.code, f"{self._where(point)}: {fault.message}")
                left -= 1
        if left > 0:
            counts.reasons["other"] += left

    def _recount(self, counts: Tally, items: list[Any]) -> None:
        """The counts a batch would have had if its first answer had not been lost."""
        fresh: dict[str, set[int]] = {}  # fixes no earlier batch had
        for one in items:
            try:
                ping = read_ping(one, 2**62)
            except Unfit:
                continue
            if self._last.get(ping.vehicle, 0) < ping.time:
                fresh.setdefault(ping.vehicle, set()).add(ping.time)
        if not all(self._sees(vehicle) for vehicle in list(fresh)[:1]):
            return  # a device may not look: what is stored twice is a duplicate, as it was told
        counts.accepted = counts.late = counts.held = 0
        for vehicle, times in fresh.items():
            for row in self._stored(vehicle, min(times), max(times)):
                if parse_time(row["time"]) in times and parse_time(row["received_at"]) >= (self._began or 0):
                    counts.accepted += 1
                    counts.late += bool(row.get("late"))
                    counts.held += bool(row.get("held"))
        counts.duplicates = counts.sent - counts.rejected - counts.accepted

    def _sees(self, vehicle: str) -> bool:
        path = f"/api/v1/vehicles/{quote(vehicle, safe='')}/track?limit=1"
        return self._connection.request("GET", path).json().get("code") not in ("may_not", "not_signed_in")

    def _stored(self, vehicle: str, since: int, until: int) -> Iterator[dict[str, Any]]:
        """What the server has of one vehicle in this stretch of time. Raises Failed."""
        cursor = ""
        while True:
            window = f"from={quote(rfc3339(since))}&until={quote(rfc3339(until + 1))}&limit={ROWS}"
            path = f"/api/v1/vehicles/{quote(vehicle, safe='')}/track?{window}{cursor}"
            answer = self._understood(self._connection.request("GET", path), "positions")
            yield from answer["positions"]
            if not answer.get("next"):
                return
            cursor = f"&cursor={quote(answer['next'])}"


def _counts(answer: dict[str, Any], sent: int) -> Tally:
    tally = Tally(sent=sent)
    for name in COUNTS[1:]:
        setattr(tally, name, int(answer.get(name, 0)))
    return tally
