"""Placemarks: those of a KML and its shared styles, each as a tree of its own while the file is parsed.

XML can be made to explode; a document type declaration, which is what that needs and KML does not, is refused.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from tracker.errors import BadRequest, TooLarge

MAX_DEPTH = 100  #: elements within elements
MAX_ELEMENTS = 2_000_000  #: of a file, whatever they are
MAX_PARTS = 50_000  #: elements of one Placemark or Style
MAX_TEXT = 2 * 2**20  #: characters of one
MAX_NAMES = 1_000  #: characters of the name of a Folder that are looked at
PIECE = 64 * 1024  #: bytes given to the parser in one go: it keeps the GIL while it reads text


def pieces(data: bytes | bytearray) -> Iterator[bytes | bytearray]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


class Part(NamedTuple):
    """A Placemark or shared style, the Folder it is in, and the line where it begins."""

    element: Element
    folder: str
    line: int


_PARTS = frozenset({"Placemark", "Style", "StyleMap"})


def parts(data: Iterable[bytes | bytearray]) -> Iterator[Part]:
    """The Placemarks and shared styles as they end, names without their namespace; nothing else is kept."""
    builder, inside = TreeBuilder(), 0  # elements deep in the one that is kept
    depth = count = held = characters = line = 0
    ended: list[Part] = []
    folders: list[tuple[int, str]] = []  # open ones: how deep, and their names
    naming = False  # within the name of one

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count, inside, held, characters, line, naming
        depth, count, name = depth + 1, count + 1, name.rpartition(" ")[2]
        if depth > MAX_DEPTH:
            raise BadRequest("too_deep", f"The KML has elements more than {MAX_DEPTH} deep.")
        if count > MAX_ELEMENTS:
            raise TooLarge("too_many_items", f"The KML has over {MAX_ELEMENTS:,} elements; send parts of it.")
        if not inside and name not in _PARTS:
            naming = name == "name" and bool(folders) and folders[-1][0] == depth - 1
            if name == "Folder":
                folders.append((depth, ""))
            return
        if not inside:
            held, characters, line = 0, 0, parser.CurrentLineNumber
        inside, held = inside + 1, held + 1
        characters += sum(map(len, attributes.values()))
        check()
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth, inside, builder, naming
        depth, naming = depth - 1, False
        if folders and folders[-1][0] > depth:
            folders.pop()
        if inside:
            inside -= 1
            builder.end(name.rpartition(" ")[2])
            if not inside:
                folder = next((name for _, name in reversed(folders) if name.strip()), "")
                ended.append(Part(builder.close(), " ".join(folder.split()), line))
                builder = TreeBuilder()

    def text(characters_: str) -> None:
        nonlocal characters
        if inside:
            characters += len(characters_)
            check()
            builder.data(characters_)
        elif naming:
            at, name = folders[-1]
            folders[-1] = at, (name + characters_)[:MAX_NAMES]

    def check() -> None:
        if held > MAX_PARTS or characters > MAX_TEXT:
            raise TooLarge(
                "body_too_large", f"One Placemark may have {MAX_PARTS:,} elements and {MAX_TEXT:,} characters."
            )

    def refuse(*_: object) -> None:
        raise BadRequest("kml_doctype", "The KML has a document type declaration (<!DOCTYPE); remove it.")

    taken = 0
    for piece, last, encoding in _with_encoding(data):
        if not taken:
            parser = expat.ParserCreate(encoding, namespace_separator=" ")
            parser.buffer_text = True
            parser.StartElementHandler, parser.EndElementHandler = start, end
            parser.CharacterDataHandler = text
            parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
        try:
            parser.Parse(piece, last)
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            detail = f"This is not XML: {message} in line {error.lineno}, column {error.offset + 1}."
            raise BadRequest("not_xml", detail) from None
        except (LookupError, ValueError) as error:  # an encoding nobody here can read
            raise BadRequest("not_xml", f"This XML cannot be read ({error}); save it as UTF-8.") from None
        if taken - parser.CurrentByteIndex > MAX_TEXT:
            raise TooLarge("body_too_large", f"A tag or comment of the KML is over {MAX_TEXT:,} bytes long.")
        taken += max(len(piece), 1)
        yield from ended
        ended.clear()


_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=", re.ASCII)
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _with_encoding(data: Iterable[bytes | bytearray]) -> Iterator[tuple[bytes | bytearray, bool, str | None]]:
    """Each piece, whether it is the last, and the encoding to read all in, if the file does not say it.

    A file that says none is UTF-8; of one that is not, its first piece shows it: then it is Windows' western code page.
    """
    before: bytes | bytearray | None = None
    encoding = None
    for piece in data:
        if before is None:
            piece = piece.lstrip(b" \t\r\n")  # before a declaration XML allows none, programs leave some
            if not piece.startswith(_MARKS) and b"\0" not in piece[:4] and not _DECLARED.match(piece):
                encoding = None if _is_utf8(piece) else "windows-1252"
        else:
            yield before, False, encoding
        before = piece
    yield before or b"", True, encoding


def _is_utf8(piece: bytes | bytearray) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bytes(piece))
    except UnicodeDecodeError:
        return False
    return True
