"""Names that are markup: whatever a device or a dispatcher can set is text wherever it is shown, in both languages.

The page must not even try to run it: a policy that had to stop something is a complaint, and fails the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, live
from tests.support.house import GOOD, House
from tests.support.servers import circle, now

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVIL = "<img src=x onerror=hacked=1>"
NAMES = {word: f"{word}{EVIL}" for word in ("van", "plate", "driver", "alarm", "yard")}
USER = f"zoe{EVIL}"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("names") / "data")
    started.start()
    yield started.furnish()
    started.stop()


def furnish(house: House) -> None:
    """Every text that somebody can set is markup."""
    entry = {"name": NAMES["van"], "plate": NAMES["plate"], "kind": EVIL, "group": EVIL, "attributes": {EVIL: EVIL}}
    house.do("PUT", "/api/v1/vehicles/v-here", entry)
    region = circle(60.0, 25, 300, name=NAMES["yard"], group=EVIL, attributes={EVIL: EVIL}, color="#aa0000")
    house.do("PUT", "/api/v1/regions/here", region)
    fix = {"vehicle": "v-here", "time": now(), "lat": 60.0, "lon": 25, "accuracy_m": 5, "attributes": {EVIL: EVIL}}
    house.do("POST", "/api/v1/positions", fix | {"driver": NAMES["driver"], "alarm": NAMES["alarm"]})
    house.do("POST", "/api/v1/groups", {"name": EVIL, "regions": [EVIL], "may": ["watch"]})
    house.do("POST", "/api/v1/users", {"name": USER, "role": "dispatcher", "groups": [EVIL], "password": GOOD})
    house.do("POST", "/api/v1/tokens", {"name": EVIL, "vehicles": [EVIL, "*"], "groups": [EVIL]})
    house.do("POST", "/api/v1/users/ada/tokens", {"name": EVIL})


async def signed_in(open_page: Open, house: House, locale: str) -> Page:
    page = await open_page("about:blank", locale=locale)
    name, _, value = house.cookie.partition("=")
    await page.context.add_cookies([{"name": name, "value": value, "url": house.url}])
    return page


async def clean(page: Page, where: str) -> None:
    made = await page.evaluate(
        "[typeof hacked, document.querySelectorAll('img[src=\"x\"], script:not([src]):not([data-x])').length]"
    )
    scripts = 1 if where == "map" else 0  # the one line that the policy names
    assert made == ["undefined", scripts], where


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
async def test_whatever_can_be_set_is_shown_as_text_everywhere(open_page: Open, house: House, locale: str) -> None:
    await asyncio.to_thread(furnish, house) if locale == "en-GB" else None
    page = await signed_in(open_page, house, locale)
    await page.goto(f"{house.url}/#vehicle=v-here")
    await live(page)
    await page.wait_for_function("() => document.body.innerText.includes('van<img src=x')")
    await page.wait_for_function("() => document.body.innerText.includes('plate<img src=x')")
    for tab in ("vehicles", "regions", "events"):
        await page.goto(f"{house.url}/#tab={tab}&vehicle=v-here")
        await page.wait_for_function("() => document.body.innerText.includes('<img src=x')")
        await clean(page, "map")
    await page.goto(f"{house.url}/#tab=regions&region=here")
    await page.wait_for_function("() => document.body.innerText.includes('yard<img src=x')")
    await clean(page, "map")
    for tab in ("users", "groups", "tokens", "own", "record"):
        await page.goto(f"{house.url}/people#{tab}")
        await page.wait_for_function("() => document.body.innerText.includes('<img src=x')")
        await clean(page, tab)
