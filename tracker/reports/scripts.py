"""Scripts: modules of the page joined into one text, each in a scope of its own, for a file that can load none."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|const|let|class) (\w+))", re.MULTILINE)
#: what nobody reads in the end; only where a line begins with it, so that no text is taken for one
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/[ \t]*\n|//[^\n]*\n)", re.MULTILINE | re.DOTALL)


def joined(folder: Path, entry: str) -> str:
    """`entry` and all it imports, those that are imported first; it runs when what it exports is asked for by
    `reports`."""
    texts: dict[str, str] = {}

    def take(name: str) -> None:
        if name in texts:
            return
        texts[name] = ""  # two that import each other would be a mistake that shows at once
        text = (folder / name).read_text(encoding="utf-8")
        base = posixpath.dirname(name)
        for _, other in _IMPORT.findall(text):
            take(posixpath.normpath(posixpath.join(base, other)))
        del texts[name]
        texts[name] = _scope(name, text)

    take(entry)
    body = "\n".join(texts.values())
    return (
        f'(() => {{\n"use strict";\nconst modules = {{}};\n{body}\nglobalThis.reports = modules["{entry}"];\n}})();\n'
    )


def _scope(name: str, text: str) -> str:
    base = posixpath.dirname(name)

    def bound(found: re.Match[str]) -> str:
        names = re.sub(r"(\w+) as (\w+)", r"\1: \2", " ".join(found[1].split()))
        return f'const {{ {names} }} = modules["{posixpath.normpath(posixpath.join(base, found[2]))}"];\n'

    exported = ", ".join(name for _, name in _EXPORT.findall(text))
    inner = _EXPORT.sub(r"\1", _IMPORT.sub(bound, _COMMENT.sub("", text)))
    return f'modules["{name}"] = (() => {{\n{inner}return {{ {exported} }};\n}})();'
