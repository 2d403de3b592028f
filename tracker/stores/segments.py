"""Segment: the fixes of one vehicle and day as bytes. What they are, byte for byte, is in docs/storage.md.

A column is what is left when its smallest value is taken off and the rest divided by what divides it all, in the
narrowest type that holds it: so whole seconds, and receivers that tell six decimals, cost nothing for being written in
finer steps. What one column says of another is taken off as well: a receipt follows its fix.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracker.errors import StoreUnusable
from tracker.model.columns import NO_ALTITUDE, NOT_SAID, TYPES, Columns
from tracker.model.commit import LIVE
from tracker.model.outline import BLOCK
from tracker.stores import follows
from tracker.stores.follows import Whole

PCODEC, PLANES = 1, 2  #: the first byte of a segment
LEVEL = 8  #: of pcodec: more is slower and gains nothing

#: the order of the columns in a segment, after the places: what "who was here" asks for comes first
ORDER = ("time", "taken", "speed", "heading", "accuracy", "altitude", "received", "row")

#: the head of a column: its width, and what was taken off or divided by
WIDTHS: tuple[np.dtype[Any], ...] = tuple(np.dtype(f"u{1 << at}") for at in range(4))
CONSTANT, SILENCE, LESS = 4, 7, 8  # widths no array has; a bit
PAGED, SIZE = 64, np.dtype("<u2")  # a bit: it is in pages, which begin with their sizes
ALSO = 4  # where two bits begin: the unit of speeds, how places are floats, whether rows are about a line

#: kept so that some blocks can be read alone, as places are
BY_BLOCK = ("speed", "accuracy")

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
    pack: Callable[[Packed, list[int]], bytes]  # in pages of so many values
    unpack: Callable[[bytes, slice, list[int], np.dtype[Any], list[int] | None], Packed]  # all, or some of the pages


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
        pages = _blocks(len(columns)) if name in BY_BLOCK and codec.number == PCODEC else [len(columns)]
        packed = [_column(values, 0, codec, pages=pages)]
        if name in LEAN and not packed[0][0] & CONSTANT:
            packed.append(_column(values - LEAN[name](columns), LESS, codec))
        if name == "speed" and (unit := follows.unit_of(values)):
            packed.append(_column(follows.in_units(values, unit), unit << ALSO, codec, pages=pages))
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


def decode_only(body: bytes, *names: str, blocks: list[int] | None = None) -> list[Whole]:
    """Some of the columns; what is asked for by the first of them alone costs nothing of the others. But for places it
    may be some blocks of them."""
    columns = dict(_columns(body, frozenset(names), blocks))
    return [columns[name] for name in names]


def steps(begin: bytes, blocks: list[int], found: npt.NDArray[np.int32]) -> None:
    """The steps from place to place in some blocks, and to the first of the next: into a row each of `found`, which has
    one for north and one for east. `begin`: so much of a segment as `page_ends` says."""
    codec, count, at = _begin(begin)
    pages = _pages(count - 1)
    values, _ = _read_column(begin, at + 1, begin[at], pages, codec, blocks)
    assert values is not None
    at = 0
    for row, block in zip(found, blocks, strict=True):
        end = at + pages[block]
        row[:, : pages[block] // 2] = values[at:end].reshape(2, -1)
        at = end


class Raw(NamedTuple):
    """A column as it is packed: a value is `base` + `step` x what is packed."""

    values: Packed
    base: int
    step: int


class Few(NamedTuple):
    """What `few` finds."""

    pings: int  # all fixes
    place: tuple[int, int]  # the first of all
    steps: Raw  # from place to place: of each block those to the north, then those to the east
    time: Raw  # of all
    taken: npt.NDArray[np.int8] | None  # of all; None: they came live


def few(begin: bytes, first: int, end: int) -> Few | None:
    """Of the blocks first <= block < end as little as has to be done for one segment alone (see blocks.py). None: it is
    of another kind, or `begin` is no longer than that."""
    if begin[0] != PCODEC:
        return None
    codec = _codec(begin[0])
    count, at = _read_varint(begin, 1 + len(codec.header))
    lat, at = _read_varint(begin, at)
    lon, at = _read_varint(begin, at)
    head = begin[at]
    if head >> ALSO & 3 or (count > BLOCK and not head & PAGED):
        return None
    try:
        if count > BLOCK:
            steps, at = _raw(begin, at, _pages(count - 1), codec, [*range(first, end)])
        else:
            steps, at = _raw(begin, at, [2 * count - 2], codec)
        if at > len(begin) or begin[at] == SILENCE:
            return None
        time, at = _raw(begin, at, [count], codec)
        taken = None
        if begin[at] != SILENCE:
            how, at = _raw(begin, at, [count], codec)
            taken = (how.values.astype(np.int64) * how.step + how.base).astype(np.int8)
    except IndexError:
        return None
    return Few(count, (_unzigzag(lat), _unzigzag(lon)), steps, time, taken)


def _raw(body: bytes, at: int, pages: list[int], codec: Codec, which: list[int] | None = None) -> tuple[Raw, int]:
    """Raises IndexError where the body is cut off before its end."""
    head = body[at]
    base, at = _read_varint(body, at + 1)
    if head & CONSTANT:
        count = sum(pages if which is None else (pages[one] for one in which))
        return Raw(np.zeros(count, np.uint8), _unzigzag(base), 0), at
    step, at = _read_varint(body, at)
    size, at = _read_varint(body, at)
    if at + size > len(body):
        raise IndexError
    values = codec.unpack(body, slice(at, at + size), pages, WIDTHS[head & 3], which)
    return Raw(values, _unzigzag(base), step), at + size


def page_ends(body: bytes) -> list[int]:
    """Of each block, how much of a segment its places need; empty where they are not in pages."""
    _, count, at = _begin(body)
    head, pages = body[at], len(_pages(count - 1))
    if not head & PAGED or head & CONSTANT:
        return []
    _, at = _read_varint(body, at + 1)
    _, at = _read_varint(body, at)
    size, at = _read_varint(body, at)
    sizes = np.frombuffer(body, SIZE, pages, at)
    return list(accumulate(sizes.tolist(), initial=at + size - int(sizes.sum())))[1:]


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
    north, east = np.diff(lat), np.diff(lon)
    if how or codec.number != PCODEC or len(north) <= BLOCK:
        return first + _column(np.concatenate([north, east]), how << ALSO, codec)
    return first + _column(_side_by_side(north, east), 0, codec, pages=_pages(len(north)))


def _begin(body: bytes) -> tuple[Codec, int, int]:
    """Who reads it, how many fixes, and where the steps begin."""
    codec = _codec(body[0])
    count, at = _read_varint(body, 1 + len(codec.header))
    for _ in range(2):
        _, at = _read_varint(body, at)
    return codec, count, at


@cache
def _pages(steps: int) -> list[int]:
    """How many values are in each page of the steps from place to place: a block's, north and east."""
    return [2 * block for block in _blocks(steps)]


@cache
def _blocks(count: int) -> list[int]:
    return [min(BLOCK, count - at) for at in range(0, count, BLOCK)]


def _side_by_side(north: Whole, east: Whole) -> Whole:
    full = len(north) // BLOCK * BLOCK
    blocks = np.stack([north[:full].reshape(-1, BLOCK), east[:full].reshape(-1, BLOCK)], 1)
    return np.concatenate([blocks.ravel(), north[full:], east[full:]])


def _apart(steps: Whole) -> tuple[Whole, Whole]:
    full = len(steps) // (2 * BLOCK) * 2 * BLOCK
    blocks, rest = steps[:full].reshape(-1, 2, BLOCK), steps[full:].reshape(2, -1)
    north, east = (np.concatenate([blocks[:, at].ravel(), rest[at]]) for at in (0, 1))
    return north, east


def _column(values: Whole, head: int, codec: Codec, known: Iterable[int] = (), pages: list[int] | None = None) -> bytes:
    """`known`: numbers that say what was taken off."""
    pages = pages or [len(values)]
    head |= PAGED if len(pages) > 1 else 0
    base = int(values.min()) if len(values) else 0
    rest = (values - base).view(np.uint64)
    step = int(np.gcd.reduce(rest))
    if not step:
        return b"".join((bytes([head | CONSTANT]), *map(_varint, known), _varint(_zigzag(base))))
    rest //= np.uint64(step)
    width = next(at for at, kind in enumerate(WIDTHS) if int(rest.max()) >> (8 * kind.itemsize) == 0)
    payload = codec.pack(rest.astype(WIDTHS[width]), pages)
    numbers = map(_varint, (*known, _zigzag(base), step, len(payload)))
    return b"".join((bytes([head | width]), *numbers, payload))


def _columns(body: bytes, wanted: frozenset[str], blocks: list[int] | None = None) -> Iterator[tuple[str, Whole]]:
    codec, count, at = _begin(body)
    _, at = _read_column(body, at + 1, body[at], [], codec, wanted=False)
    known: dict[str, Whole] = {}
    if not wanted.isdisjoint(("lat", "lon")):
        known = _places_of(body)
        yield from known.items()
    length = count if blocks is None else sum(_blocks(count)[one] for one in blocks)
    left = (wanted | {other for name in wanted for other in FOLLOWED.get(name, ())}) - {"lat", "lon"}
    for name in ORDER:
        if not left:
            return
        head, at = body[at], at + 1
        if head == SILENCE:
            yield name, np.full(length, SILENT[name], np.int64)
            left -= {name}
            continue
        told = []
        for _ in range(_told(name, head)):
            number, at = _read_varint(body, at)
            told.append(number)
        pages, which = (_blocks(count), blocks) if head & PAGED else ([count], None)
        values, at = _read_column(body, at, head, pages, codec, which, wanted=name in left)
        if values is None:
            continue
        left -= {name}
        if name == "speed" and told:
            step, north, east = told
            known |= {} if "lat" in known else _places_of(body)
            values = (values + follows.way_speed((north, east), known["lat"], known["lon"], known["time"])) * step
        elif name == "speed" and (unit := head >> ALSO & 3):
            values = follows.from_units(values, unit)
        elif name == "row" and told:
            values = values + follows.line(told[0], known["time"])
        elif head & LESS:
            values = values + (known["time"] if name == "received" else np.arange(count))
        known[name] = values
        if blocks is not None and which is None:
            values = np.concatenate([values[BLOCK * one : BLOCK * (one + 1)] for one in blocks])
        yield name, values


def _places_of(body: bytes) -> dict[str, Whole]:
    codec, count, at = _begin(body)
    _, begin = _read_varint(body, 1 + len(codec.header))
    lat, begin = _read_varint(body, begin)
    lon, _ = _read_varint(body, begin)
    head = body[at]
    pages = _pages(count - 1) if head & PAGED else [2 * count - 2]
    steps, _ = _read_column(body, at + 1, head, pages, codec)
    assert steps is not None
    found = _apart(steps) if head & PAGED else (steps[: count - 1], steps[count - 1 :])
    told = [np.cumsum(np.concatenate(([_unzigzag(first)], one))) for first, one in zip((lat, lon), found, strict=True)]
    if how := head >> ALSO & 3:
        told = [follows.from_floats(how, one) for one in told]
    return dict(zip(("lat", "lon"), told, strict=True))


def _told(name: str, head: int) -> int:
    """How many numbers say what was taken off."""
    if name == "speed":
        return 3 if head & LESS else 0
    return head >> ALSO & 3 if name == "row" else 0


def _read_column(
    body: bytes,
    at: int,
    head: int,
    pages: list[int],
    codec: Codec,
    which: list[int] | None = None,
    *,
    wanted: bool = True,
) -> tuple[Whole | None, int]:
    """Its values (or those of some pages), where they are wanted, and where the next one begins. `at`: after what was
    taken off."""
    base, at = _read_varint(body, at)
    if head & CONSTANT:
        count = sum(pages if which is None else (pages[one] for one in which))
        return np.full(count, _unzigzag(base), np.int64) if wanted else None, at
    step, at = _read_varint(body, at)
    size, at = _read_varint(body, at)
    if not wanted:
        return None, at + size
    packed = codec.unpack(body, slice(at, at + size), pages, WIDTHS[head & 3], which)
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
    value, shift = body[at] & 0x7F, 7
    while body[at] & 0x80:
        at += 1
        value |= (body[at] & 0x7F) << shift
        shift += 7
    return value, at + 1


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
    names = {kind.itemsize: f"u{8 * kind.itemsize}" for kind in WIDTHS}

    def pack(values: Packed, pages: list[int]) -> bytes:
        paging = PagingSpec.exact_page_sizes(pages)
        config = ChunkConfig(compression_level=LEVEL, paging_spec=paging, enable_8_bit=True)
        chunk = file.chunk_compressor(values, config)
        packed = [bytes(chunk.write_page(at)) for at in range(len(pages))]
        sizes = np.array([len(page) for page in packed], SIZE).tobytes() if len(pages) > 1 else b""
        return b"".join((sizes, bytes(chunk.write_meta()), *packed))

    def unpack(body: bytes, its: slice, pages: list[int], kind: np.dtype[Any], which: list[int] | None) -> Packed:
        if len(pages) == 1 and which is None:  # as times are: thousands are read at once
            chunk, begin = reader.chunk_decompressor(body[its], names[kind.itemsize])
            values: Packed = np.empty(pages[0], kind)
            chunk.read_page_into(body[its.start + begin : its.stop], pages[0], values)
            return values
        sizes = np.frombuffer(body, SIZE, len(pages), its.start).tolist() if len(pages) > 1 else []
        first = its.start + len(sizes) * SIZE.itemsize
        ends = [*accumulate(sizes, initial=its.stop - sum(sizes)), its.stop]
        chunk, begin = reader.chunk_decompressor(body[first : ends[0]], names[kind.itemsize])
        ends[0] = first + begin
        values = np.empty(sum(pages if which is None else [pages[one] for one in which]), kind)
        at = 0
        for one in range(len(pages)) if which is None else which:
            end = at + pages[one]
            chunk.read_page_into(body[ends[one] : ends[one + 1]], pages[one], values[at:end])
            at = end
        return values

    return Codec(PCODEC, bytes(header), pack, unpack)


def _pack_planes(values: Packed, _pages: list[int]) -> bytes:
    """Differences, the first bytes of all before the second of all, deflated."""
    steps = np.diff(values, prepend=values[:1] * 0)
    planes = [np.ascontiguousarray(one).view(np.uint8).reshape(len(values), -1).T.tobytes() for one in (values, steps)]
    packed = [zlib.compress(one, 6) for one in planes]
    return min((bytes([at]) + one for at, one in enumerate(packed)), key=len)


def _unpack_planes(body: bytes, its: slice, pages: list[int], kind: np.dtype[Any], _which: list[int] | None) -> Packed:
    payload = body[its]
    planes = np.frombuffer(zlib.decompress(payload[1:]), np.uint8).reshape(-1, sum(pages))
    values: Packed = np.ascontiguousarray(planes.T).view(kind).reshape(-1)
    return np.cumsum(values, dtype=kind) if payload[0] else values


PLANES_CODEC = Codec(PLANES, b"", _pack_planes, _unpack_planes)

assert sorted((*ORDER, "lat", "lon")) == sorted(TYPES)
