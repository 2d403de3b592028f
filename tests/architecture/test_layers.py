"""Imports point down only, the core is pure, and what is imported is declared.

The map of tracker/ is LAYERS, from the top. A module imports its own layer or lower ones. A new module belongs in
this list before it belongs in the repository.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKER = ROOT / "tracker"

LAYERS: list[set[str]] = [
    {"__main__"},
    {"commands.cli", "commands.import_vehicles"},
    {"demo.simulation"},
    {"commands.doctor"},
    {"web.app"},
    {"web", "web.*", "node", "model.outside", "turns.pool", "turns.slots", "turns.allowance"},
    {"replay", "replay.*"},
    {"pipeline.pipeline", "history.preview"},
    {"pipeline.inbox"},
    {"live.hub"},
    {"live.snapshot"},
    {"live.following", "live.routing"},
    {"live.viewer", "client"},
    {"live.awaited", "live.event_log", "live.topics"},
    {"live.messages", "live.columns", "live.tables"},
    {
        "formats",
        "formats.*",
        "protocols",
        "protocols.*",
        "stores.*",
        "buses.*",
        "regions.importing",
        "regions.drawings",
        "regions.kml",
        "regions.kmz",
        "regions.strays",
        "register",
    },
    {"history.rehearsal"},
    {"fleet.fleet"},
    {"fleet.reach"},
    {
        "fleet.timers",
        "fleet.doubts",
        "fleet.edits",
        "fleet.motion",
        "fleet.cause",
        "fleet.pressed",
        "fleet.step",
        "fleet.vehicle",
        "fleet.membership",
        "fleet.detectors",
        "fleet.windows",
    },  # what the fleet is made of
    {"regions.region"},
    {"regions.rules", "regions.schedule"},
    {"stores", "buses"},  # the ports: plain structs and Protocols, which the fleet fills
    {"geometry.cells.arrays"},
    {"geometry.cells.index"},
    {"geometry.cells.boxes", "geometry.cells.lines"},
    {"geometry.geojson"},
    {"geometry.area", "geometry.outline", "geometry.buffer", "geometry.validation"},  # what shapes are made of
    {"geometry.antimeridian", "geometry.boundary", "geometry.slabs"},
    {"geometry.slabs"},
    {"geometry.antimeridian", "geometry.plane", "demo.streets"},
    {"model.picture"},
    {"model.events"},
    {"model.ping"},
    {"regions.colors", "geometry.earth", "access.guard", "access.handshake", "turns.lanes", "times"},
    {"config", "turns.slices"},
    {"errors", "tiles", ""},
    {
        "model",
        "geometry",
        "geometry.cells",
        "regions",
        "fleet",
        "live",
        "pipeline",
        "stores.sqlite",
        "turns",
        "commands",
        "demo",
        "history",
        "access",
        "web.api",
        "web.ingest",
        "web.live",
        "web.server",
    },  # rooms: no more than their names
]

#: the only modules with I/O. All others decide without it: no clock, no socket, no environment; `now` is an argument
OUTER = {
    "__main__",
    "turns.lanes",
    "commands.cli",
    "demo.simulation",
    "commands.doctor",
    "web",
    "web.*",
    "node",
    "access.*",
    "commands.*",
    "turns.*",
    "pipeline.pipeline",
    "history.preview",
    "pipeline.inbox",
    "replay",
    "replay.*",
}
OUTER |= {
    "stores",
    "stores.*",
    "buses",
    "buses.*",
    "client",
    "access.handshake",
    "regions.importing",
    "register",
    "demo.streets",
    "config",
}
OUTER |= {"turns.slices", "tiles", ""}  # tiles takes URLs apart, no more
OUTER |= {"regions.kmz"}  # a zip is read as a file, in memory
IMPURE = {"asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"}
IMPURE |= {"select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time"}
IMPURE |= {"urllib", "hypercorn", "quart", "folium"}

#: ports: only functions of the package itself (`open_store`, `open_bus`, …) know a concrete engine, by its URL
PORTS = {"stores", "buses"}


def module_name(path: Path) -> str:
    parts = path.relative_to(TRACKER).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in sorted(TRACKER.rglob("*.py"))}


def matches(name: str, entry: str) -> bool:
    return name == entry or (entry.endswith(".*") and name.startswith(entry[:-1]))


def layer(name: str) -> int | None:
    """The row of LAYERS that names this module; an exact name wins over a pattern."""
    for number, names in enumerate(LAYERS):
        if name in names:
            return number
    return next((number for number, names in enumerate(LAYERS) if any(matches(name, entry) for entry in names)), None)


def imports(path: Path) -> list[tuple[str, int, str]]:
    """(imported module, line, innermost function) of every import in a file, lazy ones included."""
    found: list[tuple[str, int, str]] = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: say `from tracker…`: relative imports hide the layer"
            module = node.module or ""
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                is_module = whole.removeprefix("tracker.") in MODULES and whole.startswith("tracker.")
                found.append((whole if is_module else module, node.lineno, function))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(path.read_text()), "")
    return found


def ours(name: str) -> str | None:
    """A module's name below tracker, None for somebody else's."""
    return "" if name == "tracker" else name.removeprefix("tracker.") if name.startswith("tracker.") else None


@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_its_layer(name: str) -> None:
    assert layer(name) is not None, f"tracker/{name}: give it its place in LAYERS"


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_down_only(name: str) -> None:
    own = layer(name)
    for imported, line, function in imports(MODULES[name]):
        target = ours(imported)
        if target is None or own is None:
            continue
        if name in PORTS and function and target.startswith(name + "."):
            continue
        below = layer(target)
        assert below is not None, f"tracker/{name} line {line} imports {imported}, which no layer names"
        assert below >= own, f"tracker/{name} line {line} imports {imported}, which lies above it"


@pytest.mark.parametrize("name", MODULES)
def test_concrete_stores_and_buses_are_imported_only_where_they_are_opened(name: str) -> None:
    for imported, line, function in imports(MODULES[name]):
        target = ours(imported) or ""
        package, _, engine = target.partition(".")
        if engine and package in PORTS and not name.startswith(package + "."):
            opened = function if name == package else ""
            assert opened, f"tracker/{name} line {line} imports {imported}: open it by its URL"


@pytest.mark.parametrize("name", [name for name in MODULES if not any(matches(name, entry) for entry in OUTER)])
def test_the_core_is_pure(name: str) -> None:
    for imported, line, _ in imports(MODULES[name]):
        assert imported.split(".")[0] not in IMPURE, f"tracker/{name} line {line} imports {imported}"
    text = MODULES[name].read_text()
    assert not re.search(r"\b(datetime|date)\.(now|utcnow|today)\(", text), f"tracker/{name} reads the clock"
    assert not re.search(r"^\s*async def|^\s*await ", text, re.MULTILINE), f"tracker/{name} is not synchronous"


def test_what_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    declared = {re.split(r"[^a-z0-9_-]", one)[0].replace("-", "_") for one in wanted} | {"compression", "google"}
    for name, path in MODULES.items():
        for imported, line, _ in imports(path):
            top = imported.split(".")[0]
            known = top in sys.stdlib_module_names or top in declared or ours(imported) is not None
            assert known, f"tracker/{name} line {line} imports {top}, which pyproject.toml does not name"
