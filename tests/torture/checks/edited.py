"""An edit of a region that was answered is one version of it, once, under the number that was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence


def check_edited(region: str, asked: Mapping[int, int | None], versions: Sequence[tuple[int, int]]) -> Iterator[str]:
    """`asked`: edits by number, and the version that was answered (None: nobody knows). `versions`: (version, edit)."""
    if [version for version, _ in versions] != list(range(1, len(versions) + 1)):
        yield f"{region}: its versions are {[version for version, _ in versions]}"
    for edit, times in Counter(edit for _, edit in versions).items():
        if edit not in asked:
            yield f"{region}: nobody asked for edit {edit}"
        if times > 1:
            yield f"{region}: edit {edit} was done {times} times"
    made = {edit: version for version, edit in versions}
    for edit, version in asked.items():
        if version is not None and made.get(edit) != version:
            yield f"{region}: edit {edit} was answered as version {version} and is {made.get(edit)}"
