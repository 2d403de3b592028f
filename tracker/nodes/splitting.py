"""Splitting: one request of vehicles of several owners. Its pings in parts, and what became of them in one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from tracker.errors import Overloaded, TrackerError
from tracker.model.ping import Ping

T = TypeVar("T")


class Part(NamedTuple):
    """What one node is asked to store."""

    owner: str | None  # None: nobody owns these vehicles just now
    pings: list[Ping]  # in the order they had
    places: list[int]  # of each in the whole


def split(pings: Sequence[Ping], owner_of: Callable[[str], str | None]) -> list[Part]:
    """Parts in the order of their first pings. `owner_of`: the node that owns a vehicle, asked once for each.

    What becomes of a ping depends on those of its vehicle alone, which stay together and in order.
    """
    owners: dict[str, Part] = {}  # by vehicle
    parts: dict[str | None, Part] = {}
    for place, ping in enumerate(pings):
        part = owners.get(ping.vehicle)
        if part is None:
            owner = owner_of(ping.vehicle)
            part = owners[ping.vehicle] = parts.setdefault(owner, Part(owner, [], []))
        part.pings.append(ping)
        part.places.append(place)
    return list(parts.values())


def no_owner() -> Overloaded:
    """What became of a part without an owner."""
    return Overloaded("no node owns these vehicles just now: one takes them over; send the same again", 1, "no_owner")


def joined(parts: Sequence[Part], outcomes: Sequence[T | TrackerError], total: Callable[[Iterable[T]], T]) -> T:
    """What one node would have answered. `outcomes`: of each part; `total`: of several counts.

    Raises what became of the parts when it is the same of all; Overloaded when some are stored and some are not,
    with the places of those that are not. To send all of it again is right: what is stored is a duplicate then.
    """
    faults = [(part, one) for part, one in zip(parts, outcomes, strict=True) if isinstance(one, TrackerError)]
    if not faults:
        answers = [one for one in outcomes if not isinstance(one, TrackerError)]
        return answers[0] if len(answers) == 1 else total(answers)
    if len(faults) == len(parts) and len({fault.code for _, fault in faults}) == 1:
        raise max((fault for _, fault in faults), key=_patience)
    missing = sorted((place, fault) for part, fault in faults for place in part.places)
    raise _partly(missing, sum(len(part.pings) for part in parts), max(_patience(fault) for _, fault in faults))


def _patience(fault: TrackerError) -> int:
    """Seconds after which to send it again."""
    return getattr(fault, "retry_after", 1)


def _partly(missing: list[tuple[int, TrackerError]], items: int, retry_after: int) -> Overloaded:
    fault = Overloaded(
        f"{len(missing)} of {items} positions are not stored; send all of them again, "
        "those that are stored are duplicates then",
        retry_after,
        "partly_stored",
    )
    fault.errors = [
        {"index": place, "code": why.code, "field": "vehicle", "message": why.detail} for place, why in missing
    ]
    return fault
