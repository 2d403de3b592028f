"""Assets: is all of the page there? Looked at before a start, when the page is not made yet."""

from __future__ import annotations

from tracker.config import folder

#: without these the page is blank; hatch_build.py brings those in vendor/
ASSETS = ("index.html", "vendor/leaflet/leaflet.js", "vendor/leaflet/leaflet.css", "vendor/land-50m.json")


def missing_assets() -> str | None:
    """What to tell somebody whose page would be blank; None when all of it is there."""
    static = folder("static")
    missing = [name for name in ASSETS if not (static / name).is_file()]
    return f"{static} lacks {', '.join(missing)}: run `pip install -e .` in the checkout" if missing else None
