"""What the page says is true: about the connection, about age, about motion, and about what it may not know."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Page, WebSocket

from tests.browser.conftest import Open, live, picture, within
from tests.browser.feed import Feed, Running
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NO_WEBSOCKET = "window.WebSocket = class { constructor() { setTimeout(() => this.onclose?.({code: 1006, reason: ''}), 5) } send() {} close() {} }"
PLACE = "map=15/60.1709/24.9435"


async def text(page: Page, selector: str) -> str:
    return " ".join((await page.locator(selector).inner_text()).split())


async def test_a_dropped_socket_comes_back_by_itself_and_says_what_it_caught_up(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    region = next(iter(feed.feed.regions))
    before = len(feed.feed.followed)
    feed.feed.drop()
    await page.wait_for_selector("#pill:not([data-phase=live])")
    await until(lambda: len(feed.feed.followed) > before, "the page follows again")
    assert feed.feed.followed[-1]["resume"] == "c0"
    feed.feed.tell(events=[feed.feed.event("enter", 1, region), feed.feed.event("exit", 1, region)])
    await page.wait_for_selector("#pill[data-phase=live]")
    await page.wait_for_function("() => document.querySelector('#pill').textContent.includes('caught up · 2 events')")
    assert await page.locator(".event").count() == 2


async def test_frames_are_acknowledged_by_the_numbers_of_their_own_connection(open_page: Open, feed: Running) -> None:
    """The server holds back what is not acknowledged: a page that answers with old numbers would starve."""
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    for _ in range(40):
        feed.feed.tell(moved=feed.feed.move())
    await until(lambda: 40 in feed.feed.got, "the last frame is acknowledged")
    before = len(feed.feed.followed)
    feed.feed.drop()
    await until(lambda: len(feed.feed.followed) > before, "the page follows again")
    feed.feed.got.clear()
    for _ in range(3):
        feed.feed.tell(moved=feed.feed.move())
    await until(lambda: 3 in feed.feed.got, "the newest frame is acknowledged")
    assert max(feed.feed.got) == 3
    await page.context.close()


@pytest.mark.parametrize("hindrance", ["reduced motion", "paused", "no frame is painted", "no map"])
async def test_every_frame_is_acknowledged_though_nothing_moves_on_the_screen(
    open_page: Open, feed: Running, hindrance: str
) -> None:
    """The server sends two frames ahead and no more: a word that is dropped stalls the map while the pill says Live."""
    calm = "reduce" if hindrance == "reduced motion" else "no-preference"
    page = await live(await open_page(f"{feed.url}#{PLACE}", reduced_motion=calm))
    if hindrance == "paused":
        await page.locator("#pill").click()
    elif hindrance == "no frame is painted":
        await page.evaluate("window.requestAnimationFrame = () => 1")
    elif hindrance == "no map":
        await page.evaluate("window.fleetPage.map.stage.framing.tell = () => {}")
    for last in (2, 3, 5, 7):  # as the window allows: two at once, then as each is acknowledged
        sent = max(socket["frame"] for socket in feed.feed.sockets)
        for _ in range(last - sent):
            feed.feed.tell(moved=feed.feed.move())
        await until(partial(feed.feed.got.__contains__, last), f"frame {last} is acknowledged")


async def test_a_socket_that_is_open_but_silent_is_given_up(open_page: Open, feed: Running) -> None:
    feed.feed.heartbeat = 2
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.silent = True
    await page.wait_for_selector("#pill[data-phase=waiting], #pill[data-phase=connecting]", timeout=within(12))
    feed.feed.silent = False
    await page.wait_for_selector("#pill[data-phase=live]", timeout=within(15))


async def test_a_restarted_server_with_other_numbers_is_right_without_a_reload(open_page: Open) -> None:
    feed = Feed(10)
    async with Running(feed) as first:
        page = await live(await open_page(f"{first.url}#{PLACE}&vehicle=van-03"))
        page.expected += ["WebSocket", "ERR_CONNECTION", "ERR_EMPTY"]  # type: ignore[attr-defined]
        port = first.port
    await page.wait_for_selector("#pill[data-phase=waiting], #pill[data-phase=offline]")
    await page.wait_for_function("() => document.title.includes('Offline')")
    again = Feed(8, seed=5)
    again.epoch = "e2"
    again.rows.reverse()
    for n, row in enumerate(again.rows, 1):
        row[0] = n
    async with Running(again, port):
        await page.evaluate("dispatchEvent(new Event('online'))")
        await page.wait_for_selector("#pill[data-phase=live]", timeout=within(10))
        await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 8")
        shown = await page.evaluate("[...window.fleetPage.fleet.byId.values()].map(v => [v.n, v.id]).sort()")
        assert shown == sorted([row[0], row[1]] for row in again.rows)
        assert await text(page, ".detail:not([hidden]) h2") == "Van 3"
        await page.context.close()


@pytest.mark.parametrize("sign", ["window: focus", "window: online", "document: visibilitychange", "document: resume"])
async def test_a_socket_that_died_in_the_sleep_is_found_out_at_once(open_page: Open, feed: Running, sign: str) -> None:
    """Long before it has been silent for a heartbeat and a half."""
    feed.feed.heartbeat = 600
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    feed.feed.silent = True
    target, event = sign.split(": ")
    await page.evaluate(f"{target}.dispatchEvent(new Event('{event}'))")
    await page.wait_for_selector("#pill:not([data-phase=live])")
    feed.feed.silent = False
    await page.wait_for_selector("#pill[data-phase=live]")


async def test_a_socket_that_answers_is_kept_when_somebody_looks(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    before = len(feed.feed.followed)
    await page.evaluate("window.dispatchEvent(new Event('focus'))")
    await page.wait_for_function("() => window.fleetPage.connection.probing > 0")
    await page.wait_for_function("() => window.fleetPage.connection.probing === 0")
    assert len(feed.feed.followed) == before
    assert await page.locator("#pill").get_attribute("data-phase") == "live"


async def test_it_is_live_once_the_last_part_of_the_snapshot_is_here(open_page: Open, feed: Running) -> None:
    feed.feed.parts, feed.feed.parts_told = 4, 1
    page = await open_page(f"{feed.url}#{PLACE}")
    await page.wait_for_selector("#pill:has-text('1 of 4')")
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 10")
    feed.feed.tell(moved=feed.feed.move())  # what changes meanwhile does not make it whole
    await page.wait_for_function("() => window.fleetPage.frameToPaint === 1")
    assert await page.locator("#pill").get_attribute("data-phase") == "connecting"
    assert await page.evaluate("window.fleetPage.connection.cursor") is None
    feed.feed.tell_parts()
    await live(page)
    assert await page.evaluate("window.fleetPage.fleet.byId.size") == 40


async def test_enter_before_the_fleet_is_here_opens_what_was_meant_once_it_is(open_page: Open, feed: Running) -> None:
    feed.feed.parts, feed.feed.parts_told = 4, 1
    page = await open_page(f"{feed.url}#{PLACE}")
    await page.wait_for_selector("#pill:has-text('1 of 4')")
    await page.locator("#search").fill("Van 33")
    await page.keyboard.press("Enter")
    assert await page.evaluate("window.fleetPage.state.value.vehicle") is None  # a fleet of 10 has no better answer
    feed.feed.tell_parts()
    await live(page)
    await page.wait_for_selector(".detail:not([hidden]) h2")
    assert await page.evaluate("window.fleetPage.state.value.vehicle") == "van-33"


async def test_a_clock_that_is_set_back_keeps_nobody_fresh(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    await page.clock.install()
    await page.goto(f"{feed.url}#{PLACE}")
    await page.clock.run_for(3000)
    await live(page)
    await page.evaluate("() => { const now = Date.now; Date.now = () => now() - 3 * 3600_000 }")
    feed.feed.silent = True
    await page.clock.run_for(22_000)
    fresh = "[...window.fleetPage.fleet.byId.values()].filter(v => v.state === 1 && !v.stale && !v.offline).length"
    assert await page.evaluate(fresh) == 0


async def test_clocks_that_differ_by_hours_are_told(open_page: Open, feed: Running) -> None:
    feed.feed.now = lambda: int(time.time() * 1000) + 7_200_000  # type: ignore[method-assign]
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.wait_for_selector(".trouble:has-text('2 h ahead of this computer')")


@pytest.mark.parametrize(
    ("refused", "words"), [(False, "does not pass the upgrade on"), (True, "called 127.0.0.1:8000")]
)
async def test_a_proxy_in_the_way_of_websockets_is_told_with_what_it_needs(
    open_page: Open, feed: Running, refused: bool, words: str
) -> None:
    page = await open_page("about:blank")
    page.expected += ["WebSocket", "404", "403"]  # type: ignore[attr-defined]
    await page.add_init_script(NO_WEBSOCKET)
    tiles = {"url": None, "attribution": "", "reachable": False}
    info = {"demo": False, "host": "127.0.0.1:8000", "tiles": tiles}
    await page.route("**/api/v1/page", lambda route: route.fulfill(json=info))
    answer = {"status": 403, "json": {"code": "origin_not_allowed"}} if refused else {"json": {"accepted": 0}}
    await page.route("**/api/v1/positions", lambda route: route.fulfill(**answer))
    await page.goto(f"{feed.url}#{PLACE}")
    trouble = page.locator(".trouble", has_text=words)
    await trouble.wait_for(timeout=within(30))
    assert "proxy_set_header Host $http_host;" in await trouble.inner_text()


async def test_a_server_that_was_long_away_is_met_again_by_websocket(open_page: Open) -> None:
    feed = Feed(5)
    async with Running(feed) as first:
        page = await live(await open_page(f"{first.url}#{PLACE}"))
        page.expected += ["WebSocket", "ERR_CONNECTION", "ERR_EMPTY"]  # type: ignore[attr-defined]
        port = first.port
    await page.wait_for_function("() => window.fleetPage.connection.tries >= 5", timeout=within(30))
    async with Running(feed, port):
        await page.wait_for_selector("#pill[data-phase=live]", timeout=within(10))
        assert await page.evaluate("window.fleetPage.connection.status.by") == "websocket"
        await page.context.close()


async def test_what_happened_while_away_is_listed_raised_and_acknowledged_as_the_store_has_it(
    open_page: Open, feed: Running
) -> None:
    seen = feed.feed.event("enter", 1, "kamppi")
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.wait_for_selector(".event")
    feed.feed.drop()
    seen["ack"] = {"by": "Ines", "at": seen["time"]}
    feed.feed.event("enter", 2, "kamppi")
    await page.wait_for_selector(".event.acked:has-text('ack Ines')")
    await page.wait_for_selector(".event.unread:has-text('Van 2')")
    await page.wait_for_function("() => document.title.startsWith('(1)')")
    assert await page.locator(".event").count() == 2


async def test_where_no_websocket_passes_and_streams_are_cut_the_page_polls_and_says_so(
    open_page: Open, feed: Running
) -> None:
    page = await open_page("about:blank")
    page.expected += ["WebSocket", "404"]  # type: ignore[attr-defined]
    await page.add_init_script(NO_WEBSOCKET)
    stream: dict[str, Any] = feed.feed.snapshot({"all": True})
    welcome = {"op": "welcome", "epoch": "e1", "t0": feed.feed.t0, "now": feed.feed.now(), "heartbeat_s": 20}
    body = "retry: 60000\n\n" + "".join(f"data: {json.dumps(m)}\n\n" for m in (welcome, stream))
    await page.route("**/api/v1/stream*", lambda route: route.fulfill(body=body, content_type="text/event-stream"))
    changes = {"messages": [welcome, stream], "cursor": "c0", "after_ms": 200}
    await page.route("**/api/v1/changes*", lambda route: route.fulfill(json=changes))
    await page.goto(f"{feed.url}#{PLACE}")
    # the stream passes, but is cut each time as soon as it has told the snapshot
    await page.wait_for_function(
        "() => /Live.*polling/.test(document.querySelector('#pill')?.textContent)", timeout=within(30)
    )
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 40")


async def test_everything_turns_grey_by_age_while_nothing_is_heard(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    await page.clock.install()
    await page.goto(f"{feed.url}#{PLACE}")
    await page.clock.run_for(3000)
    await live(page)
    states = "(() => { const c = {}; for (const v of window.fleetPage.fleet.byId.values()) { const s = v.offline ? 'offline' : v.stale ? 'stale' : 'fresh'; if (v.state === 1) c[s] = (c[s] ?? 0) + 1 } return c })()"
    assert (await page.evaluate(states)).get("fresh", 0) > 15
    feed.feed.silent = True
    await page.clock.run_for(7_000)
    assert (await page.evaluate(states)).get("fresh", 0) > 0  # younger than 15 s still
    await page.clock.run_for(15_000)
    assert set(await page.evaluate(states)) == {"stale"}
    await picture(page, "stale")
    await page.clock.fast_forward(600_000)
    await page.clock.run_for(2000)
    assert set(await page.evaluate(states)) == {"offline"}


async def test_a_paused_page_does_not_change_and_counts_what_waits(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    await page.locator("#map").focus()
    await page.keyboard.press("Space")
    await page.wait_for_selector("#pill[data-phase=paused]")
    await page.wait_for_timeout(300)
    clip = {"x": 0, "y": 50, "width": 1440, "height": 850}
    first = await page.screenshot(clip=clip)  # type: ignore[arg-type]
    moved = 0
    for _ in range(5):
        rows = feed.feed.move()
        moved += len(rows)
        feed.feed.tell(moved=rows)
    feed.feed.tell(events=[feed.feed.event("enter", 1, next(iter(feed.feed.regions)))])
    await page.wait_for_function(
        f"() => document.querySelector('#pill').textContent.includes('{moved} waiting · 1 event')"
    )
    assert await page.screenshot(clip=clip) == first  # type: ignore[arg-type]
    await page.keyboard.press("Space")
    await page.wait_for_selector("#pill[data-phase=live]")
    await page.wait_for_selector(".event")
    shown = await page.evaluate("window.fleetPage.fleet.vehicles.get(1).lat")
    assert shown == pytest.approx(feed.feed.rows[0][4] / 1e6)


async def test_reduced_motion_puts_a_marker_at_its_fix_at_once(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}", reduced_motion="reduce"))
    places = """rows => new Promise(done => {
      const seen = new Set(), app = window.fleetPage, slot = app.fleet.vehicles.get(rows[0][0]).slot; let frames = 0;
      const look = () => { seen.add(app.vehicles.atX[slot] + ',' + app.vehicles.atY[slot]); ++frames < 20 ? requestAnimationFrame(look) : done(seen.size) };
      look(); app.receive({op: 'update', moved: rows});
    })"""
    row = next(row for row in feed.feed.rows if row[8] == 1 and row[0] % 13)
    moved = [[row[0], feed.feed.now() - feed.feed.t0, row[4] + 300, row[5] + 300, 90, 45, 1]]
    assert await page.evaluate(places, moved) <= 2


async def test_reduced_motion_takes_no_colour_from_the_map(open_page: Open, feed: Running) -> None:
    """A colour read back in the middle of a transition, however short, is the colour before it."""
    page = await live(await open_page(f"{feed.url}#{PLACE}", reduced_motion="reduce"))
    colours = "import('/static/js/parts/theme.js').then(({palette}) => Object.entries(palette()).flatMap(([name, c]) => [c].flat().map((one, at) => [at ? name + at : name, one])).filter(([, c]) => c.startsWith('rgb')))"
    found = dict(await page.evaluate(colours))
    assert len(found) > 15
    assert len(set(found.values())) > 15, found


async def test_a_marker_never_passes_the_newest_fix(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    row = next(row for row in feed.feed.rows if row[8] == 1 and row[0] % 13)
    feed.feed.tell(moved=[[row[0], feed.feed.now() - feed.feed.t0, row[4] + 500, row[5], 200, 0, 1]])
    furthest = await page.evaluate(
        """n => new Promise(done => {
      const app = window.fleetPage, v = app.fleet.vehicles.get(n), seen = [], began = performance.now();
      const look = now => { seen.push(app.fleet.motion.y(v.slot, now)); now - began < 1600 ? requestAnimationFrame(look) : done([Math.min(...seen), app.fleet.motion.toY[v.slot], seen.at(-1)]) };
      requestAnimationFrame(look);
    })""",
        row[0],
    )
    assert furthest[0] >= furthest[1] and furthest[2] == furthest[1]


async def test_a_page_that_follows_one_region_is_sent_no_other_vehicle(open_page: Open, feed: Running) -> None:
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: frames.append(str(data)))

    page = await open_page("about:blank")
    page.on("websocket", listen)
    await page.goto(f"{feed.url}#{PLACE}&follow=kamppi")
    await live(page)
    other = await live(await open_page(f"{feed.url}#{PLACE}"))
    members = set(feed.feed.members["kamppi"])
    for _ in range(5):
        feed.feed.tell(moved=feed.feed.move())
    await other.wait_for_function("() => window.fleetPage.frameToPaint >= 5")
    await page.wait_for_function("() => window.fleetPage.frameToPaint >= 5")
    assert await other.evaluate("window.fleetPage.fleet.byId.size") == 40
    assert set(await page.evaluate("[...window.fleetPage.fleet.vehicles.keys()]")) == members
    told = {row[0] for frame in frames if '"update"' in frame for row in json.loads(frame).get("moved", [])}
    assert told and told <= members
    await page.get_by_role("tab", name="Regions").click()
    await page.get_by_role("button", name="Everything", exact=True).click()
    await page.wait_for_function("() => window.fleetPage.fleet.byId.size === 40")


async def test_a_vehicle_that_goes_is_not_pointed_at_and_one_that_comes_late_is(open_page: Open, feed: Running) -> None:
    late = feed.feed.rows.pop()
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle={late[1]}"))
    page.expected += ["404"]  # type: ignore[attr-defined]
    assert await page.evaluate("window.fleetPage.overlay.selected") is None
    feed.feed.rows.append(late)
    feed.feed.tell(new=[late])
    await page.wait_for_function(f"() => window.fleetPage.overlay.selected?.id === '{late[1]}'")
    await page.wait_for_selector(f".detail:not([hidden]) .pairs:has-text('{late[1]}')")
    feed.feed.tell(left=[[late[0], "removed"]])
    await page.wait_for_function("() => window.fleetPage.overlay.selected === null")


async def test_the_panel_of_a_vehicle_that_leaves_a_region_and_comes_back_goes_on(
    open_page: Open, feed: Running
) -> None:
    feed.feed.members = {"depot": [12]}
    page = await live(await open_page(f"{feed.url}#{PLACE}&vehicle=van-12"))
    regions = page.locator(".detail:not([hidden]) .line-list").first
    for change, words in (
        ({}, "Depot"),
        ({"out": [["depot", [12]]]}, "In no region"),
        ({"in": [["depot", [12]]]}, "Depot"),
    ):
        feed.feed.members["depot"] = [] if "out" in change else [12]
        feed.feed.tell(**change)
        await regions.filter(has_text=words).wait_for()


async def test_five_states_differ_for_every_eye_and_without_colour(open_page: Open, feed: Running) -> None:
    page = await live(await open_page(f"{feed.url}#{PLACE}"))
    for theme in ("light", "dark"):
        found = await page.evaluate(COLOURS, theme)
        assert found["least"] >= 15, found
        assert found["overlap"] <= 0.8, found


COLOURS = """async theme => {
  const [{drawGlyph}, {setTheme}] = await Promise.all([import('/static/js/map/sprites.js'), import('/static/js/parts/theme.js')]);
  setTheme(theme);
  const shapes = [['arrow', false], ['idle', false], ['parked', false], ['arrow', true], ['offline', false]], size = 60;
  const shots = shapes.map(([shape, stale]) => {
    const c = new OffscreenCanvas(size, size), x = c.getContext('2d');
    x.translate(30, 30); x.scale(2.6, 2.6); drawGlyph(x, shape, stale, 0);
    return x.getImageData(0, 0, size, size).data;
  });
  // Machado 2009, severity 1, on linear RGB
  const eyes = {normal: [1,0,0,0,1,0,0,0,1], protan: [.152286,1.052583,-.204868,.114503,.786281,.099216,-.003882,-.048116,1.051998],
    deutan: [.367322,.860646,-.227968,.280085,.672501,.047413,-.01182,.04294,.968881], tritan: [1.255528,-.076749,-.178779,-.078411,.930809,.147602,.004733,.691367,.3039]};
  const lin = v => (v /= 255, v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  const lab = (rgb, m) => {
    const [r, g, b] = rgb.map(lin), s = [0, 3, 6].map(i => Math.min(1, Math.max(0, m[i] * r + m[i + 1] * g + m[i + 2] * b)));
    const f = t => t > .008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
    const x = f((.4124 * s[0] + .3576 * s[1] + .1805 * s[2]) / .95047), y = f(.2126 * s[0] + .7152 * s[1] + .0722 * s[2]), z = f((.0193 * s[0] + .1192 * s[1] + .9505 * s[2]) / 1.08883);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const probe = document.createElement('i'); document.body.append(probe);
  const colors = ['moving', 'idle', 'parked', 'stale'].map(n => { probe.style.color = `var(--state-${n})`; return getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number) });
  probe.remove();
  let least = 1e9;
  for (const m of Object.values(eyes)) { const l = colors.map(c => lab(c, m)); for (let i = 0; i < l.length; i++) for (let j = i + 1; j < l.length; j++) least = Math.min(least, Math.hypot(...l[i].map((v, k) => v - l[j][k]))); }
  // The inked part of each glyph in grey: two states may share at most 80 % of it.
  const ink = shots.map(d => { const on = new Set(); for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 128) { const grey = .3 * d[i] + .59 * d[i + 1] + .11 * d[i + 2]; on.add((i / 4) + (grey > 128 ? 1e6 : 0)) } return on });
  let overlap = 0;
  for (let i = 0; i < ink.length; i++) for (let j = i + 1; j < ink.length; j++) { let both = 0; for (const p of ink[i]) if (ink[j].has(p)) both++; overlap = Math.max(overlap, both / (ink[i].size + ink[j].size - both)) }
  setTheme('system');
  return {least, overlap};
}"""


SOUND = """(() => {
  const made = window.made = [];
  window.AudioContext = class {
    constructor() { this.state = 'suspended'; this.currentTime = 0; this.tones = 0; made.push(this) }
    resume() { if (window.mayResume) { this.state = 'running'; this.onstatechange?.() } return Promise.resolve() }
    createOscillator() { this.tones++; const node = {frequency: {}, connect: () => node, start() {}, stop() {}}; return node }
    createGain() { const node = {gain: {setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {}}, connect: () => node}; return node }
  };
})()"""


async def test_a_suspended_sound_is_woken_or_the_button_says_that_it_is_silent(open_page: Open, feed: Running) -> None:
    page = await open_page("about:blank")
    await page.add_init_script(SOUND)
    await page.goto(f"{feed.url}#{PLACE}")
    await live(page)
    button = page.get_by_role("button", name="silent until you click or press a key")
    await button.wait_for()
    await page.keyboard.press("Shift")
    await page.wait_for_function("() => window.made.length === 1")
    feed.feed.tell(events=[feed.feed.event("alarm", 1, None)])
    await page.wait_for_selector(".event")
    await button.wait_for()
    await page.evaluate("window.mayResume = true")
    feed.feed.tell(events=[feed.feed.event("alarm", 2, None)])
    await page.wait_for_function("() => window.made.at(-1).tones === 2")
    await page.get_by_role("button", name="Sound for urgent events: on").wait_for()


@pytest.mark.parametrize(("notification", "why"), [
    ("class { static permission = 'granted'; constructor() { throw new TypeError('Illegal constructor') } }", "Illegal constructor"),
    ("class { static permission = 'denied' }", "forbid them now"),
    ("undefined", "has none for this page"),
])  # fmt: skip
async def test_notifications_that_cannot_be_shown_are_switched_off_with_the_reason(
    open_page: Open, feed: Running, notification: str, why: str
) -> None:
    page = await open_page("about:blank")
    await page.add_init_script(
        f"window.Notification = {notification}; localStorage.setItem('tracker.preferences', '{{\"notify\":true}}');"
        "Object.defineProperty(document, 'visibilityState', {get: () => window.away ? 'hidden' : 'visible'})"
    )
    await page.goto(f"{feed.url}#{PLACE}")
    await live(page)
    await page.evaluate("window.away = true")
    feed.feed.tell(events=[feed.feed.event("alarm", 1, None)])
    await page.wait_for_selector(f".toast:has-text('{why}')")
    assert await page.evaluate("window.fleetPage.preferences.value.notify") is False
