"""Payloads: the last that came of each device, as they came, for whoever looks for what is wrong with it.

In memory only, and little of it: of each payload its beginning, of each device the newest, and of all devices as much
as there is room for; those that were longest quiet go first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

import msgspec

MOST = 50  #: of one device
MOST_BYTES = 4 * 2**10  #: of one payload
ROOM = 64 * 2**20  #: bytes of all
FRAME, ROW, PLACE = 700, 400, 10  #: bytes that one takes beside what came, a row, and a place in it


class Kept(msgspec.Struct):
    """One payload, and what became of it."""

    at: int
    protocol: str
    method: str
    path: str  # its token blanked
    query: str
    headers: Mapping[str, str]
    body: bytes  # with the query at most MOST_BYTES
    size: int  # bytes it had
    cut: bool = False
    status: int = 0  # of the answer; 0: it is still going on, or goes on without one
    code: str = ""  # what was wrong, with it or with one of its items
    message: str = ""
    counts: Mapping[str, int] = {}
    token: str = ""  # the id of the one that was shown
    address: str = ""
    alone: bool = False  # it tells of one vehicle only
    held: int = 0  # by how many rows

    @property
    def weight(self) -> int:
        return FRAME + len(self.body) + len(self.query) + len(self.path)


class LastPayloads:
    def __init__(self, room: int = ROOM) -> None:
        self.bytes = 0
        self._room = room
        self._rows: OrderedDict[str, list[Kept]] = OrderedDict()  # who was heard last is last

    def keep(self, kept: Kept, devices: Iterable[str]) -> None:
        rows = self._rows
        for device in devices:
            row = rows.get(device)
            if row is None:
                row = rows[device] = []
                self.bytes += ROW
            else:
                rows.move_to_end(device)
                if len(row) == MOST:
                    self._let_go(row.pop(0))
            row.append(kept)
            kept.held += 1
        self.bytes += kept.held * PLACE + (kept.weight if kept.held else 0)
        while self.bytes > self._room:
            self.forget(next(iter(rows)))

    def last(self, device: str) -> list[Kept]:
        """The newest first."""
        return self._rows.get(device, [])[::-1]

    def forget(self, device: str) -> None:
        row = self._rows.pop(device, None)
        if row is not None:
            self.bytes -= ROW
            for kept in row:
                self._let_go(kept)

    def _let_go(self, kept: Kept) -> None:
        kept.held -= 1
        self.bytes -= PLACE + (0 if kept.held else kept.weight)


def row_of_token(id: str) -> str:
    """Of what came with a token and says of no vehicle; no vehicle is called so."""
    return f"/{id}"
