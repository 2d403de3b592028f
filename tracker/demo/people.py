"""People of the demo: three to sign in as, each of whom sees another part of it, and a token to send with.

Their passwords are made anew at each start, and printed. A folder in which others sign in already is left alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tracker.access.people import ACKNOWLEDGE, EDIT_REGIONS, WATCH, Group, Role, User
from tracker.access.tokens import Token, hash_of, new_id, new_secret
from tracker.model.records import Actor, Audit, Record
from tracker.node import Node


class Part(NamedTuple):
    name: str
    role: Role
    group: Group | None
    sees: str


CAST = (
    Part("ada", "administrator", None, "sees everything, lets people and devices in, reads the record"),
    Part(
        "ben",
        "dispatcher",
        Group("Depot desk", ("Depots", "Watched"), (WATCH, ACKNOWLEDGE, EDIT_REGIONS)),
        "sees the depot, the square and the avenue, and who is there; acknowledges alerts, draws",
    ),
    Part(
        "eve",
        "viewer",
        Group("Harbour customer", ("Customers",), (WATCH,), ("Harbour",)),
        "watches vans of the group Harbour, and only while they are at customers",
    ),
)
TOKEN = "demo: curl lines and scripts"  #: the name of the token, of which there is one

_CONSONANTS, _VOWELS = "bdfghklmnprstv", "aeiou"


def password() -> str:
    """Easily typed, and 36 bits: `kilo-pamu-tare`."""
    pick = secrets.choice
    return "-".join("".join(pick(_CONSONANTS) + pick(_VOWELS) for _ in range(2)) for _ in range(3))


async def invite(node: Node) -> tuple[dict[str, str], str]:
    """Let them in: the password of each, and the token. Nobody, where others are in already."""
    directory = node.directory
    if directory.users.keys() - {part.name for part in CAST}:
        return {}, ""
    passwords = {part.name: password() for part in CAST}
    kept = {name: await node.hashing.hash(word) for name, word in passwords.items()}
    secret, by = new_secret(), Actor("demo", "")

    def groups() -> tuple[list[Record], list[Audit]]:
        new = [part.group for part in CAST if part.group and part.group.name not in directory.groups]
        entries = [by.did(node.clock(), "group.add", one.name, None, one.as_json()) for one in new]
        return [directory.record("group", one.name, one) for one in new], entries

    def people() -> tuple[list[Record], list[Audit]]:
        records: list[Record] = []
        entries: list[Audit] = []
        for part in CAST:
            groups = (part.group.name,) if part.group else ()
            known = directory.users.get(part.name) or User(part.name, part.role, groups, created_at=node.clock())
            records += directory.user_saved(msgspec.structs.replace(known, password=kept[part.name]))
            entries.append(by.did(node.clock(), "user.password", part.name))
        for old in [one.id for one in directory.tokens.by_id.values() if one.name == TOKEN]:
            records += directory.token_revoked(old)
        token = Token(new_id(), "device", hash_of(secret), TOKEN, ("*",), created_at=node.clock(), created_by="demo")
        records.append(directory.record("token", token.id, token))
        entries.append(by.did(node.clock(), "token.add", token.id, None, {"name": TOKEN, "vehicles": ["*"]}))
        return records, entries

    await node.pipeline.keep_records(groups)  # nobody is put into one that is not there yet
    await node.pipeline.keep_records(people)
    return passwords, secret


def lines(url: str, passwords: dict[str, str], token: str) -> Iterator[str]:
    """What is printed of them."""
    if not passwords:
        yield "people sign in to this folder already: nobody was added"
        return
    yield "Three people to try, each in a browser window of its own (a private one keeps them apart):"
    for part in CAST:
        yield ""
        yield f"  {part.name}, {part.role}: {part.sees}"
        yield f"    {url}/signin?name={part.name}    password: {passwords[part.name]}"
    yield ""
    yield f"To send positions as a device:  export TRACKER_TOKEN={token}"
