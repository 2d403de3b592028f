"""Doorman: whom a request comes from, and so what it may see and do.

Until there is an administrator everybody who passes the guard is let in, as in a folder of 0.1.0. From then on people
sign in, and senders show tokens.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from tracker.access.credentials import IN_PATH, Credentials, credentials
from tracker.access.directory import Directory
from tracker.access.grants import EVERYTHING, MAY, SCRAPE, SEND, Grant
from tracker.access.guard import Guard
from tracker.access.passes import Tickets
from tracker.access.people import ADMINISTER, User
from tracker.access.sessions import Session
from tracker.access.tokens import Token, hash_of, new_secret
from tracker.errors import NotSignedIn

#: what anybody may ask for: the pages and what they are made of, whether the server is there, and to sign in
OPEN = frozenset({
    "/", "/signin", "/people", "/favicon.ico", "/healthz", "/readyz", "/openapi.json", "/api/v1/page",
    "/api/v1/session",
})  # fmt: skip
OPEN_BELOW = ("/static/", "/fixtures/demo/")

NOBODY = Grant(may=frozenset())
CONSOLE = Grant(everything=True, may=MAY, who="console", bearer="console")  #: commands on the folder


class Doorman:
    def __init__(
        self,
        guard: Guard,
        directory: Directory,
        regions_in: Callable[[frozenset[str]], frozenset[str]],  # groups of regions → the regions in them
        clock: Callable[[], int],
    ) -> None:
        self.tickets = Tickets()
        self._guard = guard
        self._directory = directory
        self._regions_in = regions_in
        self._clock = clock
        self._console = ""  # the hash of its secret
        self._grants: dict[str, Grant] = {}  # by session or token, until something of what decides them changes

    @property
    def cookie(self) -> str:
        """Its name; cookies ignore ports, so each folder has one of its own."""
        return f"tracker-{self._directory.folder}"

    def open_console(self) -> str:
        """From now on whoever shows this secret may do everything."""
        secret = new_secret()
        self._console = hash_of(secret)
        return secret

    def check(self, method: str, scope: Mapping[str, Any]) -> Grant:
        """Raises NotAllowed for what no page may do, NotSignedIn for whoever has to say who they are."""
        grant = self._guard.check(method, scope)
        shown = credentials(scope, self.cookie)
        found = self._bearer(shown)
        if found is None and shown.secret and hmac.compare_digest(hash_of(shown.secret), self._console):
            return CONSOLE
        in_path = bool(scope.get(IN_PATH))
        if in_path and found is None:
            raise NotSignedIn(
                "not_signed_in", "the token in this address is wrong, or was revoked: ask for a new address"
            )
        if not self._directory.has_administrator and not in_path:
            return grant
        if found is not None:
            if isinstance(found, Session):
                address = str((scope.get("client") or ("",))[0])
                self._directory.sessions.touch(found, self._clock(), address)
            return self._grant(found)
        if scope["path"] in OPEN or scope["path"].startswith(OPEN_BELOW):
            return NOBODY
        raise NotSignedIn("not_signed_in", "sign in on the page, or send a token: Authorization: Bearer …")

    def again(self, grant: Grant) -> Grant:
        directory = self._directory
        if grant is CONSOLE:
            return grant
        if not directory.has_administrator and grant.sends is None:
            return EVERYTHING
        found = directory.sessions.by_id.get(grant.bearer) or directory.tokens.by_id.get(grant.bearer)
        if found is None or found.has_ended(self._clock()):
            raise NotSignedIn("not_signed_in", "you were signed out")
        return self._grant(found)

    def _bearer(self, shown: Credentials) -> Session | Token | None:
        directory, now = self._directory, self._clock()
        if shown.ticket and (bearer := self.tickets.take(shown.ticket, now)):
            return directory.sessions.by_id.get(bearer) or directory.tokens.by_id.get(bearer)
        if shown.secret:
            return directory.tokens.find_token(shown.secret, now)
        return directory.sessions.find_session(hash_of(shown.cookie), now) if shown.cookie else None

    def forget_grants(self) -> None:
        """Who may come in, or which regions there are, has changed."""
        self._grants.clear()

    def _grant(self, bearer: Session | Token) -> Grant:
        if (known := self._grants.get(bearer.id)) is None:
            known = self._grants[bearer.id] = self._new_grant(bearer)
        return known

    def _new_grant(self, bearer: Session | Token) -> Grant:
        if isinstance(bearer, Token) and bearer.user is None:
            may = frozenset({SCRAPE if bearer.kind == "scrape" else SEND})
            return Grant(may=may, who=f"token:{bearer.id}", bearer=bearer.id, sends=bearer)
        user = self._directory.users.get(bearer.user or "")
        if user is None or user.disabled:
            raise NotSignedIn("not_signed_in", "this account is closed")
        return self._of_user(user, bearer.id)

    def shown_by(self, token: Token) -> Grant:
        """What its device may be told of others."""
        return self._of_user(User(f"token:{token.id}", "viewer", token.shows), token.id)

    def _of_user(self, user: User, bearer: str) -> Grant:
        may = self._directory.may(user)
        if ADMINISTER in may:
            return Grant(True, frozenset(), may | {SEND, SCRAPE}, user.name, bearer)
        groups = [self._directory.groups[name] for name in user.groups if name in self._directory.groups]
        if any(group.regions is None for group in groups):
            return Grant(True, frozenset(), may, user.name, bearer)
        names = frozenset(name for group in groups for name in group.regions or ())
        return Grant(False, self._regions_in(names), may, user.name, bearer)
