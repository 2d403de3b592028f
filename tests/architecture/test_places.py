"""Places: what the web reads of where vehicles are, it has heard of before (`Node.places_of`, `Node.hear_of`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.test_layers import MODULES

#: whoever reads states of the picture themselves, and why what is old does no harm there
READERS = {
    "web.api.health._measured": "how many there are",
    "web.api.tracks.told_of": "its number, and in which regions it is",
    "web.api.vehicles._answer": "whether it has a place",
    "web.api.vehicles._check": "in which regions it is",
    "web.api.vehicles._chooses": "once they were heard of, in `chosen`",
    "web.api.vehicles._register": "in which regions it is",
    "web.api.vehicles.put_vehicle": "whether it is known",
    "web.delivery.couriers._look": "which there are",
    "web.history.told._read": "whether it is known",
    "web.ingest.others._friend": "once they were heard of, in `hear`",
    "web.ingest.others._look": "which there are",
    "web.ingest.others._now": "whether it is as it was",
    "web.live.catch_up._inside_after": "in which regions it is",
}


def found(code: ast.AST, function: str, is_it: str) -> Iterator[str]:
    """The innermost functions in which a node ends so, as code."""
    for node in ast.iter_child_nodes(code):
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(node, ast.Attribute | ast.Call) and ast.unparse(node).partition("(")[0].endswith(is_it):
            yield inner
        yield from found(node, inner, is_it)


def test_who_reads_where_vehicles_are_has_heard_of_them_or_does_without() -> None:
    code = {name: ast.parse(path.read_text()) for name, path in MODULES.items() if name.startswith("web.")}
    readers = {f"{name}.{function}" for name, tree in code.items() for function in found(tree, "", "picture.vehicles")}
    assert readers == READERS.keys()


def test_places_are_made_by_the_node_once_it_has_heard_of_them() -> None:
    code = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
    made = {f"{name}.{function}" for name, tree in code.items() for function in found(tree, "", "Places")}
    assert made == {"node.places_of"}
