from __future__ import annotations

import pytest

from tracker.config import networks
from tracker.web.delivery.addresses import Refused, check, place_of, resolved

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.170", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:db8::1", "::ffff:0:7f00:1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_somebody_s_own(address: str) -> None:
    with pytest.raises(Refused, match="target_networks"):
        check(address, True, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_asked_with_tls_only(address: str) -> None:
    check(address, True, ())
    with pytest.raises(Refused, match="https"):
        check(address, False, ())


def test_what_the_setting_names_is_asked_and_nothing_beside_it() -> None:
    allowed = networks(["loopback", "10.1.0.0/16"])
    for address in ("127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"):
        check(address, False, allowed)
    for address in ("10.2.0.1", "169.254.169.254"):
        with pytest.raises(Refused):
            check(address, False, allowed)


@pytest.mark.parametrize(
    "url",
    [
        "example.com", "ftp://example.com", "file:///etc/passwd", "https://", "https://u:p@example.com/", "https://@h/",
        "https://example.com/#part", "https://example.com/a b", "https://example.com/a\nb", "https://example.com\\@b",
        "https://example.com:99999/", "https://[::1/", "https://example.com/" + "a" * 2000, "gopher://example.com",
        "https://" + "a" * 70 + ".é.example", "https://" + "a" * 64 + ".example/", "https://a..example/", "https://.example/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        place_of(url)


def test_an_address_is_asked_as_it_is_written() -> None:
    place = place_of("HTTPS://Bücher.Example:8443/hook/ü?x=1&y=%20")
    assert (place.host, place.port, place.is_tls) == ("xn--bcher-kva.example", 8443, True)
    assert (place.netloc, place.target) == ("xn--bcher-kva.example:8443", "/hook/%C3%BC?x=1&y=%20")
    assert place_of("https://[2606:4700::1]")[:2] == ("2606:4700::1", 443)
    assert place_of("https://[2606:4700::1]").netloc == "[2606:4700::1]"


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "017700000001"])
async def test_another_way_to_write_a_private_address_is_one_all_the_same(host: str) -> None:
    with pytest.raises(Refused):
        await resolved(place_of(f"https://{host}/"), ())
