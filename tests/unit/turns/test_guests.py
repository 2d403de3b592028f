"""Who stays for long is shown out once they are not let in any more."""

from __future__ import annotations

from contextlib import AbstractContextManager

from tracker.errors import NotSignedIn, TrackerError
from tracker.turns.guests import Guests


def test_each_is_asked_again_and_shown_out_once() -> None:
    guests = Guests()
    out: list[str] = []
    ended = {"ben"}

    def ask(who: str) -> None:
        if who in ended:
            raise NotSignedIn("not_signed_in", "you were signed out")

    def leave(who: str, fault: TrackerError) -> None:
        out.append(f"{who} {fault.code}")

    def stay(who: str) -> AbstractContextManager[None]:
        return guests.stay(lambda: ask(who), lambda fault: leave(who, fault))

    with stay("ada"), stay("ben"), stay("eve"):
        guests.look()
        guests.look()
        assert out == ["ben not_signed_in"]
        ended |= {"ada"}
        guests.look()
        assert out == ["ben not_signed_in", "ada not_signed_in"]
    ended |= {"eve"}
    guests.look()
    assert out == ["ben not_signed_in", "ada not_signed_in"], "who has left is not asked"
