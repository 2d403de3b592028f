"""A live map of a fleet: pings in, geofence events and position updates out."""

__version__ = "0.1.0"
