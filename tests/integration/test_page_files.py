"""The page as it is served: whole, from this machine only, and on good terms with tile servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.servers import ROOT, Server
from tracker.config import Settings
from tracker.errors import TrackerError
from tracker.web import app, page

VENDOR = ROOT / "static" / "vendor"


def test_the_page_names_only_files_that_are_there(shared_server: Server) -> None:
    page = shared_server.get("/")
    assert page.status == 200
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.body.decode())
    assert len(named) > 3
    for name in (one for one in named if not one.startswith("data:")):
        assert shared_server.get(f"/{name.lstrip('/')}").status == 200, name
        assert "://" not in name


def test_the_page_asks_for_every_module_at_once() -> None:
    asked = re.findall(r'"modulepreload" href="static/js/([^"]+)"', (ROOT / "static" / "index.html").read_text())
    assert asked == sorted(path.name for path in (ROOT / "static" / "js").glob("*.js") if path.name != "main.js")


def test_colours_need_no_browser_of_the_last_two_years() -> None:
    """`light-dark()` came in 2024: where it is not known the map is black under a pill that says Live."""
    for path in (ROOT / "static" / "css").glob("*.css"):
        assert "light-dark(" not in path.read_text(), path.name


def test_the_docs_name_the_browsers_that_the_page_turns_away() -> None:
    docs, boot = (ROOT / "docs" / "page.md").read_text(), (ROOT / "static" / "boot.js").read_text()
    asked = re.search(r"needs (Chrome or Edge \d+, Firefox \d+, Safari [\d.]+)", boot)
    assert asked and asked[1] in docs


def test_every_asset_that_the_build_brings_is_served(shared_server: Server) -> None:
    names = [path.relative_to(VENDOR) for path in VENDOR.rglob("*") if path.is_file() and path.name != ".stamp"]
    assert len(names) > 8, "the build hook has not run: pip install -e ."
    for name in names:
        assert shared_server.get(f"/static/vendor/{name}").status == 200, name


def test_tile_servers_hear_who_asks(shared_server: Server) -> None:
    headers = shared_server.get("/").headers
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert "default-src 'self'" in headers["content-security-policy"]


def test_the_page_is_told_by_which_host_the_server_was_asked(shared_server: Server) -> None:
    """So that it can tell a proxy that renames the host, and say what the proxy needs."""
    assert shared_server.get("/api/v1/page", Host="127.0.0.1:1234").json()["host"] == "127.0.0.1:1234"


def test_a_server_without_its_assets_says_so_instead_of_serving_a_blank_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(page, "folder", lambda name: tmp_path / name)
    with pytest.raises(TrackerError, match=r"lacks index\.html, vendor/leaflet/leaflet\.js.*pip install") as told:
        app.run(Settings(data=str(tmp_path / "data"), port=0))
    assert "\n" not in told.value.detail
