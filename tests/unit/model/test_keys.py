from __future__ import annotations

import pytest

from tracker.model.keys import BLANK, blanked, is_secret


@pytest.mark.parametrize(
    "text",
    [
        "/ingest/osmand/trk_hidden-0_x/rest",
        "id=van&token=hidden&lat=1",
        "action=auth&user=anna&pass=hidden",
        '{"lat": 1, "password" : "hid\\"hidden", "tid": "an"}',
        '{"Api_Key":"hidden',  # cut
        '{"token": 123456hidden}',
        '--b\r\nContent-Disposition: form-data; name="pass"\r\n\r\nhidden\r\n--b--',
        "https://x/?a=1&PASSWORD=hidden",
        "u=http%3A%2F%2Fx%2Ftrk_hidden&lat=1",
        "u=http%253A%252F%252Fx%252Ftrk%255Fx%252Dhidden&lat=1",
        "foo=trk%5fhidden&lat=1",
        "foo=%74%72%6B%5F%68idden&lat=1",
        '{"lat": 1, "note": "see\\ntrk\\u005Fhidden"}',
        "refresh_token=hidden&lat=1",
        '{"lat": 1, "webhook_secret": "hidden"}',
    ],
)
def test_tokens_and_passwords_are_blanked_wherever_they_stand_and_nothing_else(text: str) -> None:
    shown = blanked(text)
    assert "idden" not in shown and BLANK in shown
    assert shown.count("lat") == text.count("lat")


def test_what_is_no_secret_stays() -> None:
    text = '{"lat": 60.1, "keyboard": "x", "passenger": "anna"}&monkey=3&compass=12&id=TRK_7&token_count=5%20trk'
    assert blanked(text) == text
    assert is_secret("owntracks_secret") and is_secret("a.Password") and not is_secret("passenger")


def test_what_is_known_to_be_a_secret_goes_by_whatever_name_it_goes() -> None:
    assert blanked("tid=4711&lat=1&note=4711x", "4711", "") == f"tid={BLANK}&lat=1&note={BLANK}x"
