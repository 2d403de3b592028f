"""Who comes in by the page, and who is not let stay: the real server and the real pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live, picture, violations, within
from tests.support.house import GOOD, OTHER, House
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

REFUSED = ["401", "404", "422", "429", "WebSocket"]  # what the browser itself says of an answer that is no 200


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("house") / "data")
    started.start()
    yield started.furnish()
    started.stop()


@pytest.fixture
def fresh(tmp_path: Any) -> Iterator[House]:
    """Nobody signs in here yet."""
    started = House(tmp_path / "data")
    started.start()
    yield started
    started.stop()


async def opened(open_page: Open, url: str, **how: Any) -> Page:
    page = await open_page("about:blank", **how)
    page.expected += REFUSED  # type: ignore[attr-defined]
    await page.goto(url)
    return page


async def sign_in(page: Page, name: str, password: str = GOOD) -> None:
    await page.fill("[name=username]", name)
    await page.fill("[name=current-password]", password)
    await page.keyboard.press("Enter")


async def test_the_first_link_makes_an_administrator_and_its_secret_leaves_the_address(
    open_page: Open, fresh: House
) -> None:
    page = await opened(open_page, f"{fresh.url}/signin?next=/people#{fresh.first_link()}")
    await page.wait_for_selector("[name=username]")
    assert page.url == f"{fresh.url}/signin?next=/people"
    await page.fill("[name=username]", "ada")
    for weak, why in (
        ("seven 7", "at least 8 characters"),
        ("my name is ada", "holds the name"),
        ("password1", "first that are tried"),
    ):
        await page.fill("[name=new-password]", weak)
        await page.evaluate("document.querySelector('form').noValidate = true")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(f".notice.bad:has-text('{why}')")
    await page.fill("[name=new-password]", GOOD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{fresh.url}/people")
    await page.wait_for_selector(".card:has-text('ada')")


async def test_a_link_of_a_person_is_called_one_while_there_is_no_administrator_too(
    open_page: Open, fresh: House
) -> None:
    await asyncio.to_thread(fresh.post, "/api/v1/users", {"name": "gil", "role": "viewer"})
    link = (await asyncio.to_thread(fresh.post, "/api/v1/users/gil/link", {})).json()["link"]
    page = await opened(open_page, f"{fresh.url}/signin#{link}")
    await page.wait_for_selector("h1:has-text('Choose a password')")
    assert await page.input_value("[name=username]") == "gil"


async def test_a_server_on_which_nobody_signs_in_says_so_and_what_to_do(open_page: Open, fresh: House) -> None:
    page = await live(await open_page(f"{fresh.url}/"))
    notice = page.locator(".trouble[data-trouble=open]")
    assert "Nobody signs in here yet" in await notice.inner_text()
    assert "tracker users add NAME --role administrator" in await notice.inner_text()
    assert await page.locator("#account").count() == 0
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.wait_for_selector(".welcome")
    above, card = await notice.bounding_box(), await page.locator(".welcome").bounding_box()
    assert above and card and above["y"] + above["height"] <= card["y"], "the notice covers no card"
    for path in ("signin", "people"):
        await page.goto(f"{fresh.url}/{path}")
        await page.wait_for_selector(".notice:has-text('Nobody signs in here yet')")


async def test_whoever_is_not_signed_in_comes_back_to_the_map_as_it_was(open_page: Open, house: House) -> None:
    page = await opened(open_page, f"{house.url}/#map=9/60/25&vehicle=v-here")
    await page.wait_for_url("**/signin?next=*")
    assert await page.evaluate("document.activeElement.name") == "username"
    await sign_in(page, "ben")
    await page.wait_for_url(f"{house.url}/#map=9/60/25&vehicle=v-here")
    await live(page)
    assert await page.evaluate("[...window.fleetPage.fleet.byId.keys()]") == ["v-here"]


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
async def test_the_way_back_is_never_to_another_site(open_page: Open, house: House, next: str) -> None:
    page = await opened(open_page, f"{house.url}/signin?next={next}")
    await sign_in(page, "ben")
    await page.wait_for_url(f"{house.url}/")


async def test_a_wrong_password_and_too_many_tries_are_said_kindly(open_page: Open, house: House) -> None:
    page = await opened(open_page, f"{house.url}/signin")
    await sign_in(page, "nobody", OTHER)
    await page.wait_for_selector(".notice.bad:has-text('No user of this name has this password.')")
    assert await page.evaluate("document.activeElement.name") == "current-password"
    many = {"status": 429, "code": "too_many_tries", "title": "too many", "detail": "too many"}
    await page.route(
        "**/api/v1/session", lambda route: route.fulfill(status=429, json=many, headers={"retry-after": "2"}), times=1
    )
    await page.keyboard.press("Enter")
    await page.wait_for_selector("button[aria-disabled=true]:has-text('Try again in')")
    await page.wait_for_selector("button[aria-disabled=false]:has-text('Sign in')")
    assert await page.inner_text("#say") == "You can try again now."
    await sign_in(page, "ben")
    await page.wait_for_url(f"{house.url}/")


async def test_a_password_is_shown_to_who_asks_and_managers_know_the_fields(open_page: Open, house: House) -> None:
    page = await opened(open_page, f"{house.url}/signin")
    await page.fill("[autocomplete=current-password]", "abc")
    assert await page.get_attribute("[name=username]", "autocomplete") == "username"
    show = page.get_by_role("button", name="Show the password")
    for shown, kind in (("true", "text"), ("false", "password")):
        await show.click()
        assert await show.get_attribute("aria-pressed") == shown
        assert await page.get_attribute("[name=current-password]", "type") == kind


async def test_a_link_lets_in_once_and_then_says_that_it_is_over(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "dora", "viewer", "north")
    link = await asyncio.to_thread(house.link_of, "dora")
    page = await opened(open_page, f"{house.url}/signin#{link}")
    await page.fill("[name=new-password]", OTHER)
    assert await page.input_value("[name=username]") == "dora", "whose it is, and for whom a password is kept"
    assert await page.get_attribute("[name=username]", "readonly") is not None
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{house.url}/")
    await page.wait_for_selector("#account")
    late = await opened(open_page, f"{house.url}/signin#{link}")
    await late.wait_for_selector(".notice.bad:has-text('Ask for a new one')")
    await sign_in(late, "dora", OTHER)
    await late.wait_for_url(f"{house.url}/")


async def test_whoever_is_closed_while_looking_is_out_and_sees_nothing_more(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "eve", "viewer", "north")
    page = await opened(open_page, f"{house.url}/signin")
    await sign_in(page, "eve")
    await page.wait_for_selector("#account")
    await live(page)
    await page.wait_for_selector("#vehicle-list:has-text('v-here')")
    await page.click("#tab-regions")  # a step that "back" could undo
    await asyncio.to_thread(house.do, "PATCH", "/api/v1/users/eve", {"disabled": True})
    await until(lambda: "/signin?next=" in page.url, "out of the map")
    await page.wait_for_load_state()
    assert "v-here" not in await page.inner_text("body")
    await page.go_back()
    await page.wait_for_selector("[name=username]")
    assert "v-here" not in await page.inner_text("body")


@pytest.mark.parametrize("way", ["stream", "polling"])
async def test_whoever_comes_by_a_fallback_is_sent_to_sign_in_as_well(open_page: Open, house: House, way: str) -> None:
    await asyncio.to_thread(house.person, way, "viewer", "north")
    page = await opened(open_page, f"{house.url}/signin")
    page.expected += ["EventSource", "ERR_"]  # type: ignore[attr-defined]
    without = ["WebSocket"] if way == "stream" else ["WebSocket", "EventSource"]
    for name in without:
        await page.add_init_script(
            f"window.{name} = class {{ constructor() {{ setTimeout(() => {{ this.onclose?.({{code: 1006, reason: ''}});"
            " this.onerror?.() }, 5) } send() {} close() {} }"
        )
    await sign_in(page, way)
    await page.wait_for_function(
        f"() => document.querySelector('#pill')?.textContent.includes('{way}')", timeout=within(30)
    )
    await asyncio.to_thread(house.do, "PATCH", f"/api/v1/users/{way}", {"disabled": True})
    await page.wait_for_url("**/signin?next=*", timeout=within(30))


async def test_what_one_may_not_do_is_not_offered(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "fay", "viewer", "north")
    page = await opened(open_page, f"{house.url}/signin?next=/%23tab%3Dregions%26region%3Dhere")
    await sign_in(page, "fay")
    await page.wait_for_selector("#account")
    await live(page)
    await page.wait_for_selector(".detail:not([hidden]):has-text('here')")
    for name in ("Draw a region", "Edit", "Delete"):
        assert not await page.get_by_role("button", name=name).count(), name
    await page.locator("#map").focus()
    await page.keyboard.press("g")
    assert not await page.evaluate(
        "document.querySelector('.region-card') || !document.querySelector('.draw-bar').hidden"
    )


async def test_ones_own_account_shows_where_one_is_signed_in_and_the_way_out(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "gus", "viewer", "north")
    await asyncio.to_thread(house.sign_in, {"name": "gus", "password": GOOD})
    page = await opened(open_page, f"{house.url}/signin")
    await sign_in(page, "gus")
    await page.click("#account")
    await page.wait_for_selector(".sessions .tag:has-text('This browser')")
    assert await page.locator(".sessions .card").count() == 2
    await picture(page, "account")
    assert await violations(page) == []
    await page.locator(".sessions .icon-button").click()
    await page.wait_for_function("() => document.querySelectorAll('.sessions .card').length === 1")
    await page.click("summary:has-text('Change password')")
    await page.fill("[name=current-password]", OTHER)
    await page.fill("[name=new-password]", OTHER)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".notice.bad:has-text('not the current password')")
    await page.fill("[name=current-password]", GOOD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".notice.good:has-text('was changed')")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url(f"{house.url}/signin")
    await sign_in(page, "gus", OTHER)
    await page.wait_for_selector("#account")


@pytest.mark.parametrize("theme, language", [("light", "en-GB"), ("dark", "de-DE")])
async def test_the_sign_in_page_is_for_everybody(
    open_page: Open, house: House, theme: Literal["light", "dark"], language: str
) -> None:
    page = await opened(open_page, f"{house.url}/signin", width=360, height=640, theme=theme, locale=language)
    await sign_in(page, "nobody", OTHER)
    await page.wait_for_selector(".notice.bad:not([hidden])")
    await picture(page, f"signin_{theme}")
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await page.title() == ("Anmelden" if language == "de-DE" else "Sign in")
