"""Directory: everybody and everything that may come in. Changes are planned here, kept as records, and then taken in.

A record is a document of some kind under a key, in one version after the other. Whoever plans a change gets the records
to be kept; only when they are durable does `take` put them in force, here and on every other node.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tracker.access.passes import Link
from tracker.access.people import Group, User, looks, may
from tracker.access.sessions import Session, Sessions
from tracker.access.tokens import Token, Tokens, Use
from tracker.errors import InTheWay, NotFound
from tracker.model.records import Record
from tracker.model.strangers import Stranger, Strangers
from tracker.model.targets import Target

Item = User | Group | Session | Token | Link | Use | Stranger | Target

KINDS: dict[str, type[Item]] = {
    "user": User, "group": Group, "session": Session, "token": Token, "link": Link, "use": Use, "stranger": Stranger,
    "target": Target,
}  # fmt: skip
FLEETING = frozenset({"session", "link", "use", "stranger", "target"})  #: of these only the newest version is kept


class Directory:
    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.sessions = Sessions()
        self.tokens = Tokens()
        self.strangers = Strangers()
        self.targets: dict[str, Target] = {}
        self.links: dict[str, Link] = {}  # by the hash of their secret
        self.has_administrator = False
        self.folder = ""  # what tells this folder's cookies from another's
        self.versions: dict[tuple[str, str], int] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Put in force what is durable, in its order."""
        for record in records:
            self.versions[record.kind, record.key] = record.version
            if record.body is None and record.kind in FLEETING:
                del self.versions[record.kind, record.key]  # nothing is left of it
            if record.kind == "folder":
                self.folder = record.key
                continue
            item = None if record.body is None else msgspec.convert(record.body, KINDS[record.kind])
            match record.kind:
                case "user":
                    _put(self.users, record.key, item)
                    self.has_administrator = any(user.administers for user in self.users.values())
                case "group":
                    _put(self.groups, record.key, item)
                case "link":
                    _put(self.links, record.key, item)
                case "target":
                    _put(self.targets, record.key, item)
                case "session":
                    self.sessions.remove_session(record.key)
                    if isinstance(item, Session):
                        self.sessions.put_session(item)
                case "stranger":
                    self.strangers.put_stranger(record.key, item if isinstance(item, Stranger) else None)
                case "use":
                    _put(self.tokens.uses, record.key, item)
                case "token":
                    self.tokens.remove_token(record.key)
                    if isinstance(item, Token):
                        self.tokens.put_token(item)

    def may(self, user: User) -> frozenset[str]:
        return may(user, self.groups)

    # -- planned changes: what is to be kept ----------------------------------------------------------------------

    def user_saved(self, user: User) -> list[Record]:
        """Raises InTheWay when no administrator would be left, or a new name looks like another; NotFound for a group
        there is not. Whoever is disabled is signed out."""
        known = self.users.get(user.name)
        if known is None and (like := [name for name in self.users if looks(name) == looks(user.name)]):
            raise InTheWay(
                "user_exists", f"there is a user {like[0]!r} already, whose name looks the same: take another"
            )
        if gone := sorted(set(user.groups) - (set(known.groups) if known else set()) - self.groups.keys()):
            raise no_group(gone[0])  # it was removed meanwhile: the next of this name would be another
        if known is not None and known.administers and not user.administers:
            self._keep_an_administrator(user.name)
        records = [self.record("user", user.name, user)]
        if known is not None and (user.disabled or user.password != known.password):
            records += self.signed_out(user.name)
        return records + (self.links_gone(user.name) if user.disabled else [])

    def user_removed(self, name: str) -> list[Record]:
        """With sessions and tokens. Raises NotFound; InTheWay for the last administrator."""
        if (known := self.users.get(name)) is None:
            raise no_user(name)
        if known.administers:
            self._keep_an_administrator(name)
        tokens = [token.id for token in self.tokens.by_id.values() if token.user == name]
        return [
            self.record("user", name, None),
            *self.signed_out(name),
            *(gone for id in tokens for gone in self.token_revoked(id)),
            *self.links_gone(name),
            *(  # or they would tell what the next of this name may see
                self.record("target", one.id, msgspec.structs.replace(one, enabled=False))
                for one in self.targets.values()
                if one.user == name
            ),
        ]

    def group_removed(self, name: str) -> list[Record]:
        """Raises NotFound, and InTheWay while somebody is in it: they would see less without a word."""
        if name not in self.groups:
            raise no_group(name)
        if members := sorted(user.name for user in self.users.values() if name in user.groups):
            raise InTheWay("group_in_use", f"{members[0]!r} is in the group {name!r}: take everybody out of it first.")
        if showing := [token for token in self.tokens.by_id.values() if name in token.shows]:
            what = f"the token {showing[0].name or showing[0].id!r} shows the group {name!r}"
            raise InTheWay("group_in_use", f"{what}: revoke it first.")  # or it would show the next of this name
        if told := [target for target in self.targets.values() if name in (target.groups or ())]:
            what = f"the target {told[0].name or told[0].url!r} is told what the group {name!r} sees"
            raise InTheWay("group_in_use", f"{what}: change or remove it first.")
        return [self.record("group", name, None)]

    def has_uses(self, now: int) -> bool:
        return bool(self.tokens.unkept or self.sessions.unkept or self.sessions.ended(now))

    def uses(self, now: int) -> list[Record]:
        """What is to be kept of when tokens and cookies were shown; sessions that have ended go."""
        return [
            *(self.record("use", id, use) for id, use in self.tokens.take_uses().items()),
            *(self.record("session", one.id, one) for one in self.sessions.take_touched()),
            *(self.record("session", id, None) for id in self.sessions.ended(now)),
        ]

    def signed_out(self, user: str) -> list[Record]:
        return [self.record("session", id, None) for id, session in self.sessions.by_id.items() if session.user == user]

    def token_revoked(self, id: str) -> list[Record]:
        used = [self.record("use", id, None)] if ("use", id) in self.versions else []
        return [self.record("token", id, None), *used]

    def links_gone(self, user: str) -> list[Record]:
        return [self.record("link", hash, None) for hash, link in self.links.items() if link.user == user]

    def record(self, kind: str, key: str, item: Item | None) -> Record:
        body = None if item is None else msgspec.to_builtins(item)
        return Record(kind, key, self.versions.get((kind, key), 0) + 1, body, kind not in FLEETING)

    def _keep_an_administrator(self, name: str) -> None:
        if not any(user.administers for user in self.users.values() if user.name != name):
            raise InTheWay(
                "last_administrator",
                f"{name!r} is the only administrator: make somebody else one first, then try again.",
            )


def _put(book: dict[str, Any], key: str, item: Any) -> None:
    if item is None:
        book.pop(key, None)
    else:
        book[key] = item


def no_user(name: str) -> NotFound:
    return NotFound("unknown_user", f"there is no user {name!r}")


def no_group(name: str) -> NotFound:
    return NotFound("unknown_group", f"there is no group {name!r}")
