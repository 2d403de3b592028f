"""Doorman: whom a request comes from, and so what it may see and do.

Until there is an administrator everybody who passes the guard is let in, as in a folder of 0.1.0. From then on people
sign in, and senders show tokens.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping
from typing import Any

from tracker.access.console import NAME
from tracker.access.credentials import IN_PATH, Credentials, credentials
from tracker.access.directory import Directory
from tracker.access.grants import EVERYTHING, MAY, SCRAPE, SEND, WATCH, Grant, Part
from tracker.access.guard import STORE, Guard
from tracker.access.passes import Tickets
from tracker.access.people import ADMINISTER, Group, User
from tracker.access.sessions import Session
from tracker.access.tokens import Token, hash_of, new_secret, wrong_token
from tracker.errors import NotAllowed, NotSignedIn
from tracker.model.targets import Target
from tracker.turns.turned_away import TurnedAway

log = logging.getLogger(__name__)

#: what anybody may ask for: the pages and what they are made of, whether the server is there, and to sign in
OPEN = frozenset({
    "/", "/signin", "/people", "/connect", "/favicon.ico", "/healthz", "/readyz", "/openapi.json", "/api/v1/page",
    "/api/v1/session", "/api/v1/session/link",
})  # fmt: skip
SOCKETS = frozenset({"/api/v1/live"})  #: asked for without an upgrade they say that they need one, and nothing else
OPEN_BELOW = ("/static/", "/fixtures/demo/")

NOBODY = Grant(may=frozenset())
CONSOLE = Grant(everything=True, may=MAY, who=NAME, bearer=NAME)  #: commands on the folder


class Doorman:
    def __init__(
        self,
        guard: Guard,
        directory: Directory,
        regions_in: Callable[[frozenset[str]], frozenset[str]],  # groups of regions → the regions in them
        clock: Callable[[], int],
    ) -> None:
        self.tickets = Tickets()
        self.turned_away = TurnedAway()
        self._strangers = TurnedAway("as a page of another site, or by a name that is not ours")
        self._overstepped = TurnedAway("for what they may not")
        self._guard = guard
        self._directory = directory
        self._regions_in = regions_in
        self._clock = clock
        self._console = ""  # the hash of its secret
        self._grants: dict[str, Grant] = {}  # by session or token, until something of what decides them changes

    def cookie(self, scope: Mapping[str, Any]) -> str:
        """Its name; cookies ignore ports, so each folder has one of its own. Over TLS the name itself keeps browsers
        from taking it of a page without TLS, or of a neighbour in the domain."""
        secure = scope.get("scheme") in ("https", "wss")
        return f"{'__Host-' if secure else ''}tracker-{self._directory.folder}"

    def open_console(self) -> str:
        """From now on whoever shows this secret may do everything."""
        secret = new_secret()
        self._console = hash_of(secret)
        return secret

    def check(self, method: str, scope: Mapping[str, Any]) -> Grant:
        """Raises NotAllowed for what no page may do, NotSignedIn for whoever has to say who they are."""
        headers: dict[bytes, bytes] = dict(scope["headers"])
        grant = EVERYTHING if method == STORE else self._guarded(method, scope, headers)
        shown = credentials(scope, headers, self.cookie)
        if in_path := scope.get(IN_PATH, ""):
            found: Session | Token | None = self._in_path(in_path, shown)
        else:
            found = self._bearer(shown, opens=method == "CONNECT")
        if method == STORE:  # a page of another site knows no token
            grant = self._guarded("GET" if isinstance(found, Token) else STORE, scope, headers)
        if found is None and shown.secret and hmac.compare_digest(hash_of(shown.secret), self._console):
            return CONSOLE
        if in_path and found is None:
            self._turn_away(method, scope, wrong_token(in_path))
            raise NotSignedIn("not_signed_in", "the token in this address is wrong, or was revoked: make a new address")
        if isinstance(found, Token) and (found.kind != "device" or not self._directory.has_administrator):
            self._directory.tokens.used(found.id, self._clock(), _address(scope))  # else each chunk counts
        #: it says who sends, whoever may come in
        sends = IN_PATH in scope and isinstance(found, Token)
        if not self._directory.has_administrator and not sends:
            return grant
        if found is not None:
            if isinstance(found, Session):
                self._directory.sessions.touch(found, self._clock(), _address(scope))
            return self._grant(found)
        path = scope["path"]
        if path in OPEN or path.startswith(OPEN_BELOW) or (path in SOCKETS and scope.get("type") == "http"):
            return NOBODY
        if not shown.cookies:  # of a browser whose session ended, nobody has to hear
            self._turn_away(method, scope, wrong_token(shown.secret.decode("utf-8", "replace")))
        if shown.secret:
            raise NotSignedIn(
                "not_signed_in", "this token opens nothing: it was revoked, has ended, or was not copied whole"
            )
        raise NotSignedIn("not_signed_in", "sign in on the page, or send a token: Authorization: Bearer …")

    def _guarded(self, method: str, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Grant:
        try:
            return self._guard.check(method, scope, headers)
        except NotAllowed:
            if said := self._strangers.count(_address(scope), method, scope["path"], self._clock()):
                log.warning("%s: 403", said)
            raise

    def _turn_away(self, method: str, scope: Mapping[str, Any], why: str) -> None:
        if said := self.turned_away.count(_address(scope), method, scope["path"], self._clock(), why):
            log.warning("%s: 401. `tracker token create` makes a token (docs/upgrading.md)", said)

    def overstepped(self, grant: Grant, scope: Mapping[str, Any]) -> None:
        """They asked for what they may not do."""
        if said := self._overstepped.count(grant.who, str(scope["method"]), scope["path"], self._clock()):
            log.warning("%s: 404", said)

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

    def _bearer(self, shown: Credentials, opens: bool) -> Session | Token | None:
        """`opens`: a channel, which is all that a ticket is for."""
        directory, now = self._directory, self._clock()
        if opens and shown.ticket and (bearer := self.tickets.take(shown.ticket, now)):
            found = directory.sessions.by_id.get(bearer) or directory.tokens.by_id.get(bearer)
            return None if found is None or found.has_ended(now) else found
        if shown.secret:
            return directory.tokens.find_token(shown.secret, now)
        sessions = [one for secret in shown.cookies if (one := directory.sessions.find_session(hash_of(secret), now))]
        return sessions[0] if len(sessions) == 1 else None  # of two one was slipped in, and nobody knows which

    def _in_path(self, secret: str, shown: Credentials) -> Token | None:
        """The token in an address, whatever else an app shows by habit; where it is none, the one that is shown."""
        find, now = self._directory.tokens.find_token, self._clock()
        found = find(secret.encode("utf-8", "surrogatepass"), now)
        return found or (find(shown.secret, now) if shown.secret else None)

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

    def grant_of(self, target: Target) -> Grant:
        """What a target may be told. Raises NotSignedIn where whoever it is told for is not there any more."""
        known = self._grants.get(f"target:{target.id}")
        return known or self._grants.setdefault(f"target:{target.id}", self._new_grant_of(target))

    def _new_grant_of(self, target: Target) -> Grant:
        if target.user is not None:
            user = self._directory.users.get(target.user)
            if user is None or user.disabled:
                raise NotSignedIn("not_signed_in", f"the account of {target.user!r}, for whom it is told, is closed")
            grant = self._of_user(user, target.id)
        elif target.groups is not None:
            grant = self._of_user(User(f"target:{target.id}", "viewer", target.groups), target.id)
        else:
            grant = Grant(everything=True, who=f"target:{target.id}")
        regions = None if target.regions is None else self._regions_in(frozenset(target.regions))
        return grant.within(regions, None if target.vehicles is None else frozenset(target.vehicles))

    def _of_user(self, user: User, bearer: str) -> Grant:
        may = self._directory.may(user)
        if ADMINISTER in may:
            return Grant(True, may=may | {SEND, SCRAPE}, who=user.name, bearer=bearer)
        groups = [self._directory.groups[name] for name in user.groups if name in self._directory.groups]
        parts = [self._part(group, group.allows(user.role)) for group in groups]
        parts = [part for part in parts if WATCH in part.may]  # what one does not see one can do nothing with
        whole = any((part.regions, part.vehicles, part.coarse_m) == (None, None, 0) for part in parts)
        same = len({part.may for part in parts}) == 1
        return Grant(whole, () if whole and same else tuple(parts), may, user.name, bearer)

    def _part(self, group: Group, may: frozenset[str]) -> Part:
        names = None if group.regions is None else frozenset(group.regions)
        return Part(
            None if names is None else self._regions_in(names),
            None if group.vehicles is None else frozenset(group.vehicles),
            may,
            group.coarse_m or 0.0,
            names,
        )


def _address(scope: Mapping[str, Any]) -> str:
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""
