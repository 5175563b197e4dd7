"""``impetus events``: search and count events; one JSON object a line, personal values masked."""

import argparse
import asyncio
import time
from collections.abc import Iterable

import msgspec

from impetus.api.client import Client
from impetus.api.v1 import impetus_pb2 as pb
from impetus.app import connection, output
from impetus.app.moments import asked_moment
from impetus.app.printing import say_json, say_record
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.instant import format_instant, parse_span
from impetus.domain.query import parse, write
from impetus.domain.query.tree import Key, Node, conjunction

CHOSEN = "chosen"


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    connection.add(parser)
    parser.add_argument(
        "query", nargs="?", default="", metavar="QUERY", help="such as 'forced zone:Z4' (docs/search.md)"
    )
    parser.add_argument(
        "--entity", action="append", default=[], metavar="KIND:VALUE", help="such as device:D-214; all must be there"
    )
    parser.add_argument("--zone", default="", help="a zone of the city model, without those within it")
    parser.add_argument("--since", metavar="TIME", help="RFC 3339 with offset, or how long ago (2h)")
    parser.add_argument("--until", metavar="TIME", help="the same, excluded")
    parser.add_argument("--id", action="append", default=[], help="an event id; may be repeated")
    parser.add_argument("--limit", type=int, default=100, help="at most so many, newest first (100)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the events as JSON, which is the default")
    form.add_argument("--raw", action="store_true", help="the raw records instead, where they were kept")
    parser.add_argument(
        "--histogram", nargs="?", const=CHOSEN, metavar="SPAN", help="count over time, in steps such as 5m, or chosen"
    )
    parser.add_argument("--facets", metavar="FIELD,…", help="count by the values of fields, among the newest 50,000")
    parser.add_argument("--top", type=int, default=10, help="so many values of each field (10)")


def main(arguments: argparse.Namespace) -> int:
    """Search or count, and print."""
    now = time.time_ns() // 1_000
    span = (asked_moment("--since", arguments.since, now) or 0, asked_moment("--until", arguments.until, now) or 0)
    asked = parse(arguments.query)  # what cannot be understood is said at once, whether or not a server runs
    for option in ("limit", "top"):
        _natural(f"--{option}", getattr(arguments, option))
    counts = arguments.histogram is not None or bool(arguments.facets)
    asyncio.run(_count(arguments, asked, *span) if counts else _search(arguments, *span))
    return 0


async def _search(arguments: argparse.Namespace, start: int, end: int) -> None:
    async with Client(connection.address(arguments)) as client:
        found = client.search_events(
            entities=arguments.entity,
            zone=arguments.zone,
            start=start,
            end=end,
            event_ids=arguments.id,
            limit=arguments.limit,
            query=arguments.query,
        )
        async for event in found:
            say_record(event.original) if arguments.raw and event.original else say_json(event.json)
            output.flush()


async def _count(arguments: argparse.Namespace, asked: Node, start: int, end: int) -> None:
    if arguments.id:
        raise ImpetusError("query.invalid", "events that are named by id are not counted", Where(key="--id"))
    beside = [*arguments.entity, *([f"zone:{arguments.zone}"] if arguments.zone else [])]
    query = conjunction((*map(_key, beside), asked))
    fields = [field for field in (arguments.facets or "").split(",") if field]
    width = None if arguments.histogram is None else _width(arguments.histogram)
    async with Client(connection.address(arguments)) as client:
        counted = await client.count_events(
            write(query), start=start, end=end, histogram=width, facets=fields, top=arguments.top
        )
    for line in _lines(counted):
        say_json(msgspec.json.encode(line).decode())


def _key(entity: str) -> Key:
    kind, _, value = entity.partition(":")
    if not (kind and value):
        what, hint = f"{entity!r} names no entity", 'Write "kind:value", as in "device:D-214".'
        raise ImpetusError("query.invalid", what, Where(key="--entity"), hint)
    return Key(kind, value)


def _width(text: str) -> int:
    try:
        return 0 if text == CHOSEN else _natural("--histogram", parse_span(text))
    except ValueError as error:
        raise ImpetusError("query.invalid", str(error), Where(key="--histogram"), "Such as 5m") from None


def _natural(option: str, number: int) -> int:
    """A number above 0: to the API 0 is one that was not said, and would be another than was asked for."""
    if number < 1:
        raise ImpetusError("query.invalid", f"{number} is too few", Where(key=option), "1 at least")
    return number


def _lines(counted: pb.CountEventsResponse) -> Iterable[dict[str, object]]:
    """The buckets, the values, and in the end how many events were counted and whether that is all of them."""
    for bucket in counted.histogram:
        end = format_instant(bucket.from_us + counted.histogram_us)
        yield {"from": format_instant(bucket.from_us), "to": end, "events": bucket.events}
    for facet in counted.facets:
        for each in facet.values:
            yield {"field": facet.field, "value": each.value, "events": each.events}
    yield {"events": counted.events, "complete": counted.complete and not any(one.bounded for one in counted.facets)}
