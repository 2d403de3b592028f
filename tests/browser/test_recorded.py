"""A fleet day and an evidence bundle on the page, without a server: from a host that knows ranges alone, or by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open, live, violations, within
from tests.browser.feed import Running
from tests.support.fleetday import BEGIN, HOUR, SAMPLE, SeededStore, made, opened
from tests.support.recorded import FOLDER
from tests.support.static_host import Host
from tracker.bundles.day.layout import TRACK
from tracker.history.film.frames import Grid, sample
from tracker.model.columns import Part, Tracks

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHOWN = """() => Object.fromEntries([...window.fleetPage.shown.byId.values()].filter((v) => v.known)
  .map((v) => [v.id, [v.lat.toFixed(7), v.lon.toFixed(7)]]))"""
EXACTLY = (
    "() => window.fleetPage.past.exactly && !window.fleetPage.past.known.coarse.busy && window.fleetPage.fleet.ready"
)
STORE = SeededStore(1000, 180_000)
DAY = made(STORE)[0]
NINE = "2026-11-23T07:00:00Z"  #: in Helsinki


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    damaged = bytearray(SAMPLE.read_bytes())
    part = next(one for one in opened(bytes(damaged)).directory.parts if one.kind == TRACK and one.hour == 8)
    damaged[part.offset + 7] ^= 1
    files = {"day.fleetday": DAY, "damaged.fleetday": bytes(damaged), "small.fleetday": SAMPLE.read_bytes()}
    running = Host(files | {"case.zip": (FOLDER / "evidence.zip").read_bytes()}, page=True)
    yield running
    running.stop()


async def shown(page: Page) -> Any:
    await page.wait_for_function(EXACTLY, timeout=within(30))
    return await page.evaluate(SHOWN)


async def test_an_hour_of_a_day_on_a_static_host_is_a_twentieth_of_the_file_and_no_server_is_asked(
    open_page: Open, host: Host
) -> None:
    page = await open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url.removeprefix(host.url)))
    page.on("websocket", lambda one: asked.append(one.url))
    await page.goto(f"{host.url}/?day=day.fleetday#at={NINE}")
    told = await shown(page)
    assert host.read("day.fleetday") / len(DAY) <= 0.05
    columns = [STORE.kept[n] for n in STORE.names.values()]
    parts = [Part.stored(at, one.time, one.taken, one.lat, one.lon) for at, one in enumerate(columns)]
    frames = sample(Tracks.joined(len(parts), parts), Grid(BEGIN + 9 * HOUR, 1000, 1), 1 << 50)
    places = zip(frames.lat[:, 0].tolist(), frames.lon[:, 0].tolist(), strict=True)
    right = {
        name: [f"{lat / 1e7:.7f}", f"{lon / 1e7:.7f}"] for name, (lat, lon) in zip(STORE.names, places, strict=True)
    }
    assert told == right
    await expect(page.locator("#pill")).to_have_text("From a file")
    await expect(page.locator("#page-vehicles")).to_contain_text("1,000 vehicles")
    await expect(page.get_by_role("region", name="The moment shown")).to_contain_text(
        "Mon 23 Nov 09:00:00 · from a file, not live"
    )
    await page.keyboard.press("Space")
    await page.wait_for_function("() => window.fleetPage.past.at > Date.parse('2026-11-23T07:00:10Z')")
    await page.keyboard.press("Space")
    assert {one for one in asked if not one.startswith(("/static/", "/?day", "data:"))} == {"/day.fleetday"}


async def test_a_day_from_a_file_is_used_by_keys_alone_on_a_phone_in_german(open_page: Open, host: Host) -> None:
    page = await open_page(
        f"{host.url}/?day=small.fleetday#at=2026-11-23T06:05:00Z", width=360, height=780, locale="de-DE"
    )
    assert len(await shown(page)) == 6
    await expect(page.locator("#pill")).to_have_text("Aus einer Datei")
    await expect(page.locator("[data-trouble=file]")).to_contain_text(
        "Das ist eine Datei, nicht live: die Flotte am 2026-11-23"
    )
    assert await violations(page) == []
    assert await page.evaluate("() => document.documentElement.scrollWidth") == 360
    await page.keyboard.press("p")  # the event before: at 08:01
    await page.wait_for_function("() => window.fleetPage.past.at === Date.parse('2026-11-23T06:01:00Z')")
    await page.keyboard.press("]")
    await page.wait_for_function("() => window.fleetPage.past.at > Date.parse('2026-11-23T06:01:00Z')")
    for key in ("l", "Escape", "b"):  # there is no way to what is live
        await page.keyboard.press(key)
    assert len(await shown(page)) == 6
    await page.get_by_role("tab", name="Gebiete").click()
    await expect(page.locator("#region-list")).to_contain_text("Home yard")  # the name as now


async def test_what_is_wrong_with_a_file_is_said_and_what_was_changed_is_not_drawn(open_page: Open, host: Host) -> None:
    page = await open_page(f"{host.url}/?day=damaged.fleetday#at=2026-11-23T06:05:00Z")
    assert await shown(page) == {}
    await expect(page.locator(".trouble").first).to_contain_text("track 08.0 was changed since the file was written")
    await page.evaluate("() => window.fleetPage.past.go(Date.parse('2026-11-23T07:05:00Z'))")
    await page.wait_for_function("() => window.fleetPage.past.fleet.shown === 6")
    page.expected.append("404")  # type: ignore[attr-defined]
    for link, says in (
        ("day=none.fleetday", "There is no file at"),
        ("day=case.zip", "It is no fleet day"),
        ("bundle=small.fleetday", "no evidence bundle"),
    ):
        await page.goto(f"{host.url}/?{link}")
        await expect(page.locator("[data-trouble=unopened]")).to_contain_text(says)
        await expect(page.locator("#page-vehicles")).to_contain_text("No file is open.")


async def test_evidence_opened_by_hand_ends_what_was_live_and_is_verified(
    open_page: Open, feed: Running, tmp_path: Any
) -> None:
    page = await live(await open_page(feed.url))
    damaged = tmp_path / "case.zip"
    content = bytearray((FOLDER / "evidence.zip").read_bytes())
    content[content.index(b"pings.ndjson") + 20] ^= 1
    damaged.write_bytes(content)
    await page.set_input_files("input[accept*=fleetday]", damaged)
    await expect(page.locator("[data-trouble=unopened]")).to_contain_text(
        "case.zip cannot be opened: pings.ndjson was changed"
    )
    await expect(page.locator("#pill")).to_contain_text("Live")

    await page.set_input_files("input[accept*=fleetday]", FOLDER / "evidence.zip")
    await page.wait_for_function("() => window.fleetPage.recording")
    assert await page.evaluate(
        "() => [window.fleetPage.connection.status.phase, window.fleetPage.connection.transport]"
    ) == ["ended", None]
    assert set(await shown(page)) == {"van-1", "van-2"}
    await expect(page.locator("[data-trouble=file]")).to_contain_text("Verified: every byte is as it was written")
    await expect(page.locator("[data-trouble=file] pre")).to_contain_text("hash: 2dea6134fe77")
    await expect(page.locator("#page-vehicles")).to_contain_text("2 vehicles")
    assert await page.evaluate("() => window.fleetPage.journal.events.length") == 8
    assert await violations(page) == []

    # Whatever it tells of leads to its moment, later than the one shown too; there is no now to put beside it.
    await page.evaluate("() => window.fleetPage.past.go(window.fleetPage.recording.span.from + 1000)")
    await page.locator("body").press("s")
    await page.evaluate("() => window.fleetPage.state.set({ split: 'now' })")
    assert await page.evaluate("() => window.fleetPage.beside") is None
    last = "window.fleetPage.journal.events[0]"
    await page.locator(".event").first.get_by_role("button", name="Why?").click()
    await page.locator(".why-card").get_by_role("button", name="Show this moment").click()
    assert (
        await page.evaluate(f"() => window.fleetPage.past.at - Math.ceil(Date.parse({last}.time) / 1000) * 1000") == 0
    )
    assert "split" not in page.url
    await page.get_by_role("button", name="Close the file").click()
    await live(page)
