"""Segment: the fixes of one vehicle and day as bytes. What they are, byte for byte, is in docs/storage.md.

A column is what is left when its smallest value is taken off and the rest divided by what divides it all, in the
narrowest type that holds it: so whole seconds, and receivers that tell six decimals, cost nothing for being written in
finer steps. What one column says of another is taken off as well: a receipt follows its fix.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.errors import StoreUnusable
from tracker.model.columns import NO_ALTITUDE, NOT_SAID, TYPES, Columns
from tracker.model.commit import LIVE
from tracker.stores import follows
from tracker.stores.follows import Whole

PCODEC, PLANES = 1, 2  #: the first byte of a segment
LEVEL = 8  #: of pcodec: more is slower and gains nothing

#: the order of the columns in a segment, after the places: what "who was here" asks for comes first
ORDER = ("time", "taken", "speed", "heading", "accuracy", "altitude", "received", "row")

#: the head of a column: its width, and what was taken off or divided by
WIDTHS: tuple[np.dtype[Any], ...] = tuple(np.dtype(f"u{1 << at}") for at in range(4))
CONSTANT, SILENCE, LESS = 4, 7, 8  # widths no array has; a bit
ALSO = 4  # where two bits begin: the unit of speeds, how places are floats, whether rows are about a line

FOLLOWED = {"received": ("time",), "row": ("time",), "speed": ("lat", "lon", "time")}
#: what says nothing, in one byte
SILENT = {"taken": LIVE, "speed": NOT_SAID, "heading": NOT_SAID, "accuracy": NOT_SAID, "altitude": NO_ALTITUDE}

Packed = npt.NDArray[np.unsignedinteger[Any]]

#: what a column follows: it is taken off where that makes it smaller
LEAN: dict[str, Callable[[Columns], Whole]] = {
    "received": lambda columns: columns.time,
    "row": lambda columns: np.arange(len(columns)),
}


class Codec(NamedTuple):
    number: int
    header: bytes
    pack: Callable[[Packed], bytes]
    unpack: Callable[[bytes, int, np.dtype[Any]], Packed]


# ------------------------------------------------------------------------------------------------ a segment


def encode(columns: Columns, codec: Codec | None = None) -> bytes:
    """All but what few fixes carry (see `encode_extra`). `columns`: at least one, in fix order."""
    codec = codec or best_codec()
    lat, lon, time = columns.lat.astype(np.int64), columns.lon.astype(np.int64), columns.time
    parts = [bytes([codec.number]), codec.header, _varint(len(columns)), _places(lat, lon, codec)]
    for name in ORDER:
        values = getattr(columns, name).astype(np.int64)
        if name in SILENT and (values == SILENT[name]).all():
            parts.append(bytes([SILENCE]))
            continue
        packed = [_column(values, 0, codec)]
        if name in LEAN and not packed[0][0] & CONSTANT:
            packed.append(_column(values - LEAN[name](columns), LESS, codec))
        if name == "speed" and (unit := follows.unit_of(values)):
            packed.append(_column(follows.in_units(values, unit), unit << ALSO, codec))
        if name == "speed" and (way := follows.way_of(values, lat, lon, time)):
            left = values // way[0] - follows.way_speed(way[1:], lat, lon, time)
            packed.append(_column(left, LESS, codec, way))
        if name == "row" and (slope := follows.line_of(values, time)):
            packed.append(_column(values - follows.line(slope, time), 1 << ALSO, codec, [slope]))
        parts.append(min(packed, key=len))
    return b"".join(parts)


def decode(body: bytes) -> Columns:
    columns = dict(_columns(body, frozenset(TYPES)))
    return Columns.from_arrays((columns[name].astype(kind) for name, kind in TYPES.items()), {})


def decode_only(body: bytes, *names: str) -> list[Whole]:
    """Some of the columns; what is asked for by the first of them alone costs nothing of the others."""
    columns = dict(_columns(body, frozenset(names)))
    return [columns[name] for name in names]


def encode_extra(extra: dict[int, bytes]) -> bytes | None:
    if not extra:
        return None
    lines = b"\n".join(b"%d %s" % (at, one) for at, one in extra.items())
    return bytes([1]) + zlib.compress(lines, 6)


def decode_extra(body: bytes | None) -> dict[int, bytes]:
    if body is None:
        return {}
    if body[0] != 1:
        raise _unknown(body[0])
    found = (line.partition(b" ") for line in zlib.decompress(body[1:]).split(b"\n"))
    return {int(at): one for at, _, one in found}


# ------------------------------------------------------------------------------------------------ a column


def _places(lat: Whole, lon: Whole, codec: Codec) -> bytes:
    """The steps of both are of one distribution: told once."""
    told = [(0, lat, lon)]
    if floats := follows.floats_of(lat, lon):
        told.append(floats)
    return min((_steps(*one, codec) for one in told), key=len)


def _steps(how: int, lat: Whole, lon: Whole, codec: Codec) -> bytes:
    first = _varint(_zigzag(int(lat[0]))) + _varint(_zigzag(int(lon[0])))
    return first + _column(np.concatenate([np.diff(lat), np.diff(lon)]), how << ALSO, codec)


def _column(values: Whole, head: int, codec: Codec, known: Iterable[int] = ()) -> bytes:
    """`known`: numbers that say what was taken off."""
    base = int(values.min()) if len(values) else 0
    rest = (values - base).view(np.uint64)
    step = int(np.gcd.reduce(rest))
    if not step:
        return b"".join((bytes([head | CONSTANT]), *map(_varint, known), _varint(_zigzag(base))))
    rest //= np.uint64(step)
    width = next(at for at, kind in enumerate(WIDTHS) if int(rest.max()) >> (8 * kind.itemsize) == 0)
    payload = codec.pack(rest.astype(WIDTHS[width]))
    numbers = map(_varint, (*known, _zigzag(base), step, len(payload)))
    return b"".join((bytes([head | width]), *numbers, payload))


def _columns(body: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, Whole]]:
    codec = _codec(body[0])
    count, at = _read_varint(body, 1 + len(codec.header))
    lat, at = _read_varint(body, at)
    lon, at = _read_varint(body, at)
    needed = wanted | {other for name in wanted for other in FOLLOWED.get(name, ())}
    head = body[at]
    steps, at = _read_column(body, at + 1, head, 2 * count - 2, codec, wanted=not needed.isdisjoint(("lat", "lon")))
    known: dict[str, Whole] = {}
    if steps is not None:
        for name, first, its in (("lat", lat, steps[: count - 1]), ("lon", lon, steps[count - 1 :])):
            whole = np.cumsum(np.concatenate(([_unzigzag(first)], its)))
            known[name] = follows.from_floats(head >> ALSO, whole) if head >> ALSO else whole
            yield name, known[name]
    left = needed - {"lat", "lon"}
    for name in ORDER:
        if not left:
            return
        head, at = body[at], at + 1
        if head == SILENCE:
            yield name, np.full(count, SILENT[name], np.int64)
            left -= {name}
            continue
        told = []
        for _ in range(_told(name, head)):
            number, at = _read_varint(body, at)
            told.append(number)
        values, at = _read_column(body, at, head, count, codec, wanted=name in left)
        if values is None:
            continue
        left -= {name}
        if name == "speed" and told:
            step, north, east = told
            values = (values + follows.way_speed((north, east), known["lat"], known["lon"], known["time"])) * step
        elif name == "speed" and head >> ALSO:
            values = follows.from_units(values, head >> ALSO)
        elif name == "row" and told:
            values = values + follows.line(told[0], known["time"])
        elif head & LESS:
            values = values + (known["time"] if name == "received" else np.arange(count))
        known[name] = values
        yield name, values


def _told(name: str, head: int) -> int:
    """How many numbers say what was taken off."""
    if name == "speed":
        return 3 if head & LESS else 0
    return head >> ALSO if name == "row" else 0


def _read_column(
    body: bytes, at: int, head: int, count: int, codec: Codec, *, wanted: bool
) -> tuple[Whole | None, int]:
    """Its values, where they are wanted, and where the next one begins. `at`: after what was taken off."""
    base, at = _read_varint(body, at)
    if head & CONSTANT:
        return np.full(count, _unzigzag(base), np.int64) if wanted else None, at
    step, at = _read_varint(body, at)
    size, at = _read_varint(body, at)
    if not wanted:
        return None, at + size
    packed = codec.unpack(body[at : at + size], count, WIDTHS[head & 3])
    values = packed.astype(np.uint64)
    if step > 1:
        values *= np.uint64(step)
    whole = values.view(np.int64)
    whole += _unzigzag(base)
    return whole, at + size


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _unzigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while body[at] & 0x80:
        value |= (body[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | body[at] << shift, at + 1


# ------------------------------------------------------------------------------------------------ codecs


@cache
def best_codec() -> Codec:
    try:
        return pcodec()
    except ImportError:  # no wheel for this machine
        return PLANES_CODEC


def _codec(number: int) -> Codec:
    if number == PLANES:
        return PLANES_CODEC
    if number != PCODEC:
        raise _unknown(number)
    try:
        return pcodec()
    except ImportError as error:
        raise StoreUnusable("This history is packed by pcodec: pip install pcodec.", "store_newer") from error


def _unknown(number: int) -> StoreUnusable:
    return StoreUnusable(f"This history was packed by a newer tracker (codec {number}): install it.", "store_newer")


@cache
def pcodec() -> Codec:
    from pcodec import ChunkConfig, PagingSpec, wrapped

    file = wrapped.FileCompressor()
    header = file.write_header()
    reader, _ = wrapped.FileDecompressor.new(header)
    names = {kind: f"u{8 * kind.itemsize}" for kind in WIDTHS}

    def pack(values: Packed) -> bytes:
        paging = PagingSpec.exact_page_sizes([len(values)])
        config = ChunkConfig(compression_level=LEVEL, paging_spec=paging, enable_8_bit=True)
        chunk = file.chunk_compressor(values, config)
        return bytes(chunk.write_meta()) + bytes(chunk.write_page(0))

    def unpack(payload: bytes, count: int, kind: np.dtype[Any]) -> Packed:
        chunk, begin = reader.chunk_decompressor(payload, names[kind])
        values: Packed = np.empty(count, kind)
        chunk.read_page_into(payload[begin:], count, values)
        return values

    return Codec(PCODEC, bytes(header), pack, unpack)


def _pack_planes(values: Packed) -> bytes:
    """Differences, the first bytes of all before the second of all, deflated."""
    steps = np.diff(values, prepend=values[:1] * 0)
    planes = [np.ascontiguousarray(one).view(np.uint8).reshape(len(values), -1).T.tobytes() for one in (values, steps)]
    packed = [zlib.compress(one, 6) for one in planes]
    return min((bytes([at]) + one for at, one in enumerate(packed)), key=len)


def _unpack_planes(payload: bytes, count: int, kind: np.dtype[Any]) -> Packed:
    planes = np.frombuffer(zlib.decompress(payload[1:]), np.uint8).reshape(-1, count)
    values: Packed = np.ascontiguousarray(planes.T).view(kind).reshape(count)
    return np.cumsum(values, dtype=kind) if payload[0] else values


PLANES_CODEC = Codec(PLANES, b"", _pack_planes, _unpack_planes)

assert sorted((*ORDER, "lat", "lon")) == sorted(TYPES)
