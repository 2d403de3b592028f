"""What a report tells, read back from its file."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Read(NamedTuple):
    head: dict[str, Any]
    columns: npt.NDArray[np.int64]  # latitude, longitude, time, unheard: as they are packed, differences
    text: str  # of the whole file, what is packed in it unpacked

    @property
    def vehicles(self) -> list[str]:
        return [one["id"] for one in self.head["vehicles"]]

    def track(self, vehicle: str) -> list[tuple[int, int, int]]:
        """Latitude and longitude (1e-5 degrees) and seconds of each point that is drawn."""
        counts = [one["points"] for one in self.head["vehicles"]]
        at = self.vehicles.index(vehicle)
        begin = sum(counts[:at])
        summed = np.cumsum(self.columns[:3, begin : begin + counts[at]], axis=1)
        return [(int(lat), int(lon), int(second)) for lat, lon, second in summed.T]


def read_body(body: bytes) -> tuple[dict[str, Any], npt.NDArray[np.int64]]:
    length = int.from_bytes(body[:4], "little")
    head = json.loads(body[4 : 4 + length])
    planes = np.frombuffer(body[4 + length :], np.uint8).reshape(4, 4, -1).astype(np.int64)
    zigzag = np.tensordot(planes, WEIGHTS, (1, 0))
    return head, (zigzag >> 1) ^ -(zigzag & 1)


WEIGHTS = np.array([1, 256, 65_536, 16_777_216])


def read_report(document: str) -> Read:
    found = re.search(r'<script type="application/octet-stream" id="report-data">([^<]*)</script>', document)
    assert found is not None
    head, columns = read_body(zlib.decompress(base64.b64decode(found[1])))
    rest = document.replace(found[1], "")
    return Read(head, columns, rest + json.dumps(head, ensure_ascii=False))
