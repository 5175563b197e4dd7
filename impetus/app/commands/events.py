"""``impetus events``: search events; one JSON object a line, personal values masked."""

import argparse
import asyncio

from impetus.api.client import Client
from impetus.app import connection
from impetus.app.moments import asked_instant
from impetus.app.printing import say


def add(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    connection.add(parser)
    parser.add_argument(
        "--entity", action="append", default=[], metavar="KIND:VALUE", help="such as device:D-214; all must be there"
    )
    parser.add_argument("--zone", default="", help="a zone of the city model")
    parser.add_argument("--since", metavar="TIME", help="RFC 3339 with offset")
    parser.add_argument("--until", metavar="TIME", help="RFC 3339 with offset, excluded")
    parser.add_argument("--id", action="append", default=[], help="an event id; may be repeated")
    parser.add_argument("--limit", type=int, default=100, help="at most so many, newest first (100)")
    parser.add_argument("--raw", action="store_true", help="the raw records instead, where they were kept")


def main(arguments: argparse.Namespace) -> int:
    """Search and print."""
    asyncio.run(_main(arguments))
    return 0


async def _main(arguments: argparse.Namespace) -> None:
    async with Client(connection.address(arguments)) as client:
        found = client.search_events(
            entities=arguments.entity,
            zone=arguments.zone,
            start=asked_instant("--since", arguments.since) or 0,
            end=asked_instant("--until", arguments.until) or 0,
            event_ids=arguments.id,
            limit=arguments.limit,
        )
        async for event in found:
            say(event.original or event.json if arguments.raw else event.json)
