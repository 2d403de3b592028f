"""Which language a browser is answered in, and what the page says then."""

from __future__ import annotations

import pytest

from tracker.web.api.languages import translated, wanted


@pytest.mark.parametrize(
    "accepted, language",
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("DE-ch", "de"),
        ("en-US,en;q=0.5,de;q=0.3", "en"),
        ("fr-FR,fr;q=0.9,de;q=0.4,en;q=0.3", "de"),
        ("en;q=0.2, de;q=0.7", "de"),
        ("de;q=0, en", "en"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (",;q=;;, ;q=1", "en"),
        ("de;q=nonsense", "de"),
    ],
)
def test_a_browser_is_answered_in_the_first_language_it_likes_that_there_is(accepted: str, language: str) -> None:
    assert wanted(accepted, ["de", "en"]) == language


def test_a_page_says_what_the_catalogue_has_and_what_it_lacks_in_english() -> None:
    page = '<html lang="en"><b data-say="a.b">One</b><i aria-label="Two" id="x" data-say-label="two"></i><u data-say="c">Three</u>'
    catalogue = 'export default {\n  "a.b":\n    "Eins \\u201c<&",\n  two: "Zwei",\n};\n'
    assert translated(page, "de", catalogue) == (
        '<html lang="de"><b data-say="a.b">Eins “&lt;&amp;</b>'
        '<i aria-label="Zwei" id="x" data-say-label="two"></i><u data-say="c">Three</u>'
    )
