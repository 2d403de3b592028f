"""Certificates made for one test by an authority of its own; no key is ever kept."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme


class Authority:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._ca = trustme.CA(organization_name="Tests")
        self.file = folder / "authority.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, lasts: timedelta = timedelta(days=300), name: str = "server") -> tuple[Path, Path]:
        """Files of a certificate with its chain and of its key, written over those of the same `name`."""
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        ends = datetime.now(UTC) + lasts
        issued = self._ca.issue_cert(
            *(names or ("127.0.0.1", "localhost")), not_after=ends, not_before=ends - timedelta(days=400)
        )
        cert.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        return cert, key

    def trusting(self) -> ssl.SSLContext:
        """What a client has that knows this authority."""
        return ssl.create_default_context(cafile=str(self.file))
