"""Served: what a server has of the past, asked of its API by who may see everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from tracker.fleet.fleet import FleetSettings
from tracker.model.change import Registered
from tracker.model.commit import APART, HELD, LATE, LIVE, SavedRegion, StoredPing
from tracker.model.events import ERASED, Event
from tracker.model.ping import Ping
from tracker.model.records import Audit
from tracker.pipeline.entries.journal import Entry
from tracker.replay.connection import Connection, Failed
from tracker.replay.past.stored import Known, in_order
from tracker.times import FIRST, LAST, parse_time, rfc3339

PAGE = 10_000
TAKEN = {"live": LIVE, "late": LATE, "held": HELD, "apart": APART}
OF_EVENT = frozenset(Event.__struct_fields__) - {"detail", "ack"}
OF_PING = Ping.__struct_fields__


class Served:
    def __init__(self, url: str, token: str | None, ca: str | None, told: Callable[[str], None]) -> None:
        """Raises Failed when nobody answers, or this token may not see everything."""
        self.name = url
        self._connection = Connection(url, token, ca, told=told)
        first = self._ask("/api/v1/history/edits?limit=1")
        self._deeds = [Audit(parse_time(one["at"]), "", "", one["what"], one["target"]) for one in first["deeds"]]
        self._deeds.sort(key=lambda one: one.at)
        self.settings = [(parse_time(one.pop("at")), msgspec.convert(one, FleetSettings)) for one in first["settings"]]
        self.gone = {parse_time(f"{one['day']}T00:00:00Z"): one["positions"] for one in first.get("gone", ())}
        registered = self._pages("/api/v1/vehicles?limit=1000", "vehicles")
        self.known = Known({}, [Registered(one["vehicle"], group=one["group"]) for one in registered])
        self._upto = self._clock()

    def deeds(self, edits: bool = True) -> Iterator[Entry]:
        return in_order(self.region_log() if edits else (), self._deeds, self.settings)

    def audits(self) -> Iterable[Audit]:
        return self._deeds

    def region_log(self) -> Iterator[SavedRegion]:
        for one in self._pages("/api/v1/history/edits?limit=100", "regions"):
            yield SavedRegion(one["id"], one["version"], parse_time(one["updated_at"]), one["feature"])

    def arrivals_within(
        self,
        since: int,
        until: int,
        numbers: frozenset[int] | None,  # noqa: ARG002
    ) -> Iterator[StoredPing]:
        path = f"/api/v1/history/arrivals?limit={PAGE}&until={quote(rfc3339(self._upto + 1))}"
        if since > FIRST:
            path += f"&fix_from={quote(rfc3339(since))}"
        if until <= LAST:
            path += f"&fix_until={quote(rfc3339(until))}"
        for one in self._pages(path, "arrivals"):
            yield read_arrival(one)

    def last_before(self, at: int, names: Iterable[str]) -> Iterator[list[StoredPing]]:  # noqa: ARG002
        """Nobody can be asked for them there."""
        return iter(())

    def events_within(self, since: int, until: int) -> Iterator[Event]:
        window = f"&from={quote(rfc3339(since))}" if since > FIRST else ""
        window += f"&until={quote(rfc3339(until))}" if until <= LAST else ""
        after = 0
        while page := self._ask(f"/api/v1/events?after={after}&limit={PAGE}{window}")["events"]:
            after = page[-1]["seq"]
            for told in page:
                if told["kind"] != ERASED and (event := read_event(told)).received_at <= self._upto:
                    yield event

    def end(self) -> int:
        newest = self._ask("/api/v1/events?limit=100")["events"]
        received = [parse_time(one["received_at"]) for one in newest if one["kind"] != ERASED]
        return max((at for at in received if at <= self._upto), default=0)

    def close(self) -> None:
        self._connection.close()

    def _clock(self) -> int:
        """What the server last heard or told: what comes later is left for later."""
        return int(self._ask("/healthz")["now"])

    def _pages(self, path: str, name: str) -> Iterator[Any]:
        cursor = ""
        while True:
            page = self._ask(path + cursor)
            yield from page[name]
            if not page.get("next"):
                return
            cursor = f"&cursor={quote(page['next'])}"

    def _ask(self, path: str) -> dict[str, Any]:
        response = self._connection.request("GET", path)
        answer = response.json()
        if response.status == 200:
            return answer
        if answer.get("code") == "may_not":
            raise Failed(
                f"{self.name} tells the past as it came only to who may see everything: take the token of such a "
                "person (`tracker token create --user NAME`)"
            )
        do = "; --token T shows one (`tracker token create --user NAME`)" if response.status == 401 else ""
        raise Failed(f"{self.name} refused {path.partition('?')[0]} with {response.status}: {answer.get('detail')}{do}")


def read_arrival(one: dict[str, Any]) -> StoredPing:
    received, taken = parse_time(one.pop("received_at")), TAKEN[one.pop("taken")]
    one["time"] = parse_time(one["time"])
    return StoredPing(0, Ping(**one), received, taken)


def read_event(told: dict[str, Any]) -> Event:
    known = {name: value for name, value in told.items() if name in OF_EVENT}
    for name in ("time", "received_at"):
        known[name] = parse_time(known[name])
    detail = {name: value for name, value in told.items() if name not in OF_EVENT and name != "ack"}
    return Event(**known, detail=detail)
