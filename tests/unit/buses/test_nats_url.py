from __future__ import annotations

import base64
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from tests.support.certificates import Authority
from tracker.buses.nats_url import place_of, read_credentials
from tracker.config import SettingsError, without_token

SEED = bytes(range(32))
CREDS = """-----BEGIN NATS USER JWT-----
eyJ0.e30.c2ln
------END NATS USER JWT------

************************* IMPORTANT *************************

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""


def creds(seed: bytes = SEED) -> str:
    return CREDS.format(seed=base64.b32encode(b"\x95\x00" + seed + b"\x00\x00").decode().rstrip("="))


def test_a_url_names_hosts_and_what_is_said_there() -> None:
    place = place_of("nats://one,two:4223,[::1]:5000/depot-1")
    assert place.servers == ["nats://one:4222", "nats://two:4223", "nats://[::1]:5000"]
    assert (place.name, place.tls) == ("depot-1", False)
    assert place_of("nats://one").name == place_of("nats://one/").name == "tracker"


def test_who_comes_is_a_user_or_has_a_token() -> None:
    place = place_of("nats://eve:p%40ss@one,two")
    assert (place.user, place.password, place.token) == ("eve", "p@ss", None)
    assert place_of("nats://s3cret@one").token == "s3cret"
    assert place_of("nats://eve:p%40ss@one").way_in() == {"user": "eve", "password": "p@ss"}


def test_files_are_read_before_the_first_try(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.issue("node")
    place = place_of(f"tls://one?ca={authority.file}&cert={cert}&key={key}")
    assert place.way_in()["tls"].check_hostname
    assert "tls" in place_of("tls://one").way_in()


def test_a_file_of_credentials_signs_what_the_server_asks(tmp_path: Path) -> None:
    file = tmp_path / "node.creds"
    file.write_text(creds())
    told = place_of(f"nats://one?creds={file}").way_in()
    assert told["user_jwt_cb"]() == b"eyJ0.e30.c2ln"
    SigningKey(SEED).verify_key.verify(b"nonce", base64.b64decode(told["signature_cb"]("nonce")))


@pytest.mark.parametrize(
    "url, said",
    [
        ("nats:", "names no hosts"),
        ("nats://", "names no hosts"),
        ("nats://one:99999", "names no hosts"),
        ("nats://one,,two", "names no hosts"),
        ("nats://eve:p/ss@one", r"'nats://eve:\*\*\*@one' names no hosts; .* in a password / is %2F"),
        ("nats://s3/cret@one", r"'nats://\*\*\*@one' names no hosts"),
        ("nats://one/a.b", "the name 'a.b' has other characters"),
        ("nats://one?tls=1", "has 'tls'; what it may have is ca, cert, key, creds"),
        ("nats://one?ca=x", "'ca' is of no use without TLS; say tls://"),
        ("tls://one?key=x", "'key' is of no use without 'cert'"),
        ("tls://one?ca=/nowhere", "cannot read /nowhere: No such file"),
        ("nats://one?creds=/nowhere", "cannot read /nowhere: No such file"),
        (f"nats://one?creds={__file__}", "has no JWT and seed"),
        (f"tls://one?ca={__file__}", "cannot be used"),
    ],
)
def test_a_wrong_url_says_what_is_wrong(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        place_of(url)


@pytest.mark.parametrize("url", ["nats://s3cret@one/a.b", "nats://eve:s3cret@one,two/a.b"])
def test_a_secret_is_in_no_complaint(url: str) -> None:
    with pytest.raises(SettingsError) as told:
        place_of(url)
    assert "s3cret" not in told.value.detail
    assert "s3cret" not in without_token(url)


def test_credentials_without_a_seed_are_none() -> None:
    with pytest.raises(ValueError, match="no JWT and seed"):
        read_credentials(CREDS.partition("***")[0])
