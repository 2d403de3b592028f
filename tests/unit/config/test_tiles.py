"""URLs of map tiles: what is refused and in which words, and whom the page may ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracker.config import SettingsError, load
from tracker.config.tiles import fault, first, origins
from tracker.web.api.page import content_policy


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://tile.openstreetmap.org/{z}/{x}/{y}.png",
        "https://{s}.tile.example/{z}/{x}/{y}{r}.png?key=abc",
        "http://tile-{s}.example:8080/{z}/{x}/{-y}.png",
        "https://[::1]:9/{z}/{y}/{x}",
        "https://карта.example/{z}/{x}/{y}.png",
        "https://my_tiles.lan/{z}/{x}/{y}.png",
        "/tiles/{z}/{x}/{y}.png",
        "tiles/{z}/{x}/{y}.png",
        "../tiles/{z}/{x}/{y}.png",
    ],
)
def test_a_url_the_page_can_use_is_taken(url: str) -> None:
    assert fault(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (
            "https://t.example/{z}/{x}/{y}.png?key={apikey}",
            "{apikey}, which the map cannot fill in; put the value itself there",
        ),
        ("https://t.example/{quadkey}.png", "{quadkey}, which"),
        ("https://t.example/{z}/{x}/{y}/{time}.png", "{time}, which the map cannot fill in; it knows {z}"),
        ("https://t.example/{Z}/{x}/{y}.png", "{Z}, which"),
        ("https://t.example/{z}/{x}/{ y }.png", "{ y }, which"),
        ("https://t.example/{z}/{x}/{y.png", "brace is left open"),
        ("https://t.example/${z}}/{x}/{y}.png", "brace is left open"),
        ("https://t.example/{z}/{x}.png", "{y} is missing"),
        ("https://t.example/tile.png", "{z} and {x} and {y} is missing"),
        ("https://t.example/{z}/{x}/{y}/{-y}.png", "use one of them"),
        ("https://t.example/%7Bz%7D/{x}/{y}.png", "not %7B"),
        ("//t.example/{z}/{x}/{y}.png", "begin it with https://"),
        ("t.example:8080/{z}/{x}/{y}.png", "begin it with https://"),
        ("ftp://t.example/{z}/{x}/{y}.png", "begin it with https://"),
        ("javascript:alert(1)//{z}/{x}/{y}", "begin it with https://"),
        ("https:///{z}/{x}/{y}.png", "begin it with https://"),
        ("https://me:secret@t.example/{z}/{x}/{y}.png", "name and a password"),
        ("https://{z}.t.example/{x}/{y}.png", "only {s} may stand in the host"),
        ("https://t.example; script-src *//{z}/{x}/{y}.png", "no spaces"),
        ("https://t.example;script-src/{z}/{x}/{y}.png", "no host name"),
        ("https://t.example:port/{z}/{x}/{y}.png", "no URL"),
        ("https://[::1/{z}/{x}/{y}.png", "no URL"),
    ],
)
def test_a_url_the_page_could_not_use_is_refused_in_words(url: str, words: str) -> None:
    assert words in str(fault(url))
    with pytest.raises(SettingsError, match="--tiles is"):
        load({"tiles": url})
    with pytest.raises(SettingsError, match="TRACKER_TILES is"):
        load(environ={"TRACKER_TILES": url})


def test_a_refused_url_names_the_file_it_stands_in(tmp_path: Path) -> None:
    file = tmp_path / "tracker.toml"
    file.write_text('tiles = "https://t.example/{z}/{x}/{y}.png?k={token}"\n')
    with pytest.raises(SettingsError, match=r"tracker\.toml is .*\{token\}, which"):
        load(file=file)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("", []),
        ("/tiles/{z}/{x}/{y}.png", []),
        ("https://T.example:8443/{z}/{x}/{y}.png", ["https://t.example:8443"]),
        ("https://{s}.t.example/{z}/{x}/{y}", [f"https://{s}.t.example" for s in "abc"]),
        ("https://tile-{s}.example/{z}/{x}/{y}", [f"https://tile-{s}.example" for s in "abc"]),
        ("https://t.example/{s}/{z}/{x}/{y}", ["https://t.example"]),
        ("https://карта.example:1/{z}/{x}/{y}", ["https://xn--80aa2c5c.example:1"]),
    ],
)
def test_the_policy_names_exactly_the_hosts_of_the_tiles(url: str, allowed: list[str]) -> None:
    assert list(origins(url)) == [one.replace("xn--80aa2c5c", "карта".encode("idna").decode()) for one in allowed]
    images = next(part for part in content_policy(url).split("; ") if part.startswith("img-src"))
    assert images.split() == ["img-src", "'self'", "data:", "blob:", *origins(url)]
    assert content_policy(url).isascii()


def test_the_tile_that_is_asked_for_first_is_the_whole_world() -> None:
    assert first("https://{s}.t.example/{z}/{x}/{-y}{r}.png?k=1") == "https://a.t.example/0/0/0.png?k=1"
