"""Two protocols that exist in tests only: one request a fix, as phones send it, and lines of text, as trackers do.

`tracker.protocols.__path__` is told of this folder; nothing else of the tracker knows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from tracker.errors import BadRequest
from tracker.model.ping import Unfit
from tracker.protocols import Payload, Reading, Reply, Spoken
from tracker.protocols.lines import Lines


def read_url(payload: Payload, now: int) -> Reading:
    """`/phone/van-7?lat=…&lon=…&time=…`, or the same as a form. A phone hears OK whatever it sent: it would send it again."""
    said: dict[str, Any] = dict(parse_qsl(payload.query or payload.body.decode()))
    if not said:
        raise BadRequest("empty", "send lat, lon and time")
    reading = Reading(items=1, reply=Reply(b"OK"))
    try:
        numbers = {name: float(text) for name, text in said.items() if name in ("lat", "lon", "time")}
        reading.take_item({"vehicle": payload.path.rpartition("/")[2], **numbers}, now)
    except (Unfit, ValueError) as fault:
        reading.reject(0, fault if isinstance(fault, Unfit) else Unfit("wrong_type", None, str(fault)))
    return reading


def read_tracked(payload: Payload, now: int) -> Reading:
    """`/ingest/tracks/<token>?id=van-7&lat=…`: the vehicle is a parameter, as most phones have it."""
    said = dict(parse_qsl(payload.query))
    return read_url(payload._replace(path=f"/{said.get('id', '')}"), now)


class TextDecoder:
    """`van-7 1795424400 60.17 24.94`, one a line. Each run is answered with how many fixes there are by now."""

    def __init__(self, max_line: int) -> None:
        self._lines = Lines(max_line)
        self._fixes = 0

    def feed(self, data: bytes, now: int) -> Iterator[Reading]:
        return (self._read(run, now) for run in self._lines.feed(data))

    def finish(self, now: int) -> Iterator[Reading]:
        return (self._read(run, now) for run in self._lines.finish())

    def _read(self, run: bytes | None, now: int) -> Reading:
        reading = Reading()
        for index, line in enumerate((run or b"").splitlines()):
            reading.items += 1
            try:
                vehicle, *numbers = line.decode().split()
                time, lat, lon = map(float, numbers)
                reading.take_item({"vehicle": vehicle, "time": time, "lat": lat, "lon": lon}, now)
            except ValueError as fault:  # Unfit is one
                reading.reject(index, fault if isinstance(fault, Unfit) else Unfit("wrong_type", None, str(fault)))
        self._fixes += len(reading.pings)
        reading.reply = Reply(b"%d fixes\n" % self._fixes)
        return reading


SPOKEN = (
    Spoken("url", ("/phone/",), read=read_url, methods=("GET", "POST")),
    Spoken("tracks", ("/ingest/tracks/",), read=read_tracked, methods=("GET", "POST")),
    Spoken("text", ("/text",), decoder=TextDecoder, types=("text/plain",), socket=True),
)
