"""Our own JSON: one position, an array of them, `{"positions": […]}`, or one a line.

Two ways through. The fast one decodes straight into typed structs and gives up at the first doubt; then the careful
one (`read_ping`) goes item by item, so that a bad item costs only itself and is told what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, NoReturn

import msgspec

from tracker.errors import BadRequest
from tracker.model.keys import holds_key
from tracker.model.ping import (
    AHEAD_MS,
    MAX_TEXT,
    OLDEST,
    RANGES,
    SPEEDS,
    Ping,
    Unfit,
    check_attributes,
    read_ping,
    vehicle_id,
)
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.pieces import PIECE, batches, cut
from tracker.times import EPOCH, MS, parse_time

MAX_ITEMS = 100_000  #: of one JSON body; more go as NDJSON, which is read as it comes

#: added to a number and taken away again it leaves the nearest whole one, as `round` does, without a call (0.03 µs of
#: 0.06): a float of this size has no room for a fraction. All that is scaled here is below 2⁵¹.
WHOLE = 1.5 * 2**52
SECONDS_END, MS_END = 10**11, 10**14  #: a number between these is a time in ms

_KMH, _KN = SPEEDS["speed_kmh"], SPEEDS["speed_kn"]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


def _within(name: str, unit: float = 1.0) -> Any:
    low, high, _ = RANGES[name]
    return Annotated[float, msgspec.Meta(ge=low / unit, le=high / unit)]


class _Position(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A position with nothing unusual about it."""

    vehicle: str
    time: Annotated[datetime, msgspec.Meta(tz=True)] | int | float
    lat: _within("lat")  # type: ignore[valid-type]
    lon: _within("lon")  # type: ignore[valid-type]
    speed_mps: _within("speed_mps") | None = None  # type: ignore[valid-type]
    speed_kmh: _within("speed_mps", _KMH) | None = None  # type: ignore[valid-type]
    speed_kn: _within("speed_mps", _KN) | None = None  # type: ignore[valid-type]
    heading: _within("heading") | None = None  # type: ignore[valid-type]
    altitude_m: _within("altitude_m") | None = None  # type: ignore[valid-type]
    accuracy_m: _within("accuracy_m") | None = None  # type: ignore[valid-type]
    ignition: bool | None = None
    battery_pct: _within("battery_pct") | None = None  # type: ignore[valid-type]
    odometer_m: _within("odometer_m") | None = None  # type: ignore[valid-type]
    driver: _Text | None = None
    alarm: _Text | None = None
    attributes: dict[str, str | int | float | bool | None] | None = None


class _Positions(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    positions: list[_Position]


_one = msgspec.json.Decoder(_Position)
_array = msgspec.json.Decoder(list[_Position])
_wrapped = msgspec.json.Decoder(_Positions)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()


class _Doubt(Exception):
    """The fast path will not decide this one."""


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

#: what the fast path gives up on; all of it goes to the careful path
_DOUBTS = (*_UNREADABLE, _Doubt, Unfit, ValueError, OverflowError)


def read_json(payload: bytes, now: int, first: int = 0) -> Reading:
    """One JSON document. Raises BadRequest or TooLarge when it is not one, or holds no positions."""
    body = payload.strip(b" \t\r\n")
    if body.startswith(b"\xef\xbb\xbf"):  # some Windows tools write a byte order mark
        body = body[3:].lstrip()
    if not body:
        raise BadRequest("empty", 'the body is empty; send a position, an array of them, or {"positions": […]}')
    if len(body) > PIECE:
        return _read_pieces(body, now, first)
    try:
        pings = _read_fast(body, now)
    except _DOUBTS:
        return _read_careful(body, now, first)
    return Reading(pings, len(pings))


def _read_pieces(body: bytes, now: int, first: int) -> Reading:
    """The same of a large body, some items at a time: others have their turn in between."""
    frame, spans = cut(body, "positions", MAX_ITEMS, PIECE)
    if spans is None:
        return _read_careful(frame, now, first)
    wrapper = read_document(frame)
    if isinstance(wrapper, dict):
        if "vehicle" in wrapper:
            return _read_decoded([wrapper], now, first)
        _only_positions(wrapper)
    whole = Reading()
    broken: BadRequest | None = None
    for batch in batches(spans):
        index, items = first + whole.items, b"[%b]" % body[batch[0][0] : batch[-1][1]]
        try:
            reading = _read_array(items, now, index)
        except BadRequest as fault:
            if fault.code not in ("too_deep", "not_utf8"):
                raise BadRequest(fault.code, f"among the items from number {index} on: {fault.detail}") from None
            broken = fault
            reading = _read_each((body[start:end] for start, end in batch), now, index)
        whole.pings += reading.pings
        whole.add_part(reading)
    if broken and not whole.pings:
        raise broken
    return whole


def _read_array(body: bytes, now: int, first: int) -> Reading:
    try:
        pings = _pings(_array.decode(body), now)
        return Reading(pings, len(pings))
    except _DOUBTS:
        return _read_careful(body, now, first)


def read_lines(payload: bytes, now: int, first: int = 0) -> Reading:
    """Whole lines of NDJSON, one position each; blank lines are nothing. A bad line costs only itself."""
    try:
        pings = _pings(_one.decode_lines(payload), now)
        return Reading(pings, len(pings))
    except _DOUBTS:
        pass
    return _read_each((line for line in payload.split(b"\n") if line.strip()), now, first)


def read_item(item: Any, now: int, ignored: list[str]) -> Ping:
    """One item that is decoded already. Raises Unfit; see `read_ping`."""
    try:
        return _pings((msgspec.convert(item, _Position),), now)[0]
    except _DOUBTS:
        return read_ping(item, now, ignored)


def _read_fast(body: bytes, now: int) -> list[Ping]:
    if body[0] == 0x5B:  # [
        return _pings(_array.decode(body), now)
    try:
        return _pings((_one.decode(body),), now)
    except msgspec.ValidationError:
        return _pings(_wrapped.decode(body).positions, now)


def _pings(positions: Iterable[_Position], now: int) -> list[Ping]:
    """The types and ranges are right; what is left is the clock, the id, the units and the rounding.

    One loop without a call for most of them: with a function a position it took 1.4 times as long.
    """
    pings: list[Ping] = []
    add, latest = pings.append, now + AHEAD_MS
    for position in positions:
        time = position.time
        if type(time) is not int or not SECONDS_END <= time < MS_END:  # else milliseconds, as a dry run has them
            time = (time - EPOCH) // MS if type(time) is datetime else parse_time(time)  # type: ignore[arg-type]
        lat = (position.lat * 1e7 + WHOLE - WHOLE) / 1e7
        lon = (position.lon * 1e7 + WHOLE - WHOLE) / 1e7
        if not OLDEST <= time <= latest or (lat == 0 and lon == 0):
            raise _Doubt
        speed = position.speed_mps
        if position.speed_kmh is not None or position.speed_kn is not None:
            speed = _one_speed(position)
        if speed is not None:
            speed = (speed * 1e3 + WHOLE - WHOLE) / 1e3
        heading, altitude, accuracy = position.heading, position.altitude_m, position.accuracy_m
        battery, odometer = position.battery_pct, position.odometer_m
        if heading is not None:
            heading = (heading * 1e2 + WHOLE - WHOLE) % 36_000 / 1e2
        if altitude is not None:
            altitude = (altitude * 1e2 + WHOLE - WHOLE) / 1e2
        if accuracy is not None:
            accuracy = (accuracy * 1e2 + WHOLE - WHOLE) / 1e2 or None  # 0: not known
        if battery is not None:
            battery = (battery * 1e2 + WHOLE - WHOLE) / 1e2
        if odometer is not None:
            odometer = (odometer * 1e2 + WHOLE - WHOLE) / 1e2
        driver, alarm, attributes = position.driver or None, position.alarm or None, position.attributes
        if (driver and holds_key(driver)) or (alarm and holds_key(alarm)):
            raise _Doubt
        if attributes is not None:
            attributes = check_attributes(attributes)
        add(
            Ping(
                vehicle_id(position.vehicle), time, lat, lon, speed, heading, altitude, accuracy,
                position.ignition, battery, odometer, driver, alarm, attributes,
            )
        )  # fmt: skip
    return pings


def _one_speed(position: _Position) -> float:
    """In m/s."""
    told = [position.speed_mps, position.speed_kmh, position.speed_kn]
    if told.count(None) != 2:
        raise _Doubt
    speed: float = next(value * unit for value, unit in zip(told, (1.0, _KMH, _KN), strict=True) if value is not None)
    return speed


def _read_careful(body: bytes, now: int, first: int) -> Reading:
    """Split the document into items, then read each on its own."""
    if body[0] == 0x5B:
        try:
            return _read_each(_items.decode(body), now, first)
        except _UNREADABLE:
            pass
    try:
        document = read_document(body)
    except BadRequest as fault:
        if fault.code in ("too_deep", "not_utf8") and (items := _split(body)):
            reading = _read_each(items, now, first)
            if reading.pings:  # one item is rotten, not the request
                return reading
        raise
    if isinstance(document, list):
        return _read_decoded(document, now, first)
    if not isinstance(document, dict):
        raise BadRequest("not_positions", 'send a position, an array of them, or {"positions": […]}')
    if "positions" not in document or "vehicle" in document:
        return _read_decoded([document], now, first)
    _only_positions(document)
    return _read_decoded(document["positions"], now, first)


def _only_positions(document: dict[str, Any]) -> None:
    if not isinstance(document.get("positions"), list):
        raise BadRequest("not_positions", "`positions` is an array of positions")
    if extra := [name for name in document if name != "positions"]:
        raise BadRequest("not_positions", f"beside `positions` there is nothing else, but here is {extra[0][:40]!r}")


_WRAPPER = re.compile(rb'\{\s*"positions"\s*:\s*(\[.*\])\s*\}', re.DOTALL)
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)


def _split(body: bytes) -> list[bytes]:
    """The texts of the items of an array no parser gets through; nothing when its brackets do not match up."""
    if wrapped := _WRAPPER.fullmatch(body):
        body = wrapped[1]
    if not (body.startswith(b"[") and body.endswith(b"]")):
        return []
    items: list[bytes] = []
    depth, start = 0, 1
    for token in _TOKENS.finditer(body):
        match token[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
                if depth == 0 and token.end() < len(body):
                    return []
            case b"," if depth == 1:
                items.append(body[start : token.start()])
                start = token.end()
    return [] if depth else [*items, body[start:-1]]


def _read_each(items: Iterable[bytes | msgspec.Raw], now: int, first: int) -> Reading:
    reading = Reading()
    for index, item in enumerate(items, first):
        reading.items += 1
        try:
            reading.pings += _pings((_one.decode(item),), now)
            continue
        except _DOUBTS:
            pass
        try:
            reading.take_item(_decode_item(bytes(item)), now)
        except Unfit as fault:
            reading.reject(index, fault)
    return reading


def _read_decoded(items: list[Any], now: int, first: int) -> Reading:
    reading = Reading(items=len(items))
    for index, item in enumerate(items, first):
        try:
            reading.take_item(item, now)
        except Unfit as fault:
            reading.reject(index, fault)
    return reading


def _decode_item(item: bytes) -> Any:
    try:
        return read_document(item)
    except BadRequest as fault:
        raise Unfit("not_json", None, fault.detail) from None


def read_document(body: bytes) -> Any:
    """Any JSON document. Raises BadRequest.

    NaN, Infinity and numbers of any length pass, so that one such number costs one field, not the request.
    """
    try:
        return _anything.decode(body)
    except _UNREADABLE:
        pass
    try:
        return json.loads(body.decode("utf-8-sig"), parse_int=_int)
    except UnicodeDecodeError as fault:
        _refuse_encoding(body, fault)
    except RecursionError:
        raise BadRequest("too_deep", "the JSON is nested too deeply to be what is expected here") from None
    except json.JSONDecodeError as fault:
        if b"\0" in body[:4]:  # UTF-16 or UTF-32 of plain letters is valid UTF-8 with zeros between
            raise BadRequest("not_utf8", "the body looks like UTF-16; send JSON as UTF-8") from None
        where = f"line {fault.lineno}, column {fault.colno}" if fault.lineno > 1 else f"byte {fault.pos}"
        hint = "; one object a line is application/x-ndjson" if fault.msg == "Extra data" else ""
        raise BadRequest("not_json", f"not JSON: {fault.msg} at {where}{hint}") from None


def _refuse_encoding(body: bytes, fault: UnicodeDecodeError) -> NoReturn:
    guess = ""
    if body.startswith(b"\x1f\x8b"):
        guess = "it looks like gzip, which needs the header Content-Encoding: gzip; "
    elif b"\0" in body[:4] or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        guess = "it looks like UTF-16; "
    raise BadRequest("not_utf8", f"the body is not UTF-8 at byte {fault.start}; {guess}send JSON as UTF-8") from None


def _int(text: str) -> int | float:
    """Python refuses to read integers of many thousand digits; a double says what they are worth."""
    return int(text) if len(text) < 20 else float(text)


def _read_payload(payload: Payload, now: int) -> Reading:
    return read_json(payload.body, now)


ADDRESSES = ("/api/v1/positions", "/ingest/json/")  #: below the second: a token, for who can say it nowhere else
SPOKEN = (
    Spoken(
        "json",
        ADDRESSES,
        read=_read_payload,
        types=("application/json", "text/json", "+json", ""),
        socket=True,
        advice="send more as NDJSON",
    ),
)
