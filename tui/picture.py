"""A picture of the running console, as SVG: ``python -m tui.picture ADDRESS OUT.svg --size 140x40``."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from tui.console import Console

PATIENCE = 30.0
"""Seconds to wait for incidents."""
STEP = 0.1
REST = 0.6
"""Seconds for the preview to be fetched and painted after the last key."""


async def picture(console: Console, size: tuple[int, int], keys: Sequence[str] = ()) -> str:
    """The SVG of a console of ``size`` (columns, rows) after some keys, once it has incidents (or time is up)."""
    async with console.run_test(size=size) as pilot:
        for _ in range(round(PATIENCE / STEP)):
            if console.session.queue.order:
                break
            await pilot.pause(STEP)
        await pilot.pause(REST)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(REST)
        return console.export_screenshot(title="Impetus")


def main(arguments: Sequence[str] | None = None) -> None:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tui.picture", description=__doc__)
    parser.add_argument("address", help="unix:/path or host:port of a running Impetus")
    parser.add_argument("out", type=Path, help="the SVG file to write")
    parser.add_argument("--size", default="140x40", help="columns x rows (%(default)s)")
    parser.add_argument("--actor", default="mk", help="the analyst in the picture (%(default)s)")
    parser.add_argument("--press", nargs="*", default=(), metavar="KEY", help="keys to press first, such as enter w")
    options = parser.parse_args(arguments)
    columns, _, rows = options.size.partition("x")
    svg = asyncio.run(_take(options.address, options.actor, (int(columns), int(rows)), options.press))
    options.out.write_text(svg, encoding="utf-8")


async def _take(address: str, actor: str, size: tuple[int, int], keys: Sequence[str]) -> str:
    from tui.remote import Remote  # noqa: PLC0415 - its lock belongs to this loop

    return await picture(Console(Remote(address), actor=actor), size, keys)


if __name__ == "__main__":
    main()
