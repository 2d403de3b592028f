"""Document: a report as one HTML file: a folium map without a single address, on which our own scripts draw.

folium takes its assets from other hosts. Ours are named `asset:…`, and put into the text as it is rendered; when any
other address is left, nothing is written.
"""

from __future__ import annotations

import base64
import hashlib
import html
import mimetypes
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import folium
from folium.template import Template

from tracker.config import folder
from tracker.reports.scripts import joined

SCRIPTS = "report/main.js"


class ReportMap(folium.Map):
    """A map of nothing: no tiles, and no page around it but ours."""

    default_js = [("leaflet", "asset:vendor/leaflet/leaflet.js"), ("report", f"asset:js/{SCRIPTS}")]  # noqa: RUF012 - as folium has them
    default_css = [  # noqa: RUF012
        ("leaflet_css", "asset:vendor/leaflet/leaflet.css"),
        ("tokens", "asset:css/tokens.css"),
        ("report_css", "asset:css/report.css"),
    ]
    # folium's own forbids to enlarge the page, and takes all of it for the map
    _template = Template(
        """
        {% macro header(this, kwargs) %}
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="referrer" content="no-referrer">
        {% endmacro %}
        {% macro html(this, kwargs) %}
            <main id="report">
            <section id="report-map"><div class="folium-map" id={{ this.get_name()|tojson }}></div></section>
            </main>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            const {{ this.get_name() }} = L.map({{ this.get_name()|tojson }}, {
                center: {{ this.location|tojson }},
                crs: L.CRS.{{ this.crs }},
                ...{{ this.options|tojavascript }}
            });
            L.control.scale().addTo({{ this.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self) -> None:
        super().__init__(
            location=(20, 0),
            zoom_start=2,
            tiles=None,
            zoom_animation=False,
            fade_animation=False,
            attribution_control=False,
            min_zoom=1,
            max_zoom=19,
            zoom_snap=0.25,
        )
        self._id = "report"  # the same report is the same file


class Drawn(folium.MacroElement):
    """What our scripts draw on the map, packed; and for whoever runs no scripts what is summed up."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <noscript>{{ this.plain }}</noscript>
            <script type="application/octet-stream" id="report-data">{{ this.packed }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            reports.draw({{ this._parent.get_name() }}, document.getElementById("report-data").textContent);
        {% endmacro %}
        """
    )

    def __init__(self, packed: bytes, plain: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Drawn"
        self._id = "report"
        self.packed = base64.b64encode(packed).decode()
        self.plain = plain


def render(packed: bytes, title: str, summed: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """The whole file. Raises ValueError when it would ask anybody for anything."""
    ground = ReportMap()
    ground.add_child(Drawn(packed, _plain(title, summed)))
    figure: Any = ground.get_root()
    figure.title = html.escape(title)
    text = _inlined(figure.render(), folder("static"))
    text = text.replace("<html>", '<html lang="en">', 1)
    check_alone(text)
    return text.replace("<head>", f"<head>\n{_policy(text)}", 1)


def _text(text: str) -> str:
    """As markup says it. folium renders once more what was rendered: a brace would begin an expression of its own."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;")


def _plain(title: str, summed: Sequence[tuple[str, dict[str, Any]]]) -> str:
    rows = "".join(
        f"<tr><th>{_text(name)}</th><td>{_km(told.get('distance_m'))}</td><td>{_hours(told.get('driving_s'))}</td>"
        f"<td>{_hours(told.get('stopped_s'))}</td></tr>"
        for name, told in summed
    )
    heads = "".join(f"<th>{head}</th>" for head in ("Vehicle", "Distance", "Driving", "Stopped"))
    return (
        f"<h1>{_text(title)}</h1><p>The map and the lists of this report need JavaScript.</p>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _km(metres: float | None) -> str:
    return "" if metres is None else f"{metres / 1000:.1f} km"


def _hours(seconds: float | None) -> str:
    return "" if seconds is None else f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d} h"


_LINK = re.compile(r'<script src="asset:([^"]+)"></script>|<link rel="stylesheet" href="asset:([^"]+)"/>')
_URL = re.compile(r"url\((['\"]?)(?!data:|#)([^)'\"]+)\1\)")
_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)  #: a reader's own do


def _inlined(text: str, static: Path) -> str:
    def asset(found: re.Match[str]) -> str:
        script, style = found.groups()
        if script:
            name = script.removeprefix("js/")
            whole = joined(static / "js", name) if script != name else (static / script).read_text(encoding="utf-8")
            return f"<script>{_closed(whole)}</script>"
        css = _FONT.sub("", (static / style).read_text(encoding="utf-8"))
        return f"<style>{_URL.sub(lambda found: _data((static / style).parent / found[2]), css)}</style>"

    return _LINK.sub(asset, text)


def _closed(script: str) -> str:
    """Nothing in it ends the element it is put in; no line of it tells of another file."""
    return re.sub(r"^//# sourceMappingURL=.*$", "", script, flags=re.MULTILINE).replace("</script", "<\\/script")


def _data(file: Path) -> str:
    if not file.is_file():
        return "none"  # a form of old browsers that is no file
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"url(data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()})"


_ASKING = {"src", "href", "srcset", "data", "action", "formaction", "poster", "background", "manifest"}


class _Addresses(HTMLParser):
    """Every address that the markup or a style of it would have a browser ask."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.found += [f"{name}={value}" for name, value in attrs if name in _ASKING and not _is_inside(value)]
        self.found += [value for name, value in attrs if name == "style" and value and _URL.search(value)]

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.found += [found[0] for found in (*_URL.finditer(data), *re.finditer("@import.*", data))]


def _is_inside(value: str | None) -> bool:
    return (value or "").startswith(("data:", "#"))


def check_alone(text: str) -> None:
    """Raises ValueError where the markup or a style names an address: the file would not be whole by itself."""
    addresses = _Addresses()
    addresses.feed(text)
    if addresses.found:
        raise ValueError(f"a report asks for {addresses.found[0][:120]!r}")


_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def _policy(text: str) -> str:
    """These scripts run and no others, whatever a name holds; nothing is loaded."""
    hashes = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in _SCRIPT.findall(text)}
    scripts = " ".join(f"'sha256-{one}'" for one in sorted(hashes))
    return (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"script-src {scripts}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">"
    )
