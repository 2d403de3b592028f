"""What is taken away from somebody goes from their open page, what is given comes; the pages of others stay."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Error, Page, expect

from tests.browser.conftest import Open, live, within
from tests.support.house import GOOD, House
from tests.support.servers import now
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

V1 = "/api/v1"
MAY = ["watch", "acknowledge", "edit_regions", "edit_vehicles"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("house") / "data")
    started.settings["unknown_vehicles"] = "quarantine"
    started.start()
    for known in ("v-here", "v-there"):
        started.send("PUT", f"{V1}/vehicles/{known}", {"name": f"Name of {known}"})
    yield started.furnish()
    started.stop()


async def do(house: House, method: str, path: str, document: Any = None) -> Any:
    return await asyncio.to_thread(house.do, method, f"{V1}/{path}", document)


async def page_of(open_page: Open, house: House, name: str, link: str = "", **how: Any) -> Page:
    cookie = (await asyncio.to_thread(house.sign_in, {"name": name, "password": GOOD})).partition("=")
    page = await open_page("about:blank", **how)
    page.expected += ["401", "404", "WebSocket"]  # type: ignore[attr-defined]
    await page.context.add_cookies([{"name": cookie[0], "value": cookie[2], "url": house.url}])
    await page.goto(f"{house.url}/{link}")
    return page


async def reader(house: House, name: str, **group: Any) -> None:
    """A dispatcher of a group of their own."""
    await do(
        house, "POST", "groups", {"name": f"g-{name}", "regions": ["yards"], "vehicles": "all", "may": MAY} | group
    )
    await asyncio.to_thread(house.person, name, "dispatcher", f"g-{name}")


async def told(page: Page) -> str:
    """All that a page says and keeps."""
    said: str = await page.evaluate(
        "() => document.documentElement.outerHTML + [...document.querySelectorAll('input, select, textarea')]"
        ".map((one) => one.value).join() + JSON.stringify(localStorage) + JSON.stringify(sessionStorage) + location"
    )
    return said


async def never(page: Page, *words: str) -> None:
    """None of these is said any more."""
    left: list[str] = []

    async def gone() -> bool:
        try:
            said = await told(page)
        except Error:  # it is just leaving
            return False
        left[:] = [said[max(0, at - 200) : at + 100] for word in words if (at := said.find(word)) >= 0]
        return not left

    try:
        async with asyncio.timeout(within(10) / 1000):
            while not await gone():
                await page.wait_for_timeout(50)
    except TimeoutError:
        pytest.fail(f"it still says …{left}…")


async def test_what_may_be_done_is_offered_as_it_is_given_and_taken(open_page: Open, house: House) -> None:
    await reader(house, "anna", may=["watch"])
    page = await live(await page_of(open_page, house, "anna", "#tab=regions&region=here"))
    draw = page.get_by_role("button", name="Draw a region")
    await page.wait_for_selector(".detail:not([hidden]):has-text('here')")
    assert not await draw.count()
    await do(house, "PATCH", "groups/g-anna", {"may": MAY})
    await expect(draw).to_be_visible(timeout=within(10))
    await page.get_by_role("button", name="Edit", exact=True).click()
    await page.wait_for_selector(".region-card:not([hidden])")
    await do(house, "PATCH", "groups/g-anna", {"may": ["watch"]})
    await expect(draw).to_be_hidden(timeout=within(10))
    await expect(page.locator(".region-card")).to_have_count(0)
    await page.wait_for_selector("#toasts :text('You may not draw this any more')")
    await page.wait_for_selector("#region-list :text('here')")  # what may be seen stays


async def test_what_may_not_be_seen_any_more_is_gone_from_everything_that_is_open(
    open_page: Open, house: House
) -> None:
    await reader(house, "bert", regions=["yards", "quarries"])
    page = await live(await page_of(open_page, house, "bert", "#vehicle=v-there&about=region:there"))
    other = await live(await page_of(open_page, house, "ada"))
    await page.wait_for_selector("#vehicle-list :text('Name of v-there')")
    await page.wait_for_selector(".event :text('there')")
    await page.wait_for_selector("section.detail:not([hidden]) .raw:has-text('61')", state="attached")
    await page.locator("section.detail button:has-text('Mute')").first.click()
    await page.get_by_role("button", name="Back to the list").first.click()
    await page.evaluate("fleetPage.state.set({ region: 'there', tab: 'regions' })")
    await page.wait_for_selector("section.detail:not([hidden]) .line-list :text('Name of v-there')")
    await page.evaluate("fleetPage.state.set({ region: null, tab: 'vehicles' })")
    await page.locator("#vehicle-list").hover()  # its rows are held
    await do(house, "PATCH", "groups/g-bert", {"regions": ["yards"]})
    await never(page, "v-there", ">there<", "quarries", "region:there", "61.0")
    await page.wait_for_selector("#vehicle-list :text('Name of v-here')")
    await page.wait_for_selector(".event :text('here')")
    await other.wait_for_selector("#vehicle-list :text('Name of v-there')")
    await do(house, "PATCH", "groups/g-bert", {"regions": []})
    await never(page, "v-here", ">here<", "yards")


async def test_a_vehicle_that_is_moved_out_of_sight_takes_its_events_along(open_page: Open, house: House) -> None:
    await do(house, "PUT", "vehicles/v-guest", {"name": "The guest", "group": "hired"})
    places = [(-1090, 60.0), (-1060, 60.0), (-60, 60.5), (-30, 60.5)]
    items = [{"vehicle": "v-guest", "time": now(ago), "lat": lat, "lon": 25} for ago, lat in places]
    await do(house, "POST", "positions", items)
    await reader(house, "cara", vehicles=["hired", "own"])
    page = await live(await page_of(open_page, house, "cara"))
    await page.wait_for_selector(".event :text('v-guest')")  # it left: its name is not hers any more, what befell it is
    await do(house, "PATCH", "vehicles/v-guest", {"group": "secret"})
    await never(page, "v-guest", "The guest")


async def test_a_history_that_is_erased_is_forgotten_by_open_pages(open_page: Open, house: House) -> None:
    items = [{"vehicle": "v-erased", "time": now(ago), "lat": 60.0, "lon": 25} for ago in (-1060, -1030)]
    await do(house, "PUT", "vehicles/v-erased", {})
    await do(house, "POST", "positions", items)
    await reader(house, "ines")
    page = await live(await page_of(open_page, house, "ines"))
    await page.wait_for_selector("#vehicle-list :text('v-erased')")
    await page.wait_for_selector(".event :text('v-erased')")
    await do(house, "DELETE", "vehicles/v-erased?history=true")
    await never(page, "v-erased")


async def test_a_page_that_is_paused_forgets_all_the_same(open_page: Open, house: House) -> None:
    await reader(house, "dirk", regions=["yards", "quarries"])
    page = await live(await page_of(open_page, house, "dirk"))
    await page.wait_for_selector("#vehicle-list :text('Name of v-there')")
    await page.evaluate("fleetPage.togglePause()")
    await do(house, "PATCH", "groups/g-dirk", {"regions": ["yards"]})
    await never(page, "v-there", "quarries")


async def test_a_past_that_is_scrubbed_forgets_at_once(open_page: Open, house: House) -> None:
    await reader(house, "kim", regions=["yards", "quarries"])
    page = await live(await page_of(open_page, house, "kim", "#vehicle=v-there"))
    page.expected += ["403"]  # type: ignore[attr-defined]
    await page.wait_for_function("() => fleetPage.overlay.selected?.time")
    await page.evaluate("() => fleetPage.past.go(fleetPage.overlay.selected.time)")
    await page.wait_for_function("() => fleetPage.past.fleet.byId.get('v-there')?.known")
    await page.evaluate("() => fleetPage.state.set({ split: -1000 })")  # and another moment beside it
    await page.wait_for_function("() => fleetPage.beside.fleet.byId.get('v-there')?.known")
    await page.evaluate(
        "() => { const { past } = fleetPage, last = past.at;"
        " setInterval(() => past.scrub(last + Math.random() * 900), 20) }"
    )
    await do(house, "PATCH", "groups/g-kim", {"regions": ["yards"]})
    await never(page, "v-there", "quarries", "region:there")
    known = "() => [fleetPage.past.fleet, fleetPage.beside.fleet].flatMap((one) => [...one.byId.keys(), ...one.regions.keys()])"
    await page.wait_for_function(f"() => ({known})().filter((id) => id === 'v-here').length === 2")
    assert not {"v-there", "there"} & set(await page.evaluate(known))


async def test_a_region_that_is_not_followed_is_gone_as_well(open_page: Open, house: House) -> None:
    await reader(house, "hugo", regions=["yards", "quarries"])
    page = await live(await page_of(open_page, house, "hugo", "#tab=regions"))
    await page.evaluate("fleetPage.state.set({ regions: ['here'], about: 'region:there' })")
    await page.wait_for_selector("#region-list .dim:has-text('there')")
    await do(house, "PATCH", "groups/g-hugo", {"regions": ["yards"]})
    await never(page, ">there<", "quarries", "region:there")


async def test_what_is_asked_as_it_is_taken_away_is_not_waited_for(open_page: Open, house: House) -> None:
    """Its answer would say what may not be seen any more, after all else forgot it."""
    await reader(house, "gus", regions=["yards", "quarries"])
    page = await live(await page_of(open_page, house, "gus"))
    page.expected += ["AbortError", "ERR_ABORTED"]  # type: ignore[attr-defined]
    asked, given_up = set[str](), set[str]()

    def name(url: str) -> str:
        return url.rpartition("/")[2].partition("?")[0]

    page.on("requestfailed", lambda request: given_up.add(name(request.url)))
    await page.route("**/v-there*", lambda route: asked.add(name(route.request.url)))
    await page.route("**/v-there/track*", lambda route: asked.add(name(route.request.url)))
    await page.route("**/v1/vehicles?region=*", lambda route: asked.add(name(route.request.url)))
    await page.evaluate("fleetPage.select('v-there', { open: true })")
    await page.evaluate("fleetPage.state.set({ region: 'there', tab: 'regions' })")
    held = {"v-there", "track", "vehicles"}
    await until(lambda: held <= asked, "both panels ask")
    await do(house, "PATCH", "groups/g-gus", {"regions": ["yards"]})
    await until(lambda: held <= given_up, "and give it up")
    await never(page, "v-there", "quarries")


async def test_what_somebody_began_to_draw_and_all_else_is_gone_when_their_session_ends(
    open_page: Open, house: House
) -> None:
    await reader(house, "emma")
    link = "#map=9/60.00001/25.00002&tab=regions&region=here"
    page = await live(await page_of(open_page, house, "emma", link))
    await page.wait_for_selector(".detail:not([hidden]):has-text('here')")
    await page.get_by_role("button", name="Edit", exact=True).click()
    await page.fill(".region-card input[type=text]", "half a name")
    await do(house, "PATCH", "users/emma", {"disabled": True})
    await until(lambda: "/signin" in page.url, "out of the map")
    await page.wait_for_selector("[name=username]")
    await never(page, "half a name", "region%3Dhere", "v-here", "yards")


async def test_the_page_of_people_empties_for_who_may_not_administer_any_more(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "fred", "administrator")
    page = await page_of(open_page, house, "fred", "people#users")
    await page.wait_for_selector(".card:has-text('ada')")
    await page.locator("button.card", has_text="ada").click()
    await page.wait_for_selector("dialog [name=role]")
    await do(house, "PATCH", "users/fred", {"role": "viewer", "groups": []})
    await never(page, "ada")
    await do(house, "PATCH", "users/fred", {"disabled": True})
    await until(lambda: "/signin" in page.url, "out of the page of people")


async def test_hints_of_who_waits_outside_come_and_go_with_them(open_page: Open, house: House) -> None:
    page = await live(await page_of(open_page, house, "ada"))
    hint = page.locator("[data-trouble=waiting]")
    await expect(hint).to_have_count(0)
    token = (await do(house, "POST", "tokens", {"vehicles": ["new-*"]})).json()["token"]
    item = [{"vehicle": "new-van", "time": now(), "lat": 60, "lon": 25}]
    await asyncio.to_thread(house.send, "POST", f"{V1}/positions", item, authorization=f"Bearer {token}")
    await page.evaluate("dispatchEvent(new Event('focus'))")  # somebody looks at it again
    await expect(hint).to_be_visible(timeout=within(10))
    await do(house, "DELETE", "quarantine/new-van?forget=true")
    await page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(hint).to_have_count(0, timeout=within(10))
