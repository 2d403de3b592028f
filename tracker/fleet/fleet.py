"""Fleet: all live vehicles. Takes pings, edits and timers in one order; answers what each of them did.

Pure and synchronous: `now` is an argument, nothing is written here. What a call decides is a Step, which the
pipeline commits and then publishes; when the commit fails, `forget` (and `forget_regions`) take it back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice
from operator import attrgetter, gt
from typing import Any

import msgspec

from tracker.fleet.cause import Occasion
from tracker.fleet.detectors import BEGUN, KNOWN, charge, is_watched, report, ring_alarm, tell
from tracker.fleet.doubts import WAIT_MS, is_doubtful, settle
from tracker.fleet.duplicates import Known, of_remembered, of_stored, unknown_fixes, unknown_neighbours
from tracker.fleet.edits import LOOK, Edit, Round, evaluate
from tracker.fleet.jumps import jumps, weigh
from tracker.fleet.membership import Moves, appear, beyond, move
from tracker.fleet.motion import OFFLINE_GAPS, OFFLINE_MS, draws_near, enter_state, observe, pace, wake
from tracker.fleet.states import at_rest
from tracker.fleet.step import Draft, Outcome, Step, Told
from tracker.fleet.timers import DOUBT, MISSED, WINDOW, expel, next_alarm, ring
from tracker.fleet.vehicle import MOST_FIXES, NEVER, Alarm, Vehicle
from tracker.fleet.windows import dwells, follow
from tracker.model.change import Change, Registered
from tracker.model.commit import APART, HELD, LATE, LIVE, Loaded, SavedRegion, SavedVehicle, StoredPing
from tracker.model.events import DELAYED_MS, Event
from tracker.model.ping import NOWHERE, Ping, at_place_of, has_place
from tracker.model.states import MOVING
from tracker.regions.book import RegionBook
from tracker.regions.region import Region

__all__ = ["Fleet", "FleetSettings", "Known", "Outcome", "Step", "settings_kept"]

ENOUGH = 200  #: events of an edit made at once, but for those of one vehicle: about ten ms
MANY = 100  #: regions changed at once: their cells are forgotten together
SLACK_MS = 120_000  #: no fix is further ahead of our clock
SETTINGS = "settings"  #: what a store's `meta` knows them by


class FleetSettings(msgspec.Struct, frozen=True):
    silence_s: float = 300.0  # a moving vehicle that says nothing for this long makes `silent`
    jump_mps: float = 70.0  # a ping that implies a higher speed is held
    jump_gap_s: float = 300.0  # after a longer gap nothing is a jump
    max_accuracy_m: float = 200.0  # a fix less accurate than this is shown and decides nothing
    low_battery_pct: float = 20.0
    battery_ok_pct: float = 30.0  # from here on it is no longer low

    @classmethod
    def of(cls, settings: object) -> FleetSettings:
        """Those of a server that concern its fleet."""
        return cls(*(getattr(settings, name) for name in cls.__struct_fields__))


def settings_kept(meta: Mapping[str, str]) -> list[tuple[int, FleetSettings]]:
    """(from when on, which) of the settings by which what a store has was decided, the oldest first."""
    return msgspec.json.decode(meta.get(SETTINGS, "[]"), type=list[tuple[int, FleetSettings]])


class Fleet:
    def __init__(
        self, settings: FleetSettings | None = None, *, kept: bool = True, remembers: int = MOST_FIXES
    ) -> None:
        """`kept`: somebody stores and shows it; the steps of one that is only heard hold the events alone. `remembers`:
        so many fixes of a vehicle; of older ones a store is asked."""
        self._remembers = remembers
        self._ahead: deque[int] | None = None  # numbers of vehicles to come, where others give some as well
        self.settings = settings or FleetSettings()
        self._draft = Draft if kept else Told
        self._obey(self.settings)
        self._clear()

    def _obey(self, settings: FleetSettings) -> None:
        self.settings = settings
        self._slow_ms = min(OFFLINE_MS / OFFLINE_GAPS, settings.silence_s * 1000 / MISSED)

    def _clear(self) -> None:
        self.regions = RegionBook()
        self.vehicles: dict[str, Vehicle] = {}
        self.register_entries: dict[str, Registered] = {}
        self._numbers: dict[str, int] = {}  # of every vehicle there ever was
        self._alarms: dict[str, list[Alarm]] = {}  # of vehicles that are not on the map
        self._last_n = 0
        self._returned_from = 0  # no vehicle that was removed has a stored fix from here on
        self._timers: list[tuple[int, int, str]] = []  # heap of (due, n, vehicle); stale entries are passed over
        self._edit = Edit(0, 0)  # the newest; all older ones are done
        self._round = Round(self.regions, self._edit, [])
        self._misread: list[Region] = []  # an older program took them for other shapes
        self._set_by = 0  # ms our clock was ever set by
        self.settings_log: list[tuple[int, FleetSettings]] = []  # from when on which decided
        self.unkept = False  # the newest of them are not stored yet

    # -- starting, and going back -------------------------------------------------------------------------------

    def restore(self, loaded: Loaded, now: int) -> None:
        """Go on where the store's last commit left off. Raises Invalid when a stored region cannot be read."""
        self._clear()
        for saved in loaded.regions:
            if saved.feature is not None:
                region = Region.read_feature(saved.feature, id=saved.id, version=saved.version, now=saved.updated_at)
                before = region.as_decided(saved.feature)
                if before is not region:
                    self._misread.append(region)
                self.regions.put(before)
        self.register_entries = {entry.vehicle: entry for entry in loaded.registered}
        self._last_n = loaded.last_n
        self._set_by = int(loaded.meta.get("clock_set_by", 0))
        self.settings_log = settings_kept(loaded.meta)
        self.unkept = not self.settings_log or self.settings_log[-1][1] != self.settings
        if self.unkept:
            self.settings_log.append((now, self.settings))
        if text := loaded.meta.get("edit"):
            self._edit = Edit.from_json(text)
        done = self._edit.rev <= int(loaded.meta.get("edit_done", 0))
        self._load(loaded.vehicles, done, now)
        self._returned_from = max((vehicle.top for vehicle in self.vehicles.values()), default=0)
        self._returned_from = max(self._returned_from, now) + SLACK_MS
        if not done:
            self._round = Round(self.regions, self._edit, self._last_first())

    def snapshot(self) -> Change:
        """Everything there is, as one change: what an empty picture starts from."""
        return Change(
            moved=[vehicle.published() for vehicle in self.vehicles.values()],
            regions=[region.feature() for region in self.regions.regions.values()],
            registered=list(self.register_entries.values()),
        )

    def forget_vehicles(self, vehicles: list[str], saved: list[SavedVehicle]) -> None:
        """A commit of pings failed: these vehicles are again what the store has of them."""
        for name in vehicles:
            self.vehicles.pop(name, None)
            self._alarms.pop(name, None)  # rather told twice than never
        self._load(saved, not self.is_evaluating)
        self._round.add_vehicles([one.vehicle for one in saved if self._is_behind(self.vehicles.get(one.vehicle))])

    # -- one fleet among several, each with vehicles of its own -----------------------------------------------------

    def adopt(self, saved: Sequence[SavedVehicle], now: int) -> list[str]:
        """Vehicles of which nobody else decides any more. They may not have seen the newest edit. Answers who is
        live."""
        self._load(saved, False, now)
        live = [one.vehicle for one in saved if one.vehicle in self.vehicles]
        newest = max((self.vehicles[name].top for name in live), default=0)
        self._returned_from = max(self._returned_from, max(newest, now) + SLACK_MS)
        self._round.add_vehicles([name for name in live if self._is_behind(self.vehicles[name])])
        return live

    def drop(self, is_gone: Callable[[str], bool]) -> None:
        """Somebody else decides of these from now on."""
        for known in (self.vehicles, self._numbers, self._alarms):
            for name in [name for name in known if is_gone(name)]:
                del known[name]

    def give_numbers(self, some: Iterable[int]) -> None:
        """For vehicles to come: from now on they get no others."""
        self._ahead = self._ahead or deque()
        self._ahead.extend(some)

    @property
    def numbers_ahead(self) -> int:
        return len(self._ahead or ())

    def follow_edit(self, text: str, regions: Iterable[Region]) -> Step:
        """An edit that another fleet decided, and the regions it put in force. `evaluate` then asks who is in them."""
        edit = Edit.from_json(text)
        draft = self._draft()
        self._ring_all(edit.at, draft)
        for region in regions:
            self.regions.put(region)
        for id in edit.deleted:
            self.regions.remove(id)
        self._start(edit, draft)
        draft.commit.meta.clear()  # it is stored
        return draft.step()

    def _load(self, saved: Iterable[SavedVehicle], done: bool, now: int = NEVER) -> None:
        """`done`: the newest edit has been, also for those it did not concern: they were not written for it."""
        for one in saved:
            self._numbers[one.vehicle] = one.n
            self._last_n = max(self._last_n, one.n)
            if one.state is not None:
                vehicle = self.vehicles[one.vehicle] = Vehicle.unpack(one.n, one.state)
                if vehicle.touches:
                    regions = self.regions.regions
                    vehicle.touches = {key: touch for key, touch in vehicle.touches.items() if key in regions}
                if done:
                    vehicle.rev = self._edit.rev
                vehicle.set_clock(self._set_by - vehicle.set_by)
                if vehicle.received_at > now:  # our clock was ahead when it came
                    vehicle.receive_at(now)
                self._settle(vehicle)

    def _is_behind(self, vehicle: Vehicle | None) -> bool:
        return vehicle is not None and vehicle.rev < self._edit.rev

    # -- pings --------------------------------------------------------------------------------------------------

    def unknown_fixes(self, pings: Iterable[Ping]) -> list[tuple[int, int]]:
        """(n, fix time) of pings so old, or of vehicles so long gone, that only the store knows if it has them."""
        return unknown_fixes(self.vehicles, self._numbers, pings)

    def unknown_neighbours(self, pings: Iterable[Ping]) -> list[tuple[str, int, int, int]]:
        """(vehicle, n, since, until): around old alarms, of which fixes only the store knows. `learn` takes them."""
        return unknown_neighbours(self.vehicles, pings)

    def learn(self, name: str, pings: Iterable[Ping]) -> None:
        self.vehicles[name].learn(pings)

    def apply(self, pings: list[Ping], now: int, known: Known | None = None) -> Step:
        """Take one request's pings, received at `now`. A vehicle's apply in fix order, whatever order they came in.

        `known`: of the fixes `unknown_fixes` asked for, those the store has.
        """
        outcomes = [Outcome.ACCEPTED] * len(pings)
        draft = self._draft()
        stored, vehicles = draft.commit.pings, self.vehicles
        known = {} if known is None else known.copy()
        order: Iterable[int] = range(len(pings))
        if len(pings) > 1:
            times = [ping.time for ping in pings]
            if any(map(gt, times, islice(times, 1, None))):
                order = sorted(order, key=times.__getitem__)
        for at in order:
            ping = pings[at]
            vehicle = vehicles.get(ping.vehicle)
            if vehicle is not None and vehicle.queued <= now:
                self._ring(vehicle, now, draft)
            if not has_place(ping):
                outcomes[at] = self._hear(vehicle, ping, now, known, draft)
                continue
            if vehicle is None or ping.time <= vehicle.top or ping.time < vehicle.floor:  # others are surely new
                if vehicle is None:
                    outcome = of_stored(self._numbers.get(ping.vehicle), ping, known)
                else:
                    outcome = of_remembered(vehicle, ping, known)
                if outcome is not None:
                    outcomes[at] = outcome
                    if ping.alarm is not None and self._press(vehicle, ping, now, draft):
                        stored.append(StoredPing(self._numbers[ping.vehicle], ping, now, APART))
                    continue
            taken = LIVE
            if vehicle is None:
                vehicle = self._begin(ping, now, draft)
            elif ping.time < vehicle.ping.time:
                outcomes[at], taken = Outcome.LATE, LATE
            elif ping.accuracy_m is not None and ping.accuracy_m > self.settings.max_accuracy_m:
                if vehicle.sure is not None and jumps(self.settings, vehicle.sure, ping, vehicle.sure):
                    outcomes[at], taken = Outcome.HELD, HELD  # history only: it is no evidence of anything
                    draft.add_vehicle(vehicle)
                else:
                    self._show(vehicle, ping, now, draft)
            elif vehicle.sure is None:
                self._take(vehicle, ping, now, draft, anew=True)
            elif vehicle.held is None and not jumps(self.settings, vehicle.sure, ping, vehicle.sure):
                self._take(vehicle, ping, now, draft)
            else:
                draft.add_vehicle(vehicle)
                fixes, anew = weigh(self.settings, vehicle, ping)
                if not fixes:
                    outcomes[at], taken = Outcome.HELD, HELD
                elif fixes[-1] is ping:
                    self._pass_time(vehicle, ping.time, now, draft)  # as timers would have, until this came
                for fix in fixes:
                    self._take(vehicle, fix, now, draft, anew)
            vehicle.remember(ping)
            stored.append(StoredPing(vehicle.n, ping, now, taken))
            if ping.alarm is not None:
                self._press(vehicle, ping, now, draft)
        return draft.step(outcomes)

    def _hear(self, vehicle: Vehicle | None, ping: Ping, now: int, known: Known, draft: Draft) -> str:
        """A message without a place, from a receiver without a fix or to say that it is there: it is stored, and its
        vehicle has been heard of and stays where it is."""
        n = self._numbers.get(ping.vehicle)
        if n is None:
            n = self._numbers[ping.vehicle] = self._number(ping.vehicle)
            draft.commit.vehicles.append(SavedVehicle(n, ping.vehicle, None))  # the number at least
        outcome = of_stored(n, ping, known) if vehicle is None else of_remembered(vehicle, ping, known)
        if outcome is None and vehicle is None:
            known[n, ping.time] = NOWHERE
        elif outcome is None and vehicle is not None:
            newest = ping.time >= vehicle.top
            vehicle.remember(ping)
            if newest:
                wake(vehicle, ping)
                occasion = Occasion.of_fix(at_place_of(ping, vehicle.ping), None, now)
                occasion.apart = vehicle.ping is not vehicle.sure
                report(vehicle, ping, occasion, self.settings)
                pace(vehicle, now)
                vehicle.received_at = now
                charge(vehicle, ping)
                draft.add_vehicle(vehicle, occasion.events)
                self._queue(vehicle)
        news = ping.alarm is not None and self._press(vehicle, ping, now, draft)
        if outcome is None or news:
            draft.commit.pings.append(StoredPing(n, ping, now, APART))
        return outcome or Outcome.ACCEPTED

    def _press(self, vehicle: Vehicle | None, ping: Ping, now: int, draft: Draft) -> bool:
        """A message says alarm, however it was taken otherwise. True when one begins or lasts longer by it: then it is
        kept, or who looks back would take the next for another."""
        assert ping.alarm is not None
        if vehicle is None:
            alarms = self._alarms.setdefault(ping.vehicle, [])
        elif vehicle.alarms:
            alarms = vehicle.alarms
        else:
            alarms = vehicle.alarms = []
        did = ring_alarm(alarms, () if vehicle is None else vehicle.fixes, ping.alarm, ping.time)
        if vehicle is not None:
            draft.add_vehicle(vehicle)
        if did == BEGUN:
            seen, detail = ping, dict[str, Any]()
            if not has_place(ping):
                detail["placed"] = False
                seen = ping if vehicle is None else at_place_of(ping, vehicle.ping)
            occasion = Occasion.of_fix(seen, None, now)
            occasion.apart = vehicle is not None and not _decides(vehicle, seen)
            cause = f"{ping.time} {ping.alarm}"
            occasion.make("alarm", reason="reported", cause=cause, alarm=ping.alarm, **detail)
            draft.events += occasion.events
        return did != KNOWN

    def _begin(self, ping: Ping, now: int, draft: Draft) -> Vehicle:
        """The first sight of a vehicle: plain containment decides where it is."""
        vehicle = Vehicle(self._number(ping.vehicle), ping, now)
        vehicle.set_by = self._set_by
        vehicle.most = self._remembers
        vehicle.alarms = self._alarms.pop(ping.vehicle, ())
        if ping.vehicle in self._numbers:
            vehicle.floor = self._returned_from
        self._numbers[ping.vehicle] = vehicle.n
        self.vehicles[ping.vehicle] = vehicle
        vehicle.rev = self._edit.rev
        vehicle.clock = ping.time
        occasion = Occasion.of_fix(ping, None, now)
        vehicle.delayed = occasion.delayed
        if ping.accuracy_m is not None and ping.accuracy_m > self.settings.max_accuracy_m:
            vehicle.sure = None
        else:
            tell(self.regions, vehicle, appear(self.regions, vehicle, ping), occasion)
            observe(vehicle, ping)
            vehicle.lone = ping.speed_mps is None
        report(vehicle, ping, occasion, self.settings)
        vehicle.publish()
        self._settle(vehicle)
        draft.add_vehicle(vehicle, occasion.events)
        return vehicle

    def _number(self, name: str) -> int:
        n = self._numbers.get(name)
        if n is None:
            n = self._last_n + 1 if self._ahead is None else self._ahead.popleft()
            self._last_n = max(self._last_n, n)
        return n

    def _pass_time(self, vehicle: Vehicle, upto: int, now: int, draft: Draft) -> None:
        """What time brings until a fix of `upto`, before that moves the vehicle."""
        book, delayed = self.regions, now - upto > DELAYED_MS
        if vehicle.rev < self._edit.rev:
            self._catch_up(vehicle, draft)
        doubt = vehicle.doubt
        if doubt is not None and upto - doubt.ping.time >= WAIT_MS:  # nothing said otherwise
            stays = doubt.ping.time + WAIT_MS
            passed = follow(book, vehicle, stays, now, delayed or vehicle.delayed)
            passed += dwells(book, vehicle, stays, now, delayed)
            self._changed(vehicle, passed + settle(book, vehicle, None, now), draft)
        if vehicle.watched or book.scheduled:
            passed = follow(book, vehicle, upto, now, delayed or vehicle.delayed)
            passed += dwells(book, vehicle, upto, now, delayed)
            if passed:
                self._changed(vehicle, passed, draft)
        elif upto > vehicle.clock:
            vehicle.clock = upto

    def _take(self, vehicle: Vehicle, ping: Ping, now: int, draft: Draft, anew: bool = False) -> None:
        """A newer fix moves the vehicle. `anew`: nobody knows how it came there, as at first sight."""
        book = self.regions
        if vehicle.watched or vehicle.doubt is not None or vehicle.rev < self._edit.rev or book.scheduled:
            self._pass_time(vehicle, ping.time, now, draft)
        elif ping.time > vehicle.clock:
            vehicle.clock = ping.time
        before, back = None if anew else vehicle.sure, None
        doubtful = (vehicle.still_since != 0 or vehicle.stood is not None) and not anew and is_doubtful(vehicle, ping)
        if before is None:
            vehicle.anchor, vehicle.doubt = (ping.lat, ping.lon), None
            vehicle.lone = ping.speed_mps is None
        elif vehicle.lone:
            vehicle.lone = False
        changed = observe(vehicle, ping, doubtful)
        if vehicle.doubt is not None:
            back = vehicle.doubt.before
            if confirmed := settle(book, vehicle, ping, now):
                confirmed += dwells(book, vehicle, ping.time, now, now - ping.time > DELAYED_MS)
                self._changed(vehicle, confirmed, draft)
                doubtful, back = False, None  # it does move
        if before is None:
            moves: Moves | None = appear(book, vehicle, ping)
        else:
            moves = move(book, vehicle, before, ping, now, doubtful, back)
        events: Sequence[Event] = ()
        if moves is not None or vehicle.watched or vehicle.silent or ping.battery_pct is not None:
            occasion = Occasion.of_fix(ping, back or before, now)
            tell(book, vehicle, moves, occasion)
            report(vehicle, ping, occasion, self.settings)
            events = occasion.events
        if ping.speed_mps is not None and ping.speed_mps > vehicle.peak_mps:
            vehicle.peak_mps = ping.speed_mps
        slow = vehicle.gap_ms > self._slow_ms  # its timers depend on how often it reports: they may come sooner, too
        pace(vehicle, now)
        vehicle.sure = ping
        vehicle.ping = ping
        vehicle.received_at = vehicle.fixed_at = now
        vehicle.delayed = now - ping.time > DELAYED_MS
        if moves is not None or events:
            if moves is not None and (moves.enters or moves.exits):
                vehicle.publish()
            self._settle(vehicle)
        elif vehicle.doubt is not None or vehicle.beyond:
            self._settle(vehicle)
        elif changed or slow or (book.scheduled and vehicle.queued > book.turns_at(vehicle.clock)):
            self._queue(vehicle)
        elif draws_near(vehicle):
            self._queue(vehicle, soon=True)
        draft.add_vehicle(vehicle, events)

    def _show(self, vehicle: Vehicle, ping: Ping, now: int, draft: Draft) -> None:
        """A newer fix that is too inaccurate to decide anything: the map shows it with its circle."""
        wake(vehicle, ping)
        occasion = Occasion.of_fix(ping, vehicle.ping, now)
        occasion.apart = True
        report(vehicle, ping, occasion, self.settings)
        pace(vehicle, now)
        vehicle.ping = ping
        vehicle.received_at = vehicle.fixed_at = now
        vehicle.delayed = occasion.delayed
        self._settle(vehicle)
        draft.add_vehicle(vehicle, occasion.events)

    def glance(self, vehicle: Vehicle, ping: Ping, now: int) -> None:
        """A newer fix of a vehicle that is surely near no region, for rehearsals: only how it moves is learnt."""
        if vehicle.queued <= now:
            self._ring(vehicle, now, self._draft())
        changed = observe(vehicle, ping, is_doubtful(vehicle, ping))
        vehicle.lone = False
        pace(vehicle, now)
        vehicle.ping = vehicle.sure = ping
        vehicle.received_at = vehicle.fixed_at = now
        vehicle.delayed = now - ping.time > DELAYED_MS
        vehicle.silent = False
        if changed or draws_near(vehicle):
            self._queue(vehicle)

    def leap(
        self, vehicle: Vehicle, ping: Ping, now: int, peak_mps: float, anchor: tuple[float, float], still_since: int
    ) -> None:
        """Many newer fixes that change no visit, of which this is the last, for rehearsals. How it moves is known."""
        vehicle.ping = vehicle.sure = ping
        vehicle.received_at = vehicle.fixed_at = now
        vehicle.delayed = now - ping.time > DELAYED_MS
        vehicle.anchor, vehicle.still_since, vehicle.stood = anchor, still_since, None
        vehicle.lone = vehicle.silent = False
        vehicle.peak_mps = max(vehicle.peak_mps, peak_mps)
        vehicle.clock = max(vehicle.clock, ping.time)
        enter_state(vehicle, at_rest(MOVING, ping.time - still_since, None) if still_since else MOVING, ping.time)
        if ping.time > vehicle.top:
            vehicle.remember(ping)
        self._queue(vehicle)

    def ring(self, vehicle: str, now: int) -> Step:
        """What is due of one vehicle, and nobody else."""
        draft = self._draft()
        self._ring(self.vehicles[vehicle], now, draft)
        return draft.step()

    def number(self, vehicle: str) -> int | None:
        """Under which its fixes are known."""
        return self._numbers.get(vehicle)

    # -- edits --------------------------------------------------------------------------------------------------

    def save_regions(self, regions: list[Region], now: int) -> Step:
        """Put regions in force, under the versions they carry. `evaluate` then finds out who is in them."""
        assert len({region.id for region in regions}) == len(regions), "an edit names a region once"
        draft = self._draft()
        self._ring_all(now, draft)
        changed: dict[str, str] = {}
        kept: list[str] = []
        if len(regions) > MANY:
            self.regions.cells.forget_cells()
        for region in regions:
            before = self.regions.regions.get(region.id)
            assert before is None or region.version > before.version, "a version is given once"
            self.regions.put(region)
            if before is None:
                changed[region.id] = "region_created"
            elif region.decides_like(before):
                kept.append(region.id)
            else:
                changed[region.id] = "region_changed"
            feature = region.feature()
            draft.commit.regions.append(SavedRegion(region.id, region.version, region.updated_at, feature))
            draft.change.regions.append(feature)
        self._start(Edit(self._edit.rev + 1, now, changed, kept), draft)
        return draft.step()

    def take_misread(self, now: int) -> list[Region]:
        """What an older program had read otherwise, as new versions to be put in force."""
        regions, self._misread = self._misread, []
        return [msgspec.structs.replace(region, version=region.version + 1, updated_at=now) for region in regions]

    def delete_regions(self, ids: Iterable[str], now: int) -> Step:
        """Take regions out of force; KeyError for an unknown one. `evaluate` then lets the vehicles out."""
        read: dict[str, Any] = {id: self.regions.regions[id] for id in ids}
        draft = self._draft()
        self._ring_all(now, draft)
        deleted: dict[str, dict[str, Any]] = {}
        versions: dict[str, int] = {}
        for id, region in read.items():
            self.regions.remove(id)
            deleted[id], versions[id] = region.feature(), region.version + 1
            draft.commit.regions.append(SavedRegion(id, region.version + 1, now, None))
            draft.change.regions_deleted.append(id)
        self._start(Edit(self._edit.rev + 1, now, deleted=deleted, versions=versions, read=read), draft)
        return draft.step()

    def evaluate(self, limit: int) -> Step | None:
        """The next `limit` vehicles that the newest edit may concern; None when nobody is left to be asked."""
        if not self.is_evaluating:
            return None
        draft = self._draft()
        self._evaluate(limit, draft)
        return draft.step()

    def _start(self, edit: Edit, draft: Draft) -> None:
        assert not self.is_evaluating, "there is one edit at a time: all have seen the one before"
        self._edit = edit
        self._round = Round(self.regions, edit, self._last_first())
        draft.commit.meta["edit"] = edit.as_json()
        self._done(draft)

    @property
    def is_evaluating(self) -> bool:
        """Is somebody left who may not have seen the newest edit?"""
        return self._round.goes_on

    def _last_first(self) -> list[str]:
        return [vehicle.ping.vehicle for vehicle in sorted(self.vehicles.values(), key=attrgetter("n"), reverse=True)]

    def _evaluate(self, limit: int, draft: Draft) -> None:
        for name, fix, inside in self._round.next(limit, self.vehicles):
            vehicle = self.vehicles.get(name)
            if vehicle is not None and self._is_behind(vehicle):
                self._catch_up(vehicle, draft, inside if vehicle.decided is fix else None)
            if len(draft.events) >= ENOUGH:
                break
        self._done(draft)

    def _done(self, draft: Draft) -> None:
        if not self.is_evaluating:
            draft.commit.meta["edit_done"] = str(self._edit.rev)

    def _catch_up(self, vehicle: Vehicle, draft: Draft, inside: Sequence[str] | None = None) -> None:
        open_ones = len(vehicle.touches), vehicle.doubt and vehicle.doubt.named()
        self._changed(vehicle, evaluate(self.regions, vehicle, self._edit, inside), draft)
        if open_ones != (len(vehicle.touches), vehicle.doubt and vehicle.doubt.named()):
            draft.add_vehicle(vehicle)

    def _changed(self, vehicle: Vehicle, events: list[Event], draft: Draft) -> None:
        """Something other than a fix may have changed the visits."""
        self._settle(vehicle)
        if events:
            vehicle.publish()
            draft.add_vehicle(vehicle, events)

    # -- timers -------------------------------------------------------------------------------------------------

    def due_at(self) -> int | None:
        """When `fire` should be called, or a little before."""
        return self._timers[0][0] if self._timers and self._timers[0][0] < NEVER else None

    def fire(self, now: int, limit: int = 1000) -> Step | None:
        """Do what is due, in the order of the due times, `limit` at most. None when nothing was.

        A message rings its vehicle's own timers before it is taken, and an edit everybody's: who fires late decides
        nothing else.
        """
        draft = self._draft()
        self._ring_all(now, draft, limit)
        return draft.step() if draft.says_anything() else None

    def _ring_all(self, now: int, draft: Draft, limit: int | None = None) -> None:
        while limit is None and self.is_evaluating:  # whoever has not seen the last edit sees it before the next
            self._evaluate(LOOK, draft)
        while self._timers and self._timers[0][0] <= now and limit != 0:
            self._go_off(now, draft)
            limit = None if limit is None else limit - 1

    def _ring(self, vehicle: Vehicle, now: int, draft: Draft) -> None:
        """Everything of one vehicle that is due."""
        vehicle.queued = NEVER  # what the heap has of it is passed over
        if self._is_behind(vehicle):
            self._catch_up(vehicle, draft)
        while (alarm := self._next(vehicle))[0] <= now:
            self._went_off(vehicle, *alarm, now, draft)
        self._settle(vehicle)

    def _go_off(self, now: int, draft: Draft) -> None:
        queued, n, name = heappop(self._timers)
        vehicle = self.vehicles.get(name)
        if vehicle is None or vehicle.n != n or vehicle.queued != queued:
            return
        vehicle.queued = NEVER
        if self._is_behind(vehicle):
            self._catch_up(vehicle, draft)
        due, what = self._next(vehicle)
        if due <= queued:  # otherwise it waits for its turn, which may be now as well
            self._went_off(vehicle, due, what, now, draft)
            self._settle(vehicle)
        else:
            self._queue(vehicle)

    def _went_off(self, vehicle: Vehicle, due: int, what: str | int, now: int, draft: Draft) -> None:
        draft.add_vehicle(vehicle, ring(self.regions, vehicle, what, due, now))
        if what in (WINDOW, DOUBT):
            vehicle.publish()

    def _next(self, vehicle: Vehicle) -> tuple[int, str | int]:
        return next_alarm(self.regions, vehicle, round(self.settings.silence_s * 1000))

    def _queue(self, vehicle: Vehicle, soon: bool = False) -> None:
        """Its timer goes off no later than it has to. Earlier is harmless: then it is queued again.

        `soon`: with every fix it has to sooner, as where old ones come faster than they were made; then half way there
        does for many of them.
        """
        due, _ = self._next(vehicle)
        if due < vehicle.queued:
            if soon:
                due -= (due - vehicle.received_at) // 2
            vehicle.queued = due
            heappush(self._timers, (due, vehicle.n, vehicle.ping.vehicle))

    def _settle(self, vehicle: Vehicle) -> None:
        """Visits changed: what every fix and every timer has to look at may have, too."""
        regions = self.regions.regions
        vehicle.beyond = () if vehicle.decided is vehicle.ping else beyond(self.regions, vehicle)
        vehicle.settle(any(is_watched(regions[key], visit) for key, visit in vehicle.visits.items() if key in regions))
        self._queue(vehicle)

    def set_clock(self, by: int) -> Step:
        """Our clock was set, forward or back: what is counted from a receipt goes on as if it had always been so."""
        draft = self._draft()
        self._set_by += by
        draft.commit.meta["clock_set_by"] = str(self._set_by)
        self._timers.clear()
        for vehicle in self.vehicles.values():
            vehicle.set_clock(by)
            vehicle.queued = NEVER
            self._queue(vehicle)
        return draft.step()

    def change_settings(self, settings: FleetSettings) -> Step:
        """They decide from here on, as after a start with them."""
        self._obey(settings)
        for vehicle in self.vehicles.values():
            self._queue(vehicle)
        return self._draft().step()

    # -- the register -------------------------------------------------------------------------------------------

    def register(self, entry: Registered) -> Step:
        self.register_entries[entry.vehicle] = entry
        draft = self._draft()
        draft.commit.registered.append(entry)
        draft.change.registered.append(entry)
        return draft.step()

    def remove_vehicle(self, name: str, now: int) -> Step:
        """Out of its regions, off the map and out of the register. Its history and its number stay."""
        draft = self._draft()
        vehicle = self.vehicles.get(name)
        if vehicle is not None:
            self._ring(vehicle, now, draft)
            draft.add_vehicle(vehicle, expel(self.regions, vehicle, now))
            draft.remove(vehicle)
            if vehicle.alarms:
                self._alarms[name] = vehicle.alarms
            del self.vehicles[name]
            self._returned_from = max(self._returned_from, now + SLACK_MS)
        self.register_entries.pop(name, None)
        draft.commit.unregistered.append(name)
        draft.change.removed.append(name)
        return draft.step()

    def erase_vehicle(self, name: str, now: int) -> Step:
        """Remove it, with its history and its number: whoever reports under this name is another vehicle."""
        step = self.remove_vehicle(name, now)
        self._numbers.pop(name, None)
        self._alarms.pop(name, None)
        step.commit.erased.append(name)
        step.change.erased.append(name)
        return step


def _decides(vehicle: Vehicle, ping: Ping) -> bool:
    """Whether this is where it is taken to be."""
    sure = vehicle.sure
    return sure is not None and (sure.lat, sure.lon) == (ping.lat, ping.lon)
