"""Keys: a token has a form of its own, so that it is found where it does not belong, and blanks are put for secrets in
what is shown of a payload: our tokens, and whatever goes by the name of a secret.

People put a token where a name or a remark is asked for, and apps send what they are set up with: kept there, it would
be told to whoever sees the vehicle, who could send with it.
"""

from __future__ import annotations

import re

PREFIX = "trk_"
_KEY = re.compile(PREFIX + r"[\w-]{32}")

BLANK = "•••"
NAMES = frozenset({
    "pass", "password", "passwd", "pwd", "passphrase", "token", "access_token", "accesstoken", "auth_token", "api_key",
    "apikey", "key", "secret", "client_secret", "ticket", "auth", "authorization", "proxy-authorization", "cookie",
    "set-cookie", "x-api-key", "signature", "notificationtoken", "notification_token",
})  # fmt: skip

#: a character of a token as addresses and JSON may write it: in an address that stands in another, twice
_CHAR = r"(?:[A-Za-z0-9_-]|%(?:25)*(?:2[Dd]|3\d|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff])|\\u00[2-7][0-9A-Fa-f])"
_START = "".join(rf"(?:{char}|(?i:%(?:25)*{ord(char):x}|\\u00{ord(char):x}))" for char in PREFIX)
_TOKEN = re.compile(_START + _CHAR + "*")
_WORD = "|".join([r"[\w.-]{0,40}_(?:secret|token|password)", *sorted(map(re.escape, NAMES), key=len, reverse=True)])
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


def holds_key(text: str) -> bool:
    return PREFIX in text and _KEY.search(text) is not None
