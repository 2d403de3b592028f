"""A real server on which people sign in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.support.servers import Answer, Server, circle, now

GOOD, OTHER = "two blue vans in may", "seven quiet harbours"


class House(Server):
    """With the administrator `ada`, whose cookie its requests carry once she is there."""

    def __init__(self, data: Path) -> None:
        super().__init__(data)
        self.cookie = ""

    def first_link(self) -> str:
        """As it was printed at the start."""
        found = re.search(r"/signin#(trk_[\w-]+)", self.log.read_text())
        assert found, self.log.read_text()
        return found[1]

    def furnish(self) -> House:
        """Ada, ben who sees the regions of the group `yards`, two regions with a vehicle in each."""
        self.cookie = self.sign_in({"link": self.first_link(), "name": "ada", "password": GOOD})
        for id, group, lat in (("here", "yards", 60.0), ("there", "quarries", 61.0)):
            feature = circle(lat, 25, 300, name=id, group=group) | {"id": id}
            self.do("PUT", f"/api/v1/regions/{id}", feature)
        fixes = [
            {"vehicle": vehicle, "time": now(ago), "lat": lat, "lon": 25, "accuracy_m": 5}
            for vehicle, lat in (("v-here", 60.0), ("v-there", 61.0))
            for ago in (-60, -30)
        ]
        self.do("POST", "/api/v1/positions", fixes)
        self.do("POST", "/api/v1/groups", {"name": "north", "regions": ["yards"], "vehicles": "all"})
        self.person("ben", "dispatcher", "north")
        return self

    def person(self, name: str, role: str, *groups: str) -> None:
        self.do("POST", "/api/v1/users", {"name": name, "role": role, "groups": groups, "password": GOOD})

    def link_of(self, name: str) -> str:
        return str(self.do("POST", f"/api/v1/users/{name}/link", {}).json()["link"])

    def sign_in(self, given: Any) -> str:
        """The cookie."""
        answer = self.post("/api/v1/session", given)
        assert answer.status == 204, answer
        return answer.headers["set-cookie"].partition(";")[0]

    def do(self, method: str, path: str, document: Any) -> Answer:
        """As ada; it must go well."""
        answer = self.send(method, path, document, cookie=self.cookie)
        assert answer.status < 300, answer
        return answer
