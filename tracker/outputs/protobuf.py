"""Protobuf: the wire format of protocol buffers and its text form, as far as it takes to write one.

A message is a dict. A schema names its fields in the order they are written: (number, kind), where kind is one of
WIRES, the names of an enum with their values, or the Schema of a message within. A field whose value is None is left
out, a list is a repeated field.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

Enum = Mapping[str, int]


class Schema(NamedTuple):
    fields: Mapping[str, tuple[int, str | Enum | Schema]]


_VARINT, _FIXED64, _SIZED, _FIXED32 = 0, 1, 2, 5


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _text(value: str) -> bytes:
    return _sized(value.encode("utf-8", "replace"))


#: kind of a value → its wire type, and how it is written
WIRES: dict[str, tuple[int, Callable[[Any], bytes]]] = {
    "string": (_SIZED, _text),
    "uint": (_VARINT, _varint),
    "float": (_FIXED32, struct.Struct("<f").pack),
    "double": (_FIXED64, struct.Struct("<d").pack),
}


def encode(schema: Schema, message: Mapping[str, Any]) -> bytes:
    pieces: list[bytes] = []
    for name, (number, kind) in schema.fields.items():
        for value in _values(message, name):
            if isinstance(kind, Schema):
                wire, data = _SIZED, _sized(encode(kind, value))
            elif isinstance(kind, str):
                wire, write = WIRES[kind]
                data = write(value)
            else:
                wire, data = _VARINT, _varint(kind[value])
            pieces += (_varint(number << 3 | wire), data)
    return b"".join(pieces)


def text(schema: Schema, message: Mapping[str, Any], indent: str = "") -> str:
    """For people, and for programs that read the text form."""
    return "".join(f"{indent}{line}\n" for line in _lines(schema, message))


def _lines(schema: Schema, message: Mapping[str, Any]) -> Iterator[str]:
    for name, (_, kind) in schema.fields.items():
        for value in _values(message, name):
            if isinstance(kind, Schema):
                yield f"{name} {{"
                yield from ("  " + line for line in _lines(kind, value))
                yield "}"
            elif kind == "string":
                yield f"{name}: {msgspec.json.encode(value).decode()}"
            else:
                yield f"{name}: {value}"


def _values(message: Mapping[str, Any], name: str) -> list[Any]:
    value = message.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
