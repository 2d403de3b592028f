"""Archive: the members of a bundle in one zip of which every byte is accounted for.

The frame of the zip follows from the members, and of each member the chain knows the bytes, packed and unpacked. So
what was changed has a name: that of a member, of the chain, or of the zip's own directory.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

from tracker.bundles.chain import START, link
from tracker.formats import Unreadable

CHAIN = "chain.json"
MEMBERS = (
    *("manifest.json", "settings.ndjson", "register.json", "regions.ndjson", "deeds.ndjson", "pings.ndjson"),
    "events.ndjson",
)
NAMES = (*MEMBERS, CHAIN)
LARGEST = 256 * 2**20  #: bytes of all members, unpacked

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LEVEL = 9
_DEFLATED, _STORED = 8, 0
_OLDEST = 0x21  #: 1 January 1980: a zip knows no earlier day, and ours says none
_UNIX, _READABLE = 3 << 8 | 20, 0o100644 << 16
_SEAL = b',"seal":"%b"}\n'


class Link(msgspec.Struct, forbid_unknown_fields=True):
    """Of one member. `hash` is of those before it, too."""

    name: str
    bytes: int
    sha256: str
    packed_bytes: int
    packed_sha256: str
    hash: str


class Chain(msgspec.Struct, forbid_unknown_fields=True):
    members: list[Link]
    hash: str  # of the last
    version: int = 1


class Opened(NamedTuple):
    contents: dict[str, bytes]
    hash: str


def pack(contents: Sequence[bytes]) -> bytes:
    """One file of the contents of MEMBERS."""
    packed = [_deflated(one) for one in contents]
    chain = _written(_chain(contents, packed))
    return _framed([*contents, chain], [*packed, chain])


def unpack(file: bytes) -> Opened:
    """Raises Unreadable, which names what is wrong."""
    packed = _parts(file)
    if len(packed[-1]) > 65_536:
        raise Unreadable(f"{CHAIN} is too long")
    chain = _read_chain(packed[-1])
    if sum(one.bytes for one in chain.members) > LARGEST or min(one.bytes for one in chain.members) < 0:
        raise Unreadable(f"{CHAIN} tells of more than {LARGEST >> 20} MB, which no bundle has")
    contents = [_inflated(link, part) for link, part in zip(chain.members, packed, strict=False)]
    if chain != _chain(contents, packed[:-1]):
        raise Unreadable(f"{CHAIN} was changed: its links do not follow from one another")
    whole = _framed([*contents, packed[-1]], packed)
    if whole != file:
        raise Unreadable(f"{_where(file, whole, packed)} was changed: the zip tells of it what is not so")
    return Opened(dict(zip(MEMBERS, contents, strict=True)), chain.hash)


# ------------------------------------------------------------------------------------------------------ the chain


def _chain(contents: Sequence[bytes], packed: Sequence[bytes]) -> Chain:
    links: list[Link] = []
    last = START
    for name, content, part in zip(MEMBERS, contents, packed, strict=True):
        own = hashlib.sha256(content)
        last = link(last, name, own.digest())
        of_part = hashlib.sha256(part).hexdigest()
        links.append(Link(name, len(content), own.hexdigest(), len(part), of_part, last.hex()))
    return Chain(links, last.hex())


def _written(chain: Chain) -> bytes:
    body = msgspec.json.encode(chain)[:-1]
    return body + _SEAL % hashlib.sha256(body).hexdigest().encode()


def _read_chain(file: bytes) -> Chain:
    """The seal tells a chain that was changed from a member that was."""
    body = file[: -len(_SEAL % bytes(64))]
    if file != body + _SEAL % hashlib.sha256(body).hexdigest().encode():
        raise Unreadable(f"{CHAIN} was changed: its seal is another")
    try:
        chain = msgspec.json.decode(body + b"}", type=Chain)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise Unreadable(f"{CHAIN} cannot be read: {fault}") from None
    if chain.version != 1 or [one.name for one in chain.members] != list(MEMBERS):
        raise Unreadable(f"{CHAIN} is not that of a bundle of version 1, which is what this tracker reads")
    return chain


def _deflated(content: bytes) -> bytes:
    writer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    return writer.compress(content) + writer.flush()


def _inflated(link: Link, part: bytes) -> bytes:
    """Never more than the chain tells, whatever is packed."""
    changed = Unreadable(f"{link.name} was changed: it is not what {CHAIN} tells of it")
    if len(part) != link.packed_bytes or hashlib.sha256(part).hexdigest() != link.packed_sha256:
        raise changed
    reader = zlib.decompressobj(-15)
    try:
        content = reader.decompress(part, link.bytes + 1)
    except zlib.error:
        raise changed from None
    if not reader.eof or reader.unused_data or hashlib.sha256(content).hexdigest() != link.sha256:
        raise changed
    return content


# ------------------------------------------------------------------------------------------------------ the frame


def _headers(name: str, content: bytes, part: bytes, offset: int) -> tuple[bytes, bytes]:
    method = _STORED if name == CHAIN else _DEFLATED
    told = method, 0, _OLDEST, zlib.crc32(content), len(part), len(content), len(name), 0
    local = _LOCAL.pack(b"PK\x03\x04", 20, 0, *told)
    central = _CENTRAL.pack(b"PK\x01\x02", _UNIX, 20, 0, *told, 0, 0, 0, _READABLE, offset)
    return local + name.encode(), central + name.encode()


def _framed(contents: Sequence[bytes], packed: Sequence[bytes]) -> bytes:
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, content, part in zip(NAMES, contents, packed, strict=True):
        local, central = _headers(name, content, part, offset)
        pieces += local, part
        directory.append(central)
        offset += len(local) + len(part)
    listed = b"".join(directory)
    count = len(directory)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(listed), offset, 0)
    return b"".join([*pieces, listed, end])


def _parts(file: bytes) -> list[bytes]:
    """What is packed of each member, where the zip says it is. Nothing is unpacked yet."""
    sign, *numbers, size, begin, comment = _END.unpack(file[-_END.size :].rjust(_END.size, b"\0"))
    if sign != b"PK\x05\x06" or comment or begin + size + _END.size != len(file):
        is_zip = file[:4] == b"PK\x03\x04"
        raise Unreadable(
            "is cut short, or the end of the zip's directory was changed" if is_zip else "is not a bundle: it is no zip"
        )
    names = _listed(file[begin : begin + size])
    if extra := [name for name in names if name not in NAMES]:
        lacks = next((name for name in NAMES if name not in names), None)
        raise Unreadable(f"has a member no bundle has: {extra[0][:80]!r}" + (f", and no {lacks}" if lacks else ""))
    if lacking := [name for name in NAMES if name not in names]:
        raise Unreadable(f"has no {lacking[0]}, or its entry in the zip's directory was changed")
    if names != list(NAMES) or numbers != [0, 0, len(NAMES), len(NAMES)]:
        raise Unreadable("has the members of a bundle in another order, or more than once: the zip's directory changed")
    parts: list[bytes] = []
    offset, at = 0, begin
    for name in NAMES:
        head = _LOCAL.size + len(name)
        told = _CENTRAL.unpack_from(file, at)
        local = file[offset : offset + head].ljust(head, b"\0")
        length, is_there = told[8], offset + head + told[8] <= begin
        if told[-1] != offset or not is_there or _LOCAL.unpack_from(local)[7] != length:
            raise Unreadable(f"{name} was changed: the zip tells two things of it")
        parts.append(file[offset + head : offset + head + length])
        offset += head + length
        at += _CENTRAL.size + len(name)
    if offset != begin:
        raise Unreadable("has something between its members and the zip's directory, which no bundle has")
    return parts


def _listed(directory: bytes) -> list[str]:
    """The names a zip's directory has. An entry that is none ends it, under the name that should be there."""
    names: list[str] = []
    at = 0
    while at < len(directory):
        expected = NAMES[len(names)] if len(names) < len(NAMES) else "a member no bundle has"
        if len(directory) - at < _CENTRAL.size or directory[at : at + 4] != b"PK\x01\x02":
            raise Unreadable(f"{expected} was changed: its entry in the zip's directory is none")
        lengths = _CENTRAL.unpack_from(directory, at)[10:13]
        begin = at + _CENTRAL.size
        if directory[begin : begin + len(expected)] == expected.encode() and lengths != (len(expected), 0, 0):
            raise Unreadable(f"{expected} was changed: the zip's directory tells otherwise how long its entry is")
        names.append(directory[begin : begin + lengths[0]].decode("utf-8", "backslashreplace"))
        at = begin + sum(lengths)
    return names


def _where(file: bytes, whole: bytes, packed: Sequence[bytes]) -> str:
    """The name of what the first byte is of that is another."""
    first = next(at for at, (one, other) in enumerate(zip(file, whole, strict=True)) if one != other)
    heads = [_LOCAL.size + len(name) for name in NAMES]
    ends = [*accumulate(head + len(part) for head, part in zip(heads, packed, strict=True))]
    ends += accumulate((_CENTRAL.size + len(name) for name in NAMES), initial=ends[-1])
    names = [*NAMES, "", *NAMES]
    return next((name for name, end in zip(names, ends, strict=True) if first < end), "the end of the zip's directory")
