"""The hunt in a browser: real pages of people whose grants change, against a real server, while the fleet moves.

Every frame, every answer of the API, all that a page says or is called by, what it keeps in the browser and its address
are searched. What was taken away may stay nowhere; of what only went away a page may still know what it was called.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, Page, Response, WebSocket

from tests.leaks.marks import Mark, found_in
from tests.leaks.walk import Walk
from tests.leaks.world import Group, Person
from tests.support.waiting import deadline, until
from tracker.config import Settings
from tracker.web.app import create_app
from tracker.web.server.serving import serve

WATCHED = 2  #: people who have a page open; the second sees some groups of vehicles only
#: all that is read or called by somebody; styles are searched for colours only
SAYS = """() => {
  const said = [location.href.replace(/map=[^&"]*/, ''), JSON.stringify(localStorage), JSON.stringify(sessionStorage)];
  for (const one of document.querySelectorAll('*')) {
    if (['SCRIPT', 'STYLE'].includes(one.tagName)) continue;
    for (const { name, value } of one.attributes) {
      if (name === 'style') said.push(...(value.match(/#[0-9a-f]{6}/gi) ?? []));
      else if (!['d', 'viewBox', 'points', 'transform', 'content'].includes(name)) said.push(value);
    }
    if ('value' in one && one.tagName !== 'LI') said.push(String(one.value));
    for (const node of one.childNodes) if (node.nodeType === 3) said.push(node.data);
  }
  return said.join('\\n');
}"""
#: what somebody does at their page, with a thing they see; each `n` is drawn
DOES = """(drawn) => drawn.forEach((n) => {
  const app = window.fleetPage;
  if (!app?.fleet?.ready) return;
  const [vehicles, regions] = [[...app.fleet.byId.keys()], [...app.fleet.regions.keys()]];
  const vehicle = vehicles[n % Math.max(1, vehicles.length)], region = regions[n % Math.max(1, regions.length)];
  const events = [...document.querySelectorAll('.event [aria-expanded]')];
  [
    () => vehicle && app.select(vehicle, { open: true, reveal: true }),
    () => region && app.state.set({ region, tab: 'regions' }),
    () => vehicle && app.state.set({ about: `vehicle:${vehicle}` }),
    () => region && app.state.set({ about: `region:${region}` }),
    () => app.state.set({ about: null, region: null, tab: 'vehicles' }),
    () => vehicle && app.preferences.set({ mutes: { [`vehicle:${vehicle}`]: Date.now() + 9e5 } }),
    () => region && app.state.set({ regions: app.state.value.regions ? null : [region] }),
    () => events[n % Math.max(1, events.length)]?.click(),
  ][n % 8]();
})"""
DEEDS = 5  #: of each, a step: the more is open, the more can be kept


class Watcher:
    """Somebody's page, and what came to it since it was last looked at."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.came: list[tuple[str, bytes]] = []
        self.kept: frozenset[Mark] = frozenset()  # what it may know of, though it has gone away
        self._coming: set[asyncio.Task[None]] = set()
        self._pings = 0
        page.on("websocket", self._opened)
        page.on("response", self._answered)

    def _opened(self, socket: WebSocket) -> None:
        socket.on(
            "framereceived",
            lambda said: self.came.append(("frame", said if isinstance(said, bytes) else said.encode())),
        )

    def _answered(self, response: Response) -> None:
        async def take() -> None:
            with contextlib.suppress(Error):  # its page has gone on
                headers = "\n".join(f"{name}: {value}" for name, value in (await response.all_headers()).items())
                self.came.append((response.url, headers.encode()))
                if "/api/v1/" in response.url:
                    self.came.append((response.url, await response.body()))

        task = asyncio.ensure_future(take())
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def do(self, drawn: list[int]) -> None:
        with contextlib.suppress(Error):
            await self.page.evaluate(DOES, drawn)

    async def says(self) -> str:
        try:
            return str(await self.page.evaluate(SAYS))
        except Error:  # it is just leaving
            await self.page.wait_for_load_state()
            return str(await self.page.evaluate(SAYS))

    async def has_heard(self, watches: bool, is_out: bool) -> None:
        """Until it has taken in all that was sent to it."""
        if is_out:
            await until(lambda: "/signin" in self.page.url, "signed out, and still at the map", 15)
        elif not watches:
            await self.page.wait_for_selector("[data-trouble=groups]", timeout=deadline(15) * 1000)
        else:
            await until(self._is_live, "the page is live", 15)
            self._pings += 1
            word = b'"t":-%d.0,' % self._pings
            sent = "(t) => Boolean(fleetPage.connection.transport?.send({ op: 'ping', t }))"

            async def answered() -> bool:
                if any(word in said for _, said in self.came):
                    return True
                with contextlib.suppress(Error):
                    await self._is_live() and await self.page.evaluate(sent, -self._pings)
                await asyncio.sleep(0.02)
                return any(word in said for _, said in self.came)

            await until(answered, "the page answers", 15)
        while self._coming:
            await asyncio.wait(self._coming)

    async def _is_live(self) -> bool:
        with contextlib.suppress(Error):
            return bool(
                await self.page.evaluate(
                    "() => !document.body.hidden && window.fleetPage?.fleet.ready"
                    " && fleetPage.connection.status.phase === 'live'"
                )
            )
        return False

    def take(self) -> list[tuple[str, bytes]]:
        came, self.came = self.came, []
        return came


class PageWalk(Walk):
    """A walk of which some look at by a page."""

    def __init__(self, app: Any, stack: AsyncExitStack, url: str, browser: Browser) -> None:
        super().__init__(app, stack)
        self.url, self.browser = url, browser
        self.watchers: dict[str, Watcher] = {}
        self.ever: set[Mark] = set()

    async def begin(self) -> None:
        await super().begin()
        for person in list(self.world.people.values())[:WATCHED]:
            context = await self.browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
            self.stack.push_async_callback(context.close)
            self.watchers[person.name] = Watcher(await context.new_page(), self.url)
            if person.token:
                person.token = person.token_id = ""
                await self._sign_in(person)
            await self.enter(person)
            await self.look_at(person, frozenset(), self.world.allowed(person))

    async def let_in(self, person: Person) -> None:
        if person.name not in self.watchers:
            return await super().let_in(person)
        await self._sign_in(person)

    async def enter(self, person: Person) -> None:
        watcher = self.watchers[person.name]
        cookie = {"name": self.node.doorman.cookie({}), "value": person.cookie, "url": self.url}
        await watcher.page.context.clear_cookies()
        await watcher.page.context.add_cookies([cookie])  # type: ignore[list-item]
        await watcher.page.goto("about:blank")
        await watcher.page.goto(self.url)

    def whose(self) -> tuple[Group, Person]:
        """Of somebody who looks."""
        person = self.world.people[self.rng.choice(list(self.watchers))]
        return self.world.groups[self.rng.choice(person.groups or list(self.world.groups))], person

    def granted(self, person: Person) -> tuple[Any, ...]:
        """What was decided about somebody, or about what they see: what may be taken from them."""
        world = self.world
        groups = frozenset(str(group.document()) for group in world.watching(person))
        areas = frozenset(id for id in world.areas if world.sees_area(person, id))
        happened = frozenset(f"!{event.id}" for event in world.events_of(person))
        return groups, areas, happened

    async def step(self, seed: str) -> None:
        self.rng = rng = random.Random(seed)
        people = [self.world.people[name] for name in self.watchers]
        for person in people:
            await self.watchers[person.name].do([rng.randrange(10**6) for _ in range(DEEDS)])
        deed = rng.choices((self.moves, self.draws, self.registers, self.regrants, self.acknowledges), (6, 4, 4, 8, 1))[
            0
        ]
        before = {one.name: (self.world.allowed(one), self.granted(one), one.cookie) for one in people}
        seen = {one.name: {v.id for v in self.world.vehicles.values() if self.world.sees(one, v)} for one in people}
        await deed()
        await self.know()
        self.world.changed()
        await self.still()
        for person in people:
            watcher = self.watchers[person.name]
            was, had, cookie = before[person.name]
            may = self.world.allowed(person)
            there = {v.id: v for v in self.world.vehicles.values()}
            hidden = deed == self.registers and any(
                there[id].newest is not None and not self.world.sees(person, there[id]) for id in seen[person.name]
            )
            revoked = any(not one <= now for one, now in zip(had, self.granted(person), strict=True))
            watcher.kept = may if revoked or hidden else watcher.kept | was | may
            if person.cookie and person.cookie != cookie:  # signed out, and in again
                await watcher.has_heard(False, True)
                await self.enter(person)
            await self.look_at(person, was, may)

    async def look_at(self, person: Person, was: frozenset[Mark], may: frozenset[Mark]) -> None:
        world, watcher = self.world, self.watchers[person.name]
        watches = any("watch" in world.groups[name].may for name in person.groups)
        await watcher.has_heard(watches, person.is_out)
        for where, said in watcher.take():
            self.search(person, spoken_to(said), was | may, f"by {where}", where)
        self.ever |= may | was
        left: set[Mark] = set()
        end = time.monotonic() + deadline(5)
        while True:
            said = (await watcher.says()).encode()
            found = set(found_in(said))
            self.seen += len(found & may)
            left = (found & self.ever) - may - watcher.kept
            if not left or time.monotonic() > end:
                break
            await asyncio.sleep(0.05)
        if left:
            self.search(person, said, may | watcher.kept | (found - left), "by the page itself")


def spoken_to(said: bytes) -> bytes:
    """A frame as JSON; an answer is what it is."""
    from tests.leaks.marks import spoken

    return spoken(said) if said[:1] in (b"\x01", b"\x02") else said


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Any, str]]:
    """An application in this process behind a real port."""
    settings = Settings(data=str(folder), tiles="", port=0, live_messages_per_s=100_000)
    app = create_app(settings)
    stop, where = asyncio.Event(), asyncio.get_running_loop().create_future()
    running = asyncio.ensure_future(
        serve(app, settings, ready=lambda host, port: where.set_result(f"http://{host}:{port}"), stop=stop)
    )
    try:
        yield app, await where
    finally:
        stop.set()
        await running
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)


async def hunt(folder: Path, browser: Browser, seed: str, steps: int) -> int:
    """Answers how much was told that may be. Raises Leak."""
    async with served(folder) as (app, url), AsyncExitStack() as stack:
        walk = PageWalk(app, stack, url, browser)
        walk.rng = random.Random(seed)
        await walk.begin()
        for number in range(steps):
            await walk.step(f"{seed}:{number}")
    return walk.seen
