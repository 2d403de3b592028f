"""Sessions: who is signed in, and until when. The cookie holds a secret of 256 random bits; kept is its hash."""

from __future__ import annotations

import msgspec

DAY_MS = 86_400_000
IDLE_MS = 14 * DAY_MS  #: a session ends when nothing came for so long
LONGEST_MS = 90 * DAY_MS  #: and after so long in any case
TOUCH_MS = 60_000  #: how exactly the last time is kept


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    id: str  # shown in the list of sessions; opens nothing
    hash: str
    user: str
    created_at: int
    seen_at: int
    address: str = ""
    agent: str = ""

    def ends_at(self) -> int:
        return min(self.seen_at + IDLE_MS, self.created_at + LONGEST_MS)

    def has_ended(self, now: int) -> bool:
        return self.ends_at() <= now


class Sessions:
    """All that are open, found by their cookie and by their user."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}
        self.begun = 0  # since this process started
        self._by_hash: dict[str, str] = {}
        self.unkept: set[str] = set()  # used since they were stored

    def put_session(self, session: Session) -> None:
        self.remove_session(session.id)
        self.by_id[session.id] = session
        self._by_hash[session.hash] = session.id

    def remove_session(self, id: str) -> Session | None:
        session = self.by_id.pop(id, None)
        if session is not None:
            del self._by_hash[session.hash]
        return session

    def find_session(self, hash: str, now: int) -> Session | None:
        id = self._by_hash.get(hash)
        if id is None or (session := self.by_id[id]).has_ended(now):
            return None
        return session

    def touch(self, session: Session, now: int, address: str) -> None:
        """It was used: it lasts on."""
        if (later := touched(session, now, address)) is not None:
            self.put_session(later)
            self.unkept.add(session.id)

    def take_touched(self) -> list[Session]:
        """Those that were used since they were last stored."""
        changed, self.unkept = self.unkept, set()
        return [self.by_id[id] for id in sorted(changed) if id in self.by_id]

    def of(self, user: str, now: int) -> list[Session]:
        """The newest first."""
        found = [one for one in self.by_id.values() if one.user == user and not one.has_ended(now)]
        return sorted(found, key=lambda one: -one.seen_at)

    def ended(self, now: int) -> list[str]:
        return [id for id, one in self.by_id.items() if one.has_ended(now)]


def touched(session: Session, now: int, address: str) -> Session | None:
    """The session as it is to be kept after a request; None while that is what is kept already."""
    if now - session.seen_at < TOUCH_MS and address == session.address:
        return None
    return msgspec.structs.replace(session, seen_at=max(now, session.seen_at), address=address)
