"""Explain: how a payload is read, for who wonders why a vehicle is not where it should be.

What each part of it does is found out by leaving it out, and then by saying something else in its place, and reading
again: so it holds for every protocol, and is never another truth than that of the reader itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tracker.errors import BadRequest, TrackerError
from tracker.model.keys import BLANK, blanked, is_secret
from tracker.model.ping import Ping, has_place
from tracker.problems import PROBLEMS
from tracker.protocols import Payload, Reading, Spoken
from tracker.protocols.guess import looks_like, read_whole
from tracker.protocols.parts import Part, parts_of, reduced, replaced, without
from tracker.times import rfc3339

MOST_BYTES = 16 * 2**10  #: of one item whose parts are looked at
MOST_TOLD = 100  #: pings, and warnings
SAMPLES: tuple[Any, ...] = (7, True, "sample")  #: what might have stood there
OLD_MS, HOUR_MS, NEAR_MS = 300_000, 3_600_000, 90_000

#: kind of a warning → what it means, as docs/api.md has it
WARNINGS = {
    "looks_like": "it looks like another protocol's",
    "clock_repaired": "the clock has a fault that is known, and was put right",
    "clock_behind": "the fix is just some hours old: a wrong time zone, unless it waited so long",
    "old": "the fix is over five minutes old: what it causes is stored, and raises nothing",
    "no_time": "no time of its own: the time of receipt is taken",
    "no_place": "no place: a heartbeat, or an alarm without a fix",
    "not_known": "a value that is how this client says that it does not know",
    "ignored": "a value that cannot be right is left out, the fix is taken",
    "attribute": "nothing is known of the field, so it is kept as an attribute",
    "unused": "nothing is read from the field",
    "not_a_position": "a message that is understood, and is no position",
    "duplicate": "the same vehicle and time twice in one payload: the first is stored",
    "device": "which vehicle it is, and what says so",
    "token": "which token may send for the vehicle",
    "unknown": "nobody knows the vehicle, and what becomes of what it sends",
}
_FAULTS = {
    "week_rollover": "the clock is 1,024 weeks behind (week_rollover)",
    "epoch_2001": "the clock counts from 2001 (epoch_2001)",
}


class Use(NamedTuple):
    """What becomes of one part."""

    part: Part
    read_as: tuple[str, ...] = ()  # fields of ours; "attributes.x"
    becomes: Any = None  # the value of the first of them
    counts: bool = True  # False: it would be read so if it said something else


Explanation = tuple[Reading | TrackerError, dict[str, Any]]


def explain(one: Spoken, payload: Payload, now: int) -> Explanation:
    """The reading or why there is none, and what is told of it. Raises nothing."""
    other = looks_like(payload, now)
    try:
        reading = read_whole(one, payload, now)
    except TrackerError as fault:
        guessed = _guessed(one, other, True) if isinstance(fault, BadRequest) else ()  # a wrong signature: it is ours
        told = {"error": advised(fault.code, fault.detail), "warnings": list(guessed)}
        return fault, told | {"looks_like": other or None, "pings": [], "fields": []}
    uses = list(_uses(one, payload, now))
    warnings = [
        *_guessed(one, other, not any(map(has_place, reading.pings))),
        *_of_pings(reading, now),
        *_of_uses(uses, reading, now),
    ]
    shown: dict[str, Any] = {
        "looks_like": other or None,
        "items": reading.items,
        "rejected": reading.rejected,
        "discarded": reading.discarded,
        "ignored": reading.ignored,
        "repairs": reading.repairs,
        "pings": [native(ping) for ping in reading.pings[:MOST_TOLD]],
        "errors": [error | advised(error["code"], error["message"]) for error in reading.errors],
        "warnings": warnings[:MOST_TOLD],
        "fields": [_shown(use) for use in uses],
    }
    if len(reading.pings) > MOST_TOLD:
        shown["more"] = len(reading.pings) - MOST_TOLD
    return reading, shown


def advised(code: str, message: str) -> dict[str, str]:
    """What is wrong, and what to do about it."""
    return {"code": code, "message": message, "do": PROBLEMS[code].remedy}


def native(ping: Ping) -> dict[str, Any]:
    """As our own JSON says it, with the unit in each name; without a place where it has none."""
    said = {name: value for name, value in msgspec.to_builtins(ping).items() if value is not None}
    said["time"] = rfc3339(ping.time)
    if not has_place(ping):
        del said["lat"], said["lon"]
    return said


def _warning(kind: str, message: str, **more: Any) -> dict[str, Any]:
    assert kind in WARNINGS
    return {"kind": kind, "message": message} | more


def _guessed(one: Spoken, other: str, unread: bool) -> Iterator[dict[str, Any]]:
    if other and other != one.name and {one.name, other} != {"json", "ndjson"}:
        verb = "is not read as" if unread else "can be read as"
        yield _warning("looks_like", f"this looks like {other}; it {verb} {one.name}: send it to /ingest/{other}/TOKEN")


def _of_pings(reading: Reading, now: int) -> Iterator[dict[str, Any]]:
    seen: set[tuple[str, int]] = set()
    for number, ping in enumerate(reading.pings):
        key = (ping.vehicle, ping.time)
        if key in seen:
            yield _warning("duplicate", f"{ping.vehicle!r} says {rfc3339(ping.time)} twice", ping=number)
        seen.add(key)
        attributes = ping.attributes or {}
        if repair := attributes.get("time_repaired"):
            said = f"the time {attributes.get('time_said')} is read as {rfc3339(ping.time)}"
            yield _warning("clock_repaired", f"{said}: {_FAULTS[str(repair)]}", ping=number, repair=repair)
        if not has_place(ping):
            what = f"the alarm {ping.alarm!r} without a fix" if ping.alarm else "a heartbeat"
            yield _warning("no_place", f"there is no place in it: {what}", ping=number)
    yield from _of_ages([now - ping.time for ping in reading.pings])
    for index, name in reading.left_out:
        yield _warning("ignored", f"{name} cannot be right, and is left out", item=index, field=name)
    if reading.discarded:
        yield _warning("not_a_position", f"{reading.discarded} understood, and no position: answered, and not kept")


def _of_ages(ages: list[int]) -> Iterator[dict[str, Any]]:
    if not ages:
        return
    hours = round(min(ages) / HOUR_MS)
    if 1 <= hours <= 14 and abs(min(ages) - hours * HOUR_MS) < NEAR_MS:
        yield _warning("clock_behind", f"the newest fix is just {hours} h old: is its time zone wrong?")
    if old := [age for age in ages if age > OLD_MS]:
        yield _warning(
            "old", f"{len(old)} of {len(ages)} were made over 5 min ago, the first {max(old) // 60_000} min ago"
        )


# ------------------------------------------------------------ what each part does


def _uses(one: Spoken, payload: Payload, now: int) -> Iterator[Use]:
    payload = reduced(payload, lambda less: bool(_read(one, less, now)[0]))
    if len(payload.body) > MOST_BYTES:
        return
    before = _read(one, payload, now)
    for part in parts_of(payload):
        if fields := _difference(before, _read(one, without(payload, part), now)):
            yield Use(part, fields, before[0][0].get(fields[0]) if before[0] else None)
            continue
        others = (_difference(before, _read(one, replaced(payload, part, sample), now)) for sample in SAMPLES)
        fields = next((found for found in others if found and not all(name.startswith("attr") for name in found)), ())
        yield Use(part, fields, counts=False)


_Told = tuple[list[dict[str, Any]], list[tuple[str, str]], int]


def _read(one: Spoken, payload: Payload, now: int) -> _Told:
    """Pings, errors and what was discarded."""
    try:
        reading = read_whole(one, payload, now)
    except TrackerError as fault:
        return [], [(fault.code, "vehicle" if fault.code == "no_vehicle" else "")], 0
    errors = [(error["code"], error["field"] or "") for error in reading.errors]
    return list(map(_flat, reading.pings)), errors, reading.discarded


def _flat(ping: Ping) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(ping)
    attributes = said.pop("attributes", None) or {}
    return said | {f"attributes.{name}": value for name, value in attributes.items()}


def _difference(before: _Told, after: _Told) -> tuple[str, ...]:
    """Our fields that are not as they were."""
    if before[0] and not after[0]:
        named = tuple(field for _, field in after[1] if field)
        return named or ("message",)
    if before[1:] != after[1:]:
        return tuple(dict.fromkeys(field for _, field in after[1] if field)) or ("message",)
    pairs = zip(before[0], after[0], strict=False)
    return tuple(dict.fromkeys(name for a, b in pairs for name in a | b if a.get(name) != b.get(name)))


def _of_uses(uses: list[Use], reading: Reading, now: int) -> Iterator[dict[str, Any]]:
    who = [use.part for use in uses if "vehicle" in use.read_as and use.counts]
    names = sorted({ping.vehicle for ping in reading.pings})
    if len(names) == 1:
        what = " and ".join(part.said() for part in who) or "what sends it"
        yield _warning("device", f"the vehicle is {names[0]!r}: {what} says so", vehicle=names[0])
    if any(ping.time == now for ping in reading.pings):
        yield _warning("no_time", "there is no time in it: the time of receipt is taken")
    for part, read_as, _, counts in uses:
        if part.value in (None, ""):
            continue
        if counts:
            if read_as == (f"attributes.{part.name}",):
                yield _warning("attribute", f"nothing is known of {part.said()}: kept as an attribute", field=part.name)
            continue
        if part.where in ("header", "path", "token"):
            continue
        if read_as and _is_below_zero(part.value):
            yield _warning("not_known", f"{part.said()} is {str(part.value)[:40]}: not known", field=part.name)
        elif read_as:
            yield _warning("ignored", f"{part.said()} does not decide {', '.join(read_as)} here", field=part.name)
        else:
            yield _warning("unused", f"nothing is read from {part.said()}", field=part.name)


def _is_below_zero(value: Any) -> bool:
    try:
        return float(value) < 0
    except (TypeError, ValueError, OverflowError):
        return False


def _shown(use: Use) -> dict[str, Any]:
    part, value = use.part, use.part.value
    if is_secret(part.name):
        value = BLANK
    elif isinstance(value, str):
        value = blanked(value if len(value) <= 200 else value[:199] + "…")
    told: dict[str, Any] = {"in": part.where, "name": part.name[:64], "value": value, "read_as": list(use.read_as)}
    if not use.counts:
        told["counts"] = False
    elif use.becomes is not None:
        told["becomes"] = value if use.becomes == part.value else use.becomes
    return told
