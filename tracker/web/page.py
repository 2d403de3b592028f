"""The page and its files, and what the page has to know of this server before it begins."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
from pathlib import Path
from typing import NamedTuple

from quart import Blueprint, Response, request

from tracker import __version__
from tracker.errors import NotFound
from tracker.tiles import origins
from tracker.web import api
from tracker.web.node import Node
from tracker.web.probe import Probe

PACKAGE = Path(__file__).parent.parent
#: without these the page is blank; hatch_build.py brings those in vendor/
ASSETS = ("index.html", "vendor/leaflet/leaflet.js", "vendor/leaflet/leaflet.css", "vendor/land-50m.json")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
}
_TYPES |= {".json": "application/json", ".geojson": "application/geo+json", ".svg": "image/svg+xml"}
_TYPES |= {".webmanifest": "application/manifest+json"}
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
        path = (self._folder / name).resolve() if "\0" not in name else self._folder
        if not path.is_relative_to(self._folder) or not path.is_file() or path.name.startswith("."):
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

    async def answer(self, name: str) -> Response:
        """The file, or 304 when the browser has it. Always asked again, so an upgrade shows at once."""
        file = await asyncio.to_thread(self.get, name)
        headers = {"etag": file.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if file.etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]:
            return Response(b"", 304, headers)
        headers["content-type"] = file.kind
        if file.squeezed and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(file.squeezed, 200, headers | {"content-encoding": "gzip"})
        return Response(file.body, 200, headers)


def folder(name: str) -> Path:
    """`static` or `fixtures`: packed beside the code in a wheel, at the top of a checkout."""
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name


def missing_assets() -> str | None:
    """What to tell somebody whose page would be blank; None when all of it is there."""
    static = folder("static")
    missing = [name for name in ASSETS if not (static / name).is_file()]
    return f"{static} lacks {', '.join(missing)}: run `pip install -e .` in the checkout" if missing else None


def blueprint(node: Node) -> Blueprint:
    routes = Blueprint("page", __name__)
    static, demo = Files(folder("static")), Files(folder("fixtures") / "demo")
    probe = Probe(node.settings.tiles)
    policy = content_policy(node.settings.tiles)

    @routes.get("/")
    async def index() -> Response:
        answer = await static.answer("index.html")
        answer.headers["content-security-policy"] = policy
        answer.headers["x-frame-options"] = "DENY"
        return answer

    @routes.get("/favicon.ico")
    async def favicon() -> Response:
        return await static.answer("favicon.svg")

    @routes.get("/static/<path:name>")
    async def file(name: str) -> Response:
        return await static.answer(name)

    @routes.get("/fixtures/demo/<path:name>")
    async def demo_file(name: str) -> Response:
        return await demo.answer(name)

    @routes.get("/api/v1/page")
    async def page() -> Response:
        why = await probe.why_not()
        return api.answer(
            {
                "version": __version__,
                "demo": node.settings.demo,
                "host": request.headers.get("host"),  # as it came here: a proxy may have changed it
                "tiles": {
                    "url": node.settings.tiles or None,
                    "attribution": node.settings.tiles_attribution,
                    "max_zoom": node.settings.tiles_max_zoom,
                    "reachable": why is None,
                    "why": why,
                },
            }
        )

    return routes


def content_policy(tiles: str) -> str:
    """Nothing but ourselves, and images from the tile server."""
    images = " ".join(["img-src 'self' data: blob:", *origins(tiles)])
    return (
        f"default-src 'self'; {images}; style-src 'self'; script-src 'self'; connect-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
