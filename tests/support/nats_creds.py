"""An operator, an account and a user of NATS, as `nsc` would make them."""

from __future__ import annotations

import base64
import binascii
import json
import time
from pathlib import Path
from typing import Any

from nacl.signing import SigningKey

SEED, OPERATOR, ACCOUNT, USER = 18 << 3, 14 << 3, 0, 20 << 3
LIMITS = dict.fromkeys(["subs", "data", "payload", "imports", "exports", "conn", "leaf"], -1) | {"wildcards": True}


def _written(raw: bytes) -> str:
    check = binascii.crc_hqx(raw, 0).to_bytes(2, "little")
    return base64.b32encode(raw + check).decode().rstrip("=")


class Key:
    def __init__(self, kind: int) -> None:
        self._signing = SigningKey.generate()
        self.public = _written(bytes([kind]) + bytes(self._signing.verify_key))
        self.seed = _written(bytes([SEED | kind >> 5, (kind & 31) << 3]) + bytes(self._signing))

    def issue(self, subject: Key, kind: str, **nats: Any) -> str:
        claims = {"jti": "x", "iat": int(time.time()), "iss": self.public, "sub": subject.public, "name": kind}
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, claims | {"nats": {"type": kind, "version": 2} | nats}]
        told = b".".join(_url(json.dumps(part).encode()) for part in parts)
        return (told + b"." + _url(bytes(self._signing.sign(told).signature))).decode()


def _url(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def make(file: Path) -> str:
    """Writes a user's credentials; answers the lines of a server that lets it in, and nobody else."""
    operator, account, user = Key(OPERATOR), Key(ACCOUNT), Key(USER)
    jwt = account.issue(user, "user", pub={}, sub={}, subs=-1, data=-1, payload=-1)
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    preload = operator.issue(account, "account", limits=LIMITS)
    return (
        f'operator: "{operator.issue(operator, "operator")}"\nresolver: MEMORY\n'
        f'resolver_preload: {{ {account.public}: "{preload}" }}'
    )
