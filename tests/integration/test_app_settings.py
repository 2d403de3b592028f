"""What the page says is to be filled in, filled in: what each app sends then is read as what it sends elsewhere."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.requests import FIXTURES, INGEST, parse, read_request
from tracker.protocols import spoken

ROOT = Path(__file__).parents[2]
NOW = 1_795_424_430_000  # 2026-11-23T09:00:30Z
BASE, TOKEN, VEHICLE = "https://map.example.com/", "trk_a-B_c", "van-7"
TELL = f"""
import {{ APPS }} from "./static/js/connect/apps.js";
const given = {{ base: "{BASE}", token: "{TOKEN}", vehicle: "{VEHICLE}" }};
const told = (app) => ({{ ...Object.fromEntries(app.settings(given).toReversed()), link: app.link?.(given) ?? "",
  code: app.code?.(given) ?? "", file: app.file?.(given).text ?? "", protocol: app.protocol, gateway: Boolean(app.gateway) }});
console.log(JSON.stringify(Object.fromEntries(APPS.map((app) => [app.key, told(app)]))));
"""

Settings = dict[str, Any]


def query(target: str) -> str:
    return target.partition("?")[2].partition(" ")[0]


def in_link(link: str, field: str) -> str:
    return parse_qs(urlsplit(link).query)[field][0]


def owntracks(app: Settings, _: str) -> str:
    told = json.loads(base64.b64decode(in_link(app["link"], "inline"), validate=True))
    assert (told["url"], told["mode"]) == (app["url"], 3)
    return str(told["url"])


def traccar_client(app: Settings, _: str) -> str:
    """As the app takes a link, a scanned address, and what is typed."""
    scanned = app["code"].partition("?")[0]
    assert scanned == in_link(app["link"], "url") == app["url"]
    return str(scanned)


def overland(app: Settings, _: str) -> str:
    url = urlsplit(app["url"])
    assert in_link(app["link"], "url") + "/" + in_link(app["link"], "token") == url.geturl()
    return url.geturl()


def gpslogger(app: Settings, sent: str) -> str:
    profile = dict(line.split("=", 1) for line in app["file"].splitlines())
    assert (profile["log_customurl_url"], profile["log_customurl_method"]) == (app["url"], app["method"])
    return str(app["url"]).replace("%ALL", query(sent))


def osmand(app: Settings, sent: str) -> str:
    said = parse_qs(query(sent))
    order = ("lat", "lon", "timestamp", "hdop", "altitude", "speed", "bearing")
    return re.sub(r"\{(\d)\}", lambda found: said[order[int(found[1])]][0], app["url"])


def of_config(pattern: str) -> Callable[[Settings, str], str]:
    def url(app: Settings, _: str) -> str:
        found = re.search(pattern, app["config"])
        assert found
        return found[1]

    return url


def phonetrack(app: Settings, _: str) -> str:
    return f"{app['host']}/index.php/apps/phonetrack/logPost/{app['token']}/{app['device']}"


#: app → what it sends, and where its settings make it send that to
CASES: dict[str, tuple[str, Callable[[Settings, str], str]]] = {
    "traccar-client": ("osmand/traccar_client_10", traccar_client),
    "owntracks": ("owntracks/location", owntracks),
    "overland": ("overland/batch", overland),
    "osmand": ("osmand/osmand_app", osmand),
    "gpslogger": ("osmand/gpslogger_all", gpslogger),
    "locus": ("osmand/locus", lambda app, sent: f"{app['url']}&{query(sent).removeprefix('app=locus&')}"),
    "phonetrack": ("phonetrack/post", phonetrack),
    "ulogger": ("ulogger/addpos", lambda app, _: f"{app['url']}/client/index.php"),
    "homeassistant": ("homeassistant/location", of_config(r"url: (\S+)")),
    "dawarich": ("overland/dawarich-batch", lambda app, _: f"{app['host']}/api/v1/overland/batches?api_key={app['key']}"),
    "traccar": ("traccar/forward", of_config(r"forward.url'>([^<]+)<")),
    "flespi": ("flespi/batch", lambda app, _: app["url"]),
    "webhook": ("webhook/plain", lambda app, _: app["url"].replace("NAME", "plain")),
    "curl": ("osmand/nothing", lambda app, _: re.findall(r'"([^"]+)"', app["line"])[0].replace("$(date +%s)", "1795424400")),
}  # fmt: skip


@pytest.fixture(scope="module")
def apps() -> dict[str, Settings]:
    told = subprocess.check_output(["node", "--input-type=module", "-e", TELL], cwd=ROOT)
    found: dict[str, Settings] = json.loads(told)
    return found


def test_every_app_of_the_page_is_tried(apps: dict[str, Settings]) -> None:
    assert apps.keys() == CASES.keys()
    assert {one.name for one in spoken()} - {app["protocol"] for app in apps.values()} == {"json", "ndjson"}


@pytest.mark.parametrize("key", CASES)
def test_what_an_app_sends_by_its_settings_is_understood(key: str, apps: dict[str, Settings]) -> None:
    app, (fixture, made) = apps[key], CASES[key]
    text = (FIXTURES / "payloads" / f"{fixture}.http").read_bytes()
    first, rest = text.split(b"\n", 1)
    sent = first.decode()
    method, url = ("GET" if key == "curl" else sent.split(" ")[0]), made(app, sent)
    assert url.startswith(BASE) and app.get("method", method) == method
    who = b"" if app["gateway"] else f"#device: {VEHICLE}\n".encode()
    request = f"{method} /{url.removeprefix(BASE)}\n".encode() + who + rest
    scope, payload = parse(request)
    target = INGEST.at(scope)
    assert target and TOKEN in (target.token, parse_qs(payload.query).get("api_key", [app.get("header", "")[-9:]])[0])
    assert app["protocol"] in [one.name for one in target.here.spoken]
    told = read_request(next(one for one in spoken() if one.name == app["protocol"]), request, NOW)
    assert told["reply"]["status"] in (200, 201), told
    pings = told["pings"]
    assert pings and all(ping["vehicle"] == VEHICLE for ping in pings if not app["gateway"])
    if key != "curl":
        expected = json.loads((FIXTURES / "payloads" / f"{fixture}.expected.json").read_text())["pings"]
        measured = ("time", "lat", "lon", "speed_mps", "heading", "accuracy_m", "battery_pct")
        assert [[p.get(name) for name in measured] for p in pings] == [
            [
                p.get(name) if name != "time" or key not in ("homeassistant", "webhook") else pings[0]["time"]
                for name in measured
            ]
            for p in expected
        ]
