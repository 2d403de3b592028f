"""The page in German: in every state of the table of states no word of the English catalogue is left."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.conftest import Open, live, within
from tests.browser.feed import Feed, Running
from tests.browser.test_states import LINT, PLACE, STATES, busy
from tests.support.recorded import FOLDER
from tests.support.servers import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).resolve().parents[2]
WORD = re.compile(r"[^\W\d_]{3,}")
EVIDENCE = FOLDER / "evidence.zip"

#: Everything a reader sees or hears: text, names, titles, hints; what programs read (raw pings, lines to paste, names of
#: time zones) is no sentence of the page.
SAID = """() => {
  const out = new Set([document.title]), data = 'pre, code, script, style, noscript, option[value*="/"], option[value=UTC]';
  for (const node of document.querySelectorAll('*')) {
    if (node.closest(data)) continue;
    for (const name of ['aria-label', 'title', 'placeholder', 'alt']) if (node.getAttribute(name)) out.add(node.getAttribute(name));
    for (const child of node.childNodes) if (child.nodeType === 3 && child.data.trim()) out.add(child.data.trim());
    if (node.matches('input:not([type=checkbox])') && node.value) out.add(node.value);
  }
  return [...out];
}"""


@pytest.fixture(scope="module")
def english() -> set[str]:
    """The words of the English catalogue that are no words of the German one."""
    code = "import en from './static/js/words/en.js'; import de from './static/js/words/de.js'; console.log(JSON.stringify([en, de]))"
    en, de = json.loads(subprocess.check_output(["node", "--input-type=module", "-e", code], cwd=ROOT))

    def words(catalogue: dict[str, str | dict[str, str]]) -> set[str]:
        sentences = [form for one in catalogue.values() for form in ([one] if isinstance(one, str) else one.values())]
        return {word.lower() for one in sentences for word in WORD.findall(re.sub(r"\{\w+\}", "", one))}

    only = words(en) - words(de)
    assert len(only) > 400
    return only


def _data(feed: Feed) -> set[str]:
    """What vehicles, regions and their groups are called is what it is in every language."""
    said = [cell for row in feed.rows for cell in row if isinstance(cell, str)]
    said += [str(one["properties"].get(key)) for one in feed.regions.values() for key in ("name", "group")]
    return {word.lower() for line in said for word in WORD.findall(line)}


async def _english_left(page: Page, feed: Feed, english: set[str]) -> list[str]:
    said, left = await page.evaluate(SAID), english - _data(feed)
    assert len(said) > 30
    return [f"{found}: {line}" for line in said if (found := [w for w in WORD.findall(line) if w.lower() in left])]


async def _reach(page: Page, name: str) -> None:
    """The state, by its keys and places: the helpers of the table press buttons by their English names."""
    german = GERMAN.get(name)
    if german is None:
        return await STATES[name][1](page)
    for step in german:
        await step(page)


def _press(name: str):  # type: ignore[no-untyped-def]
    async def press(page: Page) -> None:
        await page.get_by_role("button", name=name, exact=True).locator("visible=true").first.click()

    return press


def _key(key: str):  # type: ignore[no-untyped-def]
    async def press(page: Page) -> None:
        await page.locator("body").press(key)

    return press


async def _circle(page: Page) -> None:
    await page.get_by_label("Koordinaten").fill("60.1709, 24.9435, 250 m")
    await page.get_by_role("button", name="Diese Form nehmen").click()
    await page.wait_for_selector(".preview b")


async def _inside(page: Page) -> None:
    await page.locator(".region-card select").select_option("other")
    await page.get_by_role("button", name="Van 3: ").first.click()


async def _trouble(page: Page) -> None:
    """Told by the page itself: another server's page, no WebSocket."""
    page.expected.append("404")  # type: ignore[attr-defined]
    await page.evaluate("window.fleetPage.blocked.tell()")
    await page.wait_for_selector(".trouble")


async def _older(page: Page) -> None:
    await page.evaluate("window.fleetEditor.card.version = 0")
    page.expected.append("412")  # type: ignore[attr-defined]


async def _conflict(page: Page) -> None:
    await page.wait_for_selector(".region-card .notice.bad:has-text('Geändert')")


GERMAN = {
    "vehicle": [_press("Bearbeiten")],
    "inside": [_press("Wer war hier"), _inside],
    "why": [_key("e"), _press("Warum?")],
    "card": [_key("g"), _press("Eintippen"), _circle],
    "keys": [_press("Tasten und Legende")],
    "settings": [_press("Einstellungen")],
    "trouble": [_trouble],
    "conflict": [_press("Bearbeiten"), _older, _press("Speichern"), _conflict],
}


@pytest.mark.parametrize("name", STATES)
async def test_no_state_of_the_german_page_says_an_english_word(open_page: Open, name: str, english: set[str]) -> None:
    fleet = busy()
    fleet.day = name.removeprefix("day-")
    async with Running(fleet) as feed:
        page = await live(await open_page(f"{feed.url}#{STATES[name][0]}", width=1440, locale="de-DE"))
        await page.wait_for_function("() => document.querySelectorAll('.event').length > 3")
        await _reach(page, name)
        assert await page.evaluate("document.documentElement.lang") == "de"
        assert await _english_left(page, feed.feed, english) == []
        assert await page.evaluate(LINT) == []
        await page.context.close()


async def test_an_empty_install_and_a_lost_server_are_german_too(open_page: Open, english: set[str]) -> None:
    async with Running(Feed(0, demo=False, regions=False)) as feed:
        page = await live(await open_page(feed.url, width=1440, locale="de-AT"))
        await page.wait_for_selector(".welcome")
        left = await _english_left(page, feed.feed, english)
        page.expected += ["ERR_CONNECTION", "WebSocket", "ERR_EMPTY"]  # type: ignore[attr-defined]
    await page.wait_for_selector("#pill[data-phase=waiting], #pill[data-phase=offline]")
    assert left + await _english_left(page, feed.feed, english) == []


async def test_the_language_is_the_browsers_until_one_is_chosen_and_that_is_kept(open_page: Open) -> None:
    async with Running(busy()) as feed:
        page = await live(await open_page(f"{feed.url}#{PLACE}", locale="de-DE"))
        await page.get_by_role("tab", name="Gebiete").wait_for()
        await page.get_by_role("button", name="Einstellungen").click()
        await page.get_by_label("Sprache").select_option("en")
        await page.get_by_role("tab", name="Regions").wait_for()
        assert await page.evaluate("document.documentElement.lang") == "en"
        await page.reload()
        await page.get_by_role("tab", name="Regions").wait_for()
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_label("Language").select_option("")
        await page.get_by_role("tab", name="Gebiete").wait_for()
        await page.context.close()


@pytest.mark.parametrize("locale, said", [("fr-FR", "Regions"), ("en-US", "Regions"), ("de-CH", "Gebiete")])
async def test_a_language_there_is_none_of_is_english(open_page: Open, locale: str, said: str) -> None:
    async with Running(busy()) as feed:
        page = await open_page(feed.url, locale=locale)
        await page.get_by_role("tab", name=said).wait_for()
        await page.context.close()


async def test_what_a_server_of_tomorrow_says_is_german_too(open_page: Open, english: set[str]) -> None:
    """A kind of event, a reason and a close code that this page has no sentence for; those it has, by their code."""
    async with Running(busy()) as feed:
        feed.feed.event("vehicle_opened", 2, "depot", reason="alert_lost")
        page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440, locale="de-DE"))
        await page.locator("body").press("e")
        await page.locator(".event").first.get_by_role("button", name="Warum?").click()
        assert await page.locator(".why-card code").inner_text() == "vehicle_opened, alert_lost"
        left = await _english_left(page, feed.feed, english)
        for code, said in ((4777, "geschlossen mit 4777"), (4500, "zu viele unlesbare Nachrichten")):
            feed.feed.drop(code, "closed for messages it could not read")
            await expect(page.locator("#pill")).to_contain_text(said, timeout=within(15))
            left += await _english_left(page, feed.feed, english)
            await page.reload()
            await live(page)
        assert left == []
        await page.context.close()


async def test_two_moments_a_correction_and_a_file_are_german_too(open_page: Open, english: set[str]) -> None:
    """What the table of states has not, on one page."""
    fleet = busy()
    async with Running(fleet) as feed:
        page = await open_page(f"{feed.url}#{PLACE}&vehicle=van-03&day=2026-03-11", width=1440, locale="de-DE")
        await live(page)
        await page.locator(".leg").nth(1).click()
        await page.locator(".correct button").last.click()
        await page.locator("dialog[open] textarea").wait_for()
        left = await _english_left(page, fleet, english)
        await page.keyboard.press("Escape")
        await page.goto(f"{feed.url}#{PLACE}&vehicle=van-03&at=2026-03-11T12:30:00Z&split=-1d")
        await page.wait_for_function("() => window.fleetPage.past.exactly && window.fleetPage.beside?.fleet.byId.size")
        await page.evaluate("() => window.fleetPage.showMoment(Date.now() + 1e9)")
        await expect(page.locator(".toast").first).to_contain_text("kommt erst noch")
        left += await _english_left(page, fleet, english)
        await page.set_input_files("input[accept*=fleetday]", EVIDENCE)
        await expect(page.locator("[data-trouble=file]")).to_contain_text("hash: ", timeout=within(15))
        left += await _english_left(
            page, fleet, english - {"the", "old", "north", "evidence", "replay", "verify"}
        )  # its names, and a command
        assert left == []
        await page.context.close()


PAINT = "window.fleetPage.map.stage.sheets.get('{}').painter.paint = () => {{ throw new Error('0') }}"
#: What the page finds wrong around it, made by hand: (what to do, what appears)
TOLD = {
    "tiles": ("window.fleetPage.map.tiles.told.tell(false, '0')", ".banner:has-text('Eingebaute Karte')"),
    "painter": (
        PAINT.format("ground") + "; window.fleetPage.map.stage.invalidate()",
        ".trouble:has-text('Untergrund')",
    ),
    "link": ("location.hash = 'nonsense=1'", ".toast:has-text('nonsense')"),
    "clock": ("window.fleetPage.fleet.skew += 1e7; window.fleetPage.measured.tell()", ".trouble"),
    "paper": ("dispatchEvent(new Event('beforeprint'))", "table.printed"),
}


@pytest.mark.parametrize("name", TOLD)
async def test_what_the_page_finds_wrong_is_told_in_german(open_page: Open, name: str, english: set[str]) -> None:
    act, seen = TOLD[name]
    async with Running(busy()) as feed:
        page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440, locale="de-DE"))
        await page.evaluate(f"() => {{ {act} }}")
        await expect(page.locator(seen).first).to_be_attached(timeout=within(15))
        assert await _english_left(page, feed.feed, english) == []
        await page.context.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server")).start()
    yield started
    started.stop()


async def test_without_javascript_the_page_says_so_in_the_readers_language(browser: Browser, server: Server) -> None:
    for locale, said in (("de-DE", "Die Flottenkarte braucht JavaScript."), ("fr", "The fleet map needs JavaScript.")):
        context = await browser.new_context(java_script_enabled=False, locale=locale)
        page = await context.new_page()
        await page.goto(server.url)
        assert said in await page.locator("noscript").inner_text()
        await context.close()


@pytest.mark.parametrize("locale, chosen, spoken", [("de-DE", "", "de"), ("en-GB", "", "en"), ("en-GB", "de", "de")])
async def test_only_the_catalogue_of_the_readers_language_is_loaded(
    open_page: Open, server: Server, locale: str, chosen: str, spoken: str
) -> None:
    page = await open_page("about:blank", locale=locale)
    await page.add_init_script(f"localStorage.setItem('tracker.preferences', JSON.stringify({{language: '{chosen}'}}))")
    await page.goto(server.url)
    await live(page)
    asked = await page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    loaded = [found[1] for name in asked if (found := re.search(r"/words/([a-z]{2})\.js$", name))]
    assert set(loaded) == {spoken} if not chosen else spoken in loaded
    assert await page.evaluate("document.documentElement.lang") == spoken


async def test_a_third_language_is_one_file_and_one_row(open_page: Open) -> None:
    """Made here from the English one, every sentence between two marks: what has none is not from a catalogue."""
    row = "  de: {"
    async with Running(busy()) as feed:
        page = await open_page("about:blank")
        english = (ROOT / "static/js/words/en.js").read_text()
        words = (ROOT / "static/js/words/words.js").read_text()
        assert words.count(row) == 1
        marked = english.replace("export default {", "const words = {") + MARKED

        async def catalogue(route: Route) -> None:
            await route.fulfill(body=marked, content_type="text/javascript")

        async def rows(route: Route) -> None:
            one = '  eo: { name: "Esperanto", locale: "eo" },\n'
            await route.fulfill(body=words.replace(row, one + row), content_type="text/javascript")

        await page.route("**/js/words/eo.js", catalogue)
        await page.route("**/js/words/words.js", rows)
        await page.goto(f"{feed.url}#{PLACE}")
        await live(page)
        await page.get_by_role("button", name="Settings").click()
        await page.get_by_label("Language").select_option(label="Esperanto")
        await page.get_by_role("tab", name="«Regions»").wait_for()
        assert await page.evaluate("document.documentElement.lang") == "eo"
        assert await page.title() == "«Fleet»"
        await live(page)
        await page.locator("#pill", has_text="«Live»").wait_for()


MARKED = """
const mark = (said) => (typeof said === "string" ? `«${said}»` : Object.fromEntries(Object.entries(said).map(([key, form]) => [key, mark(form)])));
export default mark(words);
"""


async def test_what_a_server_refuses_is_said_without_its_words(open_page: Open, english: set[str]) -> None:
    async with Running(busy()) as feed:
        page = await live(await open_page(f"{feed.url}#{PLACE}", width=1440, locale="de-DE"))
        page.expected.append("422")  # type: ignore[attr-defined]
        wrong = {
            "field": "properties.rules.speed_limit_mps",
            "code": "invalid",
            "message": "the speed limit is too low",
        }
        problem = {"code": "invalid", "detail": "the region is not valid", "errors": [wrong]}
        await page.route("**/api/v1/regions", lambda route: route.fulfill(status=422, json=problem))
        for step in (_key("g"), _press("Eintippen"), _circle):
            await step(page)
        await page.locator(".region-card button[type=submit]").click()
        await expect(page.locator(".region-card .notice.bad")).to_be_visible(timeout=within(15))
        assert await _english_left(page, feed.feed, english) == []
        await page.context.close()
