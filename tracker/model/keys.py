"""Keys: a token has a form of its own, so that it is found where it does not belong.

People put it where a name or a remark is asked for, and apps send what they are set up with: kept there, it would be
told to whoever sees the vehicle, who could send with it.
"""

from __future__ import annotations

import re

PREFIX = "trk_"
_KEY = re.compile(PREFIX + r"[\w-]{32}")


def holds_key(text: str) -> bool:
    return PREFIX in text and _KEY.search(text) is not None
