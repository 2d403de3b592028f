"""Motion: is it moving, idle, parked or offline, and when would that change without a word from the vehicle?"""

from __future__ import annotations

from tracker.fleet.states import IDLE_MS, NO_ACCURACY_M, PARKED_MS, at_rest, moves
from tracker.fleet.vehicle import NEVER, Vehicle
from tracker.geometry.earth import distance_m
from tracker.model.ping import Ping
from tracker.model.states import IDLE, MOVING, OFFLINE, PARKED, UNKNOWN

FLOOR_MS = 5000.0  #: a vehicle that reports more often than this is not missed sooner
OFFLINE_GAPS = 10  #: this many usual gaps without a report, and
OFFLINE_MS = 600_000  #: at least this long: offline
PARKED_OFFLINE_MS = 86_400_000  #: who stands is expected to be quiet


def observe(vehicle: Vehicle, ping: Ping, doubtful: bool = False) -> bool:
    """Take the motion state to this fix. True when it changed; see `draws_near`, too.

    `doubtful`: it stood, and this fix alone is no proof that it moves; if the next is back, it never did.
    """
    lat, lon = vehicle.anchor
    speed = ping.speed_mps
    stood, vehicle.stood = vehicle.stood, None
    if speed is not None and speed >= 5 / 3.6:
        moved = True
    else:
        before = vehicle.sure or ping
        one, other = ping.accuracy_m, before.accuracy_m
        slack = one if one is not None and one > NO_ACCURACY_M else NO_ACCURACY_M
        slack += other if other is not None and other > NO_ACCURACY_M else NO_ACCURACY_M
        if stood is not None and not moves(speed, distance_m(*stood[:2], ping.lat, ping.lon), slack):
            lat, lon, vehicle.still_since, vehicle.state, vehicle.since = stood  # that one fix was wrong
            vehicle.anchor = (lat, lon)
        moved = moves(speed, distance_m(lat, lon, ping.lat, ping.lon), slack)
    if moved:
        if doubtful:
            vehicle.stood = (
                (lat, lon, vehicle.still_since, vehicle.state, vehicle.since) if vehicle.still_since else None
            )
        vehicle.anchor = (ping.lat, ping.lon)
        vehicle.still_since = 0
        return vehicle.state != MOVING and enter_state(vehicle, MOVING, ping.time)
    if vehicle.still_since == 0:
        vehicle.still_since = ping.time
    if vehicle.state == MOVING and ping.time - vehicle.still_since < IDLE_MS and ping.ignition is not False:
        return False  # nearly always: it stands too short to be said to
    state = UNKNOWN if vehicle.state == OFFLINE else vehicle.state
    state = at_rest(state, ping.time - vehicle.still_since, ping.ignition)
    if state == UNKNOWN and speed is not None:
        state = IDLE  # seen standing: the minute of patience is for those we saw moving
    since = vehicle.still_since if state in (IDLE, PARKED) else ping.time
    return enter_state(vehicle, state, since)


def draws_near(vehicle: Vehicle) -> bool:
    """Is the next state of one that stands due before its timer goes off? It is counted from a fix that may have come
    late: so it can come sooner with every fix."""
    return vehicle.still_since != 0 and change_due(vehicle)[0] < vehicle.queued


def wake(vehicle: Vehicle, ping: Ping) -> None:
    """It was heard, and nothing is known of how it moves."""
    if vehicle.state == OFFLINE:
        enter_state(vehicle, UNKNOWN, ping.time)


def enter_state(vehicle: Vehicle, state: int, since: int) -> bool:
    if vehicle.state == state:
        return False
    if not (vehicle.state == IDLE and state == PARKED):  # parked counts from the moment it stood still
        vehicle.since = since
    vehicle.state = state
    return True


def change_due(vehicle: Vehicle) -> tuple[int, int]:
    """(when on the receipt clock, to which state) the next change comes if the vehicle stays silent."""
    received, state = vehicle.received_at, vehicle.state
    if state == OFFLINE:
        return NEVER, OFFLINE
    if state in (MOVING, IDLE) and vehicle.still_since:
        still = vehicle.ping.time - vehicle.still_since
        if state == MOVING:
            return vehicle.fixed_at + IDLE_MS - still, IDLE
        return vehicle.fixed_at + IDLE_MS + PARKED_MS - still, PARKED
    if state == PARKED:
        return received + PARKED_OFFLINE_MS, OFFLINE
    return received + max(OFFLINE_MS, round(OFFLINE_GAPS * vehicle.gap_ms)), OFFLINE


def change(vehicle: Vehicle, state: int) -> None:
    """Its timer went off."""
    if state == OFFLINE:
        enter_state(vehicle, OFFLINE, vehicle.received_at)
    else:
        enter_state(vehicle, state, vehicle.still_since)


def pace(vehicle: Vehicle, now: int) -> None:
    """Follow the median gap between reports: a tenth up when a gap is longer, a tenth down when it is shorter."""
    gap = now - vehicle.received_at
    if gap <= 0:
        return  # the same request
    if vehicle.gap_ms == 0:
        vehicle.gap_ms = max(FLOOR_MS, float(gap))
    elif gap > vehicle.gap_ms:
        vehicle.gap_ms *= 1.1
    else:
        shorter = vehicle.gap_ms / 1.1
        vehicle.gap_ms = shorter if shorter > FLOOR_MS else FLOOR_MS
