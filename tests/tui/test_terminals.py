"""Small, wide, without colours, without anything but ASCII: severity, title, zone, owner and verbs are always there."""

import pytest

from tests.tui.city import City, incident
from tests.tui.journey import Journey, at_queue
from tui.look import SEVERITY

SIZES = [(80, 24), (140, 40), (50, 14)]
LEVELS = list(SEVERITY)


def city() -> City:
    return City(
        incident(number, f"Door {number} forced", severity=level, zones=(f"Z{number}",), owner=f"own{number}")
        for number, level in enumerate(LEVELS)
    )


def whole(queue: Journey) -> None:
    for number, level in enumerate(LEVELS):
        line = queue.row(f"Door {number} forced", below=1 if queue.app.size.height < 17 else 3)
        assert SEVERITY[level][1] in line
        assert f"Z{number}" in line
        assert f"own{number}" in line
    for verb in ("a take", "e esc", "c close", "o reopen", "n note", "u undo"):
        assert verb in queue.lines[-1]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("ascii", [False, True], ids=["unicode", "ascii"])
async def test_the_queue_loses_nothing(size: tuple[int, int], ascii: bool) -> None:
    async with at_queue(city(), size, ascii=ascii) as queue:
        await queue.shows("Door 0 forced")
        whole(queue)
        glyphs = {glyph for glyph, _ in SEVERITY.values()}
        assert queue.screen.isascii() if ascii else any(glyph in queue.screen for glyph in glyphs)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("ascii", [False, True], ids=["unicode", "ascii"])
async def test_the_incident_page_loses_nothing(size: tuple[int, int], ascii: bool) -> None:
    async with at_queue(city(), size, ascii=ascii) as page:
        await page.press("enter")
        await page.shows("CRIT Door 0 forced", "Z0", "own0", "a take", "u undo", "w why", "evidence")
        await page.press("v")
        await page.shows("door_forc", "access", "door-17")
        assert not ascii or page.screen.isascii()


async def test_without_colours_nothing_is_lost_and_none_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_queue(city()) as queue:
        await queue.shows("Door 0 forced")
        whole(queue)
        colours = {
            colour.triplet
            for strip in queue.app.screen._compositor.render_strips()
            for segment in strip.apply_filter(queue.app.get_line_filters()[-1], queue.app.screen.styles.background)
            if segment.style
            for colour in (segment.style.color, segment.style.bgcolor)
            if colour and colour.triplet
        }
        assert all(red == green == blue for red, green, blue in colours)


async def test_nothing_blinks() -> None:
    async with at_queue(city(), (140, 40)) as queue:
        await queue.shows("Alert of")
        strips = queue.app.screen._compositor.render_strips()
        assert not any(segment.style and segment.style.blink for strip in strips for segment in strip)


async def test_the_least_terminal_is_not_refused() -> None:
    async with at_queue(city(), (24, 6)) as queue:
        await queue.shows("CRIT")
        await queue.press("a")
        await queue.settles()
        assert queue.verbs == [("take", "INC-0")]
