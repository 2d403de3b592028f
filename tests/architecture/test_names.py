"""A verb that many classes share says what it does it to: `take_change`, `add_event`. A reader with grep finds one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TRACKER = Path(__file__).parents[2] / "tracker"
FEW = 4

#: words that many may share, because it is the same idea in each
SHARED = {
    "answer": "what a sender hears when its entry or request is done (Deed, Entry)",
    "ask": "another node, or somebody who draws: they answer (Asking, Office, Leases)",
    "audit": "what is kept of who did what (Deed)",
    "begin": "of a document that is written (Writer), and of what starts once",
    "close": "of what is open: a store, a bus, a connection",
    "commit": "of a store: make durable",
    "covers": "the shapes' (Shape, Decider)",
    "decide": "what an entry does in its turn (Entry)",
    "document": "what is told in JSON of work, or of a vehicle (Work, Report, Telling)",
    "end": "of a document that is written (Writer)",
    "feed": "of what takes bytes as they come (Decoder, Inflater)",
    "finish": "of what takes things as they come, at their end (Decoder, Inflater)",
    "listen": "to what comes, from that moment on (Bus, Hub, Sender)",
    "means": "what a deed is in the journal (Deed)",
    "near": "who may have been in boxes (Store), and what of a line is near one (Line)",
    "number": "under which a history is kept (Store, Fleet), or to give events one (Relay)",
    "open": "of a store, a bus, a line",
    "ping": "are you there? (Store, Transport, Connection)",
    "prepare": "read what a deed's meaning depends on (Deed)",
    "publish": "to every node (Bus, Relay), or what a vehicle is told as",
    "send": "to who listens (Outlet, Transport, Taker)",
    "statistics": "what a part counts; /metrics asks each",
    "stop": "of what runs as long as the server",
    "take": "some of what is there (Columns, Arrived, Tickets), or what comes (Import)",
    "write": "of a document that is written (Writer)",
}


def methods() -> Iterator[tuple[str, str]]:
    """(name, class) of every public method in tracker/; what is read like a field is none."""
    for path in TRACKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_apart(one):
                        yield one.name, f"{path.stem}.{node.name}"


def _is_apart(one: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return one.name.startswith("_") or any(ast.unparse(mark).endswith("property") for mark in one.decorator_list)


def shared() -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, where in methods():
        found[name].append(where)
    return {name: places for name, places in found.items() if len(places) > FEW and "_" not in name}


def test_a_verb_that_many_classes_share_says_what_it_is_done_to() -> None:
    assert {name: places for name, places in shared().items() if name not in SHARED} == {}


def test_what_may_be_shared_is() -> None:
    assert sorted(SHARED) == sorted(SHARED.keys() & shared().keys())
