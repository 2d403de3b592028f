"""Features: vehicles as GeoJSON, a point each where it was last, for QGIS, geojson.io and the like.

Tables of such programs are flat: so what is said of the vehicle and of its place stands side by side.
"""

from __future__ import annotations

from typing import Any

from tracker.model import outside as shown
from tracker.model.change import Registered, VehicleState
from tracker.model.states import STATES
from tracker.times import rfc3339

TYPE = "application/geo+json"


def feature(state: VehicleState, entry: Registered | None) -> dict[str, Any]:
    entry = entry or Registered(state.ping.vehicle)
    position = shown.position(state.ping, state.received_at)
    lat, lon, said = position.pop("lat"), position.pop("lon"), position.pop("attributes", None)
    properties = {
        "vehicle": entry.vehicle,
        "name": entry.name,
        "plate": entry.plate,
        "group": entry.group,
        "kind": entry.kind,
        "state": STATES[state.state],
        "state_since": rfc3339(state.since) if state.since else None,
        **position,
        "regions": list(state.regions),
        "attributes": entry.told(),
        "said": said or {},
    }
    geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": entry.vehicle, "geometry": geometry, "properties": properties}
