"""Journeys through the console as sentences: ``await queue.press("j", "a")``, ``await queue.shows("taken")``."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from tests.tui.city import City, Clock, console
from tui.console import Console

TRIES, STEP = 1_500, 0.01


class Journey:
    """A person at the console: presses keys, and looks at the screen."""

    def __init__(self, app: Console, pilot: Pilot[None], city: City, clock: Clock) -> None:
        self.app, self.pilot, self.city, self.clock = app, pilot, city, clock

    async def press(self, *keys: str) -> "Journey":
        await self.pilot.press(*keys)
        return self

    async def shows(self, *texts: str) -> "Journey":
        """The screen shows these texts, at the latest when what is under way has been done."""
        for text in texts:
            await self.until(lambda text=text: text in self.screen, f"{text!r} on the screen")
        return self

    async def hides(self, text: str) -> "Journey":
        await self.until(lambda: text not in self.screen, f"no {text!r} on the screen")
        return self

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        for _ in range(TRIES):
            await asyncio.sleep(STEP)
            self.app.look_up()
            if holds():
                return
        raise AssertionError(f"never {what}:\n{self.screen}")

    async def settles(self) -> "Journey":
        """Everything sent has been answered."""
        await self.until(lambda: not len(self.app.session.outbox), "everything answered")
        await self.pilot.pause()
        return self

    @property
    def screen(self) -> str:
        """What stands on the screen, as text."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    def row(self, title: str, below: int = 0) -> str:
        """The line of the screen with a title, from the line ``below`` on."""
        return next(line for line in self.lines[below:] if title in line)

    @property
    def current(self) -> str:
        """The row with the cursor."""
        return next(line for line in self.lines if line.startswith("▸"))

    @property
    def verbs(self) -> list[tuple[str, str]]:
        """What reached the server: (verb, incident)."""
        return [(getattr(each, "verb", "undo"), each.incident) for each in self.city.applied]


@asynccontextmanager
async def at_queue(city: City, size: tuple[int, int] = (80, 24), **options: Any) -> AsyncIterator[Journey]:
    """A console that has fetched what the city has."""
    clock = Clock()
    app = console(city, clock=clock, **options)
    async with app.run_test(size=size) as pilot:
        journey = Journey(app, pilot, city, clock)
        if city.up:
            await journey.until(lambda: app.session.status is not None, "connected")
            await journey.until(lambda: app.session.loaded or app.session.trouble is not None, "loaded")
        yield journey
