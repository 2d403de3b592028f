"""Health, as Quart answers it, and /metrics: what the process has been doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import groupby

from quart import Blueprint, Response

from tracker.access.grants import SCRAPE, Grant
from tracker.node import Node
from tracker.turns.tallies import Tallies
from tracker.web.api import parameters as api
from tracker.web.api.routes import Routes
from tracker.web.server import health
from tracker.web.server.answers import Answered


def blueprint(node: Node) -> Blueprint:
    routes = Routes("health", node)
    routes.add_open("/healthz", partial(shown, health.healthz))
    routes.add_open("/readyz", partial(shown, health.readyz))
    routes.add("/metrics", SCRAPE, GET=metrics)
    return routes.blueprint


async def shown(tell: Callable[[Node], Awaitable[Answered]], node: Node) -> Response:
    return api.respond(await tell(node))


async def metrics(node: Node, _grant: Grant) -> Response:
    text = "\n".join([*exposition(_measured(node)), *_labelled(node.tallies)]) + "\n"
    return Response(text, 200, {"content-type": "text/plain; version=0.0.4; charset=utf-8"})


#: every metric and what it tells, as docs/metrics.md has it; names ending in `_total` only grow
METRICS = {
    "up_seconds": "Time since this process started.",
    "ready": "1 while a position would be taken.",
    "vehicles": "Vehicles with a live state.",
    "regions": "Regions in force.",
    "last_seq": "Number of the newest event.",
    "pipeline_waiting": "Pings in the inbox.",
    "pipeline_pings_total": "Pings answered, duplicates included.",
    "pipeline_events_total": "Events made.",
    "pipeline_commits_total": "Commits.",
    "pipeline_commit_seconds_total": "Time spent waiting for commits.",
    "pipeline_refused_total": "Pings refused because the inbox was full.",
    "pipeline_failures_total": "Commits that failed.",
    "pipeline_down": "1 while the store cannot be read.",
    "store_bytes": "Size of the database.",
    "store_log_bytes": "Size of its write-ahead log, in a folder.",
    "store_free_bytes": "Room on its disk, in a folder.",
    "store_gone": "1 while a file of the database is not there any more, or another server has taken it.",
    "store_numbering_seconds": "How long events wait for their numbers behind somebody's transaction, in a database.",
    "nodes_owned": "Parts of the fleet this node decides about.",
    "nodes_living": "Nodes that share the store and live.",
    "nodes_rounds_total": "Times this node said that it lives, and was told who owns what.",
    "nodes_taken_total": "Parts of the fleet this node took.",
    "nodes_lost_total": "Parts of the fleet another node took because this one was not heard in time.",
    "nodes_asked_total": "Positions that went to the node that owns their vehicle.",
    "nodes_answered_total": "Positions that other nodes asked this one to store.",
    "nodes_passed_total": "Positions passed to nodes where somebody looks at them; where all do, they go over the bus.",
    "nodes_spared_total": "Positions that were not passed to a node, as nobody there looks at them.",
    "bus_connected": "1 while other nodes can be heard.",
    "bus_nodes": "Other nodes that are heard.",
    "bus_sent_total": "Changes told to other nodes.",
    "bus_unsent_total": "Changes that could not be told to other nodes: those read them from the store.",
    "bus_heard_total": "Changes of other nodes that were heard.",
    "bus_gaps_total": "Times something of other nodes was missed and read from the store.",
    "bus_behind_total": "Changes of other nodes that came faster than they were taken.",
    "bus_waiting_bytes": "Size of what waits to be sent to other nodes.",
    "bus_lag_seconds": "Time until the bus had taken what was said last, at most a second ago.",
    "retention_due": "Positions that `retention` asks to be thinned or to go, and that are still there.",
    "retention_thinned_total": "Positions taken away from days that were thinned.",
    "retention_gone_total": "Positions that went with their day.",
    "ingest_requests_total": "Requests of devices answered, by `protocol` and `status`.",
    "ingest_refused_total": "Requests of devices that were refused whole, by `protocol` and `code` of the error.",
    "ingest_items_total": "Items of requests and messages, by `protocol` and `outcome`; each counts once.",
    "ingest_rejected_total": "Items rejected, by `protocol` and `code`; `other`: of which no request says the code.",
    "ingest_repaired_total": "Times of fixes put right, by `protocol` and what ails the `clock`.",
    "ingest_ignored_total": "Values left out because they cannot be right, by `protocol`.",
    "bodies_held_bytes": "Size of all request bodies held at once.",
    "heavy_running": "Large answers being made.",
    "heavy_waiting": "Large answers that wait for their turn.",
    "heavy_done_total": "Large answers made.",
    "heavy_refused_total": "Large answers refused because too many waited.",
    "heavy_seconds_total": "Time spent on large answers, waiting left out.",
    "reports_drawn_total": "Reports that were drawn, those it makes by itself too.",
    "reports_failed_total": "Reports that could not be.",
    "reports_waiting": "Reports that were asked for and are not drawn yet.",
    "jobs_rounds_total": "Rounds of what the server does by itself now and then.",
    "jobs_faults_total": "Rounds of it that failed; each is logged and tried again.",
    "jobs_failing": "Jobs whose last round failed.",
    "access_open": "1 while nobody signs in: there is no administrator.",
    "access_users": "People who were let in, closed accounts included.",
    "access_sessions": "Sessions that last.",
    "access_tokens": "Tokens that were not revoked.",
    "access_signed_in_total": "Times somebody signed in.",
    "access_wrong_total": "Wrong passwords.",
    "access_unheard_total": "Tries told to wait after too many wrong ones.",
    "access_hashing": "Passwords that are being looked at, or wait for it.",
    "access_turned_away_total": "Requests without a good token or session, where one is needed.",
    "quarantine_waiting": "Vehicles nobody knows that wait to be let in.",
    "quarantine_refused": "Vehicles that were turned away.",
    "quarantine_fixes_total": "Pings of unknown vehicles that were kept apart.",
    "quarantine_rejected_total": "Pings refused because their vehicle is unknown or was turned away.",
    "targets_on": "Targets that are told positions.",
    "targets_failing": "Targets whose last request failed.",
    "targets_waiting": "Vehicles of which some target is still to be told, counted for each target.",
    "targets_requests_total": "Requests to targets.",
    "targets_positions_total": "Positions that targets took.",
    "live_faults_total": "Exceptions in the lanes of the live channel, each caught.",
    "live_viewers": "Viewers connected by WebSocket or stream.",
    "live_tick_seconds": "Time between two frames to a viewer; grows under load.",
    "connections_open": "TCP connections.",
    "connections_idle": "TCP connections without a request under way.",
    "connections_accepted_total": "TCP connections that got a slot.",
    "connections_refused_total": "TCP connections refused because of max_connections.",
    "connections_evicted_total": "Idle TCP connections closed to make room for another.",
    "certificate_left_seconds": "Time until the certificate in use ends; below 0 it has. Absent without TLS.",
    "certificate_broken": "1 while the files of the certificate cannot be used: the one before goes on.",
}


def _measured(node: Node) -> Iterator[tuple[str, float]]:
    """Everything that counts, as (name, value)."""
    yield "up_seconds", (node.clock() - node.started_at) / 1000
    yield "ready", node.ready
    yield "vehicles", len(node.picture.vehicles)
    yield "regions", len(node.picture.regions)
    yield "last_seq", node.picture.last_seq
    yield "live_faults_total", node.lanes.faults
    yield "bodies_held_bytes", node.bodies.held
    for part, statistics in node.statistics.items():
        for field, value in statistics()._asdict().items():
            name = f"{part}_{field}"
            if name.endswith("_s"):
                name = f"{name}econds"
            yield name if name in METRICS else f"{name}_total", value


def exposition(measured: Iterable[tuple[str, float]]) -> Iterator[str]:
    """Prometheus text format 0.0.4."""
    for name, value in measured:
        yield from _about(name)
        yield f"tracker_{name} {float(value):.15g}"


def _labelled(tallies: Tallies) -> Iterator[str]:
    for family, rows in groupby(tallies.all(), key=lambda row: row[0]):
        yield from _about(f"{family}_total")
        for _, labels, times in rows:
            said = ",".join(f'{name}="{value}"' for name, value in labels.items())
            yield f"tracker_{family}_total{{{said}}} {times}"


def _about(name: str) -> Iterator[str]:
    yield f"# HELP tracker_{name} {METRICS[name]}"
    yield f"# TYPE tracker_{name} {'counter' if name.endswith('_total') else 'gauge'}"
