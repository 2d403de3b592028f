"""Names: how recordings spell what we call vehicle, time, lat, lon, speed, heading, and in which units."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tracker.formats import words

#: columns with the day alone, and those with the time of day beside them
DATES = ("date", "datum", "fecha", "jour", "dia", "data", *words.DATES)
CLOCKS = (
    "time",
    "clock",
    "time_of_day",
    "hour",
    "uhrzeit",
    "zeit",
    "heure",
    "hora",
    "ora",
    "tijd",
    "godzina",
    *words.CLOCKS,
)
#: our field → how others call it, the surest name first; compared without case, accents, spaces and hyphens
_NAMES: dict[str, tuple[str, ...]] = {
    "vehicle": (
        *("vehicle", "vehicle_id", "vehicleid", "veh", "veh_id", "track_id", "trackid", "device_id", "deviceid"),
        *("device", "imei", "unit_id", "unit", "bus_id", "taxi_id", "car_id", "truck_id", "tracker_id", "tracker"),
        *("entity_id", "asset_id", "asset", "object_id", "vehicle_name", "vehicle_no", "callsign"),
        *("fahrzeug_id", "fahrzeug", "fahrzeugnummer", "fahrzeugname", "wagen", "gerate_id", "geraete_id", "gerat"),
        *("geraet", "gerat_id", "geraet_id", "vehicule", "id_vehicule", "appareil", "engin", "vehiculo", "id_vehiculo"),
        *("unidad", "movil", "dispositivo", "reg_no", "plate", "kennzeichen", "immatriculation", "matricula"),
        *("patente", "placa", "veiculo", "id_veiculo", "veicolo", "id_veicolo", "targa", "voertuig", "voertuig_id"),
        *("kenteken", "pojazd", "ident"),
    ),
    "time": (
        *("time", "timestamp", "datetime", "date_time", "fix_time", "fixtime", "gps_time", "gpstime", "device_time"),
        *(
            "devicetime",
            "time_utc",
            "utc_time",
            "utc",
            "timestamp_utc",
            "timestamp_ms",
            "timestampms",
            "recorded_at",
            "reported_at",
            "measured_at",
        ),
        *(
            "event_time",
            "position_time",
            "located_at",
            "gps_timestamp",
            "fix_timestamp",
            "ts",
            "tst",
            "epoch",
            "unix_time",
            "unixtime",
            "unix",
            "tsi",
            "t",
            "when",
        ),
        *(
            "zeitstempel",
            "zeitpunkt",
            "datum_uhrzeit",
            "datum_zeit",
            "datum_und_uhrzeit",
            "gps_zeit",
            "utc_zeit",
            "zeit_utc",
        ),
        *(
            "zeit",
            "horodatage",
            "date_heure",
            "date_et_heure",
            "dateheure",
            "heure_gps",
            "heure_utc",
            "temps",
            "fecha_hora",
        ),
        *(
            "fecha_y_hora",
            "fechahora",
            "hora_gps",
            "hora_utc",
            "marca_de_tiempo",
            "tiempo",
            "data_hora",
            "data_e_hora",
            "datahora",
        ),
        *("data_ora", "data_e_ora", "dataora", "tijdstip", "datum_tijd", "data_i_godzina", "czas"),
    ),
    "lat": (
        "lat",
        "latitude",
        "lat_deg",
        "gps_lat",
        "gps_latitude",
        "position_lat",
        "location_lat",
        "latitude_n_s",
        "y",
        *(
            "breitengrad",
            "geographische_breite",
            "geografische_breite",
            "geogr_breite",
            "gps_breite",
            "breite",
            "latitud",
            "latitudine",
            "position_latitude",
            "breedtegraad",
            "szerokosc",
            "szerokosc_geograficzna",
            "lat_gps",
        ),
    ),
    "lon": (
        *("lon", "lng", "long", "longitude", "lon_deg", "gps_lon", "gps_lng", "gps_longitude", "position_long"),
        *("location_long", "location_lon", "location_lng", "longitude_e_w", "x"),
        *(
            "langengrad",
            "laengengrad",
            "geographische_lange",
            "geografische_lange",
            "geogr_lange",
            "geographische_laenge",
        ),
        *("geografische_laenge", "gps_lange", "gps_laenge", "lange", "laenge", "longitud", "lon_gps"),
        *("longitudine", "position_longitude", "lengtegraad", "dlugosc", "dlugosc_geograficzna"),
    ),
    "heading": (
        "heading",
        "bearing",
        "course",
        "direction",
        "hdg",
        "cog",
        "azimuth",
        "track_deg",
        "heading_degrees",
        "heading_deg",
        "course_deg",
        "course_degrees",
        "bearing_deg",
        "bearing_degrees",
        "direction_deg",
        "gps_bearing",
        "fahrtrichtung",
        "richtung",
        "kurs",
        "cap",
        "rumbo",
        "direccion",
        "direcao",
        "position_direction",
        "rumo",
        "direzione",
        "rotta",
        "richting",
        "koers",
        "kierunek",
        "angle",
    ),
    "altitude_m": (
        "altitude_m",
        "altitude",
        "alt",
        "ele",
        "elevation",
        "height",
        "gps_altitude",
        "hohe",
        "hoehe",
        "altitud",
        "elevacion",
        "altitudine",
        "quota",
        "hoogte",
        "wysokosc",
    ),
    "accuracy_m": ("accuracy_m", "accuracy", "horizontal_accuracy", "h_accuracy", "hacc", "precision_m", "genauigkeit"),
    "ignition": (
        "ignition",
        "ign",
        "engine_on",
        "zundung",
        "zuendung",
        "encendido",
        "ignicao",
        "accensione",
        "contact",
    ),
    "battery_pct": (
        "battery_pct",
        "battery",
        "battery_level",
        "batt",
        "batt_pct",
        "battery_percent",
        "batterie",
        "akku",
        "akkustand",
        "bateria",
        "batteria",
        "batterij",
    ),
    "odometer_m": ("odometer_m", "odometer", "odo"),
    "driver": (
        "driver",
        "driver_id",
        "driver_name",
        "fahrer",
        "fahrername",
        "conducteur",
        "chauffeur",
        "conductor",
        "motorista",
        "condutor",
        "autista",
        "bestuurder",
        "kierowca",
    ),
    "alarm": ("alarm", "alarme", "alarma", "allarme"),
}
#: what is believed only where nothing better is there
_LAST = {"vehicle": ("id", "name"), "time": DATES}
NAMES = {field: (*known, *words.TITLES.get(field, ()), *_LAST.get(field, ())) for field, known in _NAMES.items()}
#: names that say where somebody is going, or where a place is, not where a vehicle was
ELSEWHERE = re.compile(
    r"(destination|dest|dropoff|drop_off|end|to|target|arrival)_?(lat|latitude|lon|lng|long|longitude|y|x)"
)
#: m/s in one of each unit a speed may be in
UNITS = {"mps": 1.0, "kmh": 1 / 3.6, "kn": 1852 / 3600, "mph": 0.44704}
_UNIT_WORDS = {
    **dict.fromkeys(("mps", "ms", "m_s", "mpers", "meters_per_second", "metres_per_second"), "mps"),
    **dict.fromkeys(
        (
            "kmh",
            "kph",
            "km_h",
            "kmph",
            "kmhr",
            "km_std",
            "km_u",
            "kmu",
            "km_uur",
            "km_ora",
            "km_hora",
            "km_heure",
            "kilometers_per_hour",
            "kilometres_per_hour",
            "km_per_hour",
        ),
        "kmh",
    ),
    **dict.fromkeys(("kn", "kt", "kts", "knots", "knot", "knoten", "noeuds", "nudos"), "kn"),
    **words.UNITS,
    **dict.fromkeys(("mph", "mi_h", "miles", "miles_per_hour"), "mph"),
}
_SPEED_WORDS = ("speed", "velocity", "spd", "gps_speed", "ground_speed", "sog", "vehicle_speed", "geschwindigkeit",
                "geschw", "gps_geschwindigkeit", "vitesse", "vitesse_gps", "velocidad", "velocidad_gps",
                "velocidade", "velocita", "snelheid", "predkosc", *words.SPEEDS)  # fmt: skip


class Plan(NamedTuple):
    """Which of a source's names stands for which field of ours; None where none does."""

    fields: dict[str, str]  # ours → theirs: vehicle, time, lat, lon and the optional ones
    speed: str | None
    unit: str  # of the speed; "": its name does not say
    rest: tuple[str, ...]  # what else there is, and goes along as attributes
    renamed: tuple[tuple[str, str], ...]  # theirs → ours, where they differ


def plain(name: str) -> str:
    """A column's name without case and accents, units in brackets stay: `GPS Speed (km/h)` → `gps_speed_km_h`."""
    if not name.isascii():
        name = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
        name = name.replace("ß", "ss").replace("œ", "oe").replace("Œ", "oe")
        name = name.replace("ł", "l").replace("Ł", "l").replace("ø", "o").replace("Ø", "o").replace("ı", "i")
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def spaced(name: str) -> str:
    """The same of a name in camel case: `speedMilesPerHour` → `speed_miles_per_hour`."""
    return plain(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))


def speed_unit(name: str) -> str | None:
    """For the plain name of a speed column its unit, `""` when the name does not say; None: not a speed."""
    for word in sorted(_SPEED_WORDS, key=len, reverse=True):
        if name == word:
            return ""
        if name.startswith(word + "_") and (
            unit := _UNIT_WORDS.get(name[len(word) + 1 :].removeprefix("in_").removeprefix("en_"))
        ):
            return unit
    return None


@lru_cache(maxsize=4096)
def plan(names: tuple[str, ...]) -> Plan:
    """What these names stand for. The surest name of a field wins, whatever stands first."""
    theirs: dict[str, str] = {}
    for name in names:
        theirs.setdefault(plain(name), name)
    for name in names:
        theirs.setdefault(spaced(name), name)
    fields: dict[str, str] = {}
    for field, spellings in NAMES.items():
        left = {one for one, name in theirs.items() if name not in fields.values()}
        found = next((theirs[one] for one in spellings if one in left), None)
        if found is not None:
            fields[field] = found
    speed, unit = _speed(names)
    taken: set[str | None] = {*fields.values(), speed}
    rest = tuple(name for name in names if name not in taken)
    renamed = tuple((name, field) for field, name in fields.items() if name != field)
    return Plan(fields, speed, unit, rest, renamed)


def _speed(names: Sequence[str]) -> tuple[str | None, str]:
    """The column with the speed: one that says its unit rather than one that does not."""
    speed: str | None = None
    unit = ""
    for name in names:
        said = speed_unit(plain(name))
        if said is None:
            said = speed_unit(spaced(name))
        if said is not None and (speed is None or (said and not unit)):
            speed, unit = name, said
    return speed, unit
