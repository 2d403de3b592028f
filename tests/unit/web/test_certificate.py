"""The server's certificate: read whole or not at all, renewed in its files, warned of before it ends."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.support.certificates import Authority
from tests.support.waiting import until
from tracker.config import Settings, SettingsError
from tracker.web.app import create_app
from tracker.web.server.certificate import Certificate, valid_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def files(tmp_path: Path, authority: Authority) -> tuple[Path, Path]:
    authority.folder = tmp_path
    return authority.issue()


def given(certificate: Certificate, authority: Authority) -> bytes:
    """What a client that comes in now is shown: a handshake without a network."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = certificate.context.wrap_bio(to_server, to_client, server_side=True)
    client = authority.trusting().wrap_bio(to_client, to_server, server_hostname="localhost")
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    shown = client.getpeercert(binary_form=True)
    assert shown
    return shown


def test_who_comes_in_after_a_renewal_is_shown_the_new_one(files: tuple[Path, Path], authority: Authority) -> None:
    certificate = Certificate(*map(str, files))
    before = given(certificate, authority)
    certificate.look()
    assert given(certificate, authority) == before
    authority.issue()
    certificate.look()
    assert given(certificate, authority) != before


def other_key(_cert: Path, key: Path, other: Path) -> None:
    key.write_bytes(other.read_bytes())


def half_a_certificate(cert: Path, _key: Path, _other: Path) -> None:
    cert.write_bytes(cert.read_bytes()[:200])


def no_file(cert: Path, _key: Path, _other: Path) -> None:
    cert.unlink()


def no_pem(_cert: Path, key: Path, _other: Path) -> None:
    key.write_text("secret")


def a_password(_cert: Path, key: Path, _other: Path) -> None:
    held = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"secret")
    key.write_bytes(held.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))


def no_key(cert: Path, key: Path, _other: Path) -> None:
    key.write_bytes(cert.read_bytes())


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (other_key, "the key belongs to another certificate"),
        (half_a_certificate, "cannot be read|no PEM|BAD"),
        (no_file, "No such file"),
        (no_pem, "no PEM|cannot be read"),
        (a_password, "without a password"),
        (no_key, "no private key is in .*: name its file with --key"),
    ],
)
def test_a_pair_that_cannot_be_used_stops_a_start_and_changes_nothing_later(
    breaks: Callable[[Path, Path, Path], None],
    said: str,
    files: tuple[Path, Path],
    authority: Authority,
    caplog: pytest.LogCaptureFixture,
) -> None:
    certificate = Certificate(*map(str, files))
    before = given(certificate, authority)
    breaks(*files, authority.issue(name="other")[1])
    for _ in range(3):
        certificate.look()
    assert given(certificate, authority) == before
    assert certificate.statistics().broken
    assert len(caplog.records) == 1 and "the certificate before goes on" in caplog.text
    with pytest.raises(SettingsError, match=said):
        Certificate(*map(str, files))
    authority.issue()
    certificate.look()
    assert not certificate.statistics().broken and given(certificate, authority) != before


def test_the_key_may_stand_in_the_file_of_the_certificate(files: tuple[Path, Path], authority: Authority) -> None:
    cert, key = files
    cert.write_bytes(key.read_bytes() + cert.read_bytes())
    key.unlink()
    assert given(Certificate(str(cert)), authority)


def test_the_end_is_warned_of_once_a_day_and_counted(
    files: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(*map(str, files))
    day, now = 86_400.0, time.time()
    assert certificate.statistics().left_s == pytest.approx(300 * day, abs=300)
    certificate.warn(now)
    assert not caplog.records
    for when in (now + 290 * day, now + 290 * day + 60, now + 291.5 * day):
        certificate.warn(when)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2 and "ends on" in caplog.text
    certificate.warn(now + 301 * day)
    assert "nobody trusts it" in caplog.text


@pytest.mark.parametrize("year", [2026, 2049, 2050, 2120])
def test_the_end_is_read_as_the_authority_wrote_it(year: int, authority: Authority, tmp_path: Path) -> None:
    authority.folder = tmp_path
    ends = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    cert, _ = authority.issue(lasts=ends - datetime.now(UTC))
    read = x509.load_pem_x509_certificate(cert.read_bytes())
    assert valid_until(read.public_bytes(serialization.Encoding.DER)) == read.not_valid_after_utc.timestamp()


async def test_the_files_are_looked_at_by_themselves(files: tuple[Path, Path], authority: Authority) -> None:
    cert, key = map(str, files)
    app = create_app(Settings(store="sqlite://:memory:", tiles="", cert=cert, key=key))
    certificate: Certificate = app.extensions["tracker.certificate"]
    before = given(certificate, authority)
    authority.issue(lasts=timedelta(days=100))
    async with app.test_app():
        await until(lambda: given(certificate, authority) != before, "the new one is shown")


def test_only_suites_with_forward_secrecy_and_authentication_are_spoken(tmp_path: Path) -> None:
    cert, key = Authority(tmp_path).issue()
    suites = Certificate(str(cert), str(key)).context.get_ciphers()
    assert suites
    for one in suites:
        assert one["protocol"] == "TLSv1.3" or str(one["name"]).startswith("ECDHE"), one
        assert one["aead"], one
        assert int(one["strength_bits"]) >= 128, one
