"""Extra: what few pings carry, kept as JSON beside their columns of integers, and only where there is something."""

from __future__ import annotations

import msgspec

from tracker.model.ping import Ping, Scalar


class Extra(msgspec.Struct, omit_defaults=True, gc=False):
    ignition: bool | None = None
    battery_pct: float | None = None
    odometer_m: float | None = None
    driver: str | None = None
    alarm: str | None = None
    attributes: dict[str, Scalar] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Extra).decode


def extra_of(ping: Ping) -> bytes | None:
    if (
        ping.ignition is None
        and ping.attributes is None
        and ping.battery_pct is None
        and ping.odometer_m is None
        and ping.driver is None
        and ping.alarm is None
    ):
        return None
    extra = Extra(ping.ignition, ping.battery_pct, ping.odometer_m, ping.driver, ping.alarm, ping.attributes)
    return _encode(extra)


def with_extra(ping: Ping, extra: Extra | bytes) -> Ping:
    known = extra if isinstance(extra, Extra) else _decode(extra)
    return msgspec.structs.replace(ping, **msgspec.structs.asdict(known))


def without_place(extra: bytes) -> bytes | None:
    """Of what may tell where it was said, nothing; None: then nothing is left."""
    left = msgspec.structs.replace(_decode(extra), odometer_m=None, attributes=None)
    return None if left == Extra() else _encode(left)
