"""`tracker compact` and `tracker store show`: what is kept of each day, and having it packed or thinned now."""

from __future__ import annotations

import click

from tracker.commands.office import Server, office
from tracker.config import Settings
from tracker.errors import TrackerError

STORE = "/api/v1/store"
WORK = f"{STORE}/compaction"


def show(where: Settings | Server) -> None:
    with office(where) as ours:
        found = ours.ask("GET", STORE)
    click.echo(f"{'day':<12}{'kept':>14}{'thinned':>12}{'gone':>14}{'MB':>10}  B/ping")
    sums = {name: sum(day[name] for day in found["days"]) for name in ("kept", "thinned", "gone", "bytes")}
    for day in (*found["days"], {"day": "all", **sums}):
        there = day["kept"] + day["thinned"]
        each = f"{day['bytes'] / there:8.1f}" if there else f"{'–':>8}"
        counts = f"{day['kept']:>14,}{day['thinned']:>12,}{day['gone']:>14,}"
        click.echo(f"{day['day']:<12}{counts}{day['bytes'] / 1e6:>10.2f}{each}")
    click.echo(f"{found['waiting']:,} positions are not packed yet")
    retention = found["retention"]
    if not retention["rules"]:
        click.echo("retention: everything is kept for ever (setting `retention`)")
        return
    click.echo(f"retention: {', '.join(retention['rules'])}; {retention['due']:,} positions are due")
    if retention["begins_at"]:
        click.echo(
            f"           new rules: nothing goes before {retention['begins_at']} (`tracker compact --now`: at once)"
        )


def compact(where: Settings | Server, at_once: bool) -> None:
    with office(where) as ours:
        work = ours.ask("POST", WORK, {"at_once": at_once})
        try:
            work = ours.watch(WORK, work, "compact")
        except (KeyboardInterrupt, click.Abort):
            ours.send("DELETE", WORK, None)
            raise
        found = ours.ask("GET", STORE)
    if work["error"]:
        raise TrackerError(work["error"]["code"], work["error"]["detail"])
    if work["state"] == "given_up":
        raise TrackerError("given_up", "somebody gave it up; what was done stays done")
    retention = found["retention"]
    if retention["begins_at"]:
        rules = ", ".join(retention["rules"])
        click.echo(f"{retention['due']:,} positions are due by the rules {rules}, which are new:", err=True)
        click.echo(f"nothing goes before {retention['begins_at']}, but with --now", err=True)
    click.echo(f"{found['kept']:,} positions in {found['bytes'] / 1e6:.1f} MB; {found['waiting']:,} wait to be packed")
