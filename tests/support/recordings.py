"""A small valid recording of every format, and what playing one without a server comes to: for tests that damage them."""

from __future__ import annotations

import io
import json
import struct
import tempfile
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from tracker.replay.offline import Offline
from tracker.replay.recording import Recording
from tracker.replay.run import LATEST
from tracker.replay.tally import Tally
from tracker.times import rfc3339

BEGAN = 1_795_424_400  #: 2026-11-23T09:00:00Z
ROWS = 6


class Played(NamedTuple):
    recording: Recording
    tally: Tally


def play(name: str, content: bytes, **how: object) -> Played:
    """A file of this name and content read, and played without a server. Raises Unreadable."""
    recording = Recording(in_memory=5_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        recording.add_source(str(path), **how)  # type: ignore[arg-type]
    try:
        offline = Offline(io.StringIO(), [], recording.first or 0, as_of=LATEST)
        return Played(recording, offline.send(list(recording)))
    finally:
        recording.close()


def _times() -> list[str]:
    return [rfc3339((BEGAN + row) * 1000) for row in range(ROWS)]


def sentence(body: str) -> str:
    return f"${body}*{reduce(lambda total, char: total ^ ord(char), body, 0):02X}\r\n"


def fit() -> bytes:
    """A FIT file: one definition of a record with time and place, and records."""
    body = struct.pack("<BBBHB", 0x40, 0, 0, 20, 3) + bytes([253, 4, 0x86, 0, 4, 0x85, 1, 4, 0x85])
    for row in range(ROWS):
        body += struct.pack("<BIii", 0, BEGAN - 631_065_600 + row, round(60 * 2**31 / 180), round(24 * 2**31 / 180))
    header = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    header += struct.pack("<H", _crc(header))
    return header + body + struct.pack("<H", _crc(header + body))


def _crc(data: bytes) -> int:
    """The checksum of FIT: CRC-16 with the polynomial 0xA001."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def _xml() -> dict[str, str]:
    times = _times()
    trkpts = "".join(
        f'<trkpt lat="60.{i}" lon="24.{i}"><ele>5</ele><time>{at}</time></trkpt>' for i, at in enumerate(times)
    )
    whens = "".join(f"<when>{at}</when>" for at in times)
    coords = "".join(f"<gx:coord>24.{i} 60.{i} 5</gx:coord>" for i in range(ROWS))
    trackpoints = "".join(
        f"<Trackpoint><Time>{at}</Time><Position><LatitudeDegrees>60.{i}</LatitudeDegrees>"
        f"<LongitudeDegrees>24.{i}</LongitudeDegrees></Position></Trackpoint>"
        for i, at in enumerate(times)
    )
    activities = "".join(
        f"<VehicleActivity><RecordedAtTime>{at}</RecordedAtTime><MonitoredVehicleJourney><VehicleLocation><Longitude>24.{i}"
        f"</Longitude><Latitude>60.{i}</Latitude></VehicleLocation><VehicleRef>v</VehicleRef></MonitoredVehicleJourney></VehicleActivity>"
        for i, at in enumerate(times)
    )
    return {
        "ride.gpx": f'<?xml version="1.0"?><gpx version="1.1"><trk><name>v</name><trkseg>{trkpts}</trkseg></trk></gpx>',
        "ride.kml": '<kml xmlns:gx="http://www.google.com/kml/ext/2.2"><Document><Placemark><name>v</name>'
        f"<gx:Track>{whens}{coords}</gx:Track></Placemark></Document></kml>",
        "ride.tcx": f"<TrainingCenterDatabase><Activities><Activity><Lap><Track>{trackpoints}</Track></Lap></Activity>"
        "</Activities></TrainingCenterDatabase>",
        "vm.xml": '<Siri xmlns="http://www.siri.org.uk/siri"><ServiceDelivery><VehicleMonitoringDelivery>'
        f"{activities}</VehicleMonitoringDelivery></ServiceDelivery></Siri>",
    }


def _json() -> dict[str, str]:
    positions = [
        {"vehicle": "v", "time": at, "lat": 60 + i / 10, "lon": 24 + i / 10, "speed": 5, "heading": 90, "battery": 0.9}
        for i, at in enumerate(_times())
    ]
    features = [
        {
            "type": "Feature",
            "id": "v",
            "geometry": {"type": "Point", "coordinates": [24 + i / 10, 60]},
            "properties": {"time": at},
        }
        for i, at in enumerate(_times())
    ]
    line = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[24, 60 + i / 10] for i in range(ROWS)]},
        "properties": {"name": "v", "coordTimes": _times()},
    }
    moving = {
        "type": "Feature",
        "temporalGeometry": {
            "type": "MovingPoint",
            "datetimes": _times(),
            "coordinates": [[24, 60 + i / 10] for i in range(ROWS)],
        },
    }
    entities = [
        {
            "id": str(i),
            "vehicle": {"timestamp": BEGAN + i, "vehicle": {"id": "v"}, "position": {"latitude": 60, "longitude": 24}},
        }
        for i in range(ROWS)
    ]
    return {
        "day.json": json.dumps({"positions": positions}),
        "list.json": json.dumps(positions),
        "day.ndjson": "\n".join(map(json.dumps, positions)),
        "points.geojson": json.dumps({"type": "FeatureCollection", "features": features}),
        "line.geojson": json.dumps({"type": "FeatureCollection", "features": [line]}),
        "moving.mfjson": json.dumps(moving),
        "feed.json": json.dumps({"header": {"gtfs_realtime_version": "2.0", "timestamp": BEGAN}, "entity": entities}),
        "gpsd.log": "\n".join(
            json.dumps({"class": "TPV", "mode": 3, "time": at, "lat": 60, "lon": 24, "speed": 1}, separators=(",", ":"))
            for at in _times()
        ),
    }


def _text() -> dict[str, str]:
    rows = "".join(f'v,{at},60.{i},24.{i},{i},"a note, with ""quotes"""\n' for i, at in enumerate(_times()))
    german = "".join(f"v;23.11.2026;09:00:0{i};60,{i}° N;24,{i}° E;1.234,5\n" for i in range(ROWS))
    hfp = "".join(
        f'2026-11-23T09:00:0{i}Z /hfp/v1/journey/ongoing/tram/40/12/x/y {{"VP":{{"desi":"9","tst":"{at}","lat":60.{i},"long":24.{i},"spd":1}}}}\n'
        for i, at in enumerate(_times())
    )
    owntracks = "".join(
        f'{at[:19]}Z\t*                 \t{{"_type":"location","tid":"v","tst":{BEGAN + i},"lat":60.{i},"lon":24.{i},"vel":36}}\n'
        for i, at in enumerate(_times())
    )
    return {
        "2026-11.rec": owntracks,
        "day.csv": "vehicle,time,lat,lon,speed_kmh,note\n" + rows,
        "german.csv": "Fahrzeug;date;time;lat;lon;altitude\n" + german,
        "new_cab.txt": "".join(f"37.7513{i} -122.3948{i} 0 {BEGAN + i}\n" for i in range(ROWS)),
        "hfp.txt": hfp,
        "drive.nmea": "".join(
            sentence(f"GPRMC,09000{i},A,6000.{i}000,N,02400.0000,E,10.0,270.5,231126,,,A")
            + sentence(f"GPGGA,09000{i},6000.{i}000,N,02400.0000,E,1,08,0.8,12.5,M,42.2,M,,")
            for i in range(ROWS)
        ),
    }  # fmt: skip


def valid() -> dict[str, bytes]:
    """name → content, a recording of ROWS places each."""
    texts = _text() | _json() | _xml()
    return {name: text.encode() for name, text in texts.items()} | {"ride.fit": fit()}
