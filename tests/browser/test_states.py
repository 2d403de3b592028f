"""Every state of the page, in both themes, wide and on a phone: axe finds nothing, nothing overlaps or overflows, and a
picture is kept for somebody to look at."""

from __future__ import annotations

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live, picture, violations
from tests.browser.feed import Feed, Running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "map=15/60.1709/24.9435"


async def _draw(page: Page) -> None:
    await page.locator("body").press("g")
    await page.get_by_role("button", name="Type it").click()
    await page.get_by_label("Coordinates").fill("60.1709, 24.9435, 250 m")
    await page.get_by_role("button", name="Use this shape").click()
    await page.wait_for_selector(".preview b")


async def _why(page: Page) -> None:
    await page.locator("body").press("e")
    await page.get_by_role("button", name="Why?").first.click()


async def _draw_start(page: Page) -> None:
    await page.locator("body").press("g")


async def _inside(page: Page) -> None:
    """Asked about a region, of a range of one's own."""
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Who was here").click()
    await page.locator(".region-card select").select_option("other")
    await page.get_by_role("button", name="Van 3: ").first.click()


async def _inside_start(page: Page) -> None:
    await page.locator("body").press("h")


async def _keys(page: Page) -> None:
    await page.get_by_role("button", name="Keys and legend").click()


async def _settings(page: Page) -> None:
    await page.get_by_role("button", name="Settings").click()


async def _paused(page: Page) -> None:
    await page.locator("#pill").click()
    await page.wait_for_selector("#pill[data-phase=paused]")


async def _edit_register(page: Page) -> None:
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()


async def _events(page: Page) -> None:
    """The column at 1440, the sheet on a phone."""
    await page.locator("body").press("e")
    await page.locator("#events").wait_for()


async def _trouble(page: Page) -> None:
    """What the page says when a proxy broke something, with lines to paste."""
    await page.evaluate(
        "async () => { const { Troubles } = await import(document.querySelector('script[type=module]').src.replace('main.js', 'page/troubles.js'));"
        " const troubles = new Troubles(window.fleetPage);"
        " troubles.tell('a', 'The proxy at fleet.example.org passes no WebSocket; live over HTTP meanwhile. These lines mend it:', {lines: 'proxy_http_version 1.1;\\nproxy_set_header Upgrade $http_upgrade;'});"
        " troubles.tell('b', 'The server was updated.', {action: {label: 'Reload', run() {}}}) }"
    )


async def _conflict(page: Page) -> None:
    """Somebody saved first."""
    await page.locator(".detail:not([hidden])").get_by_role("button", name="Edit").click()
    await page.evaluate("window.fleetEditor.card.version = 0")
    page.expected.append("412")  # type: ignore[attr-defined]
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector(".region-card .notice.bad:has-text('Changed')")


async def _wallboard(page: Page) -> None:
    await page.evaluate("window.fleetPage.state.set({kiosk: true})")
    await page.locator("#pill").wait_for(state="hidden")


async def _trip(page: Page) -> None:
    """The second fix of a trip is pointed at."""
    await page.locator(".leg").nth(1).click()
    await page.wait_for_function("() => window.fleetPage.route.fixes.length > 100")
    await page.locator(".way input").press("ArrowRight")


async def _refused(page: Page) -> None:
    page.expected.append("404")  # type: ignore[attr-defined]
    await page.locator(".day .notice.bad").locator("visible=true").wait_for()


async def _past(page: Page) -> None:
    """A moment of long ago, with all there is of the timeline."""
    await page.wait_for_function(
        "() => window.fleetPage.past.exactly && document.querySelector('.time-progress').hidden"
    )
    if await page.locator(".time-fold").is_visible():
        await page.locator(".time-fold").click()


async def _nothing(page: Page) -> None:
    pass


#: Rules of axe that are not asked in a state, each with the reason. Nothing else is switched off.
OFF: dict[str, dict[str, str]] = {}


STATES = {
    "map": (PLACE, _nothing),
    "vehicle": (f"{PLACE}&vehicle=van-03", _edit_register),
    "day": (f"{PLACE}&vehicle=van-03&day=2026-03-11", _trip),
    "day-refused": (f"{PLACE}&vehicle=van-03&day=2026-03-11", _refused),
    "past": (f"{PLACE}&vehicle=van-05&at=2026-03-11T12:30:00Z", _past),
    "regions": (f"{PLACE}&tab=regions", _nothing),
    "region": (f"{PLACE}&tab=regions&region=kamppi", _nothing),
    "followed": (f"{PLACE}&tab=regions&follow=depot,kamppi", _nothing),
    "filtered": (f"{PLACE}&state=idle,parked&only=1", _nothing),
    "no-match": (f"{PLACE}&q=zeppelin", _nothing),
    "why": (PLACE, _why),
    "drawing": (PLACE, _draw_start),
    "card": (PLACE, _draw),
    "inside": (f"{PLACE}&tab=regions&region=kamppi", _inside),
    "inside-start": (PLACE, _inside_start),
    "keys": (PLACE, _keys),
    "settings": (PLACE, _settings),
    "paused": (PLACE, _paused),
    "events": (PLACE, _events),
    "trouble": (PLACE, _trouble),
    "conflict": (f"{PLACE}&tab=regions&region=kamppi", _conflict),
    "wallboard": (PLACE, _wallboard),
}


def busy() -> Feed:
    feed = Feed(40)
    feed.rows[2][14] = [0, 60_180_000, 24_950_000]
    for i, kind in enumerate(["enter", "exit", "dwell", "cross", "enter", "overspeed_start", "silent"]):
        region = None if kind == "silent" else list(feed.regions)[i % 3]
        feed.event(kind, 3 + 2 * i, region, duration_s=340, dwell_s=120, speed_mps=22.0, limit_mps=14.0)
    feed.events[1]["ack"] = {"by": "Dana", "at": feed.events[1]["time"]}
    feed.events[4]["delayed"] = True
    return feed


#: Everything that moves to its end has come there; what moves for ever is left out.
ENDED = """() => Promise.all(document.getAnimations()
  .filter(one => one.playState === 'running' && Number.isFinite(one.effect.getComputedTiming().endTime))
  .map(one => one.finished.catch(() => null)))"""


async def _look(page: Page, name: str, width: int) -> list[str]:
    """What is wrong with what is there now, in both themes."""
    wrong: list[str] = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        await page.evaluate(ENDED)
        await picture(page, f"{name}-{theme}-{width}")
        off = OFF.get(name, {})
        wrong += [f"{theme}: {line}" for line in await violations(page) if line.split(":")[0] not in off]
        wrong += [f"{theme}: {line}" for line in await page.evaluate(LINT)]
    return wrong


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("name", STATES)
async def test_no_state_of_the_page_breaks_accessibility_or_layout(open_page: Open, name: str, width: int) -> None:
    link, reach = STATES[name]
    fleet = busy()
    fleet.day = name.removeprefix("day-")
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}#{link}", width=width, height=900 if width > 400 else 740))
        await page.wait_for_function("() => document.querySelectorAll('.event').length > 3")
        await reach(page)
        wrong = await _look(page, name, width)
        await page.context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width", [1440, 360])
async def test_an_empty_install_and_a_lost_server_are_no_blank_pages(open_page: Open, width: int) -> None:
    async with Running(Feed(0, demo=False, regions=False)) as feed:
        page = await live(await open_page(feed.url, width=width, height=740))
        await page.wait_for_selector(".welcome")
        assert f"curl {feed.url}api/v1/positions" in await page.locator(".welcome code").inner_text()
        wrong = await _look(page, "empty", width)
        feed.feed.rows.append(feed.feed._row(1, 0.01))
        feed.feed.tell(new=feed.feed.rows)
        await page.wait_for_selector(".welcome[data-done]")
        wrong += await _look(page, "first-ping", width)
        page.expected += ["ERR_CONNECTION", "WebSocket", "ERR_EMPTY"]  # type: ignore[attr-defined]
    await page.wait_for_selector("#pill[data-phase=waiting], #pill[data-phase=offline]")
    wrong += await _look(page, "lost", width)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("width, height", [(768, 1024), (1024, 768), (2560, 1440), (3840, 2160), (320, 640)])
async def test_every_screen_from_a_small_phone_to_a_wall_has_a_layout(open_page: Open, width: int, height: int) -> None:
    async with Running(busy()) as feed:
        page = await open_page(f"{feed.url}#{PLACE}&vehicle=van-03", width=width, height=height)
        await live(page)
        await picture(page, f"size-{width}")
        assert await page.evaluate(LINT) == []
        await page.context.close()


#: What a person would see at once: text cut off, the page wider than the window, a control under another, one too small.
LINT = """() => {
  const out = [], root = document.documentElement;
  if (root.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth) out.push(`page is ${Math.max(root.scrollWidth, document.body.scrollWidth)} wide by ${[...document.body.querySelectorAll('*')].filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > innerWidth + 0.5 && !node.closest('.leaflet-pane')).slice(0, 3).map((node) => node.id || node.className || node.tagName).join(', ')}`);
  const smallest = innerWidth < 720 ? 36 : 24;
  const top = document.querySelector('dialog[open]') ?? document;
  for (const node of top.querySelectorAll('button, input, select, textarea, summary, [role=option]')) {
    if (node.closest('[hidden], .leaflet-pane, .toast') || !node.checkVisibility({visibilityProperty: true})) continue;
    const box = node.getBoundingClientRect();
    if (!box.width || box.bottom <= 0 || box.top >= innerHeight) continue;
    const name = node.getAttribute('aria-label') || node.textContent.trim().slice(0, 30) || node.id || node.tagName;
    if (node.matches('.button, .icon-button, .chip, [role=tab]') && Math.min(box.width, box.height) < Math.min(smallest, 24)) out.push(`small: ${name} ${box.width}×${box.height}`);
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    let clip = node.parentElement, hidden = false;
    while (clip && clip !== document.body) {
      const c = clip.getBoundingClientRect(), style = getComputedStyle(clip);
      if (style.overflowY !== 'visible' && (y > c.bottom || y < c.top || x < c.left || x > c.right)) hidden = true;
      clip = clip.parentElement;
    }
    if (hidden || x < 0 || y < 0 || x > innerWidth || y > innerHeight) continue;
    const hit = document.elementFromPoint(x, y);
    if (hit && !node.contains(hit) && !hit.contains(node) && !hit.closest('label')?.contains(node) && !hit.closest('.toast, .region-card, .detail, .draw-bar, .welcome')) out.push(`covered: ${name} by ${hit.className || hit.tagName}`);
  }
  for (const node of document.querySelectorAll('.button, .chip, .pill, .tabs button, h2, .facts dd')) {
    if (node.checkVisibility() && node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).textOverflow !== 'ellipsis' && node.clientWidth) out.push(`cut: ${node.textContent.slice(0, 30)}`);
  }
  return out;
}"""
