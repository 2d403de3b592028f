from __future__ import annotations

from tracker.access.passes import MOST_TICKETS, TICKET_MS, Tickets
from tracker.access.sessions import DAY_MS, IDLE_MS, LONGEST_MS, TOUCH_MS, Session, Sessions, touched
from tracker.access.tokens import hash_of


def session(id: str = "s1", user: str = "ana", created_at: int = 0, seen_at: int = 0) -> Session:
    return Session(id, f"hash of {id}", user, created_at, seen_at, "10.0.0.1")


def test_a_session_is_found_by_its_cookie_until_it_was_idle_too_long() -> None:
    sessions = Sessions()
    sessions.put_session(session())
    assert sessions.find_session("hash of s1", IDLE_MS - 1) is not None
    assert sessions.find_session("hash of s1", IDLE_MS) is None
    assert sessions.find_session("s1", 0) is None, "the id that is listed opens nothing"


def test_a_session_slides_but_not_for_ever() -> None:
    sessions = Sessions()
    sessions.put_session(session(seen_at=LONGEST_MS - DAY_MS))
    assert sessions.find_session("hash of s1", LONGEST_MS - 1) is not None
    assert sessions.find_session("hash of s1", LONGEST_MS) is None
    assert sessions.ended(LONGEST_MS) == ["s1"]


def test_a_session_that_was_ended_or_changed_is_found_no_more_by_what_it_was() -> None:
    sessions = Sessions()
    sessions.put_session(session())
    sessions.put_session(session(seen_at=9))
    assert sessions.find_session("hash of s1", 0) == session(seen_at=9)
    assert sessions.remove_session("s1") is not None
    assert sessions.remove_session("s1") is None
    assert sessions.find_session("hash of s1", 0) is None


def test_the_sessions_of_a_user_are_listed_the_newest_first() -> None:
    sessions = Sessions()
    for one in (session("a", seen_at=1), session("b", seen_at=2), session("c", "ben")):
        sessions.put_session(one)
    assert [one.id for one in sessions.of("ana", 3)] == ["b", "a"]
    assert sessions.of("ana", IDLE_MS + 5) == []


def test_a_session_is_kept_anew_once_a_minute_or_from_another_address() -> None:
    one = session(seen_at=1000)
    assert touched(one, 1000 + TOUCH_MS - 1, "10.0.0.1") is None
    later = touched(one, 1000 + TOUCH_MS, "10.0.0.1")
    assert later is not None
    assert later.seen_at == 1000 + TOUCH_MS
    moved = touched(one, 900, "10.0.0.2")
    assert moved is not None
    assert (moved.seen_at, moved.address) == (1000, "10.0.0.2")


def test_a_ticket_opens_once_and_within_30_seconds() -> None:
    tickets = Tickets()
    first, second = tickets.give("s1", 0), tickets.give("s2", 1)
    assert tickets.take(first, TICKET_MS - 1) == "s1"
    assert tickets.take(first, TICKET_MS - 1) is None
    assert tickets.take(second, TICKET_MS + 1) is None
    assert tickets.take("", 0) is None


def test_a_ticket_that_another_node_gave_opens_here_until_it_was_taken_there() -> None:
    given, kept = Tickets(), Tickets()
    taken: list[str] = []
    given.on_take = taken.append
    first, second = given.give("s1", 0), given.give("s2", 0)
    for secret, bearer in ((first, "s1"), (second, "s2")):
        kept.keep_ticket(hash_of(secret), bearer, 5)
    assert kept.take(first, TICKET_MS) == "s1"
    assert given.take(second, 1) == "s2" and given.take(second, 1) is None
    assert taken == [hash_of(second)]
    kept.drop_ticket(taken[0])
    assert kept.take(second, 6) is None
    kept.drop_ticket(taken[0])


def test_tickets_nobody_takes_fill_no_memory() -> None:
    tickets = Tickets()
    for n in range(MOST_TICKETS + 10):
        tickets.give(f"s{n}", 0)
    assert len(tickets._open) == MOST_TICKETS
    tickets.give("late", TICKET_MS)
    assert len(tickets._open) == 1


def test_a_session_that_is_used_lasts_on_and_is_stored_once() -> None:
    sessions = Sessions()
    sessions.put_session(session())
    sessions.touch(session(), TOUCH_MS, "10.0.0.1")
    assert sessions.find_session("hash of s1", IDLE_MS + TOUCH_MS - 1) is not None
    assert [one.seen_at for one in sessions.take_touched()] == [TOUCH_MS]
    assert sessions.take_touched() == []
    sessions.touch(sessions.by_id["s1"], TOUCH_MS + 1, "10.0.0.1")
    assert not sessions.unkept
