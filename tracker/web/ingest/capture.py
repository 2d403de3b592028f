"""Capture: a request or message as it came, cut, and kept with the devices it speaks of; and what it is counted as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tracker.model.keys import BLANK, blanked
from tracker.model.ping import Ping
from tracker.node import Node
from tracker.protocols import Reading, spoken
from tracker.turns.payloads import MOST_BYTES, Kept, row_of_token
from tracker.web.ingest.addresses import Target
from tracker.web.ingest.counts import Counts
from tracker.web.ingest.senders import Sender
from tracker.web.server.answers import Scope

#: headers that are kept: what clients say with them of the body, which is kept inflated, and of themselves
HEADERS = {name.lower().encode(): name for name in ("Content-Type", "User-Agent", "X-Limit-U", "X-Limit-D")}


_PLAIN = frozenset(path for one in spoken() for path in one.addresses)  # no secret is in these


class Capture:
    """Of one request, of which several may be kept: a stream is kept as it comes."""

    def __init__(self, node: Node, scope: Scope, target: Target | None, headers: Mapping[bytes, bytes]) -> None:
        self._node = node
        self.protocol = target.name if target else ""
        self._method = scope.get("method", "")
        path = scope["path"]
        if target and target.token:
            self._path = path.replace(target.token, BLANK)
        else:
            self._path = path if path in _PLAIN else blanked(path)
        query = scope["query_string"]
        self._query = query[:MOST_BYTES].decode("latin-1")  # blanked as it is shown, as the body is
        self._room = max(0, MOST_BYTES - len(query))
        self._cut = len(query) > MOST_BYTES
        self._headers = {HEADERS[name]: headers[name].decode("latin-1")[:256] for name in HEADERS if name in headers}
        self._body, self._size = b"", 0
        self._devices: dict[str, int] = {}
        self._alone = True
        self.is_kept = False

    def take_body(self, body: bytes | bytearray) -> None:
        self._body, self._size = bytes(body[: self._room]), len(body)

    def take_reading(self, reading: Reading, gateway: bool = False) -> Mapping[str, int]:
        """Before it is decided what of it may be stored. Answers its positions by vehicle."""
        positions = by_vehicle(reading.pings)
        devices = positions | dict.fromkeys(reading.refused, 1) if reading.refused else positions
        self._devices = devices
        nameless = reading.rejected - len(reading.refused) + (reading.discarded if gateway else 0)
        self._alone = len(devices) < 2 and (reading.items < 2 or not nameless)
        return positions

    def keep(self, sender: Sender, status: int, wrong: tuple[str, str], counts: Mapping[str, int] = {}) -> None:
        """With whom it speaks of, else with its token; of who only listens nothing."""
        if sender.only_listens:
            return
        token = sender.token
        devices: Iterable[str] = self._devices
        if not self._devices:
            if token is None:
                return
            devices = (token.only_vehicle or row_of_token(token.id),)
        self.is_kept = True
        cut = self._cut or self._size > self._room
        kept = Kept(
            self._node.clock(), self.protocol, self._method, self._path, self._query, self._headers, self._body,
            self._size, cut, status, *wrong, counts, token.id if token else "", sender.address, self._alone,
        )  # fmt: skip
        self._node.payloads.keep(kept, devices)


def by_vehicle(pings: list[Ping]) -> dict[str, int]:
    return Counter([ping.vehicle for ping in pings]) if len(pings) != 1 else {pings[0].vehicle: 1}


def tally(node: Node, protocol: str, reading: Reading, counts: Counts) -> None:
    """What became of some items."""
    tallies = node.tallies
    tallies.add("ingest_ignored", protocol, times=reading.ignored)
    if reading.repairs:
        tallies.add_all("ingest_repaired", protocol, reading.repairs)
    if counts.accepted == reading.items and not (counts.late or counts.held or counts.quarantined):  # as nearly always
        tallies.add("ingest_items", protocol, "accepted", times=reading.items)
        return
    tallies.add_all("ingest_items", protocol, _outcomes(reading, counts))
    if reading.rejected:
        codes = Counter(error["code"] for error in reading.errors)
        tallies.add_all("ingest_rejected", protocol, codes | Counter(other=reading.rejected - codes.total()))


def _outcomes(reading: Reading, counts: Counts) -> dict[str, int]:
    quarantined = counts.quarantined or 0
    return {
        "accepted": max(0, counts.accepted - counts.late - counts.held - quarantined),
        "late": counts.late,
        "held": counts.held,
        "quarantined": quarantined,
        "duplicate": counts.duplicates - counts.conflicts,
        "conflict": counts.conflicts,
        "discarded": reading.discarded,
        "rejected": reading.rejected,
    }
