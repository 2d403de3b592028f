from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracker.access.forwarded import RENAMED
from tracker.access.guard import Guard, check_bind
from tracker.config import Settings, SettingsError, describe, load, without_password, written


def test_nothing_set_means_the_defaults() -> None:
    assert load() == Settings()


def test_a_flag_beats_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tracker.toml"
    file.write_text('port = 1\nhost = "::1"\nmax_line = 1000\n')
    settings = load({"port": 3}, {"TRACKER_PORT": "2", "TRACKER_HOST": "localhost"}, file)
    assert (settings.port, settings.host, settings.max_line) == (3, "localhost", 1000)


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load({"port": None}, {"TRACKER_PORT": "2"}).port == 2


def test_the_environment_is_read_in_the_type_of_its_setting() -> None:
    settings = load(environ={"TRACKER_OPEN": "yes", "TRACKER_HOSTS": "a.example, b.example", "TRACKER_JUMP_MPS": "80"})
    assert settings.open is True
    assert settings.hosts == ["a.example", "b.example"]
    assert settings.jump_mps == 80.0


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TRACKER_PORT": "many"}, "TRACKER_PORT is 'many': expected a whole number"),
        ({"TRACKER_PORT": "70000"}, "65535"),
        ({"TRACKER_OPEN": "perhaps"}, "true or false"),
        ({"TRACKER_PROT": "1"}, "no setting 'prot'"),
        ({"TRACKER_LOG_LEVEL": "loud"}, "debug"),
        ({"TRACKER_HOSTS": "a.example,https://map.example"}, "'https://map.example', which nobody could match"),
        ({"TRACKER_HOSTS": "map.example:8443"}, "without scheme and port"),
        ({"TRACKER_HOSTS": "*.map.example"}, "nobody could match"),
        ({"TRACKER_ORIGINS": "map.example"}, "looks like https://map.example.com"),
        ({"TRACKER_ORIGINS": "https://map.example/page"}, "looks like https://map.example.com"),
        ({"TRACKER_BEHIND_PROXY": "loopback,proxy.example"}, "'proxy.example', which is no address or network"),
        ({"TRACKER_BEHIND_PROXY": "1"}, "looks like 10.0.0.5, 10.0.0.0/8 or loopback"),
        ({"TRACKER_BEHIND_PROXY": "10.0.0.1,::/0"}, "everybody could say to be anybody"),
        ({"TRACKER_KEY": "/etc/key.pem"}, "without `cert`"),
        ({"TRACKER_PORT": "81", "TRACKER_INGEST_PORT": "81"}, "`port` and `ingest_port` are both 81"),
        ({"TRACKER_BATTERY_OK_PCT": "5"}, r"battery_ok_pct \(5\) is below low_battery_pct \(20\)"),
        ({"TRACKER_LIVE_HEARTBEAT_S": "45"}, r"live_silent_s \(45\) has to be longer than live_heartbeat_s \(45\)"),
    ],
)
def test_a_wrong_setting_says_where_and_what(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(environ=environ)


def test_hosts_and_origins_as_people_write_them_are_taken() -> None:
    environ = {
        "TRACKER_HOSTS": "map.example, Pi.local., xn--1lqs71d.example",
        "TRACKER_ORIGINS": "HTTPS://Map.Example/,http://a:81",
    }
    assert len(load(environ=environ).hosts) == 3
    assert len(load(environ=environ).origins) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [('port = "80"', "port in"), ("prot = 80", "no setting 'prot'"), ("port = ", "not TOML"), ("hosts = 5", "a list")],
)
def test_a_wrong_file_says_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "tracker.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load(file=file)


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read"):
        load(file=tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://tiles.example/{z}/{x}/{y}.png?key={apikey}", "{apikey}, which the map cannot fill in"),
        ("https://tiles.example/{Z}/{x}/{y}.png", "{Z}, which the map cannot fill in"),
        ("https://tiles.example/${z}/{x}/{ y }.png", "{ y }, which the map cannot fill in"),
        ("https://tiles.example/{z}/{x}/{y.png", "a brace is left open"),
        ("https://tiles.example/{z}/{x}/{{y}}.png", "a brace is left open"),
        ("https://tiles.example/{z}/{x}.png", "it names each tile"),
        ("https://tiles.example/tile.png", "it names each tile"),
    ],
)
def test_a_tile_url_that_the_page_could_not_fill_in_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as told:
        load(environ={"TRACKER_TILES": url})
    assert said in told.value.detail


@pytest.mark.parametrize("url", ["", "/tiles/{z}/{x}/{y}.png", "https://{s}.tiles.example/{z}/{x}/{-y}{r}.png"])
def test_tile_urls_of_every_usual_form_are_taken(url: str) -> None:
    assert load(environ={"TRACKER_TILES": url}).tiles == url


def test_every_setting_says_what_it_is() -> None:
    for name in Settings.__struct_fields__:
        assert describe(name), name


def test_what_is_printed_reads_back_as_the_same_settings(tmp_path: Path) -> None:
    settings = load({"hosts": ["a.example"], "tiles": "", "port": 9})
    file = tmp_path / "tracker.toml"
    file.write_text(written(settings), encoding="utf-8")
    assert tomllib.loads(file.read_text("utf-8"))["port"] == 9
    assert load(file=file) == settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_needs_no_word(host: str) -> None:
    assert check_bind(Settings(host=host)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "fleet.example"])
def test_any_other_address_needs_open_and_is_warned_of(host: str) -> None:
    with pytest.raises(SettingsError, match="--open"):
        check_bind(Settings(host=host))
    assert host in str(check_bind(Settings(host=host, open=True)))


@pytest.mark.parametrize("way", [{"cert": "/c.pem"}, {"cert": "/c.pem", "behind_proxy": ["10.0.0.5"]}])
def test_where_people_sign_in_any_other_address_needs_a_way_nobody_can_listen_on(way: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"--cert and --key, or --behind-proxy .* or --insecure"):
        check_bind(Settings(host="0.0.0.0"), administrator=True)
    assert check_bind(Settings(host="0.0.0.0", **way), administrator=True) is None
    with pytest.raises(SettingsError, match="--open"):
        check_bind(Settings(host="0.0.0.0", **way), administrator=False)


@pytest.mark.parametrize(
    ("proxies", "do"),
    [(["loopback"], "listen on 127.0.0.1"), (["10.0.0.5", "10.1.0.0/16"], "10.0.0.5, 10.1.0.0/16 only")],
)
def test_a_port_that_is_reached_past_the_proxy_is_warned_of(proxies: list[str], do: str) -> None:
    warned = str(check_bind(Settings(host="0.0.0.0", port=81, behind_proxy=proxies), administrator=True))
    assert "0.0.0.0:81 past the proxy is served without TLS" in warned and do in warned
    assert check_bind(Settings(behind_proxy=proxies), administrator=True) is None, "on loopback nobody reaches it"


def test_insecure_is_warned_of_and_lets_nobody_in_who_does_not_sign_in() -> None:
    assert "passwords" in str(check_bind(Settings(host="::", insecure=True), administrator=True))
    with pytest.raises(SettingsError, match="--open"):
        check_bind(Settings(host="::", insecure=True))


@pytest.mark.parametrize("administrator", [False, True])
def test_loopback_needs_no_word_whoever_signs_in(administrator: bool) -> None:
    assert check_bind(Settings(host="::1"), administrator) is None


def test_open_lets_in_everybody_only_where_nobody_signs_in() -> None:
    assert "everybody" in str(check_bind(Settings(host="0.0.0.0", open=True), administrator=False))
    assert "passwords" in str(check_bind(Settings(host="0.0.0.0", open=True), administrator=True))


def access(**settings: Any) -> Callable[[str, dict[bytes, bytes]], object]:
    """Asks a guard with these settings about a request with these headers."""
    guard = Guard(Settings(**settings))
    return lambda method, headers: guard.check(method, {"headers": list(headers.items())})


@pytest.mark.parametrize("host", [b"127.0.0.1:8000", b"localhost", b"[::1]:8000", b"10.0.0.7", b"LOCALHOST:1", b"::1"])
def test_addresses_and_localhost_are_our_names(host: bytes) -> None:
    access()("GET", {b"host": host})


@pytest.mark.parametrize("host", [b"evil.example", b"localhost.evil.example", b"127.0.0.1.evil.example:80", b"\xff"])
def test_another_name_is_not_ours_unless_a_setting_says_so(host: bytes) -> None:
    from tracker.errors import NotAllowed

    with pytest.raises(NotAllowed) as caught:
        access()("GET", {b"host": host})
    assert caught.value.code == "host_not_allowed"
    access(hosts=[host.decode("latin-1").partition(":")[0]])("GET", {b"host": host})


@pytest.mark.parametrize("origin", [b"http://evil.example", b"null", b"http://localhost:9", b"", b"file://"])
def test_a_page_of_another_origin_may_read_nothing_into_us(origin: bytes) -> None:
    from tracker.errors import NotAllowed

    for method in ("POST", "PUT", "DELETE", "CONNECT"):
        with pytest.raises(NotAllowed):
            access()(method, {b"host": b"localhost:8000", b"origin": origin})


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_where_it_is_known_that_the_page_came_by_tls_one_without_is_another(scheme: str) -> None:
    from tracker.errors import NotAllowed

    guard = Guard(Settings(hosts=["map.example"]))
    for method in ("POST", "CONNECT"):
        scope = {"scheme": scheme, "headers": [(b"host", b"map.example"), (b"origin", b"http://map.example")]}
        with pytest.raises(NotAllowed):
            guard.check(method, scope)
        guard.check(method, scope | {"scheme": "http"})
        guard.check(method, scope | {"headers": [(b"host", b"map.example"), (b"origin", b"https://map.example")]})


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (b"https://map.example", b"map.example:443", True),
        (b"https://map.example:443", b"map.example", True),
        (b"http://map.example", b"map.example:80", True),
        (b"https://map.example", b"map.example:80", False),
        (b"https://map.example:8443", b"map.example", False),
        (b"https://map.example", b"map.example:8443", False),
    ],
)
def test_a_port_that_is_usual_is_written_or_not(origin: bytes, host: bytes, ours: bool) -> None:
    from tracker.errors import NotAllowed

    ask = access(hosts=["map.example"])
    with contextlib.nullcontext() if ours else pytest.raises(NotAllowed):
        ask("POST", {b"host": host, b"origin": origin})


def test_a_host_that_a_proxy_tells_does_not_hide_the_one_it_was_asked_by() -> None:
    from tracker.errors import NotAllowed

    guard = Guard(Settings(hosts=["map.example"]))
    guard.check("GET", {"headers": [(b"host", b"map.example")], RENAMED: b"127.0.0.1:8000"})
    for host, renamed in ((b"map.example", b"evil.example"), (b"evil.example", b"map.example")):
        with pytest.raises(NotAllowed):
            guard.check("GET", {"headers": [(b"host", host)], RENAMED: renamed})


def test_our_own_page_and_named_ones_may() -> None:
    access()("POST", {b"host": b"localhost:8000", b"origin": b"http://localhost:8000"})
    access(origins=["https://desk.example"])("POST", {b"host": b"localhost", b"origin": b"https://desk.example"})


@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"Cross-Site ", b"", b"something-new"])
def test_a_page_of_another_site_that_hides_its_origin_may_change_nothing(site: bytes) -> None:
    from tracker.errors import NotAllowed

    headers = {b"host": b"localhost:8000", b"sec-fetch-site": site}
    for method in ("POST", "PUT", "PATCH", "DELETE", "CONNECT"):
        with pytest.raises(NotAllowed) as caught:
            access()(method, headers)
        assert caught.value.code == "origin_not_allowed"
    access()("GET", headers)
    access(origins=["https://desk.example"])("POST", headers | {b"origin": b"https://desk.example"})


@pytest.mark.parametrize("site", [b"same-origin", b"none"])
def test_our_own_page_and_a_typed_address_need_no_origin(site: bytes) -> None:
    access()("POST", {b"host": b"localhost:8000", b"sec-fetch-site": site})


DATABASE = "postgresql://me:s3cret@db/fleet?schema=one"


def test_beside_a_database_a_folder_is_what_belongs_to_this_machine() -> None:
    settings = load({"store": DATABASE, "data": "/d"})
    assert (settings.store_url, settings.folder, settings.has_data) == (DATABASE, Path("/d"), True)
    assert load({"data": "/flag"}, {"TRACKER_STORE": DATABASE}).store_url == DATABASE
    assert load({"store": DATABASE}, {"TRACKER_DATA": "/d"}).folder == Path("/d")
    assert load({"data": "/nowhere/d"}).has_data is False


@pytest.mark.parametrize(
    "url",
    [
        DATABASE,
        "postgresql://me@db/fleet?schema=one&password=s3cret",
        "postgresql://me:a/s3cret@db/fleet?schema=one",
        "postgresql://me:a@s3cret@db/fleet?schema=one",
        "postgresql://me:a?s3cret@db/fleet?schema=one",
    ],
)
def test_the_password_of_a_database_is_shown_to_nobody(url: str) -> None:
    settings = load({"store": url})
    for told in (written(settings), settings.place, without_password(url)):
        assert "db/fleet?schema=one" in told and "s3cret" not in told
    assert load({"data": "/d"}).place == "/d"


def test_a_store_is_a_folder_or_its_url_and_never_both() -> None:
    assert load({"data": "/d"}).store_url == "sqlite:/d"
    assert (
        load({"store": "sqlite:///d"}).folder
        == load({"store": "sqlite:/d"}).folder
        == load({"store": "/d"}).folder
        == Path("/d")
    )
    with pytest.raises(SettingsError, match="set one of them"):
        load({"store": "sqlite:/d", "data": "/d"})
    assert load({"store": "sqlite:/flag"}, {"TRACKER_DATA": "/environment"}).folder == Path("/flag")
    assert load({"data": "/flag"}, {"TRACKER_STORE": "sqlite:/environment"}).folder == Path("/flag")
    assert load({}, {"TRACKER_STORE": "sqlite:/environment", "TRACKER_DATA": ""}).folder == Path("/environment")
