"""Content-Encoding undone piece by piece: what comes out of one step is bounded, whatever goes in."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from tracker.errors import BadRequest, Unsupported

PIECE = 65_536  #: bytes inflated at a time
GZIP = 31  #: zlib's word for gzip with its largest window


class Inflater(Protocol):
    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` inflates to, in pieces. Raises BadRequest."""
        ...

    def finish(self) -> None:
        """Raises BadRequest when the end is missing."""
        ...


def inflater(header: bytes) -> Inflater:
    """What undoes a Content-Encoding. Raises Unsupported."""
    if not header:
        return Plain()
    encoding = header.decode("latin-1")
    match encoding.strip().lower():
        case "" | "identity":
            return Plain()
        case "gzip" | "x-gzip":
            return Gzip()
        case "zstd":
            return Zstd()
    raise Unsupported("unsupported_encoding", f"the encoding {encoding[:40]!r} is not known here; send gzip or none")


class Plain:
    """No encoding at all."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        pass


class Gzip:
    """gzip, also several members one after the other."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(GZIP)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        while data:
            if self._inflate.eof:
                data = data.lstrip(b"\0")  # padding after a member
                if not data:
                    return
                self._inflate = zlib.decompressobj(GZIP)
            if piece := self._step(data):
                yield piece
            data = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
        while not self._inflate.eof and (piece := self._step(b"")):  # what still sits inside zlib
            yield piece

    def _step(self, data: bytes) -> bytes:
        try:
            return self._inflate.decompress(data, PIECE)
        except zlib.error:
            raise BadRequest("not_gzip", "Content-Encoding says gzip, but the body is not, or is damaged") from None

    def finish(self) -> None:
        if self._begun and not self._inflate.eof:
            raise BadRequest("truncated_gzip", "the gzip body stops before its end")


class Zstd:
    """zstd, through Python 3.14's own module or the `zstd` extra."""

    BITE = 1024  # the modules have no limit on what one step gives; zstd inflates to at most some 16,000 times

    def __init__(self) -> None:
        self._inflate = _zstd_decompressor()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._begun = self._begun or bool(data)
        for start in range(0, len(data), self.BITE):
            try:
                piece = self._inflate.decompress(data[start : start + self.BITE])
            except Exception:  # each module has its own
                raise BadRequest("not_zstd", "Content-Encoding says zstd, but the body is not, or is damaged") from None
            for at in range(0, len(piece), PIECE):
                yield piece[at : at + PIECE]

    def finish(self) -> None:
        if self._begun and not self._inflate.eof:
            raise BadRequest("truncated_zstd", "the zstd body stops before its end")


def _zstd_decompressor() -> Any:
    try:
        from compression.zstd import ZstdDecompressor  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        pass
    else:
        return ZstdDecompressor()
    try:
        import zstandard
    except ImportError:
        raise Unsupported(
            "unsupported_encoding",
            "zstd needs the extra `zstd` (pip install 'live-map-tracker[zstd]'); gzip always works",
        ) from None
    return zstandard.ZstdDecompressor(max_window_size=8 * 2**20).decompressobj()
