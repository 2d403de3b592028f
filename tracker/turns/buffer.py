"""Buffer: how many bytes of bodies are held in memory at once, whoever sends them."""

from __future__ import annotations

from tracker.errors import Overloaded


class Buffer:
    """The bytes that all requests together hold in memory: bounded, whoever sends how much at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0


class Share:
    """What one request holds of it, given back at the end of the `with`."""

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer
        self._held = 0

    def take_bytes(self, size: int) -> None:
        """Raises Overloaded. A request that is alone may take whatever other limits let it."""
        others = self._buffer.held - self._held
        if others and self._buffer.held + size > self._buffer.limit:
            raise Overloaded("too many large bodies at once; try again in a second, or send NDJSON")
        self._buffer.held += size
        self._held += size

    def __enter__(self) -> Share:
        return self

    def __exit__(self, *_: object) -> None:
        self._buffer.held -= self._held
