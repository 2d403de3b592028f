"""Segment: the fixes of one vehicle and day as bytes. What they are, byte for byte, is in docs/storage.md.

A column is what is left when its smallest value is taken off and the rest divided by what divides it all, in the
narrowest type that holds it: so whole seconds, and receivers that tell six decimals, cost nothing for being written in
finer steps. What one column says of another is taken off as well: a receipt follows its fix.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.errors import StoreUnusable
from tracker.model.columns import TYPES, Columns

PCODEC, PLANES = 1, 2  #: the first byte of a segment
LEVEL = 8  #: of pcodec: more is slower and gains nothing

#: the order of the columns in a segment, after the places: what "who was here" asks for comes first
ORDER = ("time", "taken", "speed", "heading", "accuracy", "altitude", "received", "row")

#: in what receivers count speed: mm/s in one of it
UNITS = (1.0, 1000 / 3.6, 447.04, 1852000 / 3600)
#: the head of a column: its width, and what was taken off or divided by
WIDTHS: tuple[np.dtype[Any], ...] = tuple(np.dtype(f"u{1 << at}") for at in range(4))
CONSTANT, LESS, UNIT = 4, 8, 4  # a width no array has; a bit; where the two bits of the unit begin

Whole = npt.NDArray[np.int64]
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
    lat, lon = columns.lat.astype(np.int64), columns.lon.astype(np.int64)
    parts = [bytes([codec.number]), codec.header, _varint(len(columns))]
    parts += [_varint(_zigzag(int(lat[0]))), _varint(_zigzag(int(lon[0])))]
    parts.append(_column(np.concatenate([np.diff(lat), np.diff(lon)]), 0, codec))  # one distribution: told once
    for name in ORDER:
        values = getattr(columns, name).astype(np.int64)
        packed = _column(values, 0, codec)
        if name in LEAN and not packed[0] & CONSTANT:
            packed = min(packed, _column(values - LEAN[name](columns), LESS, codec), key=len)
        if name == "speed" and (unit := _unit(values)):
            packed = min(packed, _column(_in_units(values, unit), unit << UNIT, codec), key=len)
        parts.append(packed)
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


def _column(values: Whole, head: int, codec: Codec) -> bytes:
    base = int(values.min()) if len(values) else 0
    rest = (values - base).view(np.uint64)
    step = int(np.gcd.reduce(rest))
    if not step:
        return bytes([head | CONSTANT]) + _varint(_zigzag(base))
    rest //= np.uint64(step)
    width = next(at for at, kind in enumerate(WIDTHS) if int(rest.max()) >> (8 * kind.itemsize) == 0)
    payload = codec.pack(rest.astype(WIDTHS[width]))
    return b"".join((bytes([head | width]), _varint(_zigzag(base)), _varint(step), _varint(len(payload)), payload))


def _columns(body: bytes, wanted: frozenset[str]) -> Iterator[tuple[str, Whole]]:
    codec = _codec(body[0])
    count, at = _read_varint(body, 1 + len(codec.header))
    lat, at = _read_varint(body, at)
    lon, at = _read_varint(body, at)
    steps, at = _read_column(body, at, 2 * count - 2, codec, wanted=not wanted.isdisjoint(("lat", "lon")))
    if steps is not None:
        for name, first, its in (("lat", lat, steps[: count - 1]), ("lon", lon, steps[count - 1 :])):
            yield name, np.cumsum(np.concatenate(([_unzigzag(first)], its)))
    left = wanted - {"lat", "lon"} | ({"time"} if "received" in wanted else set())
    time = np.empty(0, np.int64)
    for name in ORDER:
        if not left:
            return
        head = body[at]
        values, at = _read_column(body, at, count, codec, wanted=name in left)
        if values is None:
            continue
        left -= {name}
        if head & LESS:
            values = values + (time if name == "received" else np.arange(count))
        if unit := head >> UNIT:
            values = _from_units(values, unit)
        time = values if name == "time" else time
        yield name, values


def _read_column(body: bytes, at: int, count: int, codec: Codec, *, wanted: bool) -> tuple[Whole | None, int]:
    """Its values, where they are wanted, and where the next one begins."""
    head = body[at]
    base, at = _read_varint(body, at + 1)
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


def _unit(speed: Whole) -> int:
    """The unit in which all speeds are whole, 0 where there is none."""
    for unit in range(1, len(UNITS)):
        if (_from_units(_in_units(speed, unit), unit) == speed).all():
            return unit
    return 0


def _in_units(speed: Whole, unit: int) -> Whole:
    return np.where(speed < 0, speed, np.rint(speed / UNITS[unit])).astype(np.int64)


def _from_units(speed: Whole, unit: int) -> Whole:
    return np.where(speed < 0, speed, np.rint(speed * UNITS[unit])).astype(np.int64)


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
