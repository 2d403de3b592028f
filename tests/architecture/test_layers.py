"""Rooms: a folder is a layer. Imports point down only, no files import each other in a circle, the core is pure.

ROOMS is the map of tracker/ from the top, the row of each folder and of each file beside them. A room imports lower
rows only. Imports inside functions and for type checking count too; what a port opens by its URL is the one exception.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKER = ROOT / "tracker"

ROOMS: list[set[str]] = [
    {"__main__"},
    {"commands"},
    {"demo"},
    {"web"},  # app.py puts together what lies in the rooms below it
    {"web.devices"},
    {"web.history", "web.live", "web.people", "web.reports", "migrating"},
    {"bundles.day", "replay.rehearsing"},
    {"bundles"},
    {"replay.past"},
    {"web.api", "web.delivery", "replay"},
    {"web.ingest", "client"},
    {"web.server"},
    {"node"},
    {"reports"},
    {"history.film"},
    {"history"},
    {"history.story"},
    {"pipeline"},
    {"pipeline.shared"},
    {"pipeline.entries"},
    {"nodes"},
    {"outputs"},
    {"live"},
    {"fleet"},
    {"regions"},
    {"geometry.cells"},
    {"geometry"},
    {"stores.backups"},
    {"stores.postgres", "stores.sqlite"},
    {"stores.sqlite.past"},
    {"formats"},  # what a client says, it says in a recording too
    {"access", "buses", "protocols", "stores"},
    {"turns"},
    {"model"},
    {"config"},
    {"times"},
    {"errors"},
    {"problems", ""},
]

#: these decide without I/O: no clock, no socket, no environment, nothing awaited; `now` is an argument
PURE = {"model", "geometry", "geometry.cells", "regions", "fleet", "live", "protocols", "formats", "outputs"}
PURE |= {"history.story", "nodes", "errors", "problems", "times"}
#: … but for an archive, which is opened as if it were a file, and for urllib.parse
READERS = {"regions.kmz": {"io"}, "protocols.forms": {"urllib"}, "protocols.parts": {"urllib"}}
IMPURE = {"asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"}
IMPURE |= {"select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time"}
IMPURE |= {"urllib", "hypercorn", "quart", "folium"}

#: ports: only their own functions (`open_store`, `open_bus`, …) know a concrete engine, by its URL
PORTS = {"stores", "buses"}

#: ports that find what is in their own folder, so that to add a protocol is to add a file
FINDERS = {"protocols"}

#: declared and imported by no line of ours: data, and what quart and hypercorn take when it is there
UNSEEN = {"tzdata", "uvloop"}


def module_name(path: Path) -> str:
    parts = path.relative_to(TRACKER).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in sorted(TRACKER.rglob("*.py"))}


def room(name: str) -> str:
    """The folder of a module, or the module itself where it lies beside the folders."""
    path = MODULES[name]
    return name if path.name == "__init__.py" or "." not in name else name.rpartition(".")[0]


def row(name: str) -> int | None:
    return next((number for number, names in enumerate(ROOMS) if room(name) in names), None)


@cache
def imports(name: str) -> list[tuple[str, int, str]]:
    """(imported module, line, innermost function) of every import in a module, lazy ones included."""
    found: list[tuple[str, int, str]] = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"tracker/{name}:{node.lineno}: say `from tracker…`: relative imports hide the room"
            module = node.module or ""
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                is_module = whole.removeprefix("tracker.") in MODULES and whole.startswith("tracker.")
                found.append((whole if is_module else module, node.lineno, function))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
            "import_module",
            "__import__",
        }:
            what, own = node.args[0], name in FINDERS and ast.unparse(node.args[0]).startswith("f'{__name__}.")
            assert own or isinstance(what, ast.Constant), f"tracker/{name}:{node.lineno}: what is imported here?"
            if isinstance(what, ast.Constant):
                found.append((str(what.value), node.lineno, function))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(MODULES[name].read_text()), "")
    return found


def ours(imported: str) -> str | None:
    """A module's name below tracker, None for somebody else's."""
    return (
        "" if imported == "tracker" else imported.removeprefix("tracker.") if imported.startswith("tracker.") else None
    )


def opened_here(name: str, target: str, function: str) -> bool:
    return name in {*PORTS, "formats", "protocols"} and bool(function) and target.startswith(name + ".")


def test_every_row_is_a_room_and_every_room_has_its_row() -> None:
    rows = [name for names in ROOMS for name in names]
    assert sorted(rows) == sorted({room(name) for name in MODULES})


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down_only(name: str) -> None:
    own = row(name)
    assert own is not None
    for imported, line, function in imports(name):
        target = ours(imported)
        if target is None or room(target) == room(name) or opened_here(name, target, function):
            continue
        below = row(target)
        assert below is not None, f"tracker/{name} line {line} imports {imported}, which has no row in ROOMS"
        assert below > own, f"tracker/{name} line {line} imports {imported}, which does not lie below it"


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {
        name: {
            target
            for imported, _, function in imports(name)
            if (target := ours(imported)) is not None and target != name and not opened_here(name, target, function)
        }
        for name in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" → ".join(circle.args[1]))


@pytest.mark.parametrize("name", MODULES)
def test_concrete_stores_and_buses_are_imported_only_where_they_are_opened(name: str) -> None:
    for imported, line, function in imports(name):
        target = ours(imported) or ""
        package, _, engine = target.partition(".")
        if engine and package in PORTS and not name.startswith(package + "."):
            opened = function if name == package else ""
            assert opened, f"tracker/{name} line {line} imports {imported}: open it by its URL"


@pytest.mark.parametrize("name", [name for name in MODULES if room(name) in PURE])
def test_the_core_is_pure(name: str) -> None:
    allowed = READERS.get(name, set())
    for imported, line, _ in imports(name):
        top = imported.split(".")[0]
        assert top not in IMPURE or top in allowed, f"tracker/{name} line {line} imports {imported}"
    text = MODULES[name].read_text()
    assert not re.search(r"\b(datetime|date)\.(now|utcnow|today)\(", text), f"tracker/{name} reads the clock"
    assert not re.search(r"^\s*async def|^\s*await ", text, re.MULTILINE), f"tracker/{name} is not synchronous"


def test_what_may_read_does_read() -> None:
    for name, allowed in READERS.items():
        used = {imported.split(".")[0] for imported, _, _ in imports(name)}
        assert allowed <= used, f"tracker/{name} no longer imports {sorted(allowed - used)}"


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(one for extra in extras for one in extra)]
    return {re.split(r"[^a-z0-9_-]", one)[0].replace("-", "_") for one in wanted}


#: distributions whose modules have another name
SPELLED = {"gtfs_realtime_bindings": "google", "nats_py": "nats", "pynacl": "nacl"}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    modules = {SPELLED.get(name, name) for name in declared()} | {"compression"}  # compression: of Python 3.14
    seen = set()
    for name in MODULES:
        for imported, line, _ in imports(name):
            top = imported.split(".")[0]
            seen.add(top)
            known = top in sys.stdlib_module_names or top in modules or ours(imported) is not None
            assert known, f"tracker/{name} line {line} imports {top}, which pyproject.toml does not name"
    assert not (modules - seen - UNSEEN - {"compression"})


def test_folium_is_for_the_process_that_draws_a_report() -> None:
    """No start of a server and no other command waits for it, and it keeps no server from its loop."""
    ways = {name: [(target, function) for target, _, function in imports(name)] for name in MODULES}
    at_once = [name for name, found in ways.items() if any(one.split(".")[0] == "folium" for one, _ in found)]
    assert at_once == ["reports.document"]
    asked = [(name, bool(f)) for name, found in ways.items() for one, f in found if ours(one) == "reports.document"]
    assert asked == [("reports.worker", True)], "imported in the function that draws"


def test_a_folder_holds_no_more_than_a_reader_can_take_in() -> None:
    for folder in {path.parent for path in MODULES.values()}:
        entries = [p for p in folder.iterdir() if p.suffix == ".py" or (p.is_dir() and (p / "__init__.py").exists())]
        entries.remove(folder / "__init__.py")  # the sign on the door
        most = 29 if folder == TRACKER else 40 if folder.name in {"formats", "protocols"} else 15
        assert len(entries) <= most, f"{folder.relative_to(ROOT)} holds {len(entries)} things"


@pytest.mark.parametrize("name", [name for name, path in MODULES.items() if path.name == "__init__.py"])
def test_every_room_says_what_belongs_there(name: str) -> None:
    says = ast.get_docstring(ast.parse(MODULES[name].read_text()))
    assert says and len(says) > 40, f"tracker/{name} does not say what belongs there"
