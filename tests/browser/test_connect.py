"""The page that connects a device: the real server and the real page; the device is played by what its settings say."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, picture, violations
from tests.support.house import GOOD, House

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("connect") / "data")
    started.settings["unknown_vehicles"] = "quarantine"
    started.start()
    yield started.furnish()
    started.stop()


async def opened(open_page: Open, house: House, cookie: str = "", path: str = "connect", **how: Any) -> Page:
    page = await open_page("about:blank", **how)
    name, _, value = (cookie or house.cookie).partition("=")
    await page.context.add_cookies([{"name": name, "value": value, "url": house.url}])
    await page.goto(f"{house.url}/{path}")
    return page


async def made(page: Page, vehicle: str) -> None:
    await page.fill("[name=vehicle]", vehicle)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".watch")


async def by_hand(page: Page, field: str) -> str:
    return (
        await page.locator("dl.by-hand > div", has=page.locator(f"dt:text-is('{field}')")).locator("code").inner_text()
    )


async def sent(house: House, url: str, body: Any, headers: dict[str, str] = JSON) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    await asyncio.to_thread(house.request, "POST", urlsplit(url).path, text, headers)


def read_code(drawn: Path) -> str:
    """As a phone reads it off the screen."""
    reader = shutil.which("zbarimg")
    if reader is None:
        pytest.skip("zbarimg is not installed")
    done = subprocess.run([reader, "--quiet", "--raw", str(drawn)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


async def test_a_phone_is_connected_by_a_code_and_its_first_position_turns_the_page_green(
    open_page: Open, house: House, tmp_path: Path
) -> None:
    page = await opened(open_page, house, path="", device_scale_factor=2)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.click("#page-vehicles a[href=connect]")
    await page.wait_for_selector(".apps :checked")
    await page.focus(".apps :checked")
    await page.keyboard.press("ArrowRight")  # from Traccar Client
    assert await page.input_value(".apps :checked") == "owntracks"
    await made(page, "Anna 7")
    url = await by_hand(page, "URL")
    assert url.startswith(f"{house.url}/ingest/owntracks/trk_")
    await page.wait_for_selector(".connect-scan img[src]")
    await page.evaluate("document.querySelector('.connect-scan img').decode()")
    await page.locator(".connect-scan img").screenshot(path=tmp_path / "code.png")
    link = await page.get_attribute(".connect-scan a", "href")
    assert read_code(tmp_path / "code.png") == link
    told = json.loads(base64.b64decode(parse_qs(urlsplit(str(link)).query)["inline"][0]))
    assert (told["url"], told["deviceId"]) == (url, "Anna 7")
    # another address, as the phone knows the server
    await page.fill("[name=server]", "https://map.example.com/fleet")
    assert await by_hand(page, "URL") == url.replace(f"{house.url}/", "https://map.example.com/fleet/")
    fix = {"_type": "location", "lat": 60.17, "lon": 24.94, "tst": int(time.time()), "batt": 61, "acc": 8, "tid": "a7"}
    await sent(house, url, fix)
    await page.wait_for_selector(".watch[data-how=done]:has-text('Anna 7 is on the map')")
    shown = await page.inner_text(".watch")
    assert "61 %" in shown and "8 m" in shown and "60.17000, 24.94000" in shown
    token = url.rpartition("/")[2]
    assert not [one for one in asked if token in one], "the token stands in no address"
    await page.click(".watch a:has-text('See it on the map')")
    await page.wait_for_selector("h2.title:has-text('Anna 7')")
    await page.go_back()
    await page.wait_for_selector(".apps")
    assert token not in await page.content()


async def test_what_is_wrong_is_said_in_words_until_it_is_right(open_page: Open, house: House) -> None:
    page = await opened(open_page, house, path="connect#app=osmand")
    page.expected += ["ERR_", "404"]  # type: ignore[attr-defined]
    await made(page, "phone 8")
    url = (await by_hand(page, "URL")).partition("?")[0]
    said = page.locator(".watch .waiting")
    await sent(house, url[:-1] + ("a" if url[-1] != "a" else "b"), "lat=60&lon=25", FORM)
    await page.wait_for_selector(".watch[data-how=wrong]:has-text('POST /ingest/osmand')")
    for body, words in (
        ("lat=0&lon=0", "(0, 0)"),
        (f"lat=60&lon=25&timestamp={int(time.time()) + 7210}", "clock is 2 h ahead"),
        ("lat=60&lon=250", "longitude is not between"),
        ("battery=70", "knows no place yet"),
    ):
        await sent(house, url, body, FORM)
        await said.filter(has_text=words).wait_for()
    await sent(house, url.replace("/osmand/", "/osmond/"), "lat=60&lon=25", FORM)
    await said.filter(has_text="nothing is spoken at osmond").wait_for()
    await page.route("**/api/v1/tokens/*", lambda route: route.abort())
    await page.wait_for_selector(".watch[data-how=off]:has-text('cannot be reached')")
    await page.unroute("**/api/v1/tokens/*")
    await sent(house, url, f"lat=60&lon=25&timestamp={int(time.time()) - 3600}", FORM)
    await page.wait_for_selector(".watch[data-how=done] .notice.warn:has-text('just 1 h old')")
    # what speaks for many brings vehicles nobody knows
    await page.click("button:has-text('Another device')")
    await page.check("input[value=traccar]")
    assert await page.input_value("[name=vehicle]") == "*"
    await page.click("button[type=submit]")
    await page.wait_for_selector(".watch[data-how=waiting]")
    token = (await by_hand(page, "Configuration")).partition("/ingest/traccar/")[2].partition("<")[0]
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000+00:00", time.gmtime())
    place = {"fixTime": now, "valid": True, "latitude": 60, "longitude": 25, "attributes": {}}
    await sent(house, f"/ingest/traccar/{token}", {"device": {"uniqueId": "truck 9"}, "position": place})
    await page.click(".watch[data-how=held] button:has-text('Let truck 9 in')")
    await page.wait_for_selector("button:has-text('truck 9 was let in')")
    place["latitude"] = 60.001
    await sent(house, f"/ingest/traccar/{token}", {"device": {"uniqueId": "truck 9"}, "position": place})
    await page.wait_for_selector(".watch[data-how=done]:has-text('truck 9 is on the map')")


@pytest.mark.parametrize("theme, language, width", [("light", "en-GB", 1440), ("dark", "de-DE", 360)])
async def test_the_page_is_for_everybody_who_may(
    open_page: Open, house: House, theme: Literal["light", "dark"], language: str, width: int
) -> None:
    page = await opened(open_page, house, width=width, theme=theme, locale=language)
    await page.wait_for_selector(".apps")
    await picture(page, f"connect_{width}")
    assert await violations(page) == []
    for app in ("traccar-client", "homeassistant"):
        await page.check(f"input[value={app}]")
        await made(page, "Kühlwagen mit einem sehr langen Namen 12")
        assert await page.evaluate("document.activeElement.tagName") == "H2"
        await page.fill("[name=server]", "http://192.168.1.7:8000")
        await picture(page, f"connect_{app}_{width}")
        assert await violations(page) == [], app
        assert await page.evaluate("document.documentElement.scrollWidth") == width, app
        await page.click(".connect-head button")
        assert await page.evaluate("document.activeElement.name") == "app"
    ben = await asyncio.to_thread(house.sign_in, {"name": "ben", "password": GOOD})
    guest = await opened(open_page, house, ben, width=width, theme=theme, locale=language)
    await guest.wait_for_selector("#steps .notice")
    assert await guest.locator("form").count() == 0
    assert await violations(guest) == []
