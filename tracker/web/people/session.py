"""Session: to sign in, to be told who one is, to sign out."""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

import msgspec
from quart import Blueprint, Response, request

from tracker.access.directory import Directory
from tracker.access.grants import ADMINISTER, Grant
from tracker.access.passes import Link
from tracker.access.passwords import LONGEST, fault_of
from tracker.access.people import ALL, CEILING, WATCH, User, read_user
from tracker.access.sessions import LONGEST_MS, Session
from tracker.access.tokens import hash_of, new_id, new_secret
from tracker.errors import Invalid, NotFound, NotSignedIn, Overloaded, TooManyTries
from tracker.model.records import Actor, Audit, Record
from tracker.node import Node
from tracker.times import rfc3339
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.people import tickets
from tracker.web.people.quarantine import may_let_in

log = logging.getLogger(__name__)

MAX_AGENT = 200
MOST_SESSIONS = 50  #: of one user; the one that was not used for the longest time ends
FIRST = {"role": "administrator", "disabled": False}  #: whoever has the first link, known before or not


def blueprint(node: Node) -> Blueprint:
    routes = Routes("session", node)
    routes.add("/api/v1/session", None, POST=sign_in, GET=who_am_i, DELETE=sign_out)
    routes.add("/api/v1/session/link", None, POST=show_link)
    tickets.add(routes, node)
    return routes.blueprint


async def sign_in(node: Node, grant: Grant) -> Response:
    """With name and password; or by a link, which takes a new password."""
    given = await api.json_body(node.settings.max_entry)
    if not isinstance(given, dict):
        raise Invalid("not_an_object", 'send {"name", "password"}')
    user, changes, what = await (_by_link(node, given) if "link" in given else _by_password(node, given))
    secret, now = new_secret(), node.clock()
    agent = "".join(filter(str.isprintable, request.headers.get("user-agent") or ""))[:MAX_AGENT]
    session = Session(new_id(), hash_of(secret), user.name, now, now, api.address(), agent)
    by = Actor(user.name, api.address())

    def plan() -> tuple[list[Record], list[Audit]]:
        directory = node.directory
        known = directory.users.get(user.name)
        asked = [*changes(directory), *_begun(directory, session, directory.sessions.by_id.get(grant.bearer))]
        records = list({(one.kind, one.key): one for one in asked}.values())  # of two about one session the last
        if what == "session.begin":
            return records, [by.did(node.clock(), what, user.name, None, {"agent": agent})]
        return records, [by.did(node.clock(), what, user.name, known and known.as_json(), user.as_json())]

    await node.pipeline.keep_records(plan)
    node.directory.sessions.begun += 1
    answer = Response(b"", 204)
    give_cookie(node, answer, secret)
    return answer


def _begun(directory: Directory, session: Session, before: Session | None) -> list[Record]:
    """`before`: that of the same browser until now. Its secret opens nothing any more; where it was of the same user,
    what other windows have open goes on."""
    records = []
    if before is not None and before.user == session.user:
        session = msgspec.structs.replace(session, id=before.id)
    elif before is not None:
        records.append(directory.record("session", before.id, None))
    others = [one.id for one in directory.sessions.of(session.user, session.seen_at) if one.id != session.id]
    ended = [directory.record("session", id, None) for id in others[MOST_SESSIONS - 1 :]]
    return [*records, *ended, directory.record("session", session.id, session)]


async def _by_password(node: Node, given: dict[str, Any]) -> tuple[User, Any, str]:
    name, password = _texts(given, "name", "password")
    name = unicodedata.normalize("NFC", name)  # as keyboards differ
    user = node.directory.users.get(name)
    kept = user.password if user is not None and not user.disabled else None
    await check_password(node, name, password, kept, "no user of this name has this password")
    assert user is not None  # nobody's password is right

    def unchanged(directory: Directory) -> list[Record]:
        if directory.users.get(name) != user:
            raise NotSignedIn("wrong_password", "this user was changed meanwhile: try again")
        return []

    return user, unchanged, "session.begin"


async def check_password(node: Node, name: str, password: str, kept: str | None, wrong: str) -> None:
    """One try, told slowly to who guesses. Raises TooManyTries, and NotSignedIn with what is `wrong`."""
    now, where = node.clock(), api.address()
    if wait := node.guessing.wait_ms(name, where, now):
        node.guessing.unheard += 1
        raise TooManyTries(-(-wait // 1000))
    node.guessing.count(name, where, now)
    try:
        matches = await node.hashing.matches(password, kept, node.guessing.knows(name, where))
    except Overloaded:
        node.guessing.take_back(name, where)
        raise
    if not matches:
        node.guessing.wrong += 1
        # a name nobody has may be a password in the wrong field
        log.warning("wrong password from %s for %s", where, repr(name) if name in node.directory.users else "nobody")
        raise NotSignedIn("wrong_password", wrong)
    node.guessing.right(name, where)


async def new_password(node: Node, password: Any, name: str) -> str:
    """What is kept of it. Raises Invalid for one that is too easily guessed."""
    if not isinstance(password, str):
        raise Invalid(
            "missing", "`password` is a text", [{"field": "password", "code": "missing", "message": "a text"}]
        )
    if weak := fault_of(password, name, node.settings.hosts):
        wrong = {"field": "password", "code": weak.code, "message": weak.detail}
        raise Invalid("weak_password", weak.detail, [wrong])
    return await node.hashing.hash(password)


async def _by_link(node: Node, given: dict[str, Any]) -> tuple[User, Any, str]:
    """A password for whom the link is of; the link of the first administrator takes a name, too."""
    secret, password = _texts(given, "link", "password")
    hash = hash_of(secret)
    link = _link(node, hash)
    name = link.user or unicodedata.normalize("NFC", _texts(given, "name")[0])
    known = node.directory.users.get(name)
    if link.user and known is None:
        raise _link_over()
    user = known if link.user and known else read_user(FIRST, name, known, node.directory.groups, node.clock())
    user = msgspec.structs.replace(user, password=await new_password(node, password, name))

    def changes(directory: Directory) -> list[Record]:
        """The link is good once, the first administrator's only while there is none."""
        if (directory.links.get(hash) or node.first_link(hash)) is None or directory.users.get(name) != known:
            raise _link_over()
        used = [directory.record("link", hash, None)] if hash in directory.links else []
        return [*used, *directory.user_saved(user)]

    return user, changes, "user.password" if link.user else "user.first"


def _link(node: Node, hash: str) -> Link:
    link = node.directory.links.get(hash) or node.first_link(hash)
    if link is None or link.has_ended(node.clock()):
        raise _link_over()
    return link


async def show_link(node: Node, _grant: Grant) -> Response:
    """Whose a link is: of nobody yet, it makes the first administrator. It stays good."""
    given = await api.json_body(node.settings.max_entry)
    if not isinstance(given, dict):
        raise Invalid("not_an_object", 'send {"link"}')
    link = _link(node, hash_of(_texts(given, "link")[0]))
    return api.answer({"user": link.user or None, "until": rfc3339(link.ends_at)}, cache_control="no-store")


async def who_am_i(node: Node, grant: Grant) -> Response:
    """Raises NotSignedIn where one has to sign in and has not."""
    api.only()
    if not node.directory.has_administrator:
        waiting = len(node.directory.strangers.waiting)
        name = grant.who if grant.bearer else None  # of the console: nobody else has one
        opened = {"open": True, "name": name, "role": None, "groups": [], "may": sorted(grant.may), "waiting": waiting}
        return api.answer(opened | deletes_from(node, grant))
    if not grant.bearer:
        raise NotSignedIn("not_signed_in", "nobody is signed in here")
    user = node.directory.users.get(grant.who)
    if user is None:  # a device, or the console
        told: dict[str, Any] = {"open": False, "name": grant.who, "role": None, "groups": [], "may": sorted(grant.may)}
        return api.answer(told, cache_control="no-store")
    regions = grant.regions
    sessions = [
        {
            "id": one.id,
            "created_at": rfc3339(one.created_at),
            "seen_at": rfc3339(one.seen_at),
            "address": one.address,
            "agent": one.agent,
            "current": one.id == grant.bearer,
        }
        for one in node.directory.sessions.of(user.name, node.clock())
    ]
    told = {
        "open": False,
        **user.as_json(),
        "may": sorted(grant.may),
        "grant": grant.word(),
        "grants": _grants(node.directory, user, grant),
        "regions": "all" if regions is None else sorted(regions),
        "sessions": sessions,
    }
    if may_let_in(grant):
        told["waiting"] = len(node.directory.strangers.waiting)
    if ADMINISTER in grant.may:
        told["without_token"] = len(node.doorman.turned_away.lately(node.clock()))
    return api.answer(told | deletes_from(node, grant), cache_control="no-store")


def deletes_from(node: Node, grant: Grant) -> dict[str, str]:
    """When new rules of retention begin, for who can change them."""
    begins_at = node.retention.waits_until
    return {"deletes_from": rfc3339(begins_at)} if begins_at is not None and ADMINISTER in grant.may else {}


def _grants(directory: Directory, user: User, grant: Grant) -> list[dict[str, Any]]:
    """What each group shows and allows, of those that show something; of who administers one, of everything."""
    if ADMINISTER in grant.may:
        return [{"name": None, "regions": ALL, "vehicles": ALL, "may": sorted(CEILING["administrator"])}]
    groups = [directory.groups[name] for name in user.groups if name in directory.groups]
    allowed = [(group, group.allows(user.role)) for group in groups]
    return [group.as_json() | {"may": sorted(may)} for group, may in allowed if WATCH in may]


async def sign_out(node: Node, grant: Grant) -> Response:
    """This session; with `everywhere` all of the same user, with `id` one of them."""
    api.only("everywhere", "id")
    if not grant.bearer:
        raise NotSignedIn("not_signed_in", "nobody is signed in here")
    sessions = node.directory.sessions
    id = request.args.get("id") or grant.bearer
    if id != grant.bearer and (id not in sessions.by_id or sessions.by_id[id].user != grant.who):
        raise NotFound("not_found", "you have no such session")
    everywhere = api.flag("everywhere")
    by = Actor(grant.who, api.address())  # to go is never refused

    def plan() -> tuple[list[Record], list[Audit]]:
        directory = node.directory
        if everywhere:
            ended = directory.signed_out(grant.who)
            return ended, [
                by.did(node.clock(), "session.end_all", grant.who, {"sessions": len(ended)})
            ] if ended else []
        if (session := sessions.by_id.get(id)) is None:
            return [], []
        was = {"agent": session.agent, "address": session.address}
        return [directory.record("session", id, None)], [by.did(node.clock(), "session.end", grant.who, was)]

    await node.pipeline.keep_records(plan)
    answer = Response(b"", 204)
    if everywhere or id == grant.bearer:
        give_cookie(node, answer, "", 0)
    return answer


def _texts(given: dict[str, Any], *names: str) -> list[str]:
    for name in names:
        if not isinstance(given.get(name), str) or len(given[name]) > LONGEST:
            message = f"`{name}` is a text of at most {LONGEST} characters"
            raise Invalid("missing", message, [{"field": name, "code": "missing", "message": message}])
    return [given[name] for name in names]


def _link_over() -> NotFound:
    return NotFound("link_over", "this link was used, is too old, or never was; ask for a new one")


def give_cookie(node: Node, answer: Response, secret: str, lasts_s: int = LONGEST_MS // 1000) -> None:
    scope: Any = request.scope
    secure = "; Secure" if scope["scheme"] == "https" else ""
    said = f"{node.doorman.cookie(scope)}={secret}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"
    answer.headers["set-cookie"] = said


def link_of(node: Node, user: str, lasts_ms: int) -> tuple[str, Link]:
    """A secret, and the link to be kept."""
    secret = new_secret()
    return secret, Link(hash_of(secret), user, node.clock() + lasts_ms)
