"""Users, for those who administer; and one's own password."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from quart import Blueprint, Response

from tracker.access.directory import no_user
from tracker.access.grants import ADMINISTER, Grant
from tracker.access.passes import LINK_MS
from tracker.access.people import User, read_user
from tracker.access.tokens import hash_of, new_secret
from tracker.errors import InTheWay
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.people.names import answered, by_name, guard, name_of, versioned
from tracker.web.people.session import check_password, give_cookie, link_of, new_password


def blueprint(node: Node) -> Blueprint:
    routes = Routes("users", node)
    routes.add("/api/v1/users", None, GET=list_users, POST=add_user)
    routes.add("/api/v1/users/<name>", None, GET=get_user, PATCH=change_user, DELETE=remove_user)
    routes.add("/api/v1/users/<name>/link", None, POST=give_link)
    return routes.blueprint


async def list_users(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    return by_name("users", node.directory.users, lambda one: versioned(node, "user", one.name, one.as_json()))


async def get_user(node: Node, grant: Grant, name: str) -> Response:
    if name != grant.who:
        grant.check(ADMINISTER)
    return answered(node, "user", name, _user(node, name).as_json())


async def add_user(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    given = await api.json_body(node.settings.max_entry)
    name = name_of(given)
    if name in node.directory.users:
        raise InTheWay("user_exists", f"there is a user {name!r} already: change it on the page, or by PATCH")
    user = await _with_password(node, read_user(given, name, None, node.directory.groups, node.clock()), given)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        if name in node.directory.users:
            raise InTheWay("user_exists", f"there is a user {name!r} already: change it on the page, or by PATCH")
        return node.directory.user_saved(user), [by.did(node.clock(), "user.add", name, None, user.as_json())]

    await node.pipeline.keep_records(plan)
    return answered(node, "user", name, user.as_json(), 201, location=f"/api/v1/users/{quote(name)}")


async def change_user(node: Node, grant: Grant, name: str) -> Response:
    """Anything, for an administrator; the own password, for everybody who knows the one before."""
    own = name == grant.who
    if not own:
        grant.check(ADMINISTER)
    known = _user(node, name)
    check = guard(node, "user", name, lambda: _user(node, name).as_json())
    given = await api.json_body(node.settings.max_entry)
    if isinstance(given, dict) and set(given) - {"password", "current_password"}:
        grant.check(ADMINISTER)
    if own and isinstance(given, dict) and "password" in given:
        await _check_current(node, known, given)
    asked = (
        {field: value for field, value in given.items() if field != "current_password"}
        if isinstance(given, dict)
        else given
    )
    user = await _with_password(node, read_user(asked, name, known, node.directory.groups, node.clock()), asked)
    by, secret = api.actor(node, grant), new_secret()
    # whoever changes the own password stays signed in here, by another cookie
    stays = own and user.password != known.password and not user.disabled

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        if node.directory.users.get(name) != known:
            raise InTheWay("user_exists", f"somebody else changed {name!r} just now: look, and try again")
        if user == known:
            return [], []
        what = "user.password" if user.password != known.password else "user.change"
        records = node.directory.user_saved(user)
        if stays and (here := node.directory.sessions.by_id.get(grant.bearer)):
            here = msgspec.structs.replace(here, hash=hash_of(secret))
            others = [one for one in records if (one.kind, one.key) != ("session", here.id)]
            records = [*others, node.directory.record("session", here.id, here)]
        return records, [by.did(node.clock(), what, name, known.as_json(), user.as_json())]

    await node.pipeline.keep_records(plan)
    answer = answered(node, "user", name, user.as_json())
    if stays and grant.bearer in node.directory.sessions.by_id:
        give_cookie(node, answer, secret)
    return answer


async def remove_user(node: Node, grant: Grant, name: str) -> Response:
    grant.check(ADMINISTER)
    known = _user(node, name)
    check = guard(node, "user", name, lambda: _user(node, name).as_json())
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        return node.directory.user_removed(name), [by.did(node.clock(), "user.remove", name, known.as_json(), None)]

    await node.pipeline.keep_records(plan)
    return Response(b"", 204)


async def give_link(node: Node, grant: Grant, name: str) -> Response:
    """A link by which this user chooses a password. The one before is good for nothing any more."""
    grant.check(ADMINISTER)
    secret, link = link_of(node, name, LINK_MS)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        directory = node.directory
        _open(node, name)
        records = [*directory.links_gone(name), directory.record("link", link.hash, link)]
        return records, [by.did(node.clock(), "user.link", name, None, {"until": rfc3339(link.ends_at)})]

    await node.pipeline.keep_records(plan)
    told = {"link": secret, "path": f"/signin#{secret}", "until": rfc3339(link.ends_at)}
    return api.answer(told, 201, cache_control="no-store")


async def _with_password(node: Node, user: User, given: Any) -> User:
    password = given.get("password")
    if password is None:
        return msgspec.structs.replace(user, password=None) if "password" in given else user
    return msgspec.structs.replace(user, password=await new_password(node, password, user.name))


async def _check_current(node: Node, user: User, given: dict[str, Any]) -> None:
    """Whoever finds a map left open does not get the account with it."""
    current = given.get("current_password")
    wrong = "`current_password` is not the password there is"
    await check_password(node, user.name, current if isinstance(current, str) else "", user.password, wrong)


def _user(node: Node, name: str) -> User:
    user = node.directory.users.get(name)
    if user is None:
        raise no_user(name)
    return user


def _open(node: Node, name: str) -> None:
    """Raises InTheWay for a closed account: a password would let nobody in."""
    if _user(node, name).disabled:
        way = f"take *Closed* off on the page, PATCH `disabled` to false, or `tracker users disable {name} --undo`"
        raise InTheWay("user_closed", f"{name!r} is closed, and a link would open nothing: first {way}")
