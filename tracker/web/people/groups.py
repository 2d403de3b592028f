"""Groups, for those who administer: what whoever is in one sees and may do."""

from __future__ import annotations

from urllib.parse import quote

from quart import Blueprint, Response

from tracker.access.directory import no_group
from tracker.access.grants import ADMINISTER, Grant
from tracker.access.people import Group, read_group
from tracker.errors import InTheWay
from tracker.model.records import Audit, Record
from tracker.node import Node
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.people.names import answered, by_name, guard, name_of, versioned


def blueprint(node: Node) -> Blueprint:
    routes = Routes("groups", node)
    routes.add("/api/v1/groups", None, GET=list_groups, POST=add_group)
    routes.add("/api/v1/groups/<name>", None, GET=get_group, PATCH=change_group, DELETE=remove_group)
    return routes.blueprint


async def list_groups(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    return by_name("groups", node.directory.groups, lambda one: versioned(node, "group", one.name, one.as_json()))


async def get_group(node: Node, grant: Grant, name: str) -> Response:
    grant.check(ADMINISTER)
    return answered(node, "group", name, _group(node, name).as_json())


async def add_group(node: Node, grant: Grant) -> Response:
    grant.check(ADMINISTER)
    given = await api.json_body(node.settings.max_entry)
    name = name_of(given)
    group = read_group(given, name, None)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        if name in node.directory.groups:
            raise InTheWay("group_exists", f"there is a group {name!r} already: change it on the page, or by PATCH")
        entry = by.did(node.clock(), "group.add", name, None, group.as_json())
        return [node.directory.record("group", name, group)], [entry]

    await node.pipeline.keep_records(plan)
    return answered(node, "group", name, group.as_json(), 201, location=f"/api/v1/groups/{quote(name)}")


async def change_group(node: Node, grant: Grant, name: str) -> Response:
    grant.check(ADMINISTER)
    known = _group(node, name)
    check = guard(node, "group", name, lambda: _group(node, name).as_json())
    group = read_group(await api.json_body(node.settings.max_entry), name, known)
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        if node.directory.groups.get(name) != known:
            raise InTheWay("group_exists", f"somebody else changed {name!r} just now: look, and try again")
        if group == known:
            return [], []
        entry = by.did(node.clock(), "group.change", name, known.as_json(), group.as_json())
        return [node.directory.record("group", name, group)], [entry]

    await node.pipeline.keep_records(plan)
    return answered(node, "group", name, group.as_json())


async def remove_group(node: Node, grant: Grant, name: str) -> Response:
    grant.check(ADMINISTER)
    known = _group(node, name)
    check = guard(node, "group", name, lambda: _group(node, name).as_json())
    by = api.actor(node, grant)

    def plan() -> tuple[list[Record], list[Audit]]:
        check()
        return node.directory.group_removed(name), [by.did(node.clock(), "group.remove", name, known.as_json(), None)]

    await node.pipeline.keep_records(plan)
    return Response(b"", 204)


def _group(node: Node, name: str) -> Group:
    group = node.directory.groups.get(name)
    if group is None:
        raise no_group(name)
    return group
