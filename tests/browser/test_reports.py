"""A report opened from its file, with no network at all; and asked for on the page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser, Page

from tests.browser.conftest import Open, live, violations, within
from tests.browser.feed import Running
from tests.support.drives import LAT, LON, drive
from tracker.model.events import Event
from tracker.reports.asked import DAY_MS, Asked, Befell, Heard, Message, Whole, packed
from tracker.reports.worker import draw

pytestmark = pytest.mark.asyncio(loop_scope="session")

SINCE = 1_764_021_600_000  # 2025-11-25T00:00+02:00
EVIL = "</script><img src=x onerror=\"document.title='taken'\">"
READY = "() => document.documentElement.dataset.ready === 'true'"
#: how many pixels of a layer are painted
PAINTED = """name => {
  const canvas = document.querySelector(`canvas[data-layer=${name}]`);
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i]) painted++;
  return painted;
}"""


def written(file: Path, *vehicles: str, seconds: int = 10_800) -> Path:
    region = {"id": "depot", "geometry": {"type": "Point", "coordinates": [LON, LAT]}}
    region |= {"properties": {"name": "Depot <b>", "radius_m": 400, "color": "#118833"}}
    messages: list[Message] = [Asked(SINCE, SINCE + DAY_MS, SINCE + DAY_MS, "Europe/Helsinki", regions=(region,))]
    for seed, name in enumerate(vehicles):
        columns = drive(seed, SINCE + 28_800_000, seconds)
        told = {"id": f"a{seed}", "kind": "alarm", "reason": "alarm", "received_at": 0, "region": None}
        event = {"vehicle": f"v{seed}", "time": SINCE + 30_000_000, "lat": LAT, "lon": LON}
        messages += [Befell([msgspec.convert(told | event, Event)]), Heard.told_of(f"v{seed}", name, "north", columns)]
    draw(io.BytesIO(b"".join(packed(message) for message in (*messages, Whole()))), file)
    return file


async def opened(browser: Browser, file: Path, **more: Any) -> tuple[Page, list[str]]:
    """A window without a network, and what it complains of or asks for."""
    context = await browser.new_context(offline=True, timezone_id="America/New_York", **more)
    context.set_default_timeout(within(30))
    page = await context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda fault: heard.append(str(fault)))
    page.on("request", lambda request: heard.append(request.url) if request.url != file.as_uri() else None)
    await page.goto(file.as_uri())
    await page.wait_for_function(READY)
    return page, heard


async def test_a_report_is_drawn_without_a_network_and_its_slider_goes_through_the_day(
    browser: Browser, tmp_path: Path
) -> None:
    file = written(tmp_path / "day.html", EVIL, "Van 2", "Van 10")
    page, heard = await opened(browser, file, viewport={"width": 1280, "height": 900})
    assert await page.title() == "Fleet report · Tue, 25 Nov 2025, 00:00 to Wed, 26 Nov 2025, 00:00"
    assert "Times in Europe/Helsinki" in await page.inner_text(".report-head"), "and not in the reader's own"
    whole = await page.evaluate(PAINTED, "tracks")
    assert whole > 5000 and await page.evaluate(PAINTED, "ground") > 100_000
    assert await page.evaluate(PAINTED, "vehicles") == 0
    assert await page.locator("tbody th button").all_inner_texts() == [EVIL, "Van 2", "Van 10"]
    await page.locator("#report-time").fill(str(9 * 3600))
    assert await page.inner_text(".report-clock") == "25 Nov, 09:00"
    await page.wait_for_function(f"() => ({PAINTED})('vehicles') > 300")
    assert 0 < await page.evaluate(PAINTED, "tracks") < whole, "as far as they had come"
    await page.locator("#report-time").fill(str(86_400))
    await page.get_by_label("Heat of stops").check()
    assert await page.evaluate(PAINTED, "tracks") > whole
    await page.get_by_role("button", name="Van 2").click()
    stops = page.locator("details[data-list=stops]")
    await stops.locator("summary").click()
    rows = stops.locator("tbody tr")
    await rows.first.wait_for()
    assert await rows.count() < 40
    assert set(await rows.locator("th").all_inner_texts()) == {"Van 2"}, "of the one that was chosen"
    await rows.locator("button").first.click()
    assert "Van 2" in await page.inner_text(".leaflet-popup-content")
    await page.get_by_role("button", name="All vehicles").click()
    assert await violations(page) == []
    assert await page.title() != "taken" and heard == [], heard
    await page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_report_is_read_on_a_phone_and_on_paper(browser: Browser, tmp_path: Path, theme: Any) -> None:
    file = written(tmp_path / "day.html", "A van of a name that is longer than a phone is wide, by far", seconds=3600)
    page, heard = await opened(
        browser, file, viewport={"width": 360, "height": 740}, color_scheme=theme, locale="de-AT"
    )
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    assert await page.inner_text("h1") == "Flottenbericht"
    assert await violations(page) == []
    await page.emulate_media(media="print")
    await page.wait_for_function("() => document.documentElement.dataset.theme === 'light'")
    assert not await page.locator("#report-time").is_visible()
    assert await page.locator("tbody th").first.is_visible()
    await page.emulate_media(media="screen")
    await page.wait_for_function("() => !('theme' in document.documentElement.dataset)")
    assert heard == []
    await page.context.close()


async def test_a_day_on_which_nothing_was_heard_says_so(browser: Browser, tmp_path: Path) -> None:
    page, heard = await opened(browser, written(tmp_path / "empty.html"))
    assert await page.inner_text(".report-empty") == "No vehicle was heard of in this time."
    assert heard == [] and await violations(page) == []
    await page.context.close()


async def test_a_report_is_asked_for_on_the_page_watched_and_given_up(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(feed.url))
    await page.click("#report")
    dialog = page.get_by_role("dialog", name="Report")
    await dialog.get_by_label("From").fill("2026-11-24")
    await dialog.get_by_label("Until and with").fill("2026-11-25")
    await dialog.get_by_label("Vehicles").fill("van-1*, van-2")
    await dialog.get_by_role("button", name="Make report").click()
    await dialog.get_by_text("Reads and draws").wait_for()
    asked = feed.feed.printing.asked
    assert (asked["from"], asked["until"]) == (1_795_471_200_000, 1_795_644_000_000), "days of the page's zone"
    assert (asked["vehicles"], asked["zone"], asked["units"]) == (["van-1*", "van-2"], "Europe/Helsinki", "metric")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Cancel").click()
    await page.wait_for_function("() => !document.querySelector('dialog progress')?.checkVisibility()")
    await dialog.get_by_role("button", name="Make report").click()
    feed.feed.printing.finish()
    fetched = dialog.get_by_role("link", name="Download")
    await fetched.wait_for()
    assert (await fetched.get_attribute("href") or "").endswith("/api/v1/reports/r2/file")
    assert feed.feed.printing.given_up == ["r1"]
