"""Routes: where vehicles drive while a town is tortured, and the regions they come through."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from tests.support.servers import circle
from tracker.geometry.earth import frame
from tracker.model.ping import Ping

STEP_MS = 500
LAT, LON = 60.0, 24.9667
#: 321 m west a tile of zoom 10 begins, where what nodes need ends: whoever drives beyond it is in no region
EDGE = 583 * 360 / 1024 - 180
METRES = 15.0  #: between two fixes
SPEED_MPS = METRES / STEP_MS * 1000  #: which they say: so none is doubted, and each region tells its own story
LAP = 100  #: fixes, to the other end of the street and back
ALARMS_EVERY = 40  #: fixes of those that drive
WEST = 30  #: of its fixes from the gate to the western end
KY, KX = frame(LAT)[::-1]
PARKS_EVERY_MS = 4_000


def place(east: float) -> tuple[float, float]:
    return LAT, round(LON + east / KX, 6)  # as it is told


def region(east: float, radius_m: float, **properties: Any) -> dict[str, Any]:
    return circle(*place(east), radius_m, **properties)


#: that nobody edits
REGIONS = {
    "gate": region(0, 100, name="Gate"),
    "yard": region(-200, 80, name="Yard", debounce="none"),
    "garage": region(3_000, 40, name="Garage", debounce="none", rules={"dwell_s": 3}),
}
EDITED = ("north", "south")


def edited(name: str, number: int) -> dict[str, Any]:
    """Each edit of a region moves its edge."""
    chance = random.Random(f"{name} {number}")
    east = 200 + chance.randrange(-60, 60) + 80 * EDITED.index(name)
    return region(east, chance.randrange(50, 140), name=name, attributes={"edit": number})


class Route(NamedTuple):
    vehicle: str
    begin: int  # time of its first fix, in ms
    turn: int = 0  # where on its lap it begins
    most: int = 1 << 40  # fixes in all
    parks: bool = False

    def due(self, now: int) -> int:
        """How many fixes there are by then."""
        return max(0, min(self.most, (now - self.begin) // STEP_MS + 1))

    def fix(self, number: int) -> tuple[int, float, float]:
        if self.parks:  # into the garage, and there it stays
            east = 3_000 + 75 - METRES * number
        else:
            phase = (number + self.turn) % LAP
            east = METRES * (min(phase, LAP - phase) - WEST)
        return self.begin + number * STEP_MS, *place(east)

    def alarm(self, number: int) -> str | None:
        """What the vehicle calls with that fix; each time something else, or it would be one alarm that goes on."""
        return f"sos {number}" if not self.parks and (number + self.turn) % ALARMS_EVERY == 0 else None

    def pings(self, count: int) -> list[Ping]:
        return [
            Ping(self.vehicle, *self.fix(number), speed_mps=SPEED_MPS, alarm=self.alarm(number))
            for number in range(count)
        ]


def routes_of(sender: int, vehicles: int, begin: int, seconds: float) -> list[Route]:
    """So many that drive to and fro, and one every few seconds that drives into the garage, is heard no more and has
    dwelled there all the same."""
    chance = random.Random(sender)
    driving = [
        Route(f"van-{sender}-{number}", begin + chance.randrange(STEP_MS), chance.randrange(LAP))
        for number in range(vehicles)
    ]
    parking = [
        Route(f"parker-{sender}-{number}", begin + number * PARKS_EVERY_MS, most=5, parks=True)
        for number in range(int(seconds * 1000 / PARKS_EVERY_MS))
    ]
    return driving + parking
