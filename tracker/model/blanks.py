"""Blanks: secrets taken out of what is shown of a payload: our tokens, and whatever goes by the name of a secret."""

from __future__ import annotations

import re

BLANK = "•••"
NAMES = frozenset({
    "pass", "password", "passwd", "pwd", "passphrase", "token", "access_token", "accesstoken", "auth_token", "api_key",
    "apikey", "key", "secret", "client_secret", "ticket", "auth", "authorization", "proxy-authorization", "cookie",
    "set-cookie", "x-api-key", "signature", "notificationtoken", "notification_token",
})  # fmt: skip

_TOKEN = re.compile(r"\btrk_[A-Za-z0-9_-]*")
_WORD = "|".join(sorted(map(re.escape, NAMES), key=len, reverse=True))
_FIELD = re.compile(rf"((?:^|[?&;\s])(?:{_WORD})=)[^&;\s]+", re.IGNORECASE)
_MEMBER = re.compile(rf'("(?:{_WORD})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[\w.+-]+)', re.IGNORECASE)
_PART = re.compile(rf'(name="?(?:{_WORD})"?\r?\n\r?\n)[^\r\n]*', re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Does it go by the name of one?"""
    low = name.rpartition(".")[2].lower()
    return low in NAMES or low.endswith(("_secret", "_token", "_password"))


def blanked(text: str, *secrets: str) -> str:
    """Any text of a request: an address, a form, JSON, whole or cut. `secrets`: what is known to be one."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, BLANK)
    text = _TOKEN.sub(BLANK, text)
    text = _FIELD.sub(rf"\1{BLANK}", text)
    text = _MEMBER.sub(rf'\1"{BLANK}"', text)
    return _PART.sub(rf"\1{BLANK}", text)
