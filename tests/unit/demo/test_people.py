"""The people of the demo: each sees another part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.servers import circle, now
from tests.support.waiting import until
from tracker.config import Settings
from tracker.demo import people
from tracker.model.change import Registered
from tracker.node import Node
from tracker.web.app import create_app


async def test_three_people_sign_in_as_printed_and_see_different_parts_at_each_start(tmp_path: Path) -> None:
    app = create_app(Settings(data=str(tmp_path), tiles="", demo=True))
    async with app.test_app():
        node = app.extensions["node"]
        for id, group, lat in (("depot", "Depots", 60.0), ("shop", "Customers", 61.0), ("park", "Others", 62.0)):
            await node.pipeline.save_regions([circle(lat, 25, 300, name=id, group=group) | {"id": id}])
        for again in (False, True):
            passwords, token = await people.invite(node)
            printed = "\n".join(people.lines("http://127.0.0.1:8000", passwords, token))
            assert all(word in printed for word in (*passwords.values(), token, "/signin?name=eve"))
            pings = [
                {"vehicle": f"{group}-{lat}", "time": now(again - 5), "lat": lat, "lon": 25}
                for group in ("harbour", "other")
                for lat in (60.0, 61.0, 62.0)
            ]
            sent = await app.test_client().post("/api/v1/positions", json=pings, headers={"x-api-key": token})
            assert sent.status_code == 200
            for lat in (60.0, 61.0, 62.0):
                await node.pipeline.register(entry(f"harbour-{lat}"))
            seen = {}
            for name, password in passwords.items():
                client = app.test_client()
                signed = await client.post("/api/v1/session", json={"name": name, "password": password})
                assert signed.status_code == 204, name
                told = await (await client.get("/api/v1/vehicles")).get_json()
                regions = await (await client.get("/api/v1/regions")).get_json()
                seen[name] = ({one["vehicle"] for one in told["vehicles"]}, {one["id"] for one in regions["regions"]})
            assert len(seen["ada"][0]) == 6
            assert seen["ben"] == ({"harbour-60.0", "other-60.0"}, {"depot"})
            assert seen["eve"] == ({"harbour-61.0"}, {"shop"})
        assert len(node.directory.tokens.by_id) == 1, "the one before is over"
        ada = app.test_client()
        await ada.post("/api/v1/session", json={"name": "ada", "password": passwords["ada"]})
        record = (await (await ada.get("/api/v1/audit?what=token.add")).get_json())["audit"]
        assert {one["after"]["name"] for one in record} == {people.TOKEN}, "the record names it"


async def test_a_folder_in_which_others_sign_in_is_left_alone(tmp_path: Path) -> None:
    app = create_app(Settings(data=str(tmp_path), tiles=""))
    async with app.test_app():
        node = app.extensions["node"]
        await app.test_client().post("/api/v1/users", json={"name": "carl", "role": "administrator"})
        assert await people.invite(node) == ({}, "")
        assert set(node.directory.users) == {"carl"}
        assert "nobody was added" in "".join(people.lines("", {}, ""))


async def test_what_fails_beside_the_server_is_in_the_log_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def beside(_node: Node) -> None:
        raise RuntimeError("no vans today")

    async with create_app(Settings(data=str(tmp_path), tiles=""), beside=beside).test_app():
        await until(lambda: "what runs beside the server has failed" in caplog.text)
        assert "no vans today" in caplog.text


def entry(vehicle: str) -> Registered:
    return Registered(vehicle, group="Harbour")
