"""The page as it is served: whole, from this machine only, and on good terms with tile servers."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from tests.support.servers import ROOT, Server
from tracker.config import Settings, folder
from tracker.errors import TrackerError
from tracker.web import app, assets
from tracker.web.api import page

VENDOR = ROOT / "static" / "vendor"


def test_the_page_names_only_files_that_are_there(shared_server: Server) -> None:
    page = shared_server.get("/")
    assert page.status == 200
    named = re.findall(r'(?:src|href)="([^"#]+)"', page.body.decode())
    assert len(named) > 3
    for name in (one for one in named if not one.startswith("data:")):
        assert shared_server.get(f"/{name.lstrip('/')}").status == 200, name
        assert "://" not in name


#: and the module each begins with
PAGES = {"": "main.js", "signin": "people/signin.js", "people": "people/main.js", "connect": "connect/main.js"}


def asked(server: Server, name: str) -> list[str]:
    """The modules a page has the browser bring at once."""
    page = server.get(f"/{name}").body.decode()
    return re.findall(r'"modulepreload" href="static/[0-9a-f]+/js/([^"]+)"', page)


def test_each_page_asks_at_once_for_every_module_it_will_import(shared_server: Server) -> None:
    folder = ROOT / "static" / "js"
    every = {path.relative_to(folder).as_posix() for path in folder.rglob("*.js")} - {"words/de.js"}
    every -= {name for name in every if name.startswith("report/")}  # of files of their own
    assert every == {*PAGES.values()}.union(*(asked(shared_server, name) for name in PAGES))
    for name, entry in PAGES.items():
        needed = {entry, *asked(shared_server, name)} - {"words/en.js"}  # which words.js names when it runs
        imported = {
            (folder / module).parent.joinpath(found).resolve().relative_to(folder).as_posix()
            for module in needed
            for found in re.findall(r'^(?:import|export|}) .*from "(.+)";$', (folder / module).read_text(), re.M)
        }
        assert imported == needed - {entry}, name


@pytest.mark.parametrize("name", ["signin", "people", "connect"])
def test_another_page_brings_no_map_and_no_script_of_its_own(shared_server: Server, name: str) -> None:
    assert not [one for one in asked(shared_server, name) if one.startswith(("map/", "panels/"))]
    answer = shared_server.get(f"/{name}")
    assert b"<script>" not in answer.body
    assert answer.headers["content-security-policy"] == shared_server.get("/").headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"


def said(page: str) -> list[str]:
    """What a page says before its scripts run, and without any."""
    return [text or label for text, label in re.findall(r'data-say="[^>]*>([^<]+)<|aria-label="([^"]+)"', page)]


def test_a_reader_gets_the_page_and_one_catalogue_in_the_language_the_browser_asks_for(shared_server: Server) -> None:
    pages = {}
    for language, accepted in (("en", "en-GB,en;q=0.9"), ("de", "de-CH, de;q=0.9, en;q=0.8")):
        answer = shared_server.get("/", **{"Accept-Language": accepted})
        pages[language] = answer.body.decode()
        assert f'<html lang="{language}">' in pages[language]
        assert re.findall(r'"modulepreload" href="static/[0-9a-f]+/js/words/(\w\w)\.js"', pages[language]) == [language]
        assert answer.headers["vary"] == "accept-encoding, accept-language"
        kept = shared_server.get("/", **{"Accept-Language": accepted, "If-None-Match": answer.headers["etag"]})
        assert kept.status == 304
    english, german = said(pages["en"]), said(pages["de"])
    assert len(english) == len(german) > 12
    assert "Die Flottenkarte braucht JavaScript." in pages["de"]
    assert not set(english) & set(german)
    other = shared_server.get("/", **{"Accept-Language": "de", "If-None-Match": shared_server.get("/").headers["etag"]})
    assert other.status == 200  # what was kept in another language is not this page


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


PREFIXED = re.compile(r"static/([0-9a-f]{16})/")


def test_all_of_a_page_lies_below_one_prefix_and_is_kept_for_good(shared_server: Server) -> None:
    """A reload then asks for the page itself, which has not changed, and for the API."""
    page = shared_server.get("/")
    assert page.headers["cache-control"] == "no-cache"
    assert shared_server.get("/", **{"If-None-Match": page.headers["etag"]}).status == 304
    named = [name for name in re.findall(r'(?:src|href)="([^"#]+)"', page.body.decode()) if name.startswith("static/")]
    prefixes = {found[1] for name in named if (found := PREFIXED.match(name))}
    assert len(named) > 50
    assert len(prefixes) == 1
    (prefix,) = prefixes
    unnamed = [f"static/{prefix}/{name}" for name in ("vendor/land-50m.json", "demo/streets.geojson")]
    for name in named + unnamed:
        assert shared_server.get(f"/{name}").headers["cache-control"] == "public, max-age=31536000, immutable", name
    info = shared_server.get("/api/v1/page").json()
    assert info["assets"] == prefix


def test_a_catalogue_more_is_a_language_more(tmp_path: Path) -> None:
    words = tmp_path / "js" / "words"
    words.mkdir(parents=True)
    (tmp_path / "index.html").write_text(
        '<html lang="en"><head><!-- modules --><script src="static/js/main.js"></script><b data-say="page.name">Fleet</b>'
    )
    (tmp_path / "js" / "main.js").write_text('import { say } from "./words/words.js";\n')
    (words / "words.js").write_text('import { clock } from "./format.js";\n')
    for language, said in (("en", "Fleet"), ("eo", "Floto")):
        (words / f"{language}.js").write_text(f'export default {{\n  "page.name": "{said}",\n}};\n')
    (words / "format.js").write_text("")
    tree = page.Tree(tmp_path, tmp_path / "demo")
    pages = {language: tree.page(accepted=language)[1].body.decode() for language in ("eo-XX", "en", "de")}
    assert '<html lang="eo">' in pages["eo-XX"]
    assert ">Floto<" in pages["eo-XX"]
    for language, spoken in (("eo-XX", "eo"), ("en", "en"), ("de", "en")):
        assert re.findall(r"js/words/(\w+)\.js", pages[language]) == sorted([spoken, "format", "words"])


def test_the_prefix_is_made_from_the_bytes_of_every_file(tmp_path: Path) -> None:
    static, demo = tmp_path / "static", tmp_path / "demo"
    (static / "js").mkdir(parents=True)
    demo.mkdir()
    (static / "index.html").write_text('<head>\n<script src="static/js/main.js"></script>')
    (static / "js" / "main.js").write_text("1")
    (demo / "streets.geojson").write_text("{}")
    tree, prefixes = page.Tree(static, demo), []
    for path in (
        None,
        static / "js" / "main.js",
        static / "js" / "new.js",
        static / "index.html",
        demo / "streets.geojson",
    ):
        if path is not None:
            path.write_text("<head>changed" if path.suffix == ".html" else "changed")
        prefixes.append(tree.page()[0])
    assert len(set(prefixes)) == 5
    assert page.Tree(static, demo).page()[0] == prefixes[-1]


def test_a_page_of_an_older_build_is_brought_to_this_one_by_one_reload(shared_server: Server) -> None:
    script = shared_server.get("/static/0123456789abcdef/js/main.js")
    assert script.status == 200
    assert script.headers["cache-control"] == "no-store"
    assert b'type !== "reload") return location.reload()' in script.body
    assert "Leeren Sie ihn." in script.body.decode()
    style = shared_server.get("/static/0123456789abcdef/css/tokens.css")
    assert (style.status, style.headers["cache-control"]) == (200, "no-cache")
    assert shared_server.get("/static/0123456789abcdef/css/none.css").status == 404


def test_the_one_inline_script_is_the_one_that_the_policy_allows(shared_server: Server) -> None:
    page = shared_server.get("/")
    scripts = re.findall(rb"<script>(.*?)</script>", page.body)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0]).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in page.headers["content-security-policy"]


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
    monkeypatch.setattr(assets, "folder", lambda name: tmp_path / name)
    with pytest.raises(TrackerError, match=r"lacks index\.html, vendor/leaflet/leaflet\.js.*pip install") as told:
        app.run(Settings(data=str(tmp_path / "data"), port=0))
    assert "\n" not in told.value.detail


def test_who_comes_first_waits_for_one_look_at_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[page.Files] = []
    names = page.Files.names

    def counted(files: page.Files) -> list[str]:
        looked.append(files)
        return names(files)

    monkeypatch.setattr(page.Files, "names", counted)
    tree = page.Tree(folder("static"), folder("fixtures") / "demo")
    prefix, found = tree.page("people", "de")
    assert b'lang="de"' in found.body and prefix.encode() in found.body
    assert len(looked) == 2, "one look at each folder"
