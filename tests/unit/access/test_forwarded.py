"""Who asks behind a proxy: what is believed, of whom, and what nobody can make up from outside."""

from __future__ import annotations

from typing import Any

import pytest

from tracker.access.forwarded import RENAMED, Proxies
from tracker.errors import BadRequest

FOR, FORWARDED = "X-Forwarded-For", "Forwarded"


def asked(
    *headers: tuple[str, str],
    peer: str = "127.0.0.1",
    trusted: tuple[str, ...] = ("loopback", "10.0.0.0/8"),
    **scope: Any,
) -> Any:
    """The scope as the server goes by it."""
    raw = [(b"host", b"map.example"), *((name.lower().encode(), value.encode("latin-1")) for name, value in headers)]
    scope = {"type": "http", "scheme": "http", "client": (peer, 4711), "headers": raw} | scope
    return Proxies(trusted).seen(scope)


def caller(*headers: tuple[str, str], peer: str = "127.0.0.1", **scope: Any) -> str:
    return str(asked(*headers, peer=peer, **scope)["client"][0])


@pytest.mark.parametrize(
    ("chain", "who"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.0.0.5", "203.0.113.7"),
        ("198.51.100.1,203.0.113.7 ,10.0.0.5,  10.9.9.9", "203.0.113.7"),
        ("10.1.2.3, 10.0.0.5", "10.1.2.3"),
        ("203.0.113.7:50123", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_of_ours_asks(chain: str, who: str) -> None:
    assert caller((FOR, chain)) == who
    elements = ",".join(f'for="{part.strip()}"' for part in chain.split(","))
    assert caller((FORWARDED, elements)) == who


@pytest.mark.parametrize("peer", ["203.0.113.9", "192.168.1.4", "2001:db8::9", "", "11.0.0.1"])
def test_nobody_else_is_believed(peer: str) -> None:
    told = (FOR, "127.0.0.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")
    scope = asked(*told, peer=peer)
    assert (
        scope["client"] == (peer, 4711) and scope["scheme"] == "http" and (b"host", b"map.example") in scope["headers"]
    )
    assert caller((FORWARDED, "for=127.0.0.1;proto=https"), peer=peer) == peer


def test_without_the_setting_nobody_is_believed() -> None:
    assert caller((FOR, "203.0.113.7"), trusted=()) == "127.0.0.1"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "10.255.0.1", "::ffff:10.0.0.1"])
def test_a_proxy_is_known_however_its_address_is_written(peer: str) -> None:
    assert caller((FOR, "203.0.113.7"), peer=peer) == "203.0.113.7"


@pytest.mark.parametrize(
    "headers",
    [
        [(FOR, "unknown")],
        [(FOR, "203.0.113.7, nonsense")],
        [(FOR, "")],
        [(FORWARDED, "for=unknown")],
        [(FORWARDED, "for=_hidden, for=_secret")],
        [(FORWARDED, "proto=https")],
        [(FORWARDED, "")],
        [("X-Forwarded-Proto", "https")],
    ],
)
def test_a_proxy_that_does_not_say_who_asks_asks_itself(headers: list[tuple[str, str]]) -> None:
    assert caller(*headers) == "127.0.0.1"


def test_lines_of_one_header_are_one_list() -> None:
    assert caller((FOR, "127.0.0.1"), (FOR, "203.0.113.7")) == "203.0.113.7"
    assert caller((FORWARDED, "for=127.0.0.1"), (FORWARDED, "For=203.0.113.7;By=10.0.0.1")) == "203.0.113.7"


@pytest.mark.parametrize(
    "headers",
    [
        [(FOR, "203.0.113.7"), (FORWARDED, "for=127.0.0.1")],
        [(FOR, "203.0.113.7"), (FORWARDED, "for=198.51.100.1;proto=https")],
        [(FOR, "203.0.113.7"), (FORWARDED, "")],
        [("X-Forwarded-Proto", "https"), (FORWARDED, "for=198.51.100.1")],
        [(FORWARDED, 'for="203.0.113.7, for=203.0.113.8')],
        [(FORWARDED, "for=198.51.100.1 nonsense, for=203.0.113.7")],
    ],
)
def test_what_a_caller_slipped_past_the_proxy_is_refused_and_hides_nobody(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequest) as caught:
        asked(*headers)
    assert caught.value.code == "bad_header"


def test_two_headers_that_agree_are_one_word() -> None:
    assert caller((FOR, "198.51.100.1, 203.0.113.7"), (FORWARDED, "for=203.0.113.7")) == "203.0.113.7"


@pytest.mark.parametrize(
    "headers",
    [
        [(FOR, "203.0.113.7"), ("X-Forwarded-Proto", "https")],
        [(FOR, "203.0.113.7"), ("X-Forwarded-Proto", "HTTPS")],
        [(FOR, "203.0.113.7, 10.0.0.5"), ("X-Forwarded-Proto", "https, http")],
        [(FOR, "1.2.3.4, 203.0.113.7, 10.0.0.5"), ("X-Forwarded-Proto", "http, https")],
        [("X-Forwarded-Proto", "wss")],
        [(FORWARDED, "for=203.0.113.7;proto=https, for=10.0.0.5;proto=http")],
        [(FORWARDED, "for=unknown ; PROTO=https")],
    ],
)
def test_the_scheme_is_the_one_the_caller_used(headers: list[tuple[str, str]]) -> None:
    assert asked(*headers)["scheme"] == "https"
    assert asked(*headers, type="websocket", scheme="ws")["scheme"] == "wss"


def test_a_scheme_nobody_knows_changes_nothing() -> None:
    assert asked((FOR, "203.0.113.7"), ("X-Forwarded-Proto", "gopher"))["scheme"] == "http"
    assert asked((FOR, "203.0.113.7"), scheme="https")["scheme"] == "https"


@pytest.mark.parametrize(
    "header", [("X-Forwarded-Host", "maps.example:8443"), (FORWARDED, 'for=203.0.113.7;host="maps.example:8443"')]
)
def test_the_host_is_the_one_the_caller_used_and_the_proxys_own_is_not_forgotten(header: tuple[str, str]) -> None:
    scope = asked(header)
    assert [value for name, value in scope["headers"] if name == b"host"] == [b"maps.example:8443"]
    assert scope[RENAMED] == b"map.example"


@pytest.mark.parametrize("host", ["", "a b", "evil.example/", "x@evil.example", "http://evil.example", "[::1"])
def test_a_host_that_is_none_changes_nothing(host: str) -> None:
    scope = asked(("X-Forwarded-Host", host), (FOR, "203.0.113.7"))
    assert (b"host", b"map.example") in scope["headers"] and RENAMED not in scope
