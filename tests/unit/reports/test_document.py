"""The file: whole by itself, and whatever a name holds is text."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from shapely import Point

from tracker.config import folder
from tracker.reports.document import ReportMap, check_alone, render
from tracker.reports.ground import land, read_land
from tracker.reports.scripts import joined

EVIL = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\"'&"


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def document() -> str:
    return render(b"packed", EVIL, [(EVIL, {"distance_m": 1234.0, "driving_s": 7500, "stopped_s": None})])


def test_nothing_in_it_is_loaded_from_anywhere(document: str) -> None:
    asking = {"src", "srcset", "href", "action", "poster", "data", "manifest"}
    tags = Elements(document).tags
    assert [(tag, told) for tag, told in tags if asking & told.keys()] == []
    assert {tag for tag, _ in tags} & {"link", "iframe", "object", "embed", "base", "img", "form"} == set()
    assert (
        re.findall(r"url\((?!data:|#)[^)]*\)|@import", "".join(re.findall(r"<style>.*?</style>", document, re.S))) == []
    )


def test_a_name_is_text_wherever_it_stands(document: str) -> None:
    assert "<img" not in document and "onerror=alert(1)&gt;" in document
    assert "49" not in re.findall(r"<noscript>.*?</noscript>", document, re.S)[0], "nobody computes what a name says"
    assert "&#123;&#123; 7 * 7 &#125;&#125;" in document


def test_its_own_scripts_run_and_no_others(document: str) -> None:
    [policy] = [
        told["content"] for tag, told in Elements(document).tags if told.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None and "default-src 'none'" in policy and "unsafe-inline" not in policy.split("style-src")[0]
    scripts = re.findall(r"<script>(.*?)</script>", document, re.S)
    assert len(scripts) == 3
    for script in scripts:
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert document.index("Content-Security-Policy") < document.index("<script>")


def test_the_same_report_is_the_same_file(document: str) -> None:
    again = render(b"packed", EVIL, [(EVIL, {"distance_m": 1234.0, "driving_s": 7500, "stopped_s": None})])
    assert again == document


def test_it_tells_those_who_run_no_scripts_what_is_summed_up(document: str) -> None:
    [plain] = re.findall(r"<noscript>.*?</noscript>", document, re.S)
    assert "<td>1.2 km</td><td>2:05 h</td><td></td>" in plain


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="https://cdn.example/x.css"/>',
        "<img src=//cdn.example/x.png>",
        "<style>a { background: url(https://cdn.example/x.png) }</style>",
        '<style>@import "x.css";</style>',
        '<p style="background: url(x.png)">',
    ],
)
def test_a_file_that_would_ask_somebody_is_none(markup: str) -> None:
    check_alone('<img src="data:image/png;base64,AAAA"><a href="#top">top</a>')
    with pytest.raises(ValueError, match="asks for"):
        check_alone(f"<p>{markup}</p>")


def test_its_map_is_foliums_and_takes_nothing_of_foliums_hosts() -> None:
    import folium

    assert issubclass(ReportMap, folium.Map)
    assert all(url.startswith("asset:") for _, url in (*ReportMap.default_js, *ReportMap.default_css))
    assert any("://" in url for _, url in folium.Map.default_js), "others' maps keep theirs"


def test_modules_are_joined_in_scopes_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "main.js").write_text(
        '// the first\nimport { one, two as deux } from "../b.js";\n\n/** @param {number} x */\n'
        "export function draw(x) {\n  return /** @type {number} */ (x + one + deux);\n}\nconst own = 1;\n"
    )
    (tmp_path / "b.js").write_text("const own = 2;\nexport const one = own;\nexport const two = own + 1;\n")
    text = joined(tmp_path, "a/main.js")
    assert text.index('modules["b.js"] = ') < text.index('modules["a/main.js"] = ')
    assert 'const { one, two: deux } = modules["b.js"];' in text
    assert "the first" not in text and "@param" not in text and "import " not in text and "export " not in text
    assert "return { draw };" in text and "return { one, two };" in text


def test_the_land_is_fine_around_the_tracks_and_coarse_elsewhere() -> None:
    polygons = read_land(folder("static") / "vendor" / "land-50m.json")

    def points(told: Any) -> int:
        return sum(len(ring) // 2 for ring in told)

    whole = land(polygons, None)
    assert "fine" not in whole and 2_000 < points(whole["coarse"]) < 12_000
    here = land(polygons, (24.8, 60.1, 25.1, 60.3))
    west, south, east, north = here["box"]
    assert west < 22 and east > 28 and south < 58.7 and north > 61.7
    assert points(here["fine"]) > 150
    fiji = land(polygons, (179.0, -18.0, 181.0, -17.0))
    lons = [ring[0] / 1000 for ring in fiji["fine"]]
    assert any(lon < 180 for lon in lons) and any(lon > 180 for lon in lons), "on both sides of 180°"


def test_what_lies_about_the_antimeridian_and_the_pole_is_land_too() -> None:
    polygons = read_land(folder("static") / "vendor" / "land-50m.json")

    def is_land(lon: float, lat: float) -> bool:
        return any(one.covers(Point(lon, lat)) for one in polygons)

    for lon, lat in (
        (33, 68),
        (130, 66),
        (150, 67.5),
        (-175, 67),
        (179, 67),
        (0, -80),
        (-120, -89),
        (150, -89),
        (-178.8, 71),
    ):
        assert is_land(lon, lat), (lon, lat)
    for lon, lat in ((0, 66.5), (-30, 67), (-150, 78), (90, -50), (-178.8, 73)):
        assert not is_land(lon, lat), (lon, lat)
