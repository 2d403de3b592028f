"""Every byte of a bundle is accounted for, and what strangers make of one costs a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from tracker.bundles import archive
from tracker.bundles.archive import CHAIN, LARGEST, MEMBERS, NAMES, pack, unpack
from tracker.bundles.verifying import verify
from tracker.formats import Unreadable

CONTENTS = [(b'{"of": %d}\n' % number) * (number * 3 + 1) for number in range(len(MEMBERS))]
FILE = pack(CONTENTS)


def owners() -> list[str]:
    """Of which member each byte of the file is."""
    with zipfile.ZipFile(io.BytesIO(FILE)) as whole:
        heads = [(one.filename, 30 + len(one.filename) + one.compress_size) for one in whole.infolist()]
    listed = [(name, 46 + len(name)) for name in NAMES]
    return [name for name, length in (*heads, *listed, ("the end of the zip", 22)) for _ in range(length)]


OWNERS = owners()


def refused(file: bytes) -> str:
    with pytest.raises(Unreadable) as fault:
        unpack(file)
    assert not fault.value.usage, "which would be 2, not 1"
    return str(fault.value)


@pytest.mark.parametrize("name", [*NAMES, "the end of the zip"])
def test_a_changed_byte_is_told_with_the_name_of_its_member(name: str) -> None:
    places = [at for at, owner in enumerate(OWNERS) if owner == name]
    assert len(OWNERS) == len(FILE) and places
    for at in places:
        for bits in (0x01, 0x80, 0xFF):
            changed = bytearray(FILE)
            changed[at] ^= bits
            said = refused(bytes(changed))
            assert name in said or (name.startswith("the end") and "directory" in said), (at, said)


def test_a_bundle_is_a_zip_that_any_program_reads_and_the_same_each_time() -> None:
    with zipfile.ZipFile(io.BytesIO(FILE)) as whole:
        assert whole.testzip() is None
        assert whole.namelist() == list(NAMES)
        assert [whole.read(name) for name in MEMBERS] == CONTENTS
        chain = json.loads(whole.read(CHAIN))
    assert pack(CONTENTS) == FILE
    opened = unpack(FILE)
    assert opened.contents == dict(zip(MEMBERS, CONTENTS, strict=True))
    assert opened.hash == chain["hash"] == chain["members"][-1]["hash"]
    assert [one["bytes"] for one in chain["members"]] == [len(one) for one in CONTENTS]


def test_the_hash_is_of_every_member_and_of_their_order() -> None:
    hashes = {unpack(FILE).hash, unpack(pack(CONTENTS[::-1])).hash}
    for number in range(len(MEMBERS)):
        hashes.add(unpack(pack([*CONTENTS[:number], b"other", *CONTENTS[number + 1 :]])).hash)
    assert len(hashes) == len(MEMBERS) + 2
    assert unpack(FILE).hash == "1deb32f4340b7b0767c08e9f79ffd642f32b81d1cb4d36b3813568e56aadffe8"


@pytest.mark.parametrize("kept", [0, 4, 21, 22, 500, len(FILE) - 22, len(FILE) - 1])
def test_a_bundle_that_is_cut_short_is_none(kept: int) -> None:
    assert refused(FILE[:kept]).startswith(("is cut short", "is not a bundle"))


def rezipped(*names: str, compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(FILE)) as whole, zipfile.ZipFile(out, "w", compression) as again:
        for name in names:
            again.writestr(name, whole.read(name) if name in NAMES else b"surplus")
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (rezipped(*NAMES, "../../etc/cron.d/x"), "a member no bundle has: '../../etc/cron.d/x'"),
        (rezipped(*NAMES[:-1], "Chain.json"), "a member no bundle has: 'Chain.json', and no chain.json"),
        (rezipped(*NAMES[1:]), "has no manifest.json"),
        (rezipped(*NAMES[::-1]), "in another order"),
        (rezipped(*NAMES), "manifest.json was changed"),
        (rezipped(*NAMES, compression=zipfile.ZIP_DEFLATED), "chain.json was changed"),
        (b"MZ" + FILE[2:], "manifest.json was changed"),
        (b"#!/bin/sh\n" + FILE, "it is no zip"),
        (FILE + b"\n", "is cut short"),
        (b"no zip at all", "it is no zip"),
        (b"", "it is no zip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_zip_is_refused_with_what_is_wrong_with_it(file: bytes, says: str) -> None:
    assert says in refused(file)


def test_what_is_packed_is_not_unpacked_beyond_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gigabytes of nothing take a megabyte: the chain says how much is looked at."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(5_000_000)) + bomb.flush()
    asked: list[int] = []

    class Reader:
        def __init__(self, *_: int) -> None:
            self._reader = inflate(-15)

        def decompress(self, part: bytes, most: int) -> bytes:
            asked.append(most)
            return self._reader.decompress(part, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self._reader, name)

    inflate = zlib.decompressobj
    contents = [*CONTENTS[:-1], b"told"]
    parts = [*map(archive._deflated, contents[:-1]), packed]
    chain = archive._written(archive._chain(contents, parts))
    file = archive._framed([*contents, chain], [*parts, chain])
    monkeypatch.setattr(zlib, "decompressobj", Reader)
    assert "events.ndjson was changed" in refused(file)
    assert max(asked) < 1000


def test_a_chain_that_tells_of_more_than_a_bundle_holds_is_refused_before_anything_is_unpacked() -> None:
    chain = archive._chain(CONTENTS, [*map(archive._deflated, CONTENTS)])
    chain.members[-1].bytes = LARGEST + 1
    written = archive._written(chain)
    parts = [*map(archive._deflated, CONTENTS), written]
    assert "more than 256 MB" in refused(archive._framed([*CONTENTS, written], parts))
    for nonsense in (b"[" * 60_000, b'{"members":[]', b'{"version":2', b"\xff"):
        sealed = nonsense + archive._SEAL % hashlib.sha256(nonsense).hexdigest().encode()
        assert "chain.json" in refused(archive._framed([*CONTENTS, sealed], [*parts[:-1], sealed]))


def test_a_file_that_is_too_large_or_none_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.bundles.verifying.LARGEST", 100)
    file = tmp_path / "large.zip"
    file.write_bytes(FILE)
    with pytest.raises(Unreadable, match=r"large\.zip: is not a bundle: it is larger"):
        verify(file)
    with pytest.raises(Unreadable, match="cannot be read"):
        verify(tmp_path / "nowhere.zip")


def test_an_entry_that_lies_about_where_its_member_is_is_told() -> None:
    at = FILE.rindex(b"PK\x01\x02")
    told = bytearray(FILE)
    struct.pack_into("<I", told, at + 42, 0)
    assert "chain.json was changed" in refused(bytes(told))
