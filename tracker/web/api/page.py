"""The page and its files, and what the page has to know of this server before it begins."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import mimetypes
import posixpath
import re
from functools import partial
from pathlib import Path
from typing import NamedTuple

from quart import Blueprint, Response, request

from tracker import __version__
from tracker.config import folder
from tracker.config.tiles import origins
from tracker.errors import NotFound
from tracker.node import Node
from tracker.web.api import languages
from tracker.web.api import parameters as api
from tracker.web.api.probe import Probe
from tracker.web.api.routes import Routes
from tracker.web.server.hardening import PAGE

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
_TYPES |= {".json": "application/json", ".geojson": "application/geo+json", ".svg": "image/svg+xml"}
_TYPES |= {".webmanifest": "application/manifest+json"}
TILES_S = 0.2  #: how long the page waits for what is known of its tiles; it copes with those that do not come
PREFIX = 16  #: characters
_PREFIX = re.compile(f"[0-9a-f]{{{PREFIX}}}")
CHECKED, KEPT = "no-cache", "public, max-age=31536000, immutable"
MODULES = "<!-- modules -->"  #: where a page asks for all of them
MAP = "index"  #: the page at `/`; another lies at its name
_PAGE = re.compile(r"(\w+)\.html")
_ENTRY = re.compile(r'src="static/(js/[\w/]+\.js)"')
_IMPORT = re.compile(r'\bfrom "(\.[^"]+)";')
#: at `/fleet`, where a proxy hands on `/fleet/`, every relative name would miss
SLASH = 'location.pathname.endsWith("/")||location.replace(location.pathname+"/"+location.search+location.hash)'
#: what the scripts of an older page find here: one reload brings the page of this server
RELOAD = """(function () {
  var how = performance.getEntriesByType("navigation")[0];
  var words = {
    de: "Diese Seite gehört zu einem älteren Server: Ein Cache auf dem Weg hält sie fest. Leeren Sie ihn.",
    en: "This page belongs to an older server: a cache on the way keeps it. Clear that cache."
  };
  if (!how || how.type !== "reload") return location.reload();
  document.addEventListener("DOMContentLoaded", function () {
    document.body.textContent = words[document.documentElement.lang] || words.en;
  });
})();
"""
_SQUEEZE = frozenset({".js", ".css", ".html", ".json", ".geojson", ".svg"})


class File(NamedTuple):
    stamp: tuple[int, int]  # mtime and size it was read at
    etag: str
    kind: str
    body: bytes
    squeezed: bytes | None


class Files:
    """The files below one folder, kept in memory while they do not change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._kept: dict[Path, File] = {}

    def get(self, name: str) -> File:
        """Raises NotFound, also for whatever lies outside the folder."""
        path = self._folder if "\0" in name else (self._folder / name).resolve()
        if not path.is_relative_to(self._folder) or _is_hidden(path.relative_to(self._folder)) or not _is_file(path):
            raise NotFound("not_found", f"there is no file {name[:100]!r}")
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        kept = self._kept.get(path)
        if kept is None or kept.stamp != stamp:
            body = path.read_bytes()
            kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            squeezed = gzip.compress(body, 6, mtime=0) if path.suffix in _SQUEEZE and len(body) > 1400 else None
            etag = f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'
            kept = self._kept[path] = File(stamp, etag, kind, body, squeezed)
        return kept

    def names(self) -> list[str]:
        """Of every file that may be had, in one order."""
        found = [path.relative_to(self._folder) for path in self._folder.rglob("*") if path.is_file()]
        return sorted(path.as_posix() for path in found if not _is_hidden(path))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name so long that no file can have it
        return False


def _answer(file: File, caching: str) -> Response:
    """The file, or 304 when the browser has it."""
    headers = {"etag": file.etag, "cache-control": caching, "vary": "accept-encoding"}
    if file.etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(b"", 304, headers)
    headers["content-type"] = file.kind
    if file.squeezed and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.squeezed, 200, headers | {"content-encoding": "gzip"})
    return Response(file.body, 200, headers)


class Tree:
    """Everything the page is made of, below a prefix made from the bytes of all of it: `static/<prefix>/js/main.js`.

    Modules and styles name each other relatively, so all of a page comes from one build; it never changes there."""

    def __init__(self, static: Path, demo: Path) -> None:
        self._folders = {"": Files(static), "demo/": Files(demo)}
        self._made_from: list[str] = []
        self._prefix = ""
        self._pages: dict[tuple[str, str], File] = {}  # name and language → the page in it

    def get(self, name: str) -> File:
        """Raises NotFound."""
        below = "demo/" if name.startswith("demo/") else ""
        return self._folders[below].get(name.removeprefix(below))

    def page(self, name: str = MAP, accepted: str = "") -> tuple[str, File]:
        """The prefix, and the page that names all else by it, in the language `accepted` likes best.

        Files that changed since make another one."""
        ours = self._folders[""].names()
        spoken = sorted({languages.ENGLISH, *(one[1] for one in map(languages.CATALOGUE.fullmatch, ours) if one)})
        demo = self._folders["demo/"].names()
        made_from = [f"{name} {self.get(name).etag}" for name in (*ours, *(f"demo/{name}" for name in demo))]
        if made_from != self._made_from or not self._pages:
            prefix = hashlib.blake2b("\n".join(made_from).encode(), digest_size=PREFIX // 2).hexdigest()
            self._pages = {
                (found[1], language): self._page(found[1], prefix, language)
                for found in map(_PAGE.fullmatch, ours)
                for language in spoken
                if found
            }
            self._made_from, self._prefix = made_from, prefix
        return self._prefix, self._pages[name, languages.wanted(accepted, spoken)]

    def _page(self, name: str, prefix: str, language: str) -> File:
        page = self.get(f"{name}.html").body.decode()
        if language != languages.ENGLISH:
            page = languages.translated(page, language, self.get(f"js/words/{language}.js").body.decode())
        page = page.replace(MODULES, self._preloads(page, language)).replace('"static/', f'"static/{prefix}/')
        if name == MAP:
            page = page.replace("<head>", f"<head>\n<script>{SLASH}</script>", 1)
        body = page.encode()
        etag = f'"{hashlib.blake2b(body, digest_size=9).hexdigest()}"'
        return File((0, 0), etag, _TYPES[".html"], body, gzip.compress(body, 6, mtime=0))

    def _preloads(self, page: str, language: str) -> str:
        """Every module a page needs asked for at once, instead of one import after the other; of the catalogues the one
        spoken."""
        entry = _ENTRY.search(page)
        needed, left = set[str](), [entry[1]] if entry else []
        while left:
            if (module := left.pop()) not in needed:
                needed.add(module)
                asked = _IMPORT.findall(self.get(module).body.decode())
                left += [posixpath.normpath(f"{posixpath.dirname(module)}/{name}") for name in asked]
                left += [f"js/words/{language}.js"] if module == "js/words/words.js" else []
        needed -= {entry[1]} if entry else set()
        return "\n".join(f'<link rel="modulepreload" href="static/{name}">' for name in sorted(needed))

    def file(self, name: str) -> tuple[File, str]:
        """A file and how long it may be kept. Raises NotFound."""
        prefix, _, rest = name.partition("/")
        if not _PREFIX.fullmatch(prefix):
            return self.get(name), CHECKED
        # To look whether files changed costs as much as ten of them: the page itself asks, and an unknown prefix does.
        if prefix == self._prefix or prefix == self.page()[0]:
            return self.get(rest), KEPT
        if rest.endswith(".js"):
            return File((0, 0), '"old"', _TYPES[".js"], RELOAD.encode(), None), "no-store"
        return self.get(rest), CHECKED


def blueprint(node: Node) -> Blueprint:
    routes = Routes("page", node)
    tree = Tree(folder("static"), folder("fixtures") / "demo")
    policy = content_policy(node.settings.tiles)
    for address, name in (("/", MAP), ("/signin", "signin"), ("/people", "people"), ("/connect", "connect")):
        routes.add_open(address, partial(shown, name, tree, policy))
    routes.add_open("/favicon.ico", partial(favicon, tree))
    routes.add_open("/static/<path:name>", partial(file, tree))
    routes.add_open("/fixtures/demo/<path:name>", partial(demo_file, tree))
    routes.add_open("/api/v1/page", partial(about, tree, Probe(node.settings.tiles)))
    return routes.blueprint


async def shown(name: str, tree: Tree, policy: str, _node: Node) -> Response:
    _, found = await asyncio.to_thread(tree.page, name, request.headers.get("accept-language", ""))
    answer = _answer(found, CHECKED)
    answer.headers["vary"] = "accept-encoding, accept-language"
    answer.headers.update({"content-security-policy": policy} | PAGE)
    return answer


async def favicon(tree: Tree, _node: Node) -> Response:
    return _answer(await asyncio.to_thread(tree.get, "favicon.svg"), CHECKED)


async def file(tree: Tree, _node: Node, name: str) -> Response:
    return _answer(*await asyncio.to_thread(tree.file, name))


async def demo_file(tree: Tree, _node: Node, name: str) -> Response:
    return _answer(await asyncio.to_thread(tree.get, f"demo/{name}"), CHECKED)


async def about(tree: Tree, probe: Probe, node: Node) -> Response:
    """What the page has to know of this server before it begins."""
    settings = node.settings
    known = bool(
        api.grant(None).may
    )  # a stranger sees no map: no key in the address of its tiles, nobody asked for them
    why = await probe.soon(TILES_S) if known else None
    tiles = {
        "url": settings.tiles if known and settings.tiles else None,
        "attribution": settings.tiles_attribution,
        "max_zoom": settings.tiles_max_zoom,
        "reachable": known and why is None,
        "why": why,
    }
    return api.answer(
        {
            "version": __version__,
            "assets": (await asyncio.to_thread(tree.page))[0],  # a page of another prefix is another build's
            "streets": "../demo/streets.geojson" if settings.demo else None,  # as main.js sees it
            "demo": settings.demo,
            "host": request.headers.get("host"),  # as it came here: a proxy may have changed it
            "scheme": request.scheme,
            "tiles": tiles,
        }
    )


def content_policy(tiles: str) -> str:
    """Nothing but ourselves, the one line of `SLASH`, and images from the tile server."""
    slash = base64.b64encode(hashlib.sha256(SLASH.encode()).digest()).decode()
    images = " ".join(["img-src 'self' data: blob:", *origins(tiles)])
    return (
        f"default-src 'self'; {images}; style-src 'self'; script-src 'self' 'sha256-{slash}'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
