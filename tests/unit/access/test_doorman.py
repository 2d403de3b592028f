from __future__ import annotations

import base64
import logging
from typing import Any

import msgspec
import pytest

from tracker.access.credentials import IN_PATH
from tracker.access.directory import Directory
from tracker.access.doorman import CONSOLE, NOBODY, Doorman
from tracker.access.grants import ADMINISTER, EVERYTHING, SCRAPE, SEND, WATCH
from tracker.access.guard import Guard
from tracker.access.people import Group, User
from tracker.access.sessions import IDLE_MS, Session
from tracker.access.tokens import Token, hash_of
from tracker.config import Settings
from tracker.errors import NotAllowed, NotSignedIn
from tracker.model.records import Record
from tracker.model.targets import Target

YARDS = frozenset({"depot", "yard"})


class Door:
    """A doorman, somebody of each kind, and a clock."""

    def __init__(self) -> None:
        self.now = 1000
        self.directory = directory = Directory()
        directory.folder = "f00d"
        regions = {"yards": YARDS, "quarries": frozenset({"pit"})}
        self.doorman = Doorman(
            Guard(Settings()),
            directory,
            lambda groups: frozenset().union(*(regions[group] for group in groups)),
            lambda: self.now,
        )

    def fill(self) -> None:
        directory = self.directory
        for group in (Group("north", ("yards",), ("watch", "edit_regions")), Group("all", None)):
            directory.take([directory.record("group", group.name, group)])
        for user in (
            User("ada", "administrator"),
            User("ben", "dispatcher", ("north",)),
            User("eve", "viewer", ("all",)),
        ):
            directory.take(directory.user_saved(user))
            session = Session(f"s-{user.name}", hash_of(f"cookie of {user.name}"), user.name, self.now, self.now)
            directory.take([directory.record("session", session.id, session)])
        for id, kind, owner in (("phone", "device", None), ("prometheus", "scrape", None), ("script", "person", "ben")):
            token = Token(id, kind, hash_of(f"token of {id}"), vehicles=("van-*",), user=owner)  # type: ignore[arg-type]
            directory.take([directory.record("token", id, token)])

    def ask(
        self, method: str = "GET", path: str = "/api/v1/vehicles", query: str = "", scheme: str = "http", **headers: str
    ) -> Any:
        named = [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()]
        scope = {"path": path, "headers": named, "query_string": query.encode(), "scheme": scheme, "client": ("::1", 1)}
        return self.doorman.check(method, scope)

    def cookie(self, name: str) -> Any:
        return self.ask(cookie=f"tracker-f00d=cookie of {name}")

    def token(self, id: str) -> Any:
        return self.ask(authorization=f"Bearer token of {id}")


@pytest.fixture
def door() -> Door:
    door = Door()
    door.fill()
    return door


def test_without_an_administrator_everybody_may_everything_and_still_may() -> None:
    door = Door()
    assert door.ask("POST") is EVERYTHING
    assert door.doorman.again(EVERYTHING) is EVERYTHING
    door.fill()
    with pytest.raises(NotSignedIn):
        door.doorman.again(EVERYTHING)


def test_with_one_who_shows_nothing_is_told_to_sign_in_but_finds_the_way_to(door: Door) -> None:
    for path in ("/api/v1/vehicles", "/metrics", "/api/v1/live", "/static", "/api/v1/sessions"):
        with pytest.raises(NotSignedIn):
            door.ask(path=path)
    for path in ("/", "/signin", "/static/js/main.js", "/healthz", "/api/v1/session"):
        assert door.ask(path=path) is NOBODY


def test_a_token_that_opens_nothing_is_called_one_and_a_missing_one_missing(door: Door) -> None:
    with pytest.raises(NotSignedIn, match="this token opens nothing"):
        door.ask(authorization="Bearer trk_revoked")
    with pytest.raises(NotSignedIn, match="or send a token"):
        door.ask()


def test_who_signed_in_has_the_grant_of_their_groups(door: Door) -> None:
    ada, ben, eve = map(door.cookie, ("ada", "ben", "eve"))
    assert (ada.everything, ada.who, ADMINISTER in ada.may, SEND in ada.may) == (True, "ada", True, True)
    assert (ben.everything, ben.regions, ben.may) == (False, YARDS, {"watch", "edit_regions"})
    assert (eve.everything, eve.may) == (True, {WATCH})
    assert door.cookie("ben") is ben, "worked out once"


def test_a_token_is_known_wherever_it_is_shown(door: Door) -> None:
    phone = door.token("phone")
    assert (phone.may, phone.who, phone.everything) == ({SEND}, "token:phone", False)
    assert phone.may_send("van-1", None)
    assert not phone.may_send("truck-1", None)
    basic = base64.b64encode(b"x:token of phone").decode()
    assert phone is door.ask(authorization=f"Basic {basic}") is door.ask(query="token=token%20of%20phone")
    assert door.token("prometheus").may == {SCRAPE}
    assert (door.token("script").who, door.token("script").regions) == ("ben", YARDS)
    with pytest.raises(NotSignedIn):
        door.token("nothing")


def test_a_ticket_stands_for_who_asked_for_it_once(door: Door) -> None:
    for bearer, who in (("s-ben", "ben"), ("phone", "token:phone")):
        ticket = door.doorman.tickets.give(bearer, door.now)
        assert door.ask("CONNECT", query=f"ticket={ticket}").who == who
        with pytest.raises(NotSignedIn):
            door.ask("CONNECT", query=f"ticket={ticket}")


def test_a_ticket_opens_a_channel_and_nothing_else_and_ends_with_who_asked_for_it(door: Door) -> None:
    ticket = door.doorman.tickets.give("s-ben", door.now)
    for method in ("GET", "POST", "DELETE"):
        with pytest.raises(NotSignedIn):
            door.ask(method, query=f"ticket={ticket}")
    assert door.ask("CONNECT", query=f"ticket={ticket}").who == "ben", "it was not used up"
    ended, replaced = (door.doorman.tickets.give(bearer, door.now) for bearer in ("s-ben", "phone"))
    directory = door.directory
    ending = msgspec.structs.replace(directory.tokens.by_id["phone"], ends_at=door.now)
    directory.take([directory.record("session", "s-ben", None), directory.record("token", "phone", ending)])
    for ticket in (ended, replaced):
        with pytest.raises(NotSignedIn):
            door.ask("CONNECT", query=f"ticket={ticket}")


def test_of_two_cookies_of_our_name_only_one_may_be_a_session(door: Door) -> None:
    ben, ada = ("tracker-f00d=cookie of ben", "tracker-f00d=cookie of ada")
    for rubbish in ("tracker-f00d=rubbish", "tracker-f00d=", "tracker-f00d"):
        assert door.ask(cookie=f"{rubbish}; {ben}").who == "ben", "whoever adds one signs nobody out"
        assert door.ask(cookie=f"{ben}; {rubbish}").who == "ben"
    for both in (f"{ben}; {ada}", f"{ada}; {ben}"):
        with pytest.raises(NotSignedIn):
            door.ask(cookie=both)


def test_over_tls_a_cookie_is_taken_only_by_the_name_that_binds_it_to_this_host(door: Door) -> None:
    assert [door.doorman.cookie({"scheme": scheme}) for scheme in ("http", "https", "wss")] == [
        "tracker-f00d", "__Host-tracker-f00d", "__Host-tracker-f00d",
    ]  # fmt: skip
    assert door.ask(scheme="https", cookie="__Host-tracker-f00d=cookie of ben").who == "ben"
    assert door.ask("CONNECT", scheme="wss", cookie="__Host-tracker-f00d=cookie of ben").who == "ben"
    with pytest.raises(NotSignedIn):
        door.ask(scheme="https", cookie="tracker-f00d=cookie of ben")
    with pytest.raises(NotSignedIn):
        door.ask(cookie="__Host-tracker-f00d=cookie of ben")


def test_the_console_may_everything_also_where_nobody_signs_in() -> None:
    door = Door()
    secret = door.doorman.open_console()
    for _ in range(2):
        assert door.ask(authorization=f"Bearer {secret}") is CONSOLE
        assert door.doorman.again(CONSOLE) is CONSOLE
        door.fill()
    assert CONSOLE.may >= {ADMINISTER, WATCH}
    with pytest.raises(NotSignedIn):
        door.ask(authorization="Bearer ")


def test_a_foreign_page_may_nothing_with_a_good_cookie(door: Door) -> None:
    with pytest.raises(NotAllowed):
        door.ask("POST", cookie="tracker-f00d=cookie of ada", origin="http://evil.example")


def test_what_was_ended_removed_or_closed_is_nothing_any_more(door: Door) -> None:
    directory = door.directory
    ben, script, eve = door.cookie("ben"), door.token("script"), door.cookie("eve")
    assert door.doorman.again(ben) is ben
    directory.take(directory.user_saved(User("eve", "viewer", ("all",), disabled=True)))
    directory.take([directory.record("session", "s-ben", None), directory.record("token", "script", None)])
    door.doorman.forget_grants()
    for grant in (ben, script, eve):
        with pytest.raises(NotSignedIn):
            door.doorman.again(grant)


def test_a_session_is_over_when_it_was_idle_too_long_and_lasts_on_while_it_is_used(door: Door) -> None:
    ben = door.cookie("ben")
    door.now += IDLE_MS - 1
    door.cookie("ada")
    door.now += 2
    door.cookie("ada")
    with pytest.raises(NotSignedIn):
        door.doorman.again(ben)


def test_a_token_of_somebody_who_is_gone_opens_nothing(door: Door) -> None:
    lonely = Token("lonely", "person", hash_of("token of lonely"), user="nobody")
    door.directory.take([door.directory.record("token", "lonely", lonely)])
    with pytest.raises(NotSignedIn):
        door.token("lonely")


def test_a_token_in_an_address_binds_also_while_nobody_signs_in() -> None:
    door = Door()
    token = Token("phone", "device", hash_of("token of phone"), vehicles=("van-1",))
    door.directory.take([door.directory.record("token", "phone", token)])
    scope = {"path": "/ingest/osmand", "headers": [(b"host", b"localhost")], "query_string": b"", "scheme": "http"}
    grant = door.doorman.check("POST", scope | {IN_PATH: "token of phone"})
    assert grant.may == {SEND} and grant.may_send("van-1", None) and not grant.may_send("van-2", None)
    assert door.doorman.again(grant) == grant
    assert door.doorman.check("POST", scope) == EVERYTHING
    with pytest.raises(NotSignedIn):
        door.doorman.check("POST", scope | {IN_PATH: "guess"})
    door.directory.take([Record("token", "phone", 2, None)])
    door.doorman.forget_grants()
    with pytest.raises(NotSignedIn):
        door.doorman.again(grant)


def test_the_doorman_counts_whom_it_sends_away_and_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()
    door.fill()
    caplog.set_level(logging.WARNING)
    for headers in ({}, {"authorization": "Bearer trk_revoked"}):
        with pytest.raises(NotSignedIn):
            door.ask("POST", "/api/v1/positions", **headers)
    with pytest.raises(NotSignedIn):
        door.ask(cookie="tracker-f00d=of a session that ended")
    assert [(one.address, one.times) for one in door.doorman.turned_away.lately(door.now)] == [("::1", 2)]
    assert [record.getMessage() for record in caplog.records] == [
        "::1 asked once without a good token or session, the last time for POST /api/v1/positions: 401. "
        "`tracker token create` makes a token (docs/upgrading.md)"
    ]


def test_a_token_that_is_shown_before_there_is_an_administrator_counts_as_used() -> None:
    door = Door()
    door.fill()
    door.directory.has_administrator = False
    door.token("phone")
    assert door.directory.tokens.uses.keys() == {"phone"}


def test_tokens_that_send_nothing_are_used_by_asking() -> None:
    door = Door()
    door.fill()
    for id in ("script", "prometheus"):
        door.token(id)
    assert door.directory.tokens.uses.keys() == {"script", "prometheus"}


def test_a_target_is_told_what_its_user_its_groups_or_its_regions_show() -> None:
    door = Door()
    door.fill()
    assert door.doorman.grant_of(Target("t", "https://a.example", "s")).everything
    of_ben = door.doorman.grant_of(Target("u", "https://a.example", "s", user="ben"))
    assert of_ben.regions == YARDS
    of_group = door.doorman.grant_of(Target("g", "https://a.example", "s", groups=("north",)))
    assert of_group.regions == YARDS
    cut = Target("r", "https://a.example", "s", regions=("quarries",), vehicles=("vans",))
    assert door.doorman.grant_of(cut).regions == frozenset({"pit"})
    assert not door.doorman.grant_of(cut).sees({"pit"}, "cars")


def test_a_target_of_a_closed_account_is_told_nothing() -> None:
    door = Door()
    door.fill()
    with pytest.raises(NotSignedIn):
        door.doorman.grant_of(Target("t", "https://a.example", "s", user="nobody"))


def test_a_device_is_shown_what_the_groups_of_its_token_see() -> None:
    door = Door()
    door.fill()
    phone = msgspec.structs.replace(door.directory.tokens.by_id["phone"], shows=("north",))
    assert door.doorman.shown_by(phone).regions == YARDS
