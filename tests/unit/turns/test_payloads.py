from __future__ import annotations

from tracker.turns.payloads import MOST, Kept, LastPayloads


def kept(at: int, body: bytes = b"") -> Kept:
    return Kept(at, "osmand", "POST", "/", "", {}, body, len(body))


def times(payloads: LastPayloads, device: str) -> list[int]:
    return [one.at for one in payloads.last(device)]


def test_of_each_device_the_newest_are_kept_the_last_first() -> None:
    payloads = LastPayloads()
    for at in range(MOST + 5):
        payloads.keep(kept(at), ["van-1", "van-2"] if at % 2 else ["van-1"])
    assert times(payloads, "van-1") == list(range(MOST + 4, 4, -1))
    assert times(payloads, "van-2") == [at for at in range(MOST + 4, 0, -1) if at % 2]
    assert times(payloads, "van-3") == []


def test_where_there_is_no_room_those_that_were_longest_quiet_go_first() -> None:
    payloads = LastPayloads(room=22_000)
    for at, device in enumerate(("quiet", "loud", "other", "loud")):
        payloads.keep(kept(at, b"x" * 4000), [device])
    assert payloads.bytes <= 22_000 and times(payloads, "quiet") == [0]
    payloads.keep(kept(9, b"x" * 4000), ["loud"])
    assert (times(payloads, "quiet"), times(payloads, "other"), times(payloads, "loud")) == ([], [2], [9, 3, 1])


def test_what_several_share_is_held_once_and_let_go_with_the_last_of_them() -> None:
    payloads = LastPayloads()
    shared = kept(1, b"x" * 4000)
    payloads.keep(shared, [f"van-{number}" for number in range(100)])
    assert payloads.bytes < 100 * 1000
    for number in range(100):
        payloads.forget(f"van-{number}")
    payloads.keep(kept(2), [])
    assert (payloads.bytes, shared.held) == (0, 0)
