"""The page of people, groups, tokens and the record: the real server and the real page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Open, picture, violations
from tests.support.house import GOOD, OTHER, House
from tests.support.servers import circle, now

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTS = ("users", "groups", "tokens", "quarantine", "own", "kept", "import", "record")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    started = House(tmp_path_factory.mktemp("house") / "data")
    started.settings["unknown_vehicles"] = "quarantine"
    started.start()
    for known in ("v-here", "v-there"):
        started.send("PUT", f"/api/v1/vehicles/{known}", {})
    yield started.furnish()
    started.stop()


async def as_(open_page: Open, house: House, cookie: str, path: str = "people", **how: Any) -> Page:
    page = await open_page("about:blank", **how)
    page.expected += ["404", "409", "422"]  # type: ignore[attr-defined]
    name, _, value = cookie.partition("=")
    await page.context.add_cookies([{"name": name, "value": value, "url": house.url}])
    await page.goto(f"{house.url}/{path}")
    return page


def card(page: Page, words: str) -> Any:
    return page.locator("button.card", has_text=words)


async def adding(page: Page, button: str, name: str) -> None:
    """The form is open and has its name; the focus is still there."""
    await page.get_by_role("button", name=button).click()
    await page.wait_for_selector("dialog [name=name]:focus")
    await page.keyboard.type(name)


async def test_a_person_is_added_and_comes_in_by_the_link_that_is_shown(open_page: Open, house: House) -> None:
    page = await as_(open_page, house, house.cookie)
    await adding(page, "Add a person", "hal")
    await page.select_option("[name=role]", "viewer")
    await page.get_by_label("north").check()
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h2:has-text('Link for hal')")
    link = await page.inner_text("dialog code")
    assert link.startswith(f"{house.url}/signin#trk_")
    await page.get_by_role("button", name="Done").click()
    assert await page.evaluate("document.activeElement.dataset.key") == "hal"
    assert "No password yet" in await card(page, "hal").inner_text()
    guest = await open_page(link)
    guest.expected += ["401"]  # type: ignore[attr-defined]
    await guest.fill("[name=new-password]", OTHER)
    await guest.keyboard.press("Enter")
    await guest.wait_for_selector("#account")
    await page.reload()
    assert "No password yet" not in await card(page, "hal").inner_text()


async def test_the_last_administrator_cannot_go_and_is_told_why(open_page: Open, house: House) -> None:
    page = await as_(open_page, house, house.cookie)
    await card(page, "ada").click()
    await page.select_option("[name=role]", "viewer")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector("dialog .notice.bad:has-text('only administrator')")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.activeElement.dataset.key") == "ada"


async def test_a_person_is_closed_and_removed(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "ivy", "viewer", "north")
    page = await as_(open_page, house, house.cookie)
    await card(page, "ivy").click()
    await page.check("[name=disabled]")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector(".card:has-text('ivy') .tag:has-text('Closed')")
    await card(page, "ivy").click()
    await page.get_by_role("button", name="Remove").click()
    await page.locator("dialog").last.get_by_role("button", name="Cancel").click()
    await page.locator("dialog").get_by_role("button", name="Remove").click()
    await page.locator("dialog").last.get_by_role("button", name="Remove").click()
    await page.wait_for_selector(".notice.good:has-text('ivy was removed')")
    assert await card(page, "ivy").count() == 0


async def test_a_group_says_what_it_sees_and_may(open_page: Open, house: House) -> None:
    page = await as_(open_page, house, house.cookie, "people#groups")
    await adding(page, "Add a group", "south")
    regions = page.locator("fieldset", has=page.locator("legend:text-is('Groups of regions')"))
    await regions.get_by_label("quarries").check()
    await regions.get_by_label("Others").fill("harbours, piers")
    vehicles = page.locator("fieldset", has=page.locator("legend:text-is('Groups of vehicles')"))
    await vehicles.get_by_label("Everything").uncheck()
    await vehicles.get_by_label("Others").fill("barges")
    await page.get_by_label("Show places only to").fill("500")
    await page.get_by_label("Acknowledge alerts").check()
    await page.keyboard.press("Enter")
    made = page.locator(".card:has-text('Sees: quarries, harbours, piers')")
    await made.wait_for()
    assert "Vehicles: barges" in await made.inner_text()
    assert "Places to 500 m" in await made.inner_text()
    asked = await asyncio.to_thread(house.get, "/api/v1/groups/south", cookie=house.cookie)
    assert asked.json() == {
        "name": "south", "regions": ["quarries", "harbours", "piers"], "vehicles": ["barges"],
        "may": ["watch", "acknowledge"], "coarse_m": 500, "version": 1,
    }  # fmt: skip
    await made.click()
    await page.get_by_label("Show places only to").fill("")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_selector(".notice.good:has-text('south was saved')")
    asked = await asyncio.to_thread(house.get, "/api/v1/groups/south", cookie=house.cookie)
    assert "coarse_m" not in asked.json()
    await card(page, "north").click()
    await page.get_by_role("button", name="Remove").click()
    await page.locator("dialog").last.get_by_role("button", name="Remove").click()
    await page.wait_for_selector("dialog .notice.bad:has-text('take everybody out')")


async def test_a_token_is_shown_once_sends_is_rotated_and_revoked(open_page: Open, house: House) -> None:
    page = await as_(open_page, house, house.cookie, "people#tokens")
    await adding(page, "Add a token", "Courier phones")
    await page.fill("[name=vehicles]", "van-*, truck-7")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h2:has-text('Courier phones')")
    token = await page.locator("dialog code").first.inner_text()
    await picture(page, "token_once")
    await page.get_by_role("button", name="Done").click()
    await page.wait_for_selector("dialog", state="detached")
    assert token not in await page.content()
    fix = {"vehicle": "van-1", "time": now(), "lat": 1, "lon": 2}
    sent = await asyncio.to_thread(house.post, "/api/v1/positions", fix, authorization=f"Bearer {token}")
    assert sent.status == 200
    await page.reload()
    assert "Used" in await card(page, "Courier phones").inner_text()
    await card(page, "van-*, truck-7").click()
    await page.select_option("dialog select", "0")
    await page.get_by_role("button", name="Make a new one").click()
    await page.wait_for_selector("dialog code")
    fresh = await page.locator("dialog code").first.inner_text()
    await page.get_by_role("button", name="Done").click()
    for secret, status in ((token, 401), (fresh, 200)):
        sent = await asyncio.to_thread(house.post, "/api/v1/positions", fix, authorization=f"Bearer {secret}")
        assert sent.status == status
    newest = await page.evaluate("document.activeElement.dataset.key")
    await page.click(f"[data-key='{newest}']")
    await page.get_by_role("button", name="Revoke").click()
    await page.locator("dialog").last.get_by_role("button", name="Revoke").click()
    await page.wait_for_selector(".notice.good:has-text('was revoked')")
    sent = await asyncio.to_thread(house.post, "/api/v1/positions", fix, authorization=f"Bearer {fresh}")
    assert sent.status == 401


async def test_a_vehicle_nobody_knows_is_let_in_or_turned_away_and_forgotten(open_page: Open, house: House) -> None:
    fixes = [{"vehicle": name, "time": now(-5), "lat": 60.0, "lon": 25.0} for name in ("new van-1", "bad")]
    await asyncio.to_thread(house.do, "POST", "/api/v1/positions", fixes)
    page = await as_(open_page, house, house.cookie, "")
    await page.wait_for_selector("[data-trouble=waiting]:has-text('vehicles nobody knows')")
    await page.click("[data-trouble=waiting] button:has-text('Look')")
    await card(page, "new van-1").click()
    assert await page.locator("dialog a[href*='map=16/60/25']").count() == 1
    await page.fill("dialog [name=name]", "Newcomer")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".notice.good:has-text('new van-1 is on the map')")
    told = (await asyncio.to_thread(house.get, "/api/v1/vehicles/new%20van-1", cookie=house.cookie)).json()
    assert (told["name"], told["position"]["lat"]) == ("Newcomer", 60.0)
    await card(page, "bad").click()
    await page.get_by_role("button", name="Turn away").click()
    await page.locator("dialog", has_text="Turn bad away?").get_by_role("button", name="Turn away").click()
    await page.wait_for_selector(".notice.good:has-text('bad is refused from now on')")
    await page.locator("button.card", has_text="Turned away").click()
    await page.get_by_role("button", name="Forget").click()
    await page.wait_for_selector(".notice.good:has-text('bad is forgotten')")
    ben = await as_(open_page, house, await asyncio.to_thread(house.sign_in, {"name": "ben", "password": GOOD}))
    await ben.wait_for_selector("#ways a")
    assert await ben.locator("#ways a:has-text('New vehicles')").count() == 0


async def test_the_record_says_who_changed_what_from_what_to_what(open_page: Open, house: House) -> None:
    await asyncio.to_thread(house.person, "joe", "viewer", "north")
    await asyncio.to_thread(house.do, "PATCH", "/api/v1/users/joe", {"role": "dispatcher"})
    page = await as_(open_page, house, house.cookie, "people#record")
    await page.select_option("label:has-text('What') select", "user.change")
    entry = page.locator(".card", has_text="Changed the person joe")
    await entry.locator("summary").click()
    assert await entry.locator("dl").inner_text() == "Role\nviewer → dispatcher"
    assert "ada · " in await entry.inner_text()
    await page.select_option("label:has-text('What') select", "region.save")
    await page.wait_for_selector(".card b:text-is('Saved the region here')")
    await page.fill("[type=search]", "nobody")
    await page.wait_for_selector(".empty:has-text('Nothing of this kind')")


async def test_who_does_not_administer_has_own_tokens_only(open_page: Open, house: House) -> None:
    ben = await asyncio.to_thread(house.sign_in, {"name": "ben", "password": GOOD})
    page = await as_(open_page, house, ben, "people#users")
    await page.wait_for_selector(".empty:has-text('No token yet')")
    assert await page.locator("#ways a").all_inner_texts() == ["My tokens"]
    await adding(page, "Add a token", "report")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("dialog code")
    token = await page.inner_text("dialog code")
    told = await asyncio.to_thread(house.get, "/api/v1/vehicles", authorization=f"Bearer {token}")
    seen = {one["vehicle"] for one in told.json()["vehicles"]}
    assert "v-here" in seen and "v-there" not in seen


async def test_loading_refused_and_away_are_said_and_can_be_tried_again(open_page: Open, house: House) -> None:
    page = await as_(open_page, house, house.cookie)
    page.expected += ["ERR_", "503"]  # type: ignore[attr-defined]
    await page.wait_for_selector("button.card")
    answers: list[str] = []

    async def badly(route: Any) -> None:
        answers.append(route.request.url)
        if len(answers) == 1:
            await page.wait_for_selector(".empty:has-text('Loading…')")
            await route.abort()
        elif len(answers) == 2:
            fault = {"status": 404, "code": "may_not", "title": "not found", "detail": "you may not administer"}
            await route.fulfill(status=404, json=fault)
        else:
            await route.continue_()

    await page.route("**/api/v1/groups?*", badly)
    await page.click("#ways a:has-text('Groups')")
    await page.wait_for_selector(".notice.bad:has-text('This could not be loaded')")
    await page.get_by_role("button", name="Try again").click()
    await page.wait_for_selector(".notice.bad:has-text('you may not administer')")
    await page.get_by_role("button", name="Try again").click()
    await page.wait_for_selector(".card:has-text('north')")
    assert await page.locator(".notice.bad").count() == 0


STORE = {
    "days": [
        {"day": f"2026-{month:02d}-{day:02d}", "kept": 0 if month < 9 else 70_000, "thinned": 7_000 if month == 8 else 0,
         "gone": 63_000 if month < 9 else 0, "bytes": 290_000 if month > 7 else 0}
        for month in (7, 8, 9) for day in range(1, 13)
    ],
    "kept": 924_000, "waiting": 5200, "bytes": 5_800_000, "file_bytes": 12_345_678, "free_bytes": 3_400_000_000,
    "retention": {
        "rules": ["*:30/365", "trucks:14"], "due": 1250, "due_gone": 250, "begins_at": "2026-09-13T10:00:00.000Z",
        "groups": [{"group": "*", "whole_days": 30, "thinned_days": 365},
                   {"group": "trucks", "whole_days": 14, "thinned_days": 14}],
        "next": {"at": "2026-10-02T00:00:00.000Z", "thinned": 70_000, "gone": 0},
    },
}  # fmt: skip


@pytest.mark.parametrize("theme, language, width", [("light", "en-GB", 1440), ("dark", "de-DE", 360)])
async def test_what_is_kept_is_shown_compacted_and_given_up(
    open_page: Open, house: House, theme: Literal["light", "dark"], language: str, width: int
) -> None:
    page = await as_(open_page, house, house.cookie, "people#own", width=width, theme=theme, locale=language)
    await page.locator("#ways [aria-current]").wait_for()  # else it may look twice at what comes next
    page.expected += ["ERR_", "503"]  # type: ignore[attr-defined]
    german = language == "de-DE"
    work: dict[str, Any] = {"state": "none", "progress": 0, "ended_at": None, "error": None}
    heard: list[str] = []
    goes_on = asyncio.Event()

    async def store(route: Any) -> None:
        heard.append(f"{route.request.method} {route.request.url.partition('/store')[2]}")
        method, is_work = route.request.method, "compaction" in route.request.url
        if len(heard) < 3:  # both questions of the first look
            await page.wait_for_selector(".listing .empty[role=status]")
            await route.abort()
            return
        if method == "POST":
            work.update(state="working", progress=0.25)
        elif method == "DELETE":
            work.update(state="given_up", ended_at="2026-09-12T10:00:00.000Z")
            goes_on.set()
        elif "wait_s" in route.request.url:
            await goes_on.wait()
        await route.fulfill(json=work if is_work else STORE)

    await page.route("**/api/v1/store**", store)
    await page.goto(f"{house.url}/people#kept")
    await page.locator(".notice.bad").wait_for()
    await page.keyboard.press("Tab")
    await page.locator(".state button").click()
    await page.wait_for_selector(".facts")
    rows = page.locator(".days tbody tr")
    assert await rows.count() == 31
    said = " ".join((await page.inner_text("#list")).split())
    if not german:
        for words in ("929,200", "12 MB", "3.4 GB", "5,200", "rules touch 1,250 positions", "250 of them are deleted for good",
                      "tracker backup", "All others whole for 30 days, thinned until day 365, then deleted",
                      "trucks whole for 14 days, then deleted", "70,000 positions are thinned."):  # fmt: skip
            assert words in said, words
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await violations(page) == []
    await picture(page, f"kept_{width}")
    await page.locator(".kept > button").click()
    assert await rows.count() == 36
    assert "63" in await rows.last.inner_text()
    await page.locator(".work .primary").click()
    await page.wait_for_selector(".work progress:not([hidden])")
    assert await page.evaluate("document.querySelector('.work progress').value") == 0.25
    assert await violations(page) == []
    await page.wait_for_selector(".work button:not([hidden]):focus")  # by keyboard it is given up as it was begun
    await page.keyboard.press("Enter")
    await page.wait_for_selector(f".work:has-text('{'Abgebrochen' if german else 'Given up'}')")
    assert [one for one in heard if one[0] != "G"] == ["POST /compaction", "DELETE /compaction"]
    assert await page.locator(".work progress").is_hidden()


RECORDED = "vehicle,time,lat,lon\n" + "".join(
    f"v-here,2026-09-01T10:00:{n:02d}Z,{60 + n * 1e-5:.5f},25\n" for n in range(60)
)
AREA: dict[str, Any] = circle(59, 20, 200, name="Imported") | {"id": "imported"}


def file(name: str, content: str) -> Any:
    return {"name": name, "mimeType": "text/plain", "buffer": content.encode()}


@pytest.mark.parametrize("theme, language, width", [("light", "en-GB", 1440), ("dark", "de-DE", 360)])
async def test_a_file_is_imported_refused_as_a_whole_or_given_up(
    open_page: Open, house: House, theme: Literal["light", "dark"], language: str, width: int
) -> None:
    """With one page: positions, a file that is none, regions all or nothing, and a cancel while it is taken."""
    page = await as_(open_page, house, house.cookie, "people#import", width=width, theme=theme, locale=language)
    page.expected += ["ERR_"]  # type: ignore[attr-defined]
    english = language == "en-GB"
    result = page.locator(".result .notice")

    async def send(name: str, content: str, kind: str = "positions") -> str:
        await page.set_input_files(".drop input", file(name, content))
        await page.check(f"[value={kind}]")
        await page.locator("form .primary").click()
        await result.wait_for()
        return " ".join((await page.inner_text(".result")).split())

    told = await send("monday.csv", RECORDED + "v-here,2026-09-01T11:00:00Z,91,25\n")
    assert "monday.csv" in told and "CSV: 61" in told and "monday.csv line 62" in told
    if english:
        assert ("Taken 60" in told or "Known before 60" in told) and "Refused 1" in told
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    assert await violations(page) == []
    await picture(page, f"import_{width}")
    told = await send("tale.txt", "once upon a time")
    assert await result.get_attribute("class") == "notice bad" and "tale.txt" in told
    bad = {"type": "FeatureCollection", "features": [AREA, AREA | {"id": "wrong", "geometry": None}]}
    told = await send("areas.geojson", json.dumps(bad), "regions")
    assert await result.get_attribute("class") == "notice bad" and "Feature 2" in told
    assert ("Nothing of it was stored." if english else "Nichts davon wurde gespeichert.") in told
    found = await asyncio.to_thread(house.get, "/api/v1/regions/imported", cookie=house.cookie)
    assert found.status == (404 if english else 200), "the second time it is there"
    told = await send("areas.geojson", json.dumps(AREA), "regions")
    assert told.startswith("1 region was created." if english else "1 Gebiet wurde ersetzt.")

    work: dict[str, Any] = {
        "state": "working", "progress": 0.4, "ended_at": None, "error": None, "name": "slow.csv", "files": [],
        "items": 5000, "positions": 5000, "accepted": 2000, "late": 2000, "held": 0, "duplicates": 0, "conflicts": 0,
        "rejected": 0, "errors": [], "skipped": [],
    }  # fmt: skip
    goes_on, asked = asyncio.Event(), []

    async def slowly(route: Any) -> None:
        asked.append(route.request.method)
        if route.request.method == "DELETE":
            work.update(state="given_up", ended_at="2026-09-12T10:00:00.000Z")
            goes_on.set()
        elif len(asked) > 2:
            await goes_on.wait()
        await route.fulfill(json=work)

    await page.route("**/api/v1/store/import**", slowly)
    await page.set_input_files(".drop input", file("slow.csv", RECORDED))
    await page.check("[value=positions]")
    await page.focus("form .primary")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(f".listing:has-text('{'2,000 of 5,000' if english else '2.000 von 5.000'}')")
    assert await violations(page) == []
    await picture(page, f"importing_{width}")
    await page.wait_for_selector(".listing button:focus")
    await page.keyboard.press("Enter")  # the focus is on what gives it up
    await page.wait_for_selector(".result .notice.warn:has-text('slow.csv')")
    assert asked[0] == "POST" and "DELETE" in asked
    assert await page.evaluate("document.activeElement.type") == "file"


@pytest.mark.parametrize("path", ["people", "connect"])
async def test_a_server_that_does_not_say_who_reads_is_not_said_to_be_open_to_all(
    open_page: Open, house: House, path: str
) -> None:
    page = await as_(open_page, house, house.cookie, "signin")
    page.expected += ["503"]  # type: ignore[attr-defined]
    busy = {"status": 503, "code": "busy", "title": "busy", "detail": "busy"}
    await page.route("**/api/v1/session", lambda route: route.fulfill(status=503, json=busy))
    await page.goto(f"{house.url}/{path}")
    await page.wait_for_selector(".notice.bad:has-text('The server cannot be reached.')")
    assert await page.locator(".notice").count() == 1
    await page.unroute("**/api/v1/session")
    await page.wait_for_selector(".card, .apps")  # by itself


async def test_a_long_list_comes_in_pages(open_page: Open, house: House) -> None:
    ada = await as_(open_page, house, house.cookie, "people#record")
    await ada.wait_for_selector(".card")
    told = await asyncio.to_thread(house.get, "/api/v1/audit?limit=2", cookie=house.cookie)
    await ada.route(
        "**/api/v1/audit?*",
        lambda route: route.fulfill(json=told.json()) if "cursor" not in route.request.url else route.continue_(),
    )
    await ada.reload()
    await ada.get_by_role("button", name="Show more").click()
    await ada.wait_for_function("() => document.querySelectorAll('.card').length > 2")
    assert await ada.get_by_role("button", name="Show more").count() == 0


@pytest.mark.parametrize("theme, language, width", [("light", "en-GB", 1440), ("dark", "de-DE", 360)])
async def test_the_page_is_for_everybody(
    open_page: Open, house: House, theme: Literal["light", "dark"], language: str, width: int
) -> None:
    await asyncio.to_thread(
        house.do, "POST", "/api/v1/users",
        {"name": "Carolina Maria von und zu Langenfeld-Hohenstein", "role": "viewer", "groups": ["north"]},
    )  # fmt: skip
    page = await as_(open_page, house, house.cookie, width=width, theme=theme, locale=language)
    for name in LISTS:
        await page.goto(f"{house.url}/people#{name}")
        await page.wait_for_selector(".card, .empty strong, .drop")
        await picture(page, f"people_{name}_{width}")
        assert await violations(page) == [], name
        assert await page.evaluate("document.documentElement.scrollWidth") == width, name
        adds = page.locator(".desk-head button")
        if await adds.count():
            await adds.click()
            await page.wait_for_selector("dialog[open]")
            await picture(page, f"people_{name}_add_{width}")
            assert await violations(page) == [], name
            await page.keyboard.press("Escape")
            assert await page.evaluate("document.activeElement.closest('.desk-head') !== null")
    await asyncio.to_thread(
        house.do, "DELETE", "/api/v1/users/Carolina%20Maria%20von%20und%20zu%20Langenfeld-Hohenstein", None
    )
