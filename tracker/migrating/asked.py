"""Asked: a Traccar that runs, over its API. Of a long time it is asked a slice after the other."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from tracker.migrating.traccar import Row, number_of, row_of, time_of
from tracker.replay.connection import Connection, Failed
from tracker.times import rfc3339

DAY_MS = 86_400_000
LONGEST_MS = 64 * DAY_MS  #: asked in one go, where there is little
MANY = 20_000  #: rows of a slice, after which slices become shorter
FEW = 5_000  #: … longer
SHORTEST_MS = 60_000
OLDEST_VERSION = 6  #: that is known
OLDEST = 1_262_304_000_000  #: 2010: since when is asked, where nobody says it
LATEST = 4_102_444_800_000  #: 2100
PLACES = 100  #: positions asked by their number in one go


class Unwilling(Failed):
    """It answered, and not with what was asked for."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def _origin(url: str) -> str:
    """Of an address of this machine, a tunnel's end perhaps, nobody knows which Traccar it leads to."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    is_here = (parts.hostname or "").startswith("127.") or parts.hostname in ("localhost", "::1")
    return "" if is_here else parts.netloc.rpartition("@")[2].lower()


class Asked:
    def __init__(
        self,
        url: str,
        token: str | None,
        user: str | None,
        password: str | None,
        ca: str | None,
        since: int | None,
        until: int | None,
        now: int,
        told: Callable[[str], None],
    ) -> None:
        """Raises Unreadable for an address that is none."""
        basic = None
        if user is not None:
            basic = "Basic " + base64.b64encode(f"{user}:{password or ''}".encode()).decode()
        self.name, self.origin = url, _origin(url)
        self.notes: list[str] = []
        self.broken: dict[str, int] = {}
        self._connection = Connection(url, token, ca, told=told, authorization=basic)
        self.asks = [url, since, until]
        self.at: Any = None  # of the last row: its device, its time, the numbers of that time
        self._since, self.until = OLDEST if since is None else since, now if until is None else until
        self._everything = since is None and until is None

    def check_server(self) -> None:
        """Raises Failed when nothing there is Traccar's, or it is too old."""
        url = self.name
        server = self._ask("/api/server")
        version = server.get("version") if isinstance(server, dict) else None
        if not isinstance(version, str):
            raise Failed(f"{url} is no Traccar, or lies behind another page: name the address of its web page")
        if not version.split(".")[0].isdecimal() or int(version.split(".")[0]) < OLDEST_VERSION:
            raise Failed(f"{url} is Traccar {version}: update it to {OLDEST_VERSION}, or export its database")
        self._say_who_asks()

    def _say_who_asks(self) -> None:
        """Traccar keeps from a user, without a word, what is not theirs. Its statistics are for administrators."""
        now = rfc3339(self.until)
        try:
            self._ask(f"/api/statistics?{urlencode({'from': now, 'to': now})}")
        except Unwilling as fault:
            if fault.status in (400, 403):
                self.notes.append("only what this user of Traccar may see: an administrator's token shows all")

    def close(self) -> None:
        self._connection.close()

    def devices(self) -> list[Row]:
        return self._all("devices")

    def groups(self) -> list[Row]:
        return self._all("groups")

    def geofences(self) -> list[Row]:
        return self._all("geofences")

    def positions(self, devices: Iterable[Row], after: Any = None) -> Iterator[Row]:
        for device, since in self._rest(devices, after):
            heard = number_of(device, "positionid") or "positionid" not in device
            first = DAY_MS if heard else self.until - self._since
            yield from self._ascending(device, "fixtime", self._fixes(number_of(device), since, first), after)

    def _fixes(self, device: int, since: int, first: int) -> Iterator[list[Row]]:
        """Those of clocks that are wrong too, each side in one go: to be told of."""
        if self._everything and since < self._since:
            yield self._outside(device, since, self._since - 1)
        yield from self._slices("/api/positions", device, max(since, self._since), first)
        if self._everything:
            yield self._outside(device, max(since, self.until + 1), LATEST)

    def told_events(self, devices: Iterable[Row], after: Any = None) -> Iterator[Row]:
        for device, since in self._rest(devices, after):
            slices = self._slices("/api/reports/events", number_of(device), max(since, self._since), DAY_MS)
            yield from self._ascending(device, "eventtime", slices, after)

    @staticmethod
    def _rest(devices: Iterable[Row], after: Any) -> Iterator[tuple[Row, int]]:
        """Devices by number, and since when is asked."""
        began, since = (after[0], after[1]) if after else (0, 0)
        for device in sorted(devices, key=number_of):
            if number_of(device) >= began:
                yield device, since if number_of(device) == began else 0

    def _ascending(self, device: Row, time: str, slices: Iterable[list[Row]], after: Any) -> Iterator[Row]:
        """Each once: both ends of a slice belong to it there."""
        number, at = number_of(device), 0
        before = set[int](after[2]) if after and after[0] == number else set[int]()
        same: list[int] = sorted(before)
        for rows in slices:
            timed = sorted(
                ((time_of(row.get(time)) or 0, number_of(row), row) for row in rows), key=lambda one: one[:2]
            )
            for told, id, row in timed:
                if id in before:
                    continue
                at, same = (told, []) if told > at else (at, same)
                same.append(id)
                self.at = [number, at, same]
                yield row
            before = {id for _, id, _ in timed}

    def places(self, numbers: Iterable[int]) -> dict[int, Row]:
        """Positions by their number, those that are there."""
        wanted, found = sorted(set(numbers)), dict[int, Row]()
        for at in range(0, len(wanted), PLACES):
            found |= self._places(wanted[at : at + PLACES])
        return found

    def _places(self, numbers: list[int]) -> dict[int, Row]:
        """Where one of them is not kept any more, Traccar answers none."""
        try:
            rows = self._rows(f"/api/positions?{urlencode([('id', number) for number in numbers])}")
        except Unwilling:
            half = len(numbers) // 2
            return self._places(numbers[:half]) | self._places(numbers[half:]) if half else {}
        return {number_of(row): row for row in rows}

    def _all(self, what: str) -> list[Row]:
        """Everybody's, for who administers there; else what this user may see."""
        try:
            return self._rows(f"/api/{what}?all=true")
        except Unwilling:
            self.notes.append(f"only the {what} this user of Traccar may see: an administrator's token shows all")
            return self._rows(f"/api/{what}")

    def _outside(self, device: int, since: int, until: int) -> list[Row]:
        span = {"deviceId": device, "from": rfc3339(since), "to": rfc3339(until)}
        try:
            return self._rows(f"/api/positions?{urlencode(span)}")
        except Unwilling:
            return []

    def _slices(self, path: str, device: int, at: int, long: int) -> Iterator[list[Row]]:
        """`long`: the first. One who never was heard is asked for all times at once."""
        while at < self.until:
            until = min(at + long, self.until)
            span = {"deviceId": device, "from": rfc3339(at), "to": rfc3339(until)}
            try:
                rows = self._rows(f"{path}?{urlencode(span)}")
            except Failed as fault:
                if long <= (SHORTEST_MS if isinstance(fault, Unwilling) else DAY_MS):
                    raise
                long = DAY_MS if long > DAY_MS else long // 8  # it may tell no more of one time
                continue
            if len(rows) > MANY and until - at > SHORTEST_MS:
                long = max((until - at) // 8, SHORTEST_MS)
            elif len(rows) < FEW:
                long = min(long * 2, LONGEST_MS)
            yield rows
            at = until

    def _rows(self, path: str) -> list[Row]:
        rows = self._ask(path)
        if not isinstance(rows, list):
            raise Failed(f"{self.name}{path.partition('?')[0]} answered something else than a list")
        return [row_of(row) for row in rows if isinstance(row, Mapping)]

    def _ask(self, path: str) -> Any:
        answer = self._connection.request("GET", path)
        if answer.status == 401:
            raise Failed(
                f"{self.name} refused with 401: give a token (--token, made in Traccar under Settings, Account), "
                "or --user and a password"
            )
        if 300 <= answer.status < 400:
            raise Failed(f"{self.name} says it is at {answer.headers.get('location', 'another address')}: name that")
        said = answer.content[:200].decode("utf-8", "replace").strip()
        if answer.status != 200:
            said = said or "nothing else"
            raise Unwilling(answer.status, f"{self.name}{path.partition('?')[0]} answered {answer.status}: {said}")
        try:
            return msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Failed(
                f"{self.name}{path.partition('?')[0]} answered no JSON ({said[:60]!r}): is that Traccar's own address, "
                "with its port (8082 as it is installed)?"
            ) from None
