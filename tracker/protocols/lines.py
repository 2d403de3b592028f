"""Lines: a stream of bytes in runs of whole lines, at flat memory."""

from __future__ import annotations

from collections.abc import Iterator

MAX_LINES = 1000  #: of NDJSON applied together


class Lines:
    """Cuts a stream of bytes into runs of whole lines."""

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._rest = b""
        self._skipping = False  # within a line that is too long

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Runs of at most MAX_LINES whole lines; None stands for one line that is too long."""
        if self._skipping:
            _, newline, piece = piece.partition(b"\n")
            if not newline:
                return
            self._skipping = False
        data = self._rest + piece
        cut = data.rfind(b"\n") + 1
        self._rest = data[cut:]
        if cut:
            yield from self._runs(data[:cut])
        if len(self._rest) > self._max_line:
            self._rest = b""
            self._skipping = True
            yield None

    def finish(self) -> Iterator[bytes | None]:
        """The last line, when nothing ended it."""
        rest, self._rest = self._rest, b""
        if rest:
            yield rest

    def _runs(self, data: bytes) -> Iterator[bytes | None]:
        if len(data) <= self._max_line and data.count(b"\n") <= MAX_LINES:
            yield data
            return
        run: list[bytes] = []
        for line in data.split(b"\n"):
            if len(line) > self._max_line:
                yield b"\n".join(run)
                yield None
                run = []
                continue
            run.append(line)
            if len(run) == MAX_LINES:
                yield b"\n".join(run)
                run = []
        if run:
            yield b"\n".join(run)
