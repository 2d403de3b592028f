"""Lists under somebody's hand: nothing moves while it is there, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live
from tests.browser.feed import Feed, Running
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"
UNDER = """([x, y]) => {
  const at = document.elementFromPoint(x, y);
  return [at.closest('[data-key]')?.dataset.key ?? at.closest('.row')?.querySelector('.label').textContent, at.closest('button')?.ariaLabel ?? null];
}"""


class Stream:
    """Something told twenty times a second until the block ends."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell = tell

    async def __aenter__(self) -> None:
        self.task = asyncio.ensure_future(self._go())

    async def _go(self) -> None:
        while True:
            self.tell()
            await asyncio.sleep(0.05)

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()


def crossing(feed: Feed) -> Callable[[], None]:
    """Vehicle after vehicle enters, each a row of its own."""
    kinds = ["enter", "exit", "dwell", "overspeed_start"]

    def tell() -> None:
        n = len(feed.events)
        event = feed.event(
            kinds[n % 4], 1 + n // 4 % 40, list(feed.regions)[n % 3], dwell_s=60, duration_s=60, speed_mps=20.0, limit_mps=10.0
        )  # fmt: skip
        feed.tell(events=[event])

    return tell


async def centre(page: Page, selector: str, nth: int = 0) -> list[float]:
    box = await page.locator(selector).nth(nth).bounding_box()
    assert box
    return [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]


async def named(page: Page) -> Page:
    """Its reader has a name, and so has every vehicle in its rows."""
    await page.evaluate("window.fleetPage.preferences.set({name: 'Dana'}), window.fleetPage.tickNow()")
    return page


async def test_while_sixty_events_come_the_button_under_the_pointer_is_the_one_clicked(
    open_page: Open, feed: Running
) -> None:
    for _ in range(12):
        crossing(feed.feed)()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}")))
    await page.wait_for_function("() => document.querySelectorAll('.event').length >= 12")
    spot = await centre(page, ".event .does .icon-button[aria-label^='Acknowledge']", 3)
    await page.mouse.move(*spot)
    key, label = await page.evaluate(UNDER, spot)
    assert label.startswith("Acknowledge")
    async with Stream(crossing(feed.feed)):
        seen = set()
        while len(feed.feed.events) < 72:
            seen.add(tuple(await page.evaluate(UNDER, spot)))
        assert seen == {(key, label)}
        assert "new" in await page.locator("#events .new-pill").inner_text()
        await page.mouse.click(*spot)
        await page.wait_for_selector(f".event.acked[data-key={key}]")
        assert [e["id"] for e in feed.feed.events if "ack" in e] == [key]
        assert (await page.evaluate(UNDER, spot))[0] == key
        await page.mouse.move(700, 450)
        await page.evaluate("document.activeElement.blur()")
        await page.wait_for_function(f"() => document.querySelector('.event').dataset.key > '{key}'")


async def test_a_list_that_is_focused_or_scrolled_holds_and_says_how_many_are_new(
    open_page: Open, feed: Running
) -> None:
    for _ in range(40):
        crossing(feed.feed)()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}")))
    await page.wait_for_function("() => document.querySelectorAll('.event').length >= 12")
    first = "document.querySelector('.event').dataset.key"
    before = await page.evaluate(first)
    pill = page.locator("#events .new-pill")
    await page.locator("#event-list").focus()
    crossing(feed.feed)()
    await page.wait_for_selector("#events .new-pill:has-text('1 new')")
    assert await page.evaluate(first) == before
    await page.evaluate("document.activeElement.blur()")
    await pill.wait_for(state="hidden")
    assert await page.evaluate(first) != before
    await page.evaluate("document.querySelector('#event-list').scrollTop = 200")
    row = "document.elementFromPoint(1400, 500).closest('.event').dataset.key"
    before = await page.evaluate(row)
    for _ in range(3):
        crossing(feed.feed)()
    await page.wait_for_selector("#events .new-pill:has-text('3 new')")
    assert await page.evaluate(row) == before
    await pill.focus()
    await page.keyboard.press("Enter")
    await pill.wait_for(state="hidden")
    newest = feed.feed.events[-1]["id"]
    await page.wait_for_function(
        f"() => {first} === '{newest}' && document.querySelector('#event-list').scrollTop === 0"
    )


async def test_an_acknowledged_row_stays_under_the_pointer_though_the_filter_hides_it(
    open_page: Open, feed: Running
) -> None:
    for _ in range(8):
        crossing(feed.feed)()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}")))
    await page.get_by_role("button", name="To acknowledge").click()
    spot = await centre(page, ".event .does .icon-button[aria-label^='Acknowledge']", 1)
    key = (await page.evaluate(UNDER, spot))[0]
    await page.mouse.click(*spot)
    await page.wait_for_selector(f".event.acked[data-key={key}]")
    assert (await page.evaluate(UNDER, spot))[0] == key
    await page.mouse.move(700, 450)
    await page.evaluate("document.activeElement.blur()")
    await page.wait_for_selector(f".event[data-key={key}]", state="detached")


async def test_what_grows_above_the_pointer_moves_nothing_under_it(open_page: Open, feed: Running) -> None:
    for _ in range(12):
        crossing(feed.feed)()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}")))
    await page.wait_for_function("() => document.querySelectorAll('.event').length >= 8")
    spot = await centre(page, ".event .does .icon-button", 5)
    await page.mouse.move(*spot)
    under = await page.evaluate(UNDER, spot)
    first, muted = (
        feed.feed.events[-1],
        "() => window.fleetPage.preferences.set({mutes: {'vehicle:x': Date.now() + 60000}})",
    )
    feed.feed.tell(acked=[{"id": first["id"], "by": "Somebody with a rather long name, " * 3, "at": first["time"]}])
    await page.wait_for_selector(".event.acked")
    assert await page.evaluate(UNDER, spot) == under
    await page.evaluate(muted)
    await page.wait_for_selector(".mutes:visible")
    assert await page.evaluate(UNDER, spot) == under
    await page.mouse.move(700, 450)  # nobody has scrolled: it goes on at its top
    await page.wait_for_function("() => document.querySelector('#event-list').scrollTop === 0")
    await page.mouse.move(*spot)
    under = await page.evaluate(UNDER, spot)
    await page.evaluate("window.fleetPage.preferences.set({mutes: {}})")
    feed.feed.tell(acked=[{"id": first["id"], "by": None, "at": first["time"]}])
    await page.wait_for_selector(".event.acked", state="detached")
    assert await page.evaluate(UNDER, spot) == under


async def test_the_vehicle_list_sorted_by_age_stands_still_under_a_pointer(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&sort=age"))
    spot = await centre(page, "#vehicle-list .row", 3)
    await page.mouse.move(*spot)
    under = await page.evaluate(UNDER, spot)
    gone = next(row for row in feed.feed.rows if (row[2] or row[1]) == under[0])
    fresh = feed.feed._row(41, 0.02)

    def tell() -> None:
        feed.feed.tell(moved=feed.feed.move(0.3))

    async with Stream(tell):
        seen, end = set(), time.monotonic() + 2
        while time.monotonic() < end:
            seen.add(tuple(await page.evaluate(UNDER, spot)))
        assert seen == {tuple(under)}
        await page.wait_for_selector("#page-vehicles .new-pill:has-text('Sort again')")
        feed.feed.tell(new=[fresh], left=[[gone[0], "removed"]])
        await page.wait_for_selector("#page-vehicles .new-pill:has-text('1 new')")
        await page.wait_for_selector("#vehicle-list .row[data-gone]:has-text('No longer on this map')")
        assert await page.evaluate(UNDER, spot) == under
        await page.mouse.move(700, 450)
        await page.wait_for_selector("#vehicle-list .row[data-gone]", state="detached")
        await page.locator("#page-vehicles .new-pill").wait_for(state="hidden")
        assert await page.evaluate("window.fleetPage.filter === null && window.fleetPage.fleet.byId.has('van-41')")


async def test_a_deed_can_be_taken_back_whatever_happens_meanwhile(open_page: Open, feed: Running) -> None:
    """Delete, edit, acknowledge, register: each by its note, and by Ctrl Z however long the note has gone."""
    told, tell = feed.feed, crossing(feed.feed)
    tell()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}&tab=regions&region=kamppi")))
    panel, note = page.locator(".detail:not([hidden])"), page.locator("#deed .toast")
    await panel.get_by_role("button", name="Edit").click()
    await page.get_by_label("Name", exact=True).fill("Harbour")
    await page.get_by_role("button", name="Save").click()
    await note.filter(has_text="Harbour changed").wait_for()
    await panel.get_by_role("button", name="Delete").click()
    await note.filter(has_text="Harbour deleted").wait_for()
    await page.set_viewport_size({"width": 1440, "height": 900})  # no column of events: so there are toasts
    for _ in range(4):  # toasts come and go
        tell()
        await page.wait_for_function(f"() => window.fleetPage.journal.events.length === {len(told.events)}")
    await page.locator("#toasts .toast").first.wait_for()
    assert await note.is_visible()
    await page.set_viewport_size({"width": 1600, "height": 900})
    await page.get_by_role("button", name="Acknowledge: ").first.click()
    await note.filter(has_text="Acknowledged").wait_for()
    await page.evaluate("window.fleetPage.select('van-05', {open: true})")
    await panel.get_by_role("button", name="Edit").click()
    await panel.get_by_label("Plate").fill("NEW-1")
    await panel.get_by_role("button", name="Save").click()
    await note.filter(has_text="Van 5 changed").wait_for()
    assert told.rows[4][15] == "NEW-1"
    await note.get_by_role("button", name="Undo").click()
    await until(lambda: told.rows[4][15] == "ABC-005", "the plate")
    await note.get_by_role("button", name="Dismiss").click()
    for condition in (
        lambda: not any("ack" in event for event in told.events),
        lambda: "kamppi" in told.regions,
        lambda: told.regions["kamppi"]["properties"]["name"] == "Kamppi customers",
    ):
        assert not condition()
        await page.keyboard.press("Control+z")
        await until(condition, "taken back")


async def test_nothing_that_somebody_else_did_since_is_taken_back(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&tab=regions&region=kamppi"))
    page.expected += ["412"]  # type: ignore[attr-defined]
    panel = page.locator(".detail:not([hidden])")
    await panel.get_by_role("button", name="Edit").click()
    await page.get_by_label("Name", exact=True).fill("Harbour")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector("#deed .toast:has-text('Harbour changed')")
    feed.feed.regions["kamppi"]["properties"] |= {"name": "Theirs", "version": 7}
    await page.locator("#deed").get_by_role("button", name="Undo").click()
    await page.wait_for_selector("#deed .toast:has-text('Not undone')")
    assert feed.feed.regions["kamppi"]["properties"]["name"] == "Theirs"


async def test_ctrl_z_in_a_field_or_a_sketch_is_theirs(open_page: Open, feed: Running) -> None:
    tell = crossing(feed.feed)
    tell()
    page = await named(await live(await open_page(f"{feed.url}#{PLACE}")))
    await page.get_by_role("button", name="Acknowledge: ").first.click()
    await page.wait_for_selector(".event.acked")
    await page.locator("#search").focus()
    await page.keyboard.type("van")
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Escape")
    await page.evaluate("document.activeElement.blur()")
    await page.keyboard.press("g")
    await page.keyboard.press("Control+z")
    await page.keyboard.press("Escape")
    assert "ack" in feed.feed.events[0]
    await page.keyboard.press("Control+z")
    await until(lambda: "ack" not in feed.feed.events[0], "taken back")


async def test_a_toast_under_the_pointer_neither_moves_nor_goes(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440))
    feed.feed.tell(events=[feed.feed.event("enter", 1, "kamppi")])
    await page.wait_for_selector("#toasts .toast:has-text('Van 1')")
    spot = await centre(page, "#toasts .toast button")
    await page.mouse.move(*spot)
    under = "([x, y]) => document.elementFromPoint(x, y).closest('.toast')?.textContent"
    before = await page.evaluate(under, spot)
    for n in range(2, 6):
        feed.feed.tell(events=[feed.feed.event("silent", n, None)])
        await page.wait_for_selector(f"#toasts .toast:has-text('Van {n}')")
        assert await page.evaluate(under, spot) == before


async def test_enter_opens_what_was_meant_and_the_keys_are_its_own(open_page: Open, feed: Running) -> None:
    feed.feed.rows[3][15] = "KMP-433"  # the plate of Van 4
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.keyboard.press("/")
    await page.keyboard.type("33")
    first = page.locator("#vehicle-list [aria-posinset='1']")
    await first.filter(has_text="Van 33").wait_for()
    assert await first.locator("mark").inner_text() == "33"
    await page.locator("#vehicle-list .row .sub:has-text('Plate KMP-433')").first.wait_for()
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".detail:not([hidden]) h2:has-text('Van 33')")
    assert await page.evaluate("document.activeElement.textContent") == "Van 33"
    await page.keyboard.press("f")
    await page.wait_for_selector(".follow-chip:has-text('Following Van 33')")
    await page.keyboard.press("Space")
    await page.wait_for_selector("#pill[data-phase=paused]")
    assert await page.locator("#search").input_value() == "33"


async def test_a_key_that_leads_to_a_field_has_done_so_before_the_next_key(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-05"))
    await page.wait_for_selector(".detail:not([hidden])")
    pressed = """async () => {
      document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}));
      await null; await null;
      return document.activeElement.id;
    }"""
    assert await page.evaluate(pressed) == "search"


async def test_who_types_before_the_first_snapshot_still_sees_the_fleet(open_page: Open, feed: Running) -> None:
    feed.feed.silent = True
    page = await open_page(feed.url)
    await page.locator("#search").fill("van 1")
    await page.wait_for_function("() => window.fleetPage.state.value.query === 'van 1'")
    feed.feed.silent = False
    feed.feed.drop()
    await live(page)
    await page.wait_for_function("() => window.fleetPage.map.camera().zoom > 10")


INSIDE = """id => {
  const {regions, map} = window.fleetPage, [w, s, e, n] = regions.drawn.get(id).lonLat;
  const box = document.querySelector('#map').getBoundingClientRect(), at = map.pixel((s + n) / 2, (w + e) / 2);
  return [at[0] + box.left, at[1] + box.top];
}"""


async def test_regions_are_chosen_by_list_and_map_and_everything_is_one_act_away(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#map=14/60.1709/24.9435&tab=regions"))
    ticks, followed = page.locator(".tick"), "() => JSON.stringify(window.fleetPage.state.value.regions)"
    await page.get_by_role("button", name="Chosen regions").click()
    assert await ticks.count() == len(feed.feed.regions) == 6
    assert await page.evaluate(followed) == "null"  # choosing alone takes nothing away
    await page.mouse.click(*await page.evaluate(INSIDE, "kamppi"))
    await page.locator(".region-row", has_text="South Harbour").get_by_role("checkbox").click()
    await page.locator(".region-row", has_text="Siltasaari depot").locator(".open").click()
    ids = json.loads(await page.evaluate(followed))
    assert len(ids) == 3 and ids[0] == "kamppi"
    assert f"follow={','.join(ids)}" in page.url
    await page.wait_for_function("() => document.querySelectorAll('.tick[aria-checked=true]').length === 3")
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size < 20")
    assert await ticks.count() == 6  # dim, not gone
    assert await page.locator(".region-row.dim").count() == 3
    assert "not hidden, they do not come" in await page.locator("#feed-note").inner_text()
    await page.get_by_role("button", name="Everything", exact=True).click()
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 40")
    assert "follow=" not in page.url
    await page.get_by_role("button", name="Back to 3 chosen").click()
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size < 20")
    await page.reload()
    await live(page)
    await page.wait_for_function("() => document.querySelectorAll('.region-row.dim').length === 3")
    assert json.loads(await page.evaluate(followed)) == ids


async def test_a_link_to_a_region_that_does_not_exist_says_so(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&follow=kamppi,nosuch"))
    await page.wait_for_selector(".follow-chip:has-text('“nosuch” does not exist')")


async def test_back_and_forward_walk_what_was_chosen(open_page: Open, feed: Running) -> None:
    feed.feed.event("enter", 9, "kamppi")
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    state = "(({vehicle, tab, states, query}) => [vehicle, tab, states.join(), query])(window.fleetPage.state.value)"

    async def at(*wanted: str | None) -> None:
        await page.wait_for_function(f"wanted => JSON.stringify({state}) === JSON.stringify(wanted)", arg=list(wanted))

    await page.locator("#vehicle-list .row").nth(2).click()
    await at("van-03", "vehicles", "", "")
    await page.keyboard.press("r")
    await page.keyboard.press("v")
    await page.locator("[data-chip=idle]").click()
    await page.locator("#search").press_sequentially("van")
    await at("van-03", "vehicles", "idle", "van")
    await page.evaluate("window.fleetPage.map.go(60.2, 25, 12)")
    await page.wait_for_function("() => /map=12\\//.test(location.hash)")
    await page.locator(".event .what").click()
    await at("van-09", "vehicles", "idle", "van")
    await page.wait_for_function("() => /map=15/.test(location.hash)")
    await page.go_back()
    await at("van-03", "vehicles", "idle", "van")
    await page.wait_for_function("() => window.fleetPage.map.camera().zoom === 12")
    for wanted in (["idle", ""], ["", ""]):
        await page.go_back()
        await at("van-03", "vehicles", *wanted)
    await page.go_back()
    await at("van-03", "regions", "", "")
    await page.go_back()
    await at("van-03", "vehicles", "", "")
    await page.go_back()
    await at(None, "vehicles", "", "")
    await page.go_forward()
    await at("van-03", "vehicles", "", "")


async def test_a_camera_that_comes_to_rest_while_the_reader_goes_back_takes_no_step_away(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.locator("#vehicle-list .row").nth(2).click()
    await page.keyboard.press("r")
    await page.wait_for_function("() => /tab=regions/.test(location.hash)")
    followed = """() => new Promise(done => {
        addEventListener('popstate', () => window.fleetPage.address.write(), {once: true});
        addEventListener('hashchange', () => setTimeout(() => done(location.hash)), {once: true});
        history.back(); })"""
    assert "tab=regions" not in await page.evaluate(followed)


@pytest.mark.parametrize(
    "link, words",
    [
        ("vehicle=nosuch", "The server does not know this vehicle."),
        ("tab=regions&region=nosuch", "There is no region “nosuch”"),
        ("sort=zz&vehicel=3&map=here", "Part of this link was not understood"),
    ],
)
async def test_a_wrong_link_says_so_and_the_console_stays_clean(
    open_page: Open, feed: Running, link: str, words: str
) -> None:
    page = await live(await open_page(f"{feed.url}#{link}"))
    await page.get_by_text(words).first.wait_for()


async def test_a_narrow_window_does_not_close_the_events_of_a_wide_one(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", width=1300))
    assert await page.evaluate("document.querySelector('#frame').dataset.events") == "closed"
    await page.get_by_role("button", name="Events", exact=True).click()
    await page.get_by_role("button", name="Close the events").click()
    await page.evaluate("window.fleetPage.preferences.set({theme: 'dark'})")
    await page.set_viewport_size({"width": 1700, "height": 900})
    await page.reload()
    await live(page)
    assert await page.evaluate("document.querySelector('#frame').dataset.events") == "open"


async def test_today_is_asked_for_anew_when_another_day_begins(open_page: Open, feed: Running) -> None:
    """At midnight, which a time zone can bring at once."""
    page = await open_page(f"{feed.url}#{PLACE}&vehicle=van-03")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/track" in request.url else None)
    await live(page)
    await until(lambda: asked, "its track, though the link was opened before the fleet came")
    asked.clear()
    await page.evaluate("window.fleetPage.preferences.set({zone: 'Pacific/Kiritimati'})")
    await until(lambda: asked, "today's track")


async def test_the_last_payloads_of_a_vehicle_are_asked_for_when_somebody_opens_them(
    open_page: Open, feed: Running
) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-05"))
    block = page.locator("details", has=page.get_by_text("Last payloads, as they came"))
    await block.locator("summary").first.click()
    rows = block.locator("li details")
    await rows.nth(1).wait_for()
    assert await rows.locator("summary").all_inner_texts() == [
        text for text in await rows.locator("summary").all_inner_texts() if "owntracks · 200" in text
    ]
    await rows.first.locator("summary").click()
    assert "no_fix" in await rows.first.inner_text()
    assert (await rows.first.locator("code").inner_text()).startswith(
        "POST /ingest/owntracks/••• HTTP/1.1\nUser-Agent: Phone/1"
    )
    await rows.nth(1).locator("summary").click()
    assert "other vehicles too" in await rows.nth(1).inner_text()
    await page.keyboard.press("Escape")
