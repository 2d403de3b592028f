"""Text: the lines of a file, whatever encoding and line ends a spreadsheet or a logger gave it."""

from __future__ import annotations

import codecs
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from tracker.formats import Reading, Unreadable
from tracker.formats.pages import find_page, guess_page

LONGEST = 1_048_576  #: bytes of a line; what is longer is no line of a table
MOST_TITLES = 60  #: lines in a code page, of which one may be that of the titles
WHOLE = 268_435_456  #: bytes of a document that is read in one piece, which takes about ten times that in memory
#: what reading comes to when the archive a file is unpacked from is damaged
DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def find_encoding(head: bytes) -> tuple[str, int]:
    """The encoding, and how many bytes its mark takes. Without one, zeros between the letters give UTF-16 away."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    even, odd = head[0:200:2].count(0), head[1:200:2].count(0)
    if max(even, odd) > len(head[:200]) // 5:
        return ("utf-16-le" if odd > even else "utf-16-be"), 0
    return "utf-8", 0


def decode_head(head: bytes) -> str:
    """The first bytes of a file as text, to recognise it by."""
    encoding, skipped = find_encoding(head)
    text = head[skipped:]
    if encoding == "utf-8" and not _is_utf8(text):
        encoding = _page(text.splitlines())
    return text.decode(encoding, "replace")


def _page(some: list[bytes]) -> str:
    """The code page of lines that are not all UTF-8."""
    odd = [line for line in some if not line.isascii()]
    return next((page for line in odd if (page := find_page(line))), "") or guess_page(b"\n".join(odd))


def lines(file: BinaryIO, name: str, first: bytes = b"", reading: Reading | None = None) -> Iterator[str]:
    """Lines without their ends, which may be \\n, \\r\\n or \\r. Raises Unreadable for a line longer than LONGEST.

    What is not UTF-8 is in a code page, the one that its first lines show or else Windows' western one; that is noted
    in `reading`. `first`: what was read already.
    """
    first = first or file.readline(LONGEST)
    encoding, skipped = find_encoding(first)
    first = first[skipped:]
    at = first.find(b"\r")
    if encoding != "utf-8" or (at >= 0 and first[at + 1 : at + 2] != b"\n"):  # the second: a Mac of old
        page = "utf-8" if encoding != "utf-8" or _is_utf8(first) else _page(first.split(b"\r"))
        yield from _wide(first, file, encoding if encoding != "utf-8" else page, name)
        return
    end = "\r\n" if first.endswith(b"\r\n") else "\n"
    page, looked = "", 0
    while first:
        if len(first) >= LONGEST and not first.endswith(b"\n"):
            raise Unreadable(f"{name}: a line is longer than {LONGEST} bytes; this is no table")
        try:
            text = first.decode()
        except UnicodeDecodeError:
            if looked < MOST_TITLES:
                titled = find_page(first)
                page, looked = titled or page or guess_page(first), MOST_TITLES if titled else looked + 1
                if reading is not None:
                    reading.note(f"not UTF-8: read in the code page {page}")
            text = first.decode(page, "replace")
        yield text.removesuffix(end).removesuffix("\n")
        first = file.readline(LONGEST)


def raw_lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Lines of a log, as they are. Raises Unreadable for one longer than LONGEST."""
    while line := file.readline(LONGEST):
        if len(line) >= LONGEST and not line.endswith(b"\n"):
            raise Unreadable(f"{name}: a line is longer than {LONGEST} bytes; this is no log")
        yield line


def whole(file: BinaryIO, name: str) -> bytes:
    """All of a document. Raises Unreadable when it is longer than WHOLE: a few kilobytes of gzip can be any length."""
    content = file.read(WHOLE + 1)
    _check_length(content, name)
    return content


def as_far(file: BinaryIO, name: str) -> tuple[bytes, Exception | None]:
    """The same as far as it can be unpacked, and what went wrong then."""
    pieces: list[bytes] = []
    left, fault = WHOLE + 1, None
    try:
        while left and (piece := read_piece(file, left)):
            pieces.append(piece)
            left -= len(piece)
    except DAMAGED as damage:
        fault = damage
    content = b"".join(pieces)
    _check_length(content, name)
    return content, fault


def read_piece(file: BinaryIO, size: int) -> bytes:
    """What is there already, at most: a block in one would be lost with a fault at its end."""
    piece: bytes = file.read1(min(size, 1 << 20))  # type: ignore[attr-defined]  # every buffered file has it
    return piece


def _check_length(content: bytes, name: str) -> None:
    if len(content) > WHOLE:
        raise Unreadable(f"{name}: longer than {WHOLE >> 20} MiB, and it has to be read in one piece. "
                         "Cut it into parts, or convert it to NDJSON or CSV, which may be of any length")  # fmt: skip


def _is_utf8(text: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return False
    return True


def _wide(first: bytes, file: BinaryIO, encoding: str, name: str) -> Iterator[str]:
    """UTF-16 and UTF-32, whose line ends are two or four bytes; and files whose lines end with \\r alone."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    rest, chunk = "", first
    while chunk:
        text = rest + decoder.decode(chunk)
        held = text[-1:] if text.endswith("\r") else ""  # half of a line end, perhaps
        *whole, rest = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        yield from whole
        rest += held
        if len(rest) > LONGEST:
            raise Unreadable(f"{name}: a line is longer than {LONGEST} characters; this is no table")
        chunk = file.read(65_536)
    if rest := rest.removesuffix("\r"):
        yield rest
