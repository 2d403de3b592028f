"""Where things are on the WGS84 ellipsoid: metres, directions, and the integer keys of cells and tiles.

Floats in, floats out; degrees and metres; `lat, lon` in that order. Formulas, no state.

Two distances, because one cannot be both quick and right everywhere:

- up to about 10 km and 80° of latitude a local metre frame taken at the middle latitude agrees with the geodesic
  to 0.00004 %, and costs under a microsecond;
- everything else (far, polar) takes Vincenty's inverse formula ("Direct and inverse solutions of geodesics on the
  ellipsoid with application of nested equations", Survey Review 23, 1975): good to a millimetre.
"""

from __future__ import annotations

from math import asin, atan, atan2, cos, degrees, hypot, log, pi, radians, sin, sinh, sqrt, tan

A = 6378137.0  #: equatorial radius, metres
F = 1 / 298.257223563  #: flattening
B = A * (1 - F)  #: polar radius
E2 = F * (2 - F)  #: first eccentricity, squared
MEAN_RADIUS = (2 * A + B) / 3

_RAD = pi / 180

CELLS_PER_DEGREE = 500  #: the grid of regions and topics: cells of 0.002°, at most 223 m
CELL = 1 / CELLS_PER_DEGREE
ROW_BITS = 20  #: a cell's key is column << 20 | row; 90,001 rows need 17 bits

MERCATOR_LIMIT = 85.05112877980659  #: where a web map ends: the latitude at which it is square


def frame(lat: float) -> tuple[float, float]:
    """Metres in one degree of longitude and in one of latitude, at this latitude."""
    s = sin(lat * _RAD)
    w = 1 - E2 * s * s
    n = A / sqrt(w)
    return _RAD * n * cos(lat * _RAD), _RAD * n * (1 - E2) / w


def turn(degrees_east: float) -> float:
    """The same difference of longitudes, the short way round: -180 <= turn < 180."""
    return (degrees_east + 180) % 360 - 180


def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Metres between two places along the ellipsoid, the short way round."""
    dlat = lat2 - lat1
    dlon = lon2 - lon1
    if dlon > 180 or dlon < -180:
        dlon = turn(dlon)
    if -0.1 < dlat < 0.1 and -0.1 < dlon < 0.1:
        middle = (lat1 + lat2) / 2
        if -80 < middle < 80:
            s = sin(middle * _RAD)
            w = 1 - E2 * s * s
            return _RAD * A / sqrt(w) * hypot(dlon * cos(middle * _RAD), dlat * (1 - E2) / w)
    return geodesic_m(lat1, lat2, dlon)


def geodesic_m(lat1: float, lat2: float, dlon: float) -> float:
    """Vincenty's inverse formula. Nearly opposite places, where it does not converge, get the sphere's (0.5 %)."""
    u1, u2 = atan((1 - F) * tan(radians(lat1))), atan((1 - F) * tan(radians(lat2)))
    sin1, cos1, sin2, cos2 = sin(u1), cos(u1), sin(u2), cos(u2)
    target = lam = radians(dlon)
    for _ in range(30):
        sl, cl = sin(lam), cos(lam)
        sin_sigma = hypot(cos2 * sl, cos1 * sin2 - sin1 * cos2 * cl)
        if sin_sigma == 0:
            return 0.0
        cos_sigma = sin1 * sin2 + cos1 * cos2 * cl
        sigma = atan2(sin_sigma, cos_sigma)
        sin_alpha = cos1 * cos2 * sl / sin_sigma
        cos2_alpha = 1 - sin_alpha * sin_alpha
        cos_2m = cos_sigma - 2 * sin1 * sin2 / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = F / 16 * cos2_alpha * (4 + F * (4 - 3 * cos2_alpha))
        before = lam
        lam = target + (1 - c) * F * sin_alpha * (
            sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m * cos_2m - 1))
        )
        if abs(lam - before) < 1e-12:
            break
    else:
        return _sphere_m(lat1, lat2, dlon)
    u_sq = cos2_alpha * (A * A - B * B) / (B * B)
    big_a = 1 + u_sq / 16384 * (4096 + u_sq * (-768 + u_sq * (320 - 175 * u_sq)))
    big_b = u_sq / 1024 * (256 + u_sq * (-128 + u_sq * (74 - 47 * u_sq)))
    sq = 2 * cos_2m * cos_2m - 1
    quarter = cos_sigma * sq - big_b / 6 * cos_2m * (4 * sin_sigma * sin_sigma - 3) * (2 * sq - 1)
    return B * big_a * (sigma - big_b * sin_sigma * (cos_2m + big_b / 4 * quarter))


def _sphere_m(lat1: float, lat2: float, dlon: float) -> float:
    h = sin(radians(lat2 - lat1) / 2) ** 2 + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(dlon) / 2) ** 2
    return 2 * MEAN_RADIUS * asin(min(1.0, sqrt(h)))


def bearing(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Degrees clockwise from north in which the second place lies, 0 <= bearing < 360; 0 for the same place."""
    dlon = radians(turn(lon2 - lon1))
    p1, p2 = radians(lat1), radians(lat2)
    angle = atan2(sin(dlon) * cos(p2), cos(p1) * sin(p2) - sin(p1) * cos(p2) * cos(dlon))
    return degrees(angle) % 360 % 360  # -1e-17 % 360 is 360.0


def destination(lat: float, lon: float, azimuth: float, distance: float) -> tuple[float, float]:
    """(lat, lon) that many metres away in that direction; within a millionth of the distance."""
    aimed = distance
    there = lat, lon
    for _ in range(4):  # the sphere's answer, lengthened by how far it falls short on the ellipsoid
        d, a, p = aimed / MEAN_RADIUS, radians(azimuth), radians(lat)
        p2 = asin(max(-1.0, min(1.0, sin(p) * cos(d) + cos(p) * sin(d) * cos(a))))
        l2 = lon + degrees(atan2(sin(a) * sin(d) * cos(p), cos(d) - sin(p) * sin(p2)))
        there = degrees(p2), turn(l2)
        got = distance_m(lat, lon, *there)
        if got == 0:
            break
        aimed *= distance / got
    return there


def ecef(lat: float, lon: float) -> tuple[float, float, float]:
    """Metres from the Earth's centre: the frame in which neither poles nor the antimeridian are special."""
    p, m = lat * _RAD, lon * _RAD
    s, c = sin(p), cos(p)
    n = A / sqrt(1 - E2 * s * s)
    return n * c * cos(m), n * c * sin(m), n * (1 - E2) * s


def cell(lat: float, lon: float) -> int:
    """The key of the cell this place lies in. The antimeridian is one column, the last, from either side."""
    if lon == -180:
        lon = 180.0
    return int((lon + 180) * CELLS_PER_DEGREE) << ROW_BITS | int((lat + 90) * CELLS_PER_DEGREE)


def cell_box(key: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a cell."""
    west = (key >> ROW_BITS) / CELLS_PER_DEGREE - 180
    south = (key & (1 << ROW_BITS) - 1) / CELLS_PER_DEGREE - 90
    return west, south, west + CELL, south + CELL


def tile(lat: float, lon: float, zoom: int) -> tuple[int, int]:
    """The slippy-map tile (x, y) this place lies in; beyond the map's edge, the tile at the edge."""
    n = 1 << zoom
    s = sin(radians(max(-MERCATOR_LIMIT, min(MERCATOR_LIMIT, lat))))
    x = int((lon + 180) / 360 * n)
    y = int((0.5 - log((1 + s) / (1 - s)) / (4 * pi)) * n)
    return min(max(x, 0), n - 1), min(max(y, 0), n - 1)


def tile_box(x: int, y: int, zoom: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a tile."""
    n = 1 << zoom
    south, north = (degrees(atan(sinh(pi * (1 - 2 * row / n)))) for row in (y + 1, y))
    return x / n * 360 - 180, south, (x + 1) / n * 360 - 180, north
