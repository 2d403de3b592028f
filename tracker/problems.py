"""Problems: every code an error can have, with its HTTP status, what it means, and what to do about it.

One situation has one code. Errors take status and title from here (`tracker.errors`); docs/errors.md shows the table,
and `tests/architecture/test_errors.py` holds that whatever is raised or told anywhere stands in it.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    code: str
    status: (
        int | None
    )  # None: it answers no request by itself, but is told of an item, on the live channel, by a command
    meaning: str
    remedy: str
    lasting: bool  # no try again helps, and no restart

    @property
    def title(self) -> str:
        if self.lasting:
            return "The stored data needs somebody to look at it"
        return TITLES[self.status] if self.code != "store" else "The store is not available"


TITLES = {
    None: "Something went wrong",
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Not as things are",
    412: "Changed by somebody else",
    413: "Too large",
    415: "Unsupported type or encoding",
    422: "Not valid",
    426: "This address speaks WebSocket",
    429: "Too many tries",
    431: "Headers too large",
    500: "Something went wrong",
    501: "Not implemented",
    503: "Busy",
    505: "HTTP version not supported",
    507: "No room left",
}

# code | status | what it means | what to do; a code with † is lasting
_TABLE = """
## The request

bad_request | 400 | this is not one HTTP request | send HTTP/1.1, one body, one `Host`
bad_target | 400 | the address has no slash first, or is no UTF-8 (`%ff`, `%zz`) | percent-encode it, in UTF-8
bad_header | 400 | a header says what it cannot say here | `detail` says what it may be
empty | 400 | there is no body, or a message without a letter | send what the address takes
not_json | 400 | the body, a line of it or a message is not JSON | send JSON, or one a line as `application/x-ndjson`
not_utf8 | 400 | the body is not UTF-8 | save or send it as UTF-8
too_deep | 400 | JSON or KML is nested too deep | nothing here needs so many levels: send it flat
not_gzip | 400 | the body is not the gzip that `Content-Encoding` says | compress it, or leave the header away
truncated_gzip | 400 | the gzip stops before its end | send all of it
not_zstd | 400 | the body is not the zstd that `Content-Encoding` says | compress it, or leave the header away
truncated_zstd | 400 | the zstd stops before its end | send all of it
not_allowed | 403 | this may not be done | ask whoever runs the server
may_not | 404 | whoever asks may see this, and may not do it | ask whoever runs the server
host_not_allowed | 403 | the server is not known by this name | add the name to the setting `hosts`
origin_not_allowed | 403 | a page of another site may not do this | add the site to the setting `origins`
not_found | 404 | nothing is at this address | `/openapi.json` lists what there is
method_not_allowed | 405 | this cannot be done at this address | `Allow` names the methods there are
body_timeout | 408 | no byte of the body came for `body_timeout_s` | send it again, without pauses
body_too_large | 413 | more bytes than the route or one item may have | [send less at once](api.md#how-much-at-once)
too_many_items | 413 | more items than the route takes, or far more memory than bytes | send them in several requests
unsupported_type | 415 | the content type is not understood here | `detail` says what is
unsupported_encoding | 415 | the content encoding is not understood here | send gzip, or none
unsupported_charset | 415 | the charset is not understood here | send UTF-8
bad_parameter | 422 | a parameter, or an option of a live message, cannot be so | `errors` says what it may be
unknown_parameter | 422 | there is no such parameter | `detail` lists those there are
upgrade_required | 426 | this address speaks WebSocket | open one, or use [another way](live.md)
headers_too_large | 431 | the headers are too long | send less of them
internal | 500 | a fault of ours | the log of the server says more
http_error | | another HTTP status that has no code of its own | go by the status
not_implemented | 501 | a transfer coding other than chunked | send `Content-Length`, or chunked
overloaded | 503 | too much at once | the same again after `Retry-After`
stopping | 503 | the server stops | the same again in a moment, to the next one
no_owner | 503 | of several nodes none owns these vehicles just now | the same again in a moment
cut_off | 503 | another node has what is asked for and cannot be asked: NATS is away | the same to that one, or later
partly_stored | 503 | some positions are stored, those in `errors` are not | all of it again: the others are duplicates
http_version | 505 | another version of HTTP | send HTTP/1.1

## Positions

not_positions | 400 | JSON, but neither a position, an array of them, nor `{"positions": […]}` | send one of these
no_vehicle | 400 | it does not say who sends, and no token of one vehicle does | set an id in the app
wrong_signature | 401 | a webhook is not signed with its secret, or too long ago | compare the secret on both sides
no_webhooks | 400 | a webhook came and no file says what it means | write the file and set `webhooks`
not_a_form | 400 | a multipart body without a boundary, or without a field | send fields as a form does
too_many_fields | 400 | an address or form with more fields than any client has | send what the client sends
encrypted | 400 | the app encrypts, and the key that is known here opens nothing | `detail` says where the key belongs
other_protocol | | what came to the address of one protocol looks like another's | give the app that one's address
clock_behind | | the newest fix is just some hours old, as of a wrong time zone | set the device's time zone
not_encrypted | | a device sent over http where there is https | give the app the address with https
too_fast | 429 | a device sends faster than `device_rate_per_s`, `device_burst` used up | the same after `Retry-After`
all_rejected | 422 | none of the items could be taken | `errors` says why

## One item

Why one item is rejected, in `errors` of the answer; so are fields of vehicles, regions and acknowledgements.

not_an_object | 422 | the item, register entry or message is not a JSON object | send an object
line_too_long | | the line is longer than a line may be | send it in several
missing | 422 | a field that is needed is not there (of a position `vehicle`, `time`, `lat`, `lon`) | send it
wrong_type | 422 | a field has another JSON type than it should have | `message` names the type
not_finite | 422 | a number is NaN, infinite, or too large for a double | leave it away when it is not known
vehicle_empty | 422 | the vehicle id has no characters | give it a name
vehicle_too_long | 422 | the vehicle id has more than 128 characters | give it a shorter one
vehicle_invalid | 422 | the vehicle id has a control character, a `/`, a space at an end, or is `.`, `..` | leave it out
lat_out_of_range | 422 | not -90 … 90 | send degrees; is it `lon`?
lon_out_of_range | 422 | not -180 … 180 | send degrees; is it `lat`?
no_fix | | (0, 0) is what a receiver without a fix says, and there is no `alarm` | send nothing instead
time_invalid | | neither RFC 3339 nor seconds or milliseconds since 1970 | send `2026-11-23T09:00:00Z`
time_without_zone | | the time has no `Z` and no offset | add it
time_in_future | | over 60 s ahead of the server's clock | set the clock of the sender
time_too_old | | before the year 2000 | wait until the receiver has a date
two_speeds | | more than one of `speed_mps`, `speed_kmh`, `speed_kn` | send one
not_text | 400 | a text has half a surrogate pair in it (a broken `\\ud800` escape) | send whole characters
text_too_long | 422 | a text has more characters than it may have (`driver` and `alarm` 256) | shorten it
attribute_not_scalar | | an attribute (or an unknown field) is an object or an array | send its values one by one
attributes_too_large | | over 64 attributes, or over 4096 characters in them | send less

## Vehicles and events

unknown_vehicle | 404 | a vehicle of this name had no position and no entry yet, or was deleted | look at its spelling
unknown_event | 404 | there is no such event, or it was erased | look at its id
unknown_report | 404 | there is no such report of yours, or what you may see has changed since | make another one
report_not_ready | 409 | the report is not drawn yet, or could not be | ask how far it is; make another one
report_failed | | a report could not be drawn | `detail` says why, or the log of the server
report_target | | this is no place for a report, or a bundle | name a file in a folder that is there
nothing_to_bundle | 404 | there is no message and no event in this window | look at the times and the vehicles
bundle_partial | 409 | some of what decided then is not kept any more | ask for a window of which all is kept
bundle_differs | 409 | what is stored gives other events than were told | `tracker replay --diff` shows them
bundle_too_large | 413 | more messages than a bundle may hold | ask for fewer vehicles, or a shorter time
bundle_failed | | a bundle, or a fleet day, could not be made | `detail` says why, or the log of the server
overtaken | 409 | a newer shape of the same region was sent meanwhile | its answer is the one that counts
rehearsal_failed | | the process in which a region was tried went away | the same again
invalid_vehicle | 422 | a register entry that cannot be so | `errors` names each field
invalid | 422 | a value that is none here: a name of nobody, a colour that is none | `message` says what it may be
unknown_field | 422 | there is no such field | look at its spelling
other_id | 422 | the address and the body name different ones | leave the id of the body away

## People and tokens

not_signed_in | 401 | somebody has to sign in for this, or show a token that is still good | sign in, or send a token
wrong_password | 401 | no user of this name has this password | try again, or ask for a link
too_many_tries | 429 | too many wrong passwords of this name, or from this place | the same again after `Retry-After`
link_over | 404 | the link was used, is too old, or never was | ask for a new one
at_work | 409 | the same is under way | wait for its end, or give it up
elsewhere | 409 | another node does this for all of them | nothing: it does so by itself
last_administrator | 409 | nobody would be left who administers | make somebody else an administrator first
user_closed | 409 | the account is closed: nobody comes in by a link for it | open it again first
user_exists | 409 | there is a user of this name | change that one, or choose another name
group_exists | 409 | there is a group of this name | change that one, or choose another name
group_in_use | 409 | somebody is in the group, or a token or a target shows what it sees | change these first
unknown_user | 404 | there is no such user | look at the spelling
unknown_group | 404 | there is no such group | look at the spelling
unknown_token | 404 | there is no such token | look at its id
weak_password | 422 | a password that is too easily guessed | the code in `errors` says why
password_short | | a password of fewer than 8 characters | take some words that belong together
password_long | | a password of more than 256 characters | take a shorter one
password_repeats | | a password that only repeats, counts or goes along the keys | take some words that belong together
password_common | | a password that is tried first, with or without digits around it | take one that is only yours
password_name | | a password that holds the name, or a part of it | take one without it
password_here | | a password that only says what this is, or where | add a word that is only yours
invalid_user | 422 | a user that cannot be so | `errors` names each field
invalid_group | 422 | a group that cannot be so | `errors` names each field
not_your_group | 422 | the `group` decides who sees it, and this is none you may give | `detail` says which you may
unknown_correction | 404 | there is no such correction | look at its id
too_many_corrections | 409 | there are as many corrections of this vehicle as there may be | look at its tracker
unknown_target | 404 | there is no such target | look at its id
invalid_target | 422 | a target that cannot be so, or may not be there | `errors` names each field
too_many_tokens | 409 | there are as many tokens of this user as there may be | revoke one first
too_many_targets | 409 | there are as many targets as there may be | remove one first
invalid_token | 422 | a token that cannot be so | `errors` names each field
not_your_vehicle | | the token may not send for this vehicle | send with its own token
vehicle_refused | | somebody turned this vehicle away | ask whoever runs the server
not_waiting | 404 | no vehicle of this name waits to be let in | look at the list: it may be in already

## Regions

unknown_region | 404 | there is no such region; followed live, it is told as soon as it exists | look at its spelling
unknown_version | 404 | the region has no such version | GET the region: its `ETag` is the newest
deleted_version | 404 | the region was deleted in this version | GET the version before
exists | 412 | `If-None-Match: *`, and there is one already | choose another id, or replace it
version_conflict | 412 | `If-Match` names another version than there is | `current` is the newer: look, and try again
gone | 412 | `If-Match`, and the region is not there | create it anew, or let it go
not_geojson | 422 | this is no GeoJSON, or no Feature | send a Feature, a FeatureCollection or a geometry
no_features | 422 | there is no region in it | send at least one Feature
duplicate_id | 422 | two Features of an import have one id | give each its own
invalid_region_id | 422 | an id that no region may have | `detail` says what it may be
invalid_region | 422 | a property that cannot be so | `errors` names each
invalid_attributes | 422 | `attributes` that cannot be so | `errors` says why
invalid_rules | 422 | a rule that cannot be so | `errors` names each
invalid_schedule | 422 | a schedule that cannot be so | `errors` names each
not_regions | 422 | a recording, a list of places or another format | `detail` says what was seen, and where it goes
a_fix | 422 | this Feature is a position with a time | play it with `tracker replay`
a_track | 422 | this Placemark is a track | play it with `tracker replay`
a_position | 422 | this is a position of a vehicle | send it to `/api/v1/positions`
a_geofence | 422 | this is a geofence of Traccar, whose shape is WKT | paste the WKT into the card of a region
one_region | 422 | PUT and preview take one region | send several to `POST /api/v1/regions`
too_many_parts | 422 | one Feature with more points or lines than may become regions | send them as Features
not_degrees | 422 | coordinates in metres, or a `crs` other than WGS 84 | convert them (`ogr2ogr -t_srs EPSG:4326`)
geometry_missing | 422 | there is no geometry | draw one
geometry_type | 422 | a kind of geometry that no region has | send a Polygon, or a Point or LineString with a width
coordinates_type | 422 | coordinates cannot be read | send `[longitude, latitude]`
size_missing | 422 | a Point without a radius, a LineString without a width | give it `radius_m`, `buffer_m`
size_range | 422 | a radius or width that is too small or too large | `message` says the limits
too_few_points | 422 | a ring or line with too few different positions | a ring has three, a line two
too_many_vertices | 422 | more than 10,000 positions in one region | simplify it
too_long | 422 | a line longer than half way round the world | cut it
zero_area | 422 | it encloses nothing | draw an outline with room in it
around_pole | 422 | it goes round a pole | cut it at a meridian
self_crossing | 422 | the outline crosses or touches itself | `at` says where; `?repair=1` may help
parts_overlap | 422 | two parts overlap or share an edge | `at` says where; `?repair=1` may help
hole_outside | 422 | a hole lies outside its outline | `at` says where; `?repair=1` may help
hole_nested | 422 | a hole lies in another | `at` says where; `?repair=1` may help
invalid_shape | 422 | the shape is not valid in another way | `at` says where; `?repair=1` may help
too_tangled | 422 | it crosses itself too often to be repaired | draw it again
not_xml | 400 | this cannot be read as KML | save it as KML again
kml_doctype | 400 | a document type declaration, which KML never needs | remove the `<!DOCTYPE>`
kmz_damaged | 400 | a zip (KMZ) that cannot be read | unzip it and send the .kml inside
kmz_encrypted | 415 | a zip with a password | unzip it and send the .kml inside
no_outline | 422 | a Polygon of KML with an inner boundary only | give it an outer one

## The store

[What starts, and what does not](storage.md#what-starts-and-what-does-not), says more of those with a †.

store | 503 | it could not be reached: nothing was changed | the same again after `Retry-After`
store_full | 507 | no room on the disk: nothing was changed | make room; the server goes on by itself
store_locked | | another server uses the folder | stop it, or name another folder with `--data`
fenced | 503 | of several nodes another one takes these vehicles over | the same again after `Retry-After`
outrun | 503 | others did something at other nodes, again and again | the same again a moment later
store_gone † | 503 | its files are not there any more | bring them back, or restore a backup
store_damaged † | 503 | its files are damaged | `tracker doctor`, then a backup
store_lost † | 503 | less is there than was | bring it back, or `--accept-loss`
store_denied † | 503 | its files may not be written | give the server's user the right to
store_newer † | 503 | a newer version has written it | start that version
store_older | | an older version has written it, and it is only to be read | start the server on it, or on a copy, once
store_foreign † | 503 | another program has written it | name another folder with `--data`

## Commands

settings | | a setting has a wrong value or an unknown name | `tracker config` lists them all
listen | | the port cannot be listened on | choose another with `--port`
no_assets | | the page's files are not there | install the wheel again
no_data | | there is no data in the folder | name another with `--data`
not_empty | | there is data already where something was to be put | name an empty place
backup_target | | this is no place for a backup, or a file is there already | name a new file
backup_missing | | there is no such backup | look at its name
backup_damaged | | this is no backup of a tracker, or a damaged one | take another
unreadable | | a recording or list is not what it should be | the message says what was seen
work_failed | | what takes long failed | the server's log says why
given_up | | somebody gave up what was asked for | ask again
no_answer | | the server of the folder ended, or was silent, while a command asked | look into its log, and ask again
replay_failed | | a replay's or an import's server is away, or refuses | the message says what it answered

## The live channel

Told as `{"op":"error","code","message"}`, and as a problem by `/api/v1/stream` and `/api/v1/changes`.
So are `empty`, `not_json`, `not_an_object`, `bad_parameter`; the tenth message that cannot be read ends the connection.

unknown_op | 400 | `op` is none of those there are | `message` lists them
fault | 503 | a fault of ours cost this viewer its answer (a socket: close code 4006) | come back with the cursor
not_following | | `view` before any `follow` | follow first
events_gone | | the log begins after the cursor | nothing: it goes on at the first event there is
"""


def _read_table(text: str) -> dict[str, list[Problem]]:
    sections: dict[str, list[Problem]] = {}
    for line in text.splitlines():
        if line.startswith("## "):
            rows = sections.setdefault(line[3:], [])
        elif line.count(" | ") >= 2:
            code, status, meaning, remedy = (cell.strip() for cell in line.split("|"))
            rows.append(
                Problem(code.removesuffix(" †"), int(status) if status else None, meaning, remedy, code.endswith("†"))
            )
    return sections


SECTIONS = _read_table(_TABLE)
PROBLEMS: dict[str, Problem] = {row.code: row for rows in SECTIONS.values() for row in rows}
