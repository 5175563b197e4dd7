"""Follows the incidents of an Impetus server and prints each change: what a dispatch system would do.

Usage: python examples/client.py [unix:/path/to/api.sock | host:port]
"""

import asyncio
import sys

from impetus.api.client import Client
from impetus.api.words import severity, status
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import format_instant


async def follow(address: str) -> None:
    """Print every incident as it is now, then every change. Keep the last cursor to go on from it after a restart."""
    async with Client(address, on_connection=lambda up: print("connected" if up else "OFFLINE", flush=True)) as client:
        async for change in client.watch(cursor=0):
            incident = change.incident
            # !a below: what a source sent may hold what a terminal obeys.
            zones = ", ".join(incident.zones) or "no zone"
            print(
                f"{change.cursor:>6}  {format_instant(incident.updated_us)}  {severity(incident):<8}  "
                f"{status(incident):<9}  {incident.title!a}  ({zones}; risk {incident.risk_score})",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] in {"-h", "--help"}:
        print(__doc__)
    else:
        try:
            asyncio.run(follow(sys.argv[1]))
        except ImpetusError as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            pass
