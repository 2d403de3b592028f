"""Forwarding: a request's pings in parts, each to the node that owns its vehicles, and one answer to all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from tracker.buses import Asking, Failed, NoAnswer, NotAsked
from tracker.errors import Overloaded, Stopping, StoreError, StoreFull, TrackerError
from tracker.model.ping import Ping
from tracker.nodes.splitting import Part, joined, no_owner, split
from tracker.pipeline.entries.batch import Answer, total
from tracker.pipeline.shared.ownership import Ownership
from tracker.pipeline.shared.questions import Store, encode

PATIENCE_S = 3.0  #: how long a request waits for its vehicles to have an owner
ANSWER_S = 10.0  #: how long an owner may take
AGAIN = ("no_owner", "fenced", "stopping")  #: another node takes these vehicles, or will
LOOK_S = 0.1  #: how often it is looked whether it still is the owner


class Refused(msgspec.Struct, tag="refused"):
    """What an owner says when it stored nothing."""

    code: str
    detail: str
    retry_after: int = 1


class Stored(msgspec.Struct, tag="stored"):
    answer: Answer


Reply = Stored | Refused
_reply: Callable[[bytes], Reply] = msgspec.msgpack.Decoder(Reply).decode


class Forwarding:
    def __init__(self, ownership: Ownership, asking: Asking, here: Callable[[list[Ping]], Awaitable[Answer]]) -> None:
        self._ownership = ownership
        self._asking = asking
        self._here = here

    async def store(self, pings: list[Ping]) -> Answer:
        """Answers when all of it is durable. Raises as `nodes.splitting.joined` does.

        What has no owner just now, or one that has gone, is tried again after the next round: an owner that had stored
        it finds duplicates then.
        """
        until = asyncio.get_running_loop().time() + PATIENCE_S
        done: list[tuple[Part, Answer | TrackerError]] = []
        waiting = list(range(len(pings)))
        while True:
            parts = [
                Part(part.owner, part.pings, [waiting[place] for place in part.places])
                for part in split([pings[place] for place in waiting], self._ownership.owner_of)
            ]
            outcomes = await asyncio.gather(*(self._try(part) for part in parts))
            left_s = until - asyncio.get_running_loop().time()
            waiting = []
            for part, outcome in zip(parts, outcomes, strict=True):
                if left_s > 0 and isinstance(outcome, TrackerError) and _may_pass(outcome):
                    waiting += part.places
                else:
                    done.append((part, outcome))
            if not waiting:
                return joined([part for part, _ in done], [outcome for _, outcome in done], total)
            waiting.sort()
            await self._ownership.next_round(left_s)

    async def _try(self, part: Part) -> Answer | TrackerError:
        try:
            if part.owner is None:
                return no_owner()
            if part.owner == self._ownership.me:
                return await self._here(part.pings)
            self._ownership.asked += len(part.pings)
            return await self._ask(part.owner, part.pings)
        except TrackerError as fault:
            return fault

    async def _ask(self, owner: str, pings: list[Ping]) -> Answer:
        """Only for as long as it is the owner: one that hangs is not waited for."""
        asking = asyncio.ensure_future(self._asking.ask(owner, encode(Store(pings)), ANSWER_S))
        try:
            while not asking.done() and self._ownership.owner_of(pings[0].vehicle) == owner:
                await asyncio.wait({asking}, timeout=LOOK_S)
            if not asking.done():
                raise no_owner()
            reply = _reply(asking.result())
        except (NotAsked, NoAnswer):  # what it may have stored all the same is a duplicate then
            raise cut_off(self._asking.away) if self._asking.away else Unheard() from None
        except Failed as fault:
            raise StoreError(
                f"The node that owns these vehicles made a mistake ({fault}); send the same again."
            ) from None
        finally:
            asking.cancel()
        if isinstance(reply, Refused):
            raise _fault(reply)
        return reply.answer

    async def reply(self, pings: list[Ping]) -> bytes:
        """What another node asks to be stored here."""
        self._ownership.answered += len(pings)
        try:
            return encode(Stored(await self._here(pings)))
        except TrackerError as fault:
            return encode(Refused(fault.code, fault.detail, cast(int, getattr(fault, "retry_after", 1))))


class Unheard(Overloaded):
    """Where an owner that is said to live cannot be asked: it is about to be gone, or NATS is away from there alone."""

    def __init__(self) -> None:
        detail = "another node owns these vehicles, and is not heard over NATS; send the same again, or to that one"
        super().__init__(detail, 1, "cut_off")


def _may_pass(fault: TrackerError) -> bool:
    return fault.code in AGAIN or isinstance(fault, Unheard)


def cut_off(why: str) -> Overloaded:
    """No other node can be asked, so it is no use to ask once more."""
    return Overloaded(f"another node owns these vehicles, and {why}; send the same again, here or there", 1, "cut_off")


def _fault(said: Refused) -> TrackerError:
    if said.code == "store_full":
        return StoreFull(said.detail)
    if said.code == "stopping":
        return Stopping(said.detail, said.retry_after)
    if said.code in ("overloaded", "no_owner"):
        return Overloaded(said.detail, said.retry_after, said.code)
    return StoreError(said.detail, said.code)
