"""Settings: defaults < tracker.toml < TRACKER_* < flags, all in one struct."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from tracker.config import tiles
from tracker.config.retention import read_rules
from tracker.errors import TrackerError
from tracker.times import BadZone, named_zone


class SettingsError(TrackerError):
    """A setting has a wrong value or an unknown name; says where it was set and what it may be."""

    def __init__(self, detail: str) -> None:
        super().__init__("settings", detail)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting. Sizes are bytes, names ending in `_s` seconds. The text of each is its documentation."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0 takes a free one")] = 8000
    ingest_port: Annotated[
        int, Meta(ge=0, le=65535, description="port where positions are taken and nothing else; 0: there is none")
    ] = 0
    data: Annotated[str, Meta(description="folder that holds everything; empty: the user's data folder")] = ""
    store: Annotated[
        str,
        Meta(
            description="URL of what keeps everything: sqlite:FOLDER, or postgresql://USER@HOST/DATABASE?schema=NAME; "
            "empty: the folder of `data`"
        ),
    ] = ""
    bus: Annotated[
        str,
        Meta(
            description="URL of what nodes hear each other by: memory: is one node by itself; "
            "nats://HOST:PORT,HOST:PORT/NAME, or tls://"
        ),
    ] = "memory:"
    retention: Annotated[
        list[str],
        Meta(
            description="days positions are kept whole, then thinned, by group of vehicles (*: all others): *:30/365, "
            "trucks:90/always, or vans:14, which then go; empty: everything is kept"
        ),
    ] = []
    retention_notice_h: Annotated[
        float, Meta(ge=0, description="hours between the warning that positions go for the first time, and their going")
    ] = 24.0
    accept_loss: Annotated[
        bool, Meta(description="start although stored data is missing; for one start, not for every one")
    ] = False
    open: Annotated[bool, Meta(description="listen on other addresses than loopback although nobody signs in yet")] = (
        False
    )
    cert: Annotated[
        str, Meta(description="file of the certificate and its chain (PEM): the server speaks TLS, and reads it again")
    ] = ""
    key: Annotated[str, Meta(description="file of the certificate's private key; empty: it is in `cert`")] = ""
    hsts_s: Annotated[
        int, Meta(ge=0, description="with `cert`: how long browsers come back by TLS only (HSTS); 0: they are not told")
    ] = 31_536_000
    behind_proxy: Annotated[
        list[str],
        Meta(description="networks of proxies whose word is taken for who asks; loopback: those on this machine"),
    ] = []
    insecure: Annotated[
        bool, Meta(description="listen on other addresses than loopback with neither TLS nor a proxy")
    ] = False
    hosts: Annotated[
        list[str], Meta(description="host names this server is reached by; addresses and localhost always work")
    ] = []
    origins: Annotated[
        list[str], Meta(description="other web pages (scheme://host:port) that may write and open sockets")
    ] = []

    tiles: Annotated[
        str,
        Meta(
            description="URL of map tiles with {z} {x} {y} (or {-y}: rows from the south), {s} (a, b, c), "
            "{r} (@2x on sharp screens); /path: from this address; empty: only the map that is built in"
        ),
    ] = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
    tiles_attribution: Annotated[str, Meta(description="what the map says about its tiles")] = (
        "© OpenStreetMap contributors"
    )
    tiles_max_zoom: Annotated[
        int, Meta(ge=0, le=24, description="the deepest zoom there are tiles of; nearer, they are enlarged")
    ] = 19

    webhooks: Annotated[
        str, Meta(description="file (TOML) that says what the webhooks of other clouds mean and how they are signed")
    ] = ""

    target_networks: Annotated[
        list[str],
        Meta(description="networks beside the public internet that targets may be in; loopback: this machine"),
    ] = []

    max_body: Annotated[int, Meta(ge=1024, description="bytes of one JSON body as sent")] = 8 * 2**20
    max_inflated: Annotated[int, Meta(ge=1024, description="bytes of one JSON body once inflated")] = 64 * 2**20
    max_entry: Annotated[int, Meta(ge=1024, description="bytes of a register entry, and of any other small body")] = (
        64 * 2**10
    )
    max_region: Annotated[
        int, Meta(ge=1024, description="bytes of one region: PUT, PATCH, preview, and each of an import")
    ] = 2 * 2**20
    max_import: Annotated[int, Meta(ge=1024, description="bytes of one import of regions")] = 64 * 2**20
    max_line: Annotated[int, Meta(ge=256, description="bytes of one line of NDJSON")] = 64 * 2**10
    max_message: Annotated[int, Meta(ge=256, description="bytes of one message on the positions WebSocket")] = 2**20
    max_buffered: Annotated[int, Meta(ge=2**20, description="bytes of bodies held at once; more are told to wait")] = (
        256 * 2**20
    )
    heavy_at_once: Annotated[int, Meta(ge=1, description="large answers, previews and imports worked on at once")] = 2
    heavy_waiting: Annotated[
        int, Meta(ge=0, description="further ones that wait for it; more are told to come again")
    ] = 32
    max_inbox: Annotated[int, Meta(ge=1000, description="pings waiting to be stored; more are told to wait")] = 20_000
    body_timeout_s: Annotated[
        float, Meta(gt=0, description="how long a body may stand still before it is given up")
    ] = 30

    max_connections: Annotated[
        int,
        Meta(ge=10, description="connections open at once, nine tenths of them from one address; idle ones give way"),
    ] = 20_000
    keep_alive_s: Annotated[float, Meta(gt=0, description="how long an idle HTTP connection stays open")] = 75.0

    live_connections: Annotated[int, Meta(ge=1, description="viewers connected at once")] = 10_000
    live_per_address: Annotated[
        int, Meta(ge=0, description="viewers from one address; 0: 200, and this machine itself without limit")
    ] = 0
    live_messages_per_s: Annotated[int, Meta(ge=1, description="messages a viewer may send in a second")] = 20
    live_max_vehicles: Annotated[int, Meta(ge=1, description="vehicles one viewer is shown; beyond it counts")] = 50_000
    live_heartbeat_s: Annotated[float, Meta(gt=0, description="how often a quiet viewer is pinged")] = 20.0
    live_silent_s: Annotated[float, Meta(gt=0, description="a viewer not heard for so long is gone")] = 45.0
    live_blocked_s: Annotated[float, Meta(gt=0, description="a viewer that reads nothing for so long is closed")] = 5.0
    live_follow_s: Annotated[float, Meta(gt=0, description="a viewer that follows nothing so long is closed")] = 10.0

    unknown_vehicles: Annotated[
        Literal["", "create", "quarantine", "refuse"],
        Meta(
            description="positions of a vehicle nobody knows: create it, quarantine them until somebody lets it in, or "
            "refuse them; empty: create on loopback, else quarantine (on loopback behind a proxy too, once people sign "
            "in)"
        ),
    ] = ""
    quarantine_vehicles: Annotated[
        int, Meta(ge=1, description="unknown vehicles that wait; of more, those heard last")
    ] = 500
    quarantine_fixes: Annotated[int, Meta(ge=1, le=1000, description="positions kept of each; of more, the newest")] = (
        100
    )

    device_rate_per_s: Annotated[
        float,
        Meta(
            ge=0,
            description="how often a device may send, by its token and vehicle: requests a second, ten positions of a "
            "batch like one; 0: as often as it likes",
        ),
    ] = 50.0
    device_burst: Annotated[
        float, Meta(ge=1, description="and how much of it at once, after it has been quiet: a backlog")
    ] = 3000.0

    silence_s: Annotated[
        float, Meta(gt=0, description="a moving vehicle that says nothing for so long is `silent`")
    ] = 300.0
    jump_mps: Annotated[
        float, Meta(gt=0, description="a position that implies a higher speed waits for the next to agree")
    ] = 70.0
    jump_gap_s: Annotated[float, Meta(ge=0, description="after a longer gap no position is a jump; 0: none ever")] = (
        300.0
    )
    max_accuracy_m: Annotated[
        float, Meta(gt=0, description="a less accurate position is shown with its circle and decides nothing")
    ] = 200.0
    low_battery_pct: Annotated[float, Meta(ge=0, le=100, description="below this a battery is low")] = 20.0
    battery_ok_pct: Annotated[float, Meta(ge=0, le=100, description="from here on it is no longer low")] = 30.0

    report_folder: Annotated[
        str, Meta(description="folder the server writes reports into by itself; empty: it makes none")
    ] = ""
    report_daily: Annotated[bool, Meta(description="with `report_folder`: one of each day, once it is over")] = True
    report_weekly: Annotated[bool, Meta(description="with `report_folder`: one of each week, from Monday on")] = True
    report_zone: Annotated[str, Meta(description="time zone in which these days begin, such as Europe/Helsinki")] = (
        "UTC"
    )
    report_keep: Annotated[
        int, Meta(ge=0, description="of the daily and of the weekly ones so many are kept, the newest; 0: all")
    ] = 60

    demo: Annotated[bool, Meta(description="the page says that what it shows is simulated")] = False
    log_level: Annotated[str, Meta(description="debug, info, warning or error")] = "info"

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def meets_unknown(self, people: bool = False) -> str:
        """What is done with positions of vehicles nobody knows: create, quarantine or refuse.

        `people`: they sign in. Else whoever a proxy brings to loopback may do everything as it is."""
        private = self.is_loopback and not (people and self.behind_proxy)
        return self.unknown_vehicles or ("create" if private else "quarantine")

    @property
    def store_url(self) -> str:
        return self.store or f"sqlite:{self.folder}"

    @property
    def is_shared(self) -> bool:
        """One of several nodes: what lasts is where all of them write, and they can hear each other."""
        return not is_folder(self.store_url) and self.bus != "memory:"

    @property
    def place(self) -> str:
        """Where everything is kept, as it may be shown."""
        return str(self.folder) if is_folder(self.store_url) else without_password(self.store)

    @property
    def has_data(self) -> bool:
        """May there be something? Of a database only it can tell."""
        return not is_folder(self.store_url) or self.folder.is_dir()

    @property
    def folder(self) -> Path:
        """Of the embedded store; beside another store, what belongs to this machine."""
        if self.store and is_folder(self.store):
            return folder_of(self.store)
        return Path(self.data).expanduser() if self.data else _user_folder()


def is_folder(url: str) -> bool:
    """Is it the URL of an embedded store?"""
    return not re.match(r"(?!sqlite:)[a-z][a-z0-9+]+:", url)


def without_password(url: str) -> str:
    """Of a store, as it may be shown; a `/` or `@` in a password may be there as it is, although none can reach it."""
    shown = re.sub(r"^([a-z]+://[^:@/?#]*):.+@", r"\1:***@", url)
    return re.sub(r"([?&]password=)[^&]*", r"\1***", shown)


def without_token(url: str) -> str:
    """Of a bus, as it may be shown: who comes with a token has no other name."""
    return re.sub(r"^([a-z]+://)[^:@?]*@", r"\1***@", without_password(url))


def folder_of(url: str) -> Path:
    """The folder of an embedded store: `sqlite:/var/lib/tracker`, `sqlite:///var/lib/tracker`, or just the path."""
    return Path(url.removeprefix("sqlite:").removeprefix("//")).expanduser()


PACKAGE = Path(__file__).parent.parent  #: tracker/


def folder(name: str) -> Path:
    """`static` or `fixtures`: packed beside the code in a wheel, at the top of a checkout."""
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name


SECRETS: frozenset[str] = frozenset()  #: settings `tracker config` does not show


_HINTS = get_type_hints(Settings, include_extras=True)


def describe(name: str) -> str:
    """The documentation of one setting."""
    for meta in _HINTS[name].__metadata__:
        if meta.description:
            return str(meta.description)
    return ""


def load(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Settings from every source; a flag that is None was not given. Raises SettingsError.

    `file` is the toml file: it must exist when named, and nothing is read without one.
    """
    read: list[dict[str, Any]] = [{}, {}, {}]
    if file is not None:
        for name, value in _read_file(file).items():
            read[0][name] = _value(name, value, f"{name} in {file}", strict=True)
    for variable, text in (environ or {}).items():
        if variable.startswith("TRACKER_") and variable not in NOT_SETTINGS:
            name = variable.removeprefix("TRACKER_").lower()
            read[1][name] = _value(name, _read_text(name, text, variable), variable, strict=False)
    for name, value in (flags or {}).items():
        if value is not None:
            read[2][name] = _value(name, value, f"--{name.replace('_', '-')}", strict=False)
    values: dict[str, Any] = {}
    for source in read:
        # a folder has two names: the later source decides; beside another store it is this machine's own
        if (store := source.get("store")) and is_folder(store):
            values.pop("data", None)
        if source.get("data") and is_folder(values.get("store", "")):
            values.pop("store", None)
        values |= source
    settings = Settings(**values)
    _check_together(settings)
    return settings


#: variables that begin with TRACKER_ and are no settings: where the file is, and what tests use
NOT_SETTINGS = frozenset({"TRACKER_CONFIG", "TRACKER_TEST_SLOWNESS", "TRACKER_TOKEN"})


def find_file(environ: Mapping[str, str]) -> Path | None:
    """TRACKER_CONFIG, or tracker.toml in the working directory when there is one."""
    if named := environ.get("TRACKER_CONFIG"):
        return Path(named)
    here = Path("tracker.toml")
    return here if here.is_file() else None


def _user_folder() -> Path:
    return Path.home() / ".local" / "share" / "live-map-tracker"


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as fault:
        raise SettingsError(f"cannot read {file}: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{file} is not TOML: {fault}") from None


def _read_text(name: str, text: str, variable: str) -> Any:
    """An environment variable as the type its setting has: lists are separated by commas."""
    default = getattr(Settings(), name, None)
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(default, bool):
        word = text.strip().lower()
        if word in ("1", "true", "yes", "on"):
            return True
        if word in ("0", "false", "no", "off", ""):
            return False
        raise SettingsError(f"{variable} is {text!r}; it takes true or false")
    return text if isinstance(default, str) else text.strip()


def _value(name: str, value: Any, where: str, *, strict: bool) -> Any:
    if name not in _HINTS:
        raise SettingsError(f"there is no setting {name!r} ({where}); `tracker config` lists them all")
    try:
        value = msgspec.convert(value, _HINTS[name], strict=strict)
    except msgspec.ValidationError as fault:
        raise SettingsError(f"{where} is {value!r}: {_plain(str(fault))}") from None
    if name == "tiles" and (wrong := tiles.fault(value)):
        raise SettingsError(f"{where} is {value!r}: {wrong}")
    if name == "log_level" and value not in ("debug", "info", "warning", "error"):
        raise SettingsError(f"{where} is {value!r}: it is one of debug, info, warning, error")
    if name == "report_zone" and not _is_zone(value):
        raise SettingsError(f"{where} is {value!r}, which is no time zone; it looks like Europe/Helsinki or UTC")
    if name == "retention":
        try:
            read_rules(value)
        except ValueError as fault:
            raise SettingsError(f"{where}: {fault}") from None
    if name == "behind_proxy":
        _check_networks(value, where, "then everybody could say to be anybody; name your proxies")
    if name == "target_networks":
        _check_networks(value, where, "then targets could be anywhere; name the networks you mean")
    if name in _ITEMS:
        form, example = _ITEMS[name]
        for item in value:
            if not re.fullmatch(form, item):
                raise SettingsError(f"{where} has {item!r}, which nobody could match; it looks like {example}")
    return value


def _is_zone(name: str) -> bool:
    try:
        named_zone(name)
    except BadZone:
        return False
    return True


def networks(names: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    """The networks of `behind_proxy` and the like. Raises ValueError."""
    written = (("127.0.0.0/8", "::1") if name == "loopback" else (name,) for name in names)
    return [ip_network(text, strict=False) for texts in written for text in texts]


def _check_networks(names: list[str], where: str, too_wide: str) -> None:
    for name in names:
        try:
            found = networks([name])
        except ValueError:
            raise SettingsError(
                f"{where} has {name!r}, which is no address or network; it looks like 10.0.0.5, 10.0.0.0/8 or loopback"
            ) from None
        if not all(network.prefixlen for network in found):
            raise SettingsError(f"{where} has {name!r}: {too_wide}")


#: what the items of a list look like: one that is written otherwise would be taken and never hold
_ITEMS = {
    "hosts": (r"[A-Za-z0-9._-]+", "map.example.com, without scheme and port"),
    "origins": (r"(?i:[a-z][a-z0-9+.-]*)://[^\s/?#]+/?", "https://map.example.com, with its port unless that is usual"),
}


def _check_together(settings: Settings) -> None:
    """Settings that are right each for itself and contradict one another."""
    if settings.store and settings.data and is_folder(settings.store):
        raise SettingsError("`data` and `store` both say where everything is kept; set one of them")
    if settings.key and not settings.cert:
        raise SettingsError("`key` is of no use without `cert`, the file of the certificate it belongs to")
    if settings.ingest_port and settings.ingest_port == settings.port:
        raise SettingsError(f"`port` and `ingest_port` are both {settings.port}; there is one door at a port")
    if settings.battery_ok_pct < settings.low_battery_pct:
        ok, low = settings.battery_ok_pct, settings.low_battery_pct
        raise SettingsError(f"battery_ok_pct ({ok:g}) is below low_battery_pct ({low:g}): no battery could be both")
    if settings.live_silent_s <= settings.live_heartbeat_s:
        silent, every = settings.live_silent_s, settings.live_heartbeat_s
        raise SettingsError(
            f"live_silent_s ({silent:g}) has to be longer than live_heartbeat_s ({every:g}): "
            "viewers would be cut off before they are asked"
        )


def _plain(fault: str) -> str:
    """msgspec's sentence in the words of people who write settings."""
    fault = fault.partition(" - at ")[0][:1].lower() + fault.partition(" - at ")[0][1:]
    for there, here in (
        ("`int`", "a whole number"),
        ("`float`", "a number"),
        ("`str`", "a text"),
        ("`bool`", "true or false"),
        ("`array`", "a list"),
    ):
        fault = fault.replace(there, here)
    return fault


def written(settings: Settings) -> str:
    """Settings as TOML, each with its documentation, secrets hidden."""
    lines: list[str] = []
    for name in Settings.__struct_fields__:
        value = "***" if name in SECRETS else getattr(settings, name)
        value = without_password(value) if name == "store" else value
        value = without_token(value) if name == "bus" else value
        text = msgspec.json.encode(value).decode()  # of these types JSON is TOML
        lines += [f"# {describe(name)}", f"{name} = {text}", ""]
    return "\n".join(lines)
