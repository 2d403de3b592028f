"""XML as a stream of elements, for GPX, KML and TCX. Documents that declare entities are refused: they can explode."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple
from xml.etree.ElementTree import Element
from xml.parsers import expat

from tracker.formats import Unreadable
from tracker.formats.text import DAMAGED, LONGEST, read_piece

CHUNK = 64 * 1024
DEEPEST = 200  # levels; a track file has about ten
MOST = 4_000_000  # elements of one unit, ten characters each: a day of a track at 10 Hz


class Step(NamedTuple):
    event: str  # start, end, or cut: the file ends, or is damaged, within this unit, which holds what came before
    element: Element
    parent: str  # the plain tag it stands in


def tag(element: Element) -> str:
    """A tag without its namespace."""
    return element.tag.rpartition(":")[2]


def child_text(element: Element, name: str) -> str | None:
    """The text of the first child called so, None when there is none or it is empty."""
    for child in element:
        if tag(child) == name:
            return (child.text or "").strip() or None
    return None


def find_text(element: Element, name: str) -> str | None:
    """The same anywhere below, in any case: extensions nest, and spell things their own way."""
    for child in element.iter():
        if child is not element and tag(child).lower() == name:
            return (child.text or "").strip() or None
    return None


def _cut(open_elements: list[Element], units: Collection[str]) -> Iterator[Step]:
    """Units that are open where the file breaks off, the inner first, without the child whose end nobody saw."""
    for parent, element in reversed([(None, open_elements[0]), *pairwise(open_elements)] if open_elements else []):
        if parent is not None and len(parent) and parent[-1] is element:
            parent.remove(element)
        if tag(element) in units:
            yield Step("cut", element, "" if parent is None else tag(parent))


def elements(file: BinaryIO, name: str, units: Collection[str]) -> Iterator[Step]:
    """Every start and end of an element, in order. The `units` (plain tags) are whole at their end and then forgotten,
    so that a file of any length takes little memory; elsewhere an element has its text alone.
    Raises Unreadable for what is not XML or declares entities."""
    steps: list[Step] = []
    open_elements: list[Element] = []
    texts: list[list[str]] = []
    inside, size = 0, 0  # units that are open, and what they hold

    def start(full: str, attributes: dict[str, str]) -> None:
        nonlocal inside, size
        element = Element(full, attributes)
        parent = open_elements[-1] if open_elements else None
        if parent is not None and not inside:
            texts[-1].clear()  # what stands between elements
            size = 0
        if tag(element) in units:
            inside += 1
        elif parent is not None and inside:
            parent.append(element)
            size += 10 + sum(map(len, attributes.values()))
            check()
        if len(open_elements) >= DEEPEST:
            raise Unreadable(f"{name}: elements nest over {DEEPEST} levels deep; this is no track")
        steps.append(Step("start", element, "" if parent is None else tag(parent)))
        open_elements.append(element)
        texts.append([])

    def end(_: str) -> None:
        nonlocal inside, size
        element = open_elements.pop()
        element.text = "".join(texts.pop()) or None
        if tag(element) in units:
            inside -= 1
        steps.append(Step("end", element, tag(open_elements[-1]) if open_elements else ""))

    def text(data: str) -> None:
        nonlocal size
        if texts:
            texts[-1].append(data)
            size += len(data)
            check()

    def check() -> None:
        if size > 10 * MOST:
            raise Unreadable(f"{name}: a single element holds over {10 * MOST:,} characters; this is no track")

    def entity(*_: object) -> None:
        raise Unreadable(f"{name}: it declares XML entities, which track files never need; refused")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, entity
    fed = 0
    try:
        while chunk := read_piece(file, CHUNK):
            fed += len(chunk)
            parser.Parse(chunk, False)
            if fed - parser.CurrentByteIndex > LONGEST:
                raise Unreadable(f"{name}: a single tag or comment is longer than {LONGEST} bytes; this is no track")
            yield from steps
            steps.clear()
        parser.Parse(b"", True)
    except (expat.ExpatError, *DAMAGED) as fault:
        yield from steps
        yield from _cut(open_elements, units)
        if not isinstance(fault, expat.ExpatError):
            raise
        problem = expat.ErrorString(fault.code)
        raise Unreadable(f"{name}, line {fault.lineno}: not well-formed XML ({problem})") from None
    except (LookupError, ValueError) as fault:  # the encoding it declares
        raise Unreadable(f"{name}: cannot be read as text: {fault}") from None
    yield from steps
