"""What the console shows when there is nothing to show, and when the server is gone."""

import msgspec

from impetus.domain.incident import ActionRecord
from impetus.domain.instant import SECOND
from tests.tui.city import NOON, City, incident
from tests.tui.journey import at_queue


async def test_an_empty_queue_proves_that_the_city_is_alive() -> None:
    done = incident(1, status="closed", history=(ActionRecord("x", "MK", NOON, "close"),))
    async with at_queue(City([done])) as queue:
        await queue.shows("Nothing open.", "Last incident closed 17 May 12:00:00 by MK", "18.2k ev/s flowing")
        queue.city.send(incident(2))
        await queue.shows("Thing number 2")


async def test_the_first_run_says_what_to_do() -> None:
    city = City()
    city.state = msgspec.structs.replace(city.state, events=0, sources=())
    async with at_queue(city) as queue:
        await queue.shows("No collectors yet.", "impetus demo")


async def test_an_error_names_code_what_where_hint_and_retries() -> None:
    city = City([incident(0)])
    city.up = False
    async with at_queue(city) as queue:
        await queue.shows("api.unavailable", "the server does not answer", "unix:/run/x", "Is it running?", "r retry")
        city.up = True
        await queue.press("r")
        await queue.shows("Thing number 0")


async def test_offline_stands_within_two_seconds_with_the_age_of_the_data() -> None:
    async with at_queue(City([incident(0)])) as queue:
        queue.city.hangs = True
        queue.clock.now += 2 * SECOND
        await queue.shows("OFFLINE 00:02", "data as of 12:00:00", "○ offline", "Thing number 0")


async def test_actions_made_offline_are_applied_once_each_and_in_order() -> None:
    async with at_queue(City([incident(n) for n in range(4)])) as queue:
        queue.city.cut()
        await queue.shows("OFFLINE")
        await queue.press("a", "c", "b", "k", "k", "e")
        await queue.shows("3 actions queued", "⋯")
        assert queue.verbs == []
        queue.city.up, queue.city.answers_lost = True, 2
        await queue.press("r")
        await queue.settles()
        assert queue.verbs == [("take", "INC-0"), ("close", "INC-1"), ("escalate", "INC-0")]
        assert len(queue.city.sent) == 5, "two were sent again, with the same id"
        await queue.hides("OFFLINE")


async def test_an_undo_offline_follows_what_it_takes_back() -> None:
    async with at_queue(City([incident(0)])) as queue:
        queue.city.cut()
        await queue.shows("OFFLINE")
        await queue.press("a", "u")
        queue.city.up = True
        await queue.settles()
        assert queue.verbs == [("take", "INC-0"), ("undo", "INC-0")]
        assert queue.city.incidents["INC-0"].status == "open"


async def test_leaving_with_actions_unsent_asks_once() -> None:
    async with at_queue(City([incident(0)])) as queue:
        queue.city.cut()
        await queue.shows("OFFLINE")
        await queue.press("a", "q")
        await queue.shows("not sent yet: 1. q again leaves without them")
        await queue.press("q")
        await queue.until(lambda: not queue.app.is_running, "left")


async def test_a_crash_prints_no_data_and_no_control_characters(capfd: object) -> None:
    hostile = "\x1b]52;c;eA==\x07"
    async with at_queue(City([incident(0)])) as queue:
        try:
            raise RuntimeError(hostile)  # noqa: TRY301 - the handler is what is tested
        except RuntimeError:
            queue.app._fatal_error()
        printed = "".join(segment.text for lines in queue.app._exit_renderables for segment in lines.segments)  # type: ignore[union-attr]
        queue.app._exit_renderables.clear()
    assert "RuntimeError: ␛]52" in printed
    assert "\x1b" not in printed
