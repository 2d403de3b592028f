"""The command line. Everything heavy is imported by the command that needs it: `tracker --help` answers at once.

Progress and warnings go to stderr, results to stdout. Exit codes: 0 done, 1 failed, 2 used wrongly,
3 failed, and no repetition helps: a person has to look at the data.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from tracker import __version__
from tracker.errors import TrackerError

if TYPE_CHECKING:
    from tracker.commands.office import Server
    from tracker.config import Settings

DEFAULT_URL = "http://127.0.0.1:8000"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tracker")
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file (default: ./tracker.toml).")
@click.pass_context
def cli(context: click.Context, config: str | None) -> None:
    """A live map of a fleet: pings in, geofence events and position updates out."""
    context.obj = config


def settings(**flags: Any) -> Settings:
    """The effective settings with these flags on top."""
    from tracker.config import find_file, load

    named: str | None = click.get_current_context().find_root().obj
    return load(flags, os.environ, Path(named) if named else find_file(os.environ))


def _of_a_folder(command: Any) -> Any:
    """The options of a command on a data folder, whether its server runs or not."""
    command = click.option("--store", help="URL of what keeps everything: sqlite:FOLDER, postgresql://…")(command)
    return click.option("--data", type=click.Path(file_okay=False), help="Folder that holds everything.")(command)


@cli.command()
@click.option("--host", help="Address to listen on.  [127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [8000]")
@_of_a_folder
@click.option("--bus", help="URL of what nodes hear each other by: nats://HOST:PORT/NAME.  [memory:]")
@click.option("--open", "open_", is_flag=True, default=None, help="Let in everybody while there is no administrator.")
@click.option("--cert", type=click.Path(dir_okay=False), help="Certificate and its chain (PEM): speak TLS.")
@click.option("--key", type=click.Path(dir_okay=False), help="Its private key, where that is a file of its own.")
@click.option(
    "--behind-proxy",
    multiple=True,
    is_flag=False,
    flag_value="loopback",
    metavar="[NET,…]",
    help="Believe proxies in these networks who asks them.  [loopback]",
)
@click.option("--insecure", is_flag=True, default=None, help="Need neither TLS nor a proxy for all but loopback.")
@click.option("--accept-loss", is_flag=True, default=None, help="Start although stored data is missing.")
def serve(open_: bool | None, behind_proxy: tuple[str, ...], **flags: Any) -> None:
    """Serve the map, the API and the live channel."""
    gc.disable()  # until it runs: looking again and again through what 700 modules make is an eighth of a start
    from tracker.web.app import run

    proxies = [name.strip() for names in behind_proxy for name in names.split(",") if name.strip()]
    run(settings(open=open_, behind_proxy=proxies or None, **flags))


@cli.command()
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [8000]")
@click.option("--vehicles", type=click.IntRange(1, 5000), default=60, show_default=True, help="How many vans drive.")
@click.option("--data", type=click.Path(file_okay=False), help="Folder to keep the demo in (default: a temporary one).")
@click.option("--people", is_flag=True, help="Add three people who see different parts, to sign in as.")
def demo(port: int | None, vehicles: int, data: str | None, people: bool) -> None:
    """Serve a simulated fleet on this machine only."""
    from tracker.demo.simulation import run

    run(settings(host="127.0.0.1", port=port, data=data, demo=True), vehicles, data is not None, people)


trusting = click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="Authority (PEM) to trust beside those of the system."
)


def _speed(_context: click.Context, _parameter: click.Parameter, value: str) -> float | None:
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e9:
        raise click.BadParameter("a factor above 0, such as 1 or 60, or max")
    return speed


def _instant(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    from tracker.times import BadTime, parse_parameter

    try:
        return None if value is None else parse_parameter(value)
    except BadTime as fault:
        raise click.BadParameter(str(fault)) from None


def _days(_context: click.Context, _parameter: click.Parameter, value: str) -> float | None:
    if value == "all":
        return None
    try:
        days = float(value)
    except ValueError:
        days = -1.0
    if not 0 <= days < 1e6:
        raise click.BadParameter("days, such as 7 or 0.5, or all")
    return days


@cli.command()
@click.argument("sources", nargs=-1)
@click.option("--store", metavar="URL|DIR", help="Play what this store has, beside its server or without one.")
@click.option("--data", type=click.Path(file_okay=False), help="The same as a folder.")
@click.option("--from-server", metavar="URL", help="Play what this server has.")
@click.option("--group", multiple=True, help="Of a store: only vehicles of this group; repeatable.")
@click.option(
    "--warm-up",
    default="7",
    show_default=True,
    callback=_days,
    metavar="DAYS|all",
    help="Of a store: how much before --from is lived through in silence, so that everybody is where they were.",
)
@click.option(
    "--diff", is_flag=True, help="Of a store: compare the events with those there were. Exit code 1: other ones."
)
@click.option("--verify", is_flag=True, help="Of a bundle: is every byte as it was, and every event what follows?")
@click.option("--to", default=DEFAULT_URL, show_default=True, help="Server to send to.")
@click.option("--token", envvar="TRACKER_TOKEN", help="Token to send with; with --from-server, to read with.")
@click.option("--to-token", help="Token to send with, where that is another.")
@trusting
@click.option("--speed", default="1", show_default=True, callback=_speed, metavar="N|max", help="How fast time passes.")
@click.option("--from", "since", callback=_instant, metavar="TIME", help="Leave out what is earlier.")
@click.option("--until", callback=_instant, metavar="TIME", help="Leave out what is not earlier.")
@click.option("--vehicle", multiple=True, metavar="GLOB", help="Only vehicles that match, such as 'bus-*'; repeatable.")
@click.option("--format", metavar="NAME", help="Read sources as this format; of --diff: text, ndjson, geojson.")
@click.option("--zone", metavar="ZONE", help="Where times without a zone were recorded, such as Europe/Helsinki.")
@click.option(
    "--speed-unit",
    type=click.Choice(["mps", "kmh", "kn", "mph"]),
    default="mps",
    show_default=True,
    help="Unit of a column that is only called speed.",
)
@click.option("--split", is_flag=True, help="Make each track of a file a vehicle, also those of one name.")
@click.option("--dates", type=click.Choice(["dmy", "mdy", "ymd"]), help="How dates such as 03/04/2026 are meant.")
@click.option("--letter-o", type=click.Choice(["east", "west"]), help="What an O behind degrees is: Ost or Ouest.")
@click.option("--now", is_flag=True, help="Shift recorded times so that the first ping is now.")
@click.option("--loop", is_flag=True, help="Play for ever, each round shifted so that its first ping is now.")
@click.option("--dry-run", is_flag=True, help="Need no server: print the events the pings cause as NDJSON.")
@click.option(
    "--regions", type=click.Path(exists=True, dir_okay=False), help="Regions (GeoJSON, KML, KMZ) of a dry run."
)
@click.option("--events", type=click.Path(dir_okay=False), help="File the events of a dry run go to.")
@click.option(
    "--as-of", callback=_instant, metavar="TIME", help="Clock of a dry run; of a store, when its rules were in force."
)
def replay(
    sources: tuple[str, ...],
    store: str | None,
    data: str | None,
    from_server: str | None,
    token: str | None,
    to_token: str | None,
    group: tuple[str, ...],
    warm_up: float | None,
    diff: bool,
    verify: bool,
    **options: Any,
) -> None:
    """Send recorded tracks (CSV, GPX, NDJSON and more) to a server, or try them without one; or what a store has."""
    if verify:
        _verify(sources)
    obeyed = settings() if options["dry_run"] or diff else None
    asked = [name for name, one in (("--store", store), ("--data", data), ("--from-server", from_server)) if one]
    if len(asked) + bool(sources) != 1:
        given = " and ".join([*asked, *(["files"] if sources else [])]) or "nothing"
        raise click.UsageError(f"name files, or --store (--data), or --from-server, one of them; there is {given}")
    if sources:
        from tracker.replay.run import run

        if group or diff:
            raise click.UsageError("--group and --diff are for what is stored: --store or --from-server")
        sys.exit(run(sources, token=to_token or token, settings=obeyed, **options))
    from tracker.replay.past import command

    def opened() -> Any:
        from tracker.replay.past.served import Served
        from tracker.replay.past.stored import Stored

        if from_server:
            return Served(from_server, token, options["ca"], lambda text: click.echo(text, err=True))
        return Stored(store or f"sqlite:{data}")

    options |= {"group": group, "warm_up": warm_up, "diff": diff, "settings": obeyed}
    sys.exit(command.run(opened, to_token=to_token or (None if from_server else token), **options))


def _verify(sources: tuple[str, ...]) -> NoReturn:
    context = click.get_current_context()
    given = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    if len(sources) != 1 or given - {"sources", "verify"}:
        raise click.UsageError("--verify takes one file that `tracker bundle` wrote, and no other option")
    from tracker.commands.report import verify_bundle

    sys.exit(verify_bundle(sources[0]))


class _OfProtocols(click.Command):
    def format_epilog(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        from tracker.commands.decode import names

        with formatter.section("Protocols"):
            formatter.write_text(", ".join(names()))


@cli.command(cls=_OfProtocols)
@click.argument("protocol", required=False)
@click.option("--list", "listed", is_flag=True, help="Name the protocols, one a line.")
@click.option("--query", default="", help="What followed the ? of the address.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A header it came with; repeatable.")
@click.option("--path", default="", help="The address, or what of it followed the token.")
@click.option("--vehicle", default="", help="The one vehicle the device's token is for.")
@click.option("--at", callback=_instant, metavar="TIME", help="When it was received.  [now]")
def decode(protocol: str | None, listed: bool, query: str, headers: tuple[str, ...], path: str, **more: Any) -> None:
    """Say how bytes on standard input would be read: a line of JSON for each position, and one for all else.

    They are the body a device sent, or its whole HTTP request as captured. Nothing is stored, no server is asked.
    """
    from tracker.commands.decode import names, run

    if listed:
        click.echo("\n".join(names()))
        return
    if protocol not in names():
        raise click.UsageError(f"name a protocol, one of {', '.join(names())}")
    sys.exit(run(protocol, sys.stdin.buffer, query, headers, path, settings=settings(), **more))


@cli.group()
def users() -> None:
    """Who may sign in."""


def _or_elsewhere(command: Any) -> Any:
    """The options of one that only reads: a folder, or a server somewhere."""
    for option in (
        trusting,
        click.option("--token", envvar="TRACKER_TOKEN", help="Token of an administrator there."),
        click.option("--from-server", metavar="URL", help="Ask this server instead of a folder's."),
    ):
        command = option(command)
    return _of_a_folder(command)


def _asked(
    data: str | None, store: str | None, from_server: str | None, token: str | None, ca: str | None
) -> Settings | Server:
    from tracker.commands.office import Server

    if from_server is None:
        return settings(data=data, store=store)
    if data is not None or store is not None:
        raise click.UsageError("--data and --store are of a folder here; leave them out with --from-server")
    return Server(from_server, token, ca)


@users.command("add")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(["administrator", "dispatcher", "viewer", "driver"]))
@click.option("--group", "groups", multiple=True, help="Group whose regions are seen; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input; else a link is printed.")
@_of_a_folder
def add_user(data: str | None, store: str | None, **given: Any) -> None:
    """Let somebody in."""
    from tracker.commands import people

    people.add_user(settings(data=data, store=store), **given)


@users.command("list")
@_or_elsewhere
def list_users(**where: Any) -> None:
    """Everybody: name, role, groups."""
    from tracker.commands import people

    people.list_users(_asked(**where))


@users.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let them in again.")
@_of_a_folder
def disable_user(name: str, undo: bool, data: str | None, store: str | None) -> None:
    """Sign somebody out everywhere, and let them in no more."""
    from tracker.commands import people

    people.disable_user(settings(data=data, store=store), name, not undo)


@users.command("link")
@click.argument("name")
@_of_a_folder
def link_user(name: str, data: str | None, store: str | None) -> None:
    """Print a link by which NAME chooses a password."""
    from tracker.commands import people

    people.link_user(settings(data=data, store=store), name)


@users.command("group")
@click.argument("name")
@click.option("--regions", multiple=True, help="Group of regions that is seen, or all; repeatable.")
@click.option("--vehicles", multiple=True, help="Group of vehicles that is seen there; repeatable.  [all]")
@click.option(
    "--may",
    multiple=True,
    type=click.Choice(["watch", "acknowledge", "edit_regions", "edit_vehicles", "administer"]),
    help="What they may do; repeatable.  [watch]",
)
@click.option("--coarse-m", type=click.FloatRange(10, 50_000), help="Show places as cells of so many metres only.")
@_of_a_folder
def add_group(data: str | None, store: str | None, **given: Any) -> None:
    """Add a group: who is in it sees its regions, and of its vehicles those in them."""
    from tracker.commands import people

    people.add_group(settings(data=data, store=store), **given)


@cli.group()
def token() -> None:
    """What devices and scripts send with."""


@token.command("create")
@click.option(
    "--vehicle", "vehicles", multiple=True, metavar="GLOB", help="Vehicle or pattern, such as 'van-*'; repeatable."
)
@click.option("--group", "groups", multiple=True, help="Group of vehicles; repeatable.")
@click.option(
    "--shows", multiple=True, metavar="GROUP", help="Tell its app of what this group of people sees; repeatable."
)
@click.option("--name", default="", help="What it is for.")
@click.option("--scrape", is_flag=True, help="For /metrics alone.")
@click.option("--user", metavar="NAME", help="For a script that comes in as this person.")
@_of_a_folder
def create_token(scrape: bool, data: str | None, store: str | None, **given: Any) -> None:
    """Print a new token, alone on standard output."""
    from tracker.commands import people

    kinds = scrape + bool(given["user"]) + bool(given["vehicles"] or given["groups"])
    if kinds > 1:
        raise click.UsageError("a token sends for vehicles, reads /metrics (--scrape), or is of a person (--user)")
    if given["shows"] and (scrape or given["user"]):
        raise click.UsageError("--shows is for the app of a device")
    people.create_token(settings(data=data, store=store), kind="scrape" if scrape else "device", **given)


@token.command("list")
@_or_elsewhere
def list_tokens(**where: Any) -> None:
    """Every token: id, name, kind, for whom, when last used; and who came without one."""
    from tracker.commands import people

    people.list_tokens(_asked(**where))


@token.command("revoke")
@click.argument("id")
@_of_a_folder
def revoke_token(id: str, data: str | None, store: str | None) -> None:
    """A token opens nothing any more, at once."""
    from tracker.commands import people

    people.revoke_token(settings(data=data, store=store), id)


@cli.group()
def targets() -> None:
    """Webhooks: other programs that are told positions as vehicles move."""


@targets.command("add")
@click.argument("url")
@click.option("--name", help="What it is for.")
@click.option("--every", "every_s", type=float, metavar="S", help="Seconds from one request to the next.  [5]")
@click.option(
    "--vehicle-every",
    "vehicle_every_s",
    type=float,
    metavar="S",
    help="Seconds from one position of a vehicle to its next.  [10]",
)
@click.option("--user", metavar="NAME", help="Tell what this person may see.")
@click.option("--group", "groups", multiple=True, help="Tell what a viewer in this group of people sees; repeatable.")
@click.option("--regions", multiple=True, help="Of that only what is in this group of regions; repeatable.")
@click.option("--vehicles", multiple=True, help="Of that only this group of vehicles; repeatable.")
@click.option("--secret-stdin", is_flag=True, help="Read the secret from standard input; else a new one is printed.")
@_of_a_folder
def add_target(data: str | None, store: str | None, **given: Any) -> None:
    """Tell URL where vehicles are; print the secret it is signed with, alone on standard output."""
    from tracker.commands import targets

    targets.add_target(settings(data=data, store=store), **given)


@targets.command("list")
@_or_elsewhere
def list_targets(**where: Any) -> None:
    """Every target: id, name, URL, and what is wrong or when it last took something."""
    from tracker.commands import targets

    targets.list_targets(_asked(**where))


@targets.command("test")
@click.argument("id")
@_of_a_folder
def test_target(id: str, data: str | None, store: str | None) -> None:
    """Send a signed message of no positions; fails with what went wrong."""
    from tracker.commands import targets

    targets.test_target(settings(data=data, store=store), id)


@targets.command("disable")
@click.argument("id")
@click.option("--undo", is_flag=True, help="Tell it positions again.")
@_of_a_folder
def disable_target(id: str, undo: bool, data: str | None, store: str | None) -> None:
    """Tell it nothing for now."""
    from tracker.commands import targets

    targets.turn_target(settings(data=data, store=store), id, undo)


@targets.command("remove")
@click.argument("id")
@_of_a_folder
def remove_target(id: str, data: str | None, store: str | None) -> None:
    """Forget a target and its secret."""
    from tracker.commands import targets

    targets.remove_target(settings(data=data, store=store), id)


@cli.command()
@click.option("--shape", type=click.Path(exists=True, dir_okay=False), help="File with one shape (GeoJSON, KML, KMZ).")
@click.option("--at", metavar="LAT,LON", help="Middle of a circle.")
@click.option("--radius", type=float, metavar="M", help="Its radius; or how far from the line of --shape.")
@click.option("--region", metavar="ID", help="A region there is.")
@click.option("--from", "since", required=True, callback=_instant, metavar="TIME", help="Since when.")
@click.option("--until", callback=_instant, metavar="TIME", help="Until when, that left out.  [now]")
@click.option("--vehicle", "vehicles", multiple=True, metavar="GLOB", help="Only these, such as 'van-*'; repeatable.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "ndjson"]), default="text", show_default=True)
@_or_elsewhere
def inside(
    data: str | None, store: str | None, from_server: str | None, token: str | None, ca: str | None, **asked: Any
) -> None:
    """Say who was in a shape, when and for how long: a visit a line."""
    from tracker.commands import inside

    if sum(asked[name] is not None for name in ("shape", "at", "region")) != 1:
        raise click.UsageError("where? --shape FILE, --at LAT,LON --radius M, or --region ID")
    inside.run(_asked(data, store, from_server, token, ca), **asked)


@cli.group()
def vehicles() -> None:
    """What people say of vehicles."""


@vehicles.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--to", default=DEFAULT_URL, show_default=True, help="Server to send to.")
@click.option("--token", envvar="TRACKER_TOKEN", help="Token to send with.")
@trusting
def import_vehicles(file: Any, to: str, token: str | None, ca: str | None) -> None:
    """Register the vehicles of a CSV file.

    Columns go by name: `vehicle`, and any of `name`, `plate`, `group`, `kind`; others become attributes.
    """
    from tracker.commands.import_vehicles import import_csv

    sys.exit(import_csv(file, to, token, ca=ca))


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """In UTC, or as it was written where it has no zone."""
    from tracker.times import BadTime, NaiveTime, parse_parameter, rfc3339

    try:
        return None if value is None else rfc3339(parse_parameter(value))
    except NaiveTime:
        return value
    except BadTime as fault:
        raise click.BadParameter(str(fault)) from None


def _zone(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from tracker.times import BadZone, named_zone

    try:
        return None if value is None else named_zone(value).key
    except BadZone as fault:
        raise click.BadParameter(str(fault)) from None


@cli.group("import")
def of_import() -> None:
    """What another program keeps of a fleet, into this one."""


@of_import.command("traccar")
@click.argument("export", required=False, type=click.Path(exists=True))
@click.option("--from-url", metavar="URL", help="Ask the Traccar that runs there, version 6 or newer.")
@click.option("--token", envvar="TRACCAR_TOKEN", help="Token of Traccar's.")
@click.option(
    "--user", metavar="EMAIL", help="Sign in there as; the password comes from TRACCAR_PASSWORD, or is asked."
)
@click.option("--from", "since", callback=_instant, metavar="TIME", help="Of what is asked there, since when.  [2010]")
@click.option("--until", callback=_instant, metavar="TIME", help="Until when, that left out.  [now]")
@click.option("--zone", callback=_zone, metavar="ZONE", help="Of the times in a database's tables.  [UTC]")
@trusting
@_of_a_folder
def import_traccar(data: str | None, store: str | None, **asked: Any) -> None:
    """Devices, groups, geofences, positions and events of Traccar, from its API or from EXPORT.

    EXPORT is a folder of its tables (tc_devices.csv or .json, and so on), or a plain dump of PostgreSQL.
    """
    from tracker.commands import migrate

    if (asked["export"] is None) == (asked["from_url"] is None):
        raise click.UsageError("from where? --from-url URL, or a folder or dump of its tables, one of them")
    sys.exit(migrate.from_traccar(settings(data=data, store=store), **asked))


@of_import.command("owntracks")
@click.argument("folder", type=click.Path(exists=True))
@_of_a_folder
def import_owntracks(data: str | None, store: str | None, folder: str) -> None:
    """Positions that OwnTracks' recorder keeps in FOLDER (its `store`, or the `rec` in it)."""
    from tracker.commands import migrate

    sys.exit(migrate.from_files(settings(data=data, store=store), folder, "owntracks"))


@of_import.command("dawarich")
@click.argument("folder", type=click.Path(exists=True))
@click.option("--vehicle", metavar="ID", help="Whose positions they are.  [what their topic says, else dawarich]")
@_of_a_folder
def import_dawarich(data: str | None, store: str | None, folder: str, vehicle: str | None) -> None:
    """Positions that Dawarich exported (GeoJSON, JSON, GPX), a file or a FOLDER of them."""
    from tracker.commands import migrate

    sys.exit(migrate.from_files(settings(data=data, store=store), folder, "dawarich", vehicle))


@cli.command()
@click.argument("out", metavar="OUT.html", type=click.Path(dir_okay=False))
@click.option("--from", "since", required=True, callback=_moment, metavar="TIME", help="Where the range begins.")
@click.option("--until", callback=_moment, metavar="TIME", help="Where it ends.  [now]")
@click.option("--vehicle", "vehicles", multiple=True, metavar="GLOB", help="Only vehicles that match; repeatable.")
@click.option("--group", "groups", multiple=True, help="Only vehicles of this group; repeatable.")
@click.option(
    "--tz",
    "zone",
    callback=_zone,
    metavar="ZONE",
    help="Zone of times that have none, and to tell them in.  [that of whoever reads it]",
)
@click.option(
    "--units",
    type=click.Choice(["metric", "imperial", "nautical"]),
    default="metric",
    show_default=True,
    help="How far and fast is told.",
)
@_or_elsewhere
def report(
    data: str | None, store: str | None, from_server: str | None, token: str | None, ca: str | None, **given: Any
) -> None:
    """Write where vehicles were, stood and what happened into one file that needs no server to be read."""
    from tracker.commands.report import write_report

    if given["zone"] is None and not all(
        time is None or time.endswith("Z") for time in (given["since"], given["until"])
    ):
        raise click.UsageError("a time without a zone is one of --tz; give that, or end it with Z or +02:00")
    write_report(_asked(data, store, from_server, token, ca), **given)


@cli.group()
def export() -> None:
    """Write what is stored into a file for others."""


@export.command("day")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD")
@click.argument("out", metavar="OUT.fleetday", type=click.Path(dir_okay=False))
@click.option("--tz", "zone", callback=_zone, default="UTC", show_default=True, metavar="ZONE", help="Whose day.")
@_or_elsewhere
def export_day(day: Any, out: str, zone: str, **where: Any) -> None:
    """Write where everybody was on a day, regions and events too, into one file that any static host serves."""
    from tracker.commands.day import export_day

    export_day(_asked(**where), day.date(), out, zone)


@cli.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
def verify(file: str) -> None:
    """Say whether each byte of a fleet day, or of a bundle, is as it was written, and its hash."""
    with Path(file).open("rb") as given:
        is_bundle = given.read(2) == b"PK"
    if is_bundle:
        from tracker.commands.report import verify_bundle

        sys.exit(verify_bundle(file))
    from tracker.commands.day import verify

    verify(file)


@cli.command()
@click.argument("out", metavar="OUT.zip", type=click.Path(dir_okay=False))
@click.option("--event", metavar="ID", help="An event: its vehicle, a quarter of an hour before and after.")
@click.option("--from", "since", callback=_moment, metavar="TIME", help="Where the window begins.")
@click.option("--until", callback=_moment, metavar="TIME", help="Where it ends.")
@click.option("--vehicle", "vehicles", multiple=True, metavar="GLOB", help="Only vehicles that match; repeatable.")
@_or_elsewhere
def bundle(
    data: str | None, store: str | None, from_server: str | None, token: str | None, ca: str | None, **given: Any
) -> None:
    """Write what events were decided by into one file, which `tracker replay OUT.zip --verify` plays again anywhere."""
    from tracker.commands.report import write_bundle

    if given["event"] is None and (given["since"] is None or given["until"] is None):
        raise click.UsageError("of what? --event ID, or --from TIME --until TIME")
    write_bundle(_asked(data, store, from_server, token, ca), **given)


@cli.command()
@click.option("--now", "at_once", is_flag=True, help="Let go at once what new rules of `retention` ask to.")
@_of_a_folder
def compact(data: str | None, store: str | None, at_once: bool) -> None:
    """Pack what is not packed yet, and do what the setting `retention` asks for."""
    from tracker.commands import upkeep

    upkeep.compact(settings(data=data, store=store), at_once)


@cli.group("store")
def of_store() -> None:
    """What is kept."""


@of_store.command("show")
@_or_elsewhere
def show_store(**where: Any) -> None:
    """How many positions of each day are kept, thinned and gone, and what they take."""
    from tracker.commands import upkeep

    upkeep.show(_asked(**where))


@of_store.command("copy")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(source: str, target: str) -> None:
    """Copy everything FROM one store TO another, which is empty: each a folder, sqlite:FOLDER or postgresql://…

    Every position, event, number, version of a region and person comes over. No server may use either meanwhile.
    """
    from tracker.config import without_password
    from tracker.stores import copy_store

    copy_store(source, target)
    click.echo(f"copied {without_password(source)} to {without_password(target)}; everybody has to sign in again there")


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False))
@_of_a_folder
def backup(file: str, data: str | None, store: str | None) -> None:
    """Write everything into one FILE, also while a server runs."""
    from tracker.stores import backup_store

    where = settings(data=data, store=store)
    if not where.has_data:
        raise TrackerError("no_data", f"there is no folder {where.folder}; name another with --data")
    if Path(file).exists():
        raise TrackerError("backup_target", f"{file} is there already; a backup never overwrites one")
    backup_store(where.store_url, file)
    click.echo(f"wrote {file} ({Path(file).stat().st_size:,} bytes)")


@cli.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@_of_a_folder
def restore(file: str, data: str | None, store: str | None) -> None:
    """Go back to what a backup FILE holds; what was there is kept beside it."""
    from tracker.stores import restore_store

    where = settings(data=data, store=store)
    kept = restore_store(where.store_url, file)
    click.echo(f"restored {where.place} from {file}" + (f"; what was there is in {kept}" if kept else ""))
    click.echo(
        "everybody has to sign in again. People, passwords and tokens are as they were when the backup was made: end "
        "anew what was ended since (`tracker token list` and `revoke`, `tracker users list` and `disable`)",
        err=True,
    )


@cli.command("config")
def show_config() -> None:
    """Print the effective settings as TOML."""
    from tracker.config import written

    click.echo(written(settings()), nl=False)


@cli.command()
@click.argument("url", required=False)
@click.option("--host", help="Address the server would listen on.")
@click.option("--port", type=int, help="Port the server would listen on.")
@click.option("--data", type=click.Path(file_okay=False), help="Folder that would hold everything.")
@click.option("--store", help="URL of what keeps everything: sqlite:FOLDER, postgresql://…")
@click.option("--token", envvar="TRACKER_TOKEN", help="Token of a person there: looks at what only they may see.")
@trusting
def doctor(url: str | None, ca: str | None, token: str | None, **flags: Any) -> None:
    """Look for what would keep a server from running well here, or from being reached at URL."""
    from tracker.commands import doctor, outside

    if url and any(value is not None for value in flags.values()):
        raise click.UsageError("--host, --port, --data and --store are of a server here; leave them out with a URL")
    if ca and not url:
        raise click.UsageError("--ca is whom to trust at a URL; name one")
    fine = True
    for name, fault, detail in outside.examine(url, ca, token) if url else doctor.examine(settings(**flags)):
        fine = fine and not fault
        click.echo(f"{'FAIL' if fault else 'ok  '}  {name:<9} {detail}")
    sys.exit(0 if fine else 1)


def main() -> None:
    """The command `tracker`: errors are one line on stderr, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.Abort:
        sys.exit(1)
    except click.ClickException as fault:
        fault.show()
        sys.exit(fault.exit_code)
    except TrackerError as fault:
        click.echo(f"tracker: {fault.detail}", err=True)
        sys.exit(2 if fault.code == "settings" or getattr(fault, "usage", False) else fault.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # somebody closed our stdout, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
