"""The URL of map tiles: what may stand in it, and whom the page must be allowed to ask."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PLACEHOLDERS = ("z", "x", "y", "-y", "s", "r")
SUBDOMAINS = "abc"  #: what {s} becomes, one after the other
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]")


def fault(url: str) -> str | None:
    """What is wrong with the URL of tiles, in words; None when the page can use it."""
    if not url:
        return None
    if re.search(r"[\s\x00-\x1f\\]", re.sub(r"\{[^{}]*\}", "", url)):
        return "a URL has no spaces, line ends or backslashes"
    if re.search(r"%7b", url, re.IGNORECASE):
        return "write { and } as they are, not %7B and %7D"
    known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    rest = re.sub(r"\{[^{}]*\}", "", url)
    if "{" in rest or "}" in rest:
        return "a brace is left open"
    for name in re.findall(r"\{([^{}]*)\}", url):
        if name not in PLACEHOLDERS:
            hint = "; put the value itself there" if re.search(r"key|token|id|style", name, re.IGNORECASE) else ""
            return f"it names {{{name}}}, which the map cannot fill in{hint}; it knows {known}"
    rows = ("{y}" in url) + ("{-y}" in url)
    if missing := [name for name in ("{z}", "{x}") if name not in url] + ([] if rows else ["{y}"]):
        return f"{' and '.join(missing)} is missing: it names each tile by {{z}}, {{x}} and {{y}}"
    if rows == 2:
        return "{y} counts rows from the north, {-y} from the south: use one of them"
    try:
        parts = urlsplit(url.replace("{s}", "a"))
        _ = parts.port
    except ValueError as why:
        return f"it is no URL: {why}"
    if not parts.scheme and not parts.netloc:
        return None  # of this very server, or of the proxy before it
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return "begin it with https://, http://, or a path such as /tiles/{z}/{x}/{y}.png"
    if "@" in parts.netloc:
        return "browsers refuse images with a name and a password in their URL"
    if not _HOST.fullmatch(re.sub(r":\d*$", "", parts.netloc)):
        return (
            "of the placeholders only {s} may stand in the host" if "{" in parts.netloc else "its host is no host name"
        )
    return None


def origins(url: str) -> tuple[str, ...]:
    """Where tiles come from, as a content policy names it; none for tiles of our own address."""
    found: list[str] = []
    for letter in SUBDOMAINS if "{s}" in urlsplit(url).netloc else SUBDOMAINS[:1]:
        parts = urlsplit(url.replace("{s}", letter))
        if parts.scheme in ("http", "https") and parts.netloc:
            found.append(f"{parts.scheme}://{_ascii(parts.netloc)}")
    return tuple(found)


def first(url: str) -> str:
    """The one tile that is the whole world."""
    for name, value in (("s", SUBDOMAINS[0]), ("r", ""), ("z", "0"), ("x", "0"), ("y", "0"), ("-y", "0")):
        url = url.replace(f"{{{name}}}", value)
    parts = urlsplit(url)
    return parts._replace(netloc=_ascii(parts.netloc)).geturl()


def _ascii(netloc: str) -> str:
    return netloc.lower() if netloc.isascii() else netloc.encode("idna").decode("ascii")
