"""Event time: lateness, idle sources, events from the future, the end of a replay."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlator.watermark import AHEAD, IDLE, LATENESS, EventClock, Span
from impetus.domain.instant import SECOND

T = 1_810_548_000 * SECOND


def see(clock: EventClock, source: str, seconds: float, *, arrived: float | None = None, heard: float = 0) -> bool:
    at = T + int(seconds * SECOND)
    return clock.observe(source, at, at if arrived is None else T + int(arrived * SECOND), int(heard * SECOND))


def test_there_is_no_event_time_before_the_first_event() -> None:
    clock = EventClock()
    assert clock.advance() is None
    assert clock.finish(5) is None


def test_event_time_is_the_newest_less_the_lateness_and_never_goes_back() -> None:
    clock = EventClock()
    see(clock, "a", 0)
    assert clock.advance() == T - LATENESS
    see(clock, "a", 60)
    see(clock, "a", 30)
    assert clock.advance() == T + 60 * SECOND - LATENESS
    see(clock, "b", 10)
    assert clock.advance() == T + 60 * SECOND - LATENESS


def test_the_slowest_source_that_is_not_idle_holds_event_time_back() -> None:
    clock = EventClock()
    see(clock, "slow", 0)
    see(clock, "fast", IDLE / SECOND)
    assert clock.advance() == T - LATENESS
    see(clock, "fast", IDLE / SECOND + 0.001)
    assert clock.advance() == T + IDLE + 1000 - LATENESS


def test_lateness_and_idleness_are_set_by_source() -> None:
    clock = EventClock({"slow": 600 * SECOND}, {"slow": 3600 * SECOND})
    see(clock, "slow", 0)
    see(clock, "fast", 3000)
    assert clock.advance() == T - 600 * SECOND


def test_in_a_live_run_a_source_that_says_nothing_is_idle_by_the_wall_clock() -> None:
    clock = EventClock()
    see(clock, "a", 0, heard=0)
    see(clock, "b", 200, heard=0)
    assert clock.advance(100 * SECOND) == T - LATENESS
    see(clock, "b", 250, heard=301)
    assert clock.advance(301 * SECOND) == T + 250 * SECOND - LATENESS


def test_when_all_sources_are_idle_each_still_has_its_own_lateness() -> None:
    clock = EventClock({"a": 900 * SECOND})
    see(clock, "a", 0, heard=0)
    assert clock.advance(10_000 * SECOND) == T - 900 * SECOND
    assert not see(clock, "a", -800, heard=10_000)


@pytest.mark.parametrize(("ahead", "moves"), [(AHEAD, True), (AHEAD + 1, False)])
def test_an_event_far_ahead_of_its_arrival_moves_nothing_and_is_counted(ahead: int, moves: bool) -> None:
    clock = EventClock()
    see(clock, "a", 0)
    see(clock, "a", ahead / SECOND, arrived=0)
    assert (clock.advance() == T + ahead - LATENESS) is moves
    assert clock.sources["a"].ahead == (not moves)


def test_a_source_whose_first_event_is_from_the_future_counts_from_its_arrival() -> None:
    clock = EventClock()
    see(clock, "a", 10_000, arrived=0)
    assert clock.advance() == T - LATENESS


def test_what_is_older_than_event_time_is_too_late_and_counted() -> None:
    clock = EventClock()
    see(clock, "a", 0)
    clock.advance()
    assert not see(clock, "a", -LATENESS / SECOND)
    assert see(clock, "a", -LATENESS / SECOND - 0.000_001)
    assert clock.sources["a"].late == 1


def test_the_end_of_a_replay_is_behind_every_window() -> None:
    clock = EventClock()
    see(clock, "a", 0)
    see(clock, "b", 100)
    clock.advance()
    assert clock.finish(60 * SECOND) == T + 160 * SECOND + 1


EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2000), st.integers(0, 120)), min_size=1, max_size=40)


@given(EVENTS, st.integers(1, 7))
def test_nothing_that_arrives_within_the_lateness_is_too_late(events: list[tuple[str, int, int]], step: int) -> None:
    clock = EventClock()
    for number, (source, at, delay) in enumerate(sorted(events, key=lambda one: one[1] + one[2])):
        assert not see(clock, source, at, arrived=at + delay)
        if number % step == 0:
            clock.advance()


@given(EVENTS, st.integers(1, 7))
def test_what_is_too_late_does_not_depend_on_batches(events: list[tuple[str, int, int]], step: int) -> None:
    one_by_one, batched = EventClock(), EventClock()
    for number, (source, at, _) in enumerate(events):
        late = see(one_by_one, source, 20 * at)
        one_by_one.advance()
        assert see(batched, source, 20 * at) == late
        if number % step == 0:
            assert batched.advance() == one_by_one.now


@given(EVENTS)
def test_a_clock_goes_on_from_its_state(events: list[tuple[str, int, int]]) -> None:
    straight, other = EventClock(), EventClock()
    for source, at, _ in events:
        assert see(straight, source, at) == see(other, source, at)
        assert straight.advance() == other.advance()
        dumped, other = list(other.dump()), EventClock()
        other.load(iter(dumped))
    assert _of(other) == _of(straight)


YEAR = 365 * 86_400


@pytest.mark.parametrize("order", [("good", "bad"), ("bad", "good")])
@pytest.mark.parametrize("off", [YEAR, -YEAR])
def test_a_source_whose_clock_is_a_year_off_holds_nobody_up_and_is_counted(order: tuple[str, str], off: int) -> None:
    clock = EventClock()
    for second in range(0, 900, 30):
        for source in order:
            see(clock, source, second if source == "good" else second + off, arrived=second)
        assert clock.advance() == T + second * SECOND - LATENESS
    bad = clock.sources["bad"]
    assert (bad.ahead, bad.behind) == ((30, 0) if off > 0 else (0, 30))
    assert max(bad.most_ahead, bad.most_behind) == YEAR * SECOND
    assert (clock.sources["good"].late, clock.sources["good"].ahead, clock.sources["good"].behind) == (0, 0, 0)


@pytest.mark.parametrize("off", [YEAR, -YEAR])
def test_alone_a_source_whose_clock_is_off_has_its_own_time_or_none_from_the_future(off: int) -> None:
    clock = EventClock()
    for second in range(0, 900, 30):
        assert not see(clock, "bad", second + off, arrived=second)
        clock.advance()
    assert clock.now == (T - LATENESS if off > 0 else T + (870 + off) * SECOND - LATENESS)


def test_a_clock_that_is_set_right_counts_from_then_on() -> None:
    clock = EventClock()
    see(clock, "a", YEAR, arrived=0)
    see(clock, "a", 30, arrived=30)
    see(clock, "b", 60)
    assert clock.advance() == T + 30 * SECOND - LATENESS


def test_a_source_with_a_longer_lateness_is_heard_although_it_was_idle() -> None:
    clock = EventClock({"slow": 600 * SECOND})
    see(clock, "slow", 0)
    see(clock, "fast", 1000)
    clock.advance()
    assert not see(clock, "slow", 400, arrived=1000)
    assert see(clock, "slow", 399, arrived=1000)


SOURCES = {"a": 10, "b": 120, "c": 900}


@given(EVENTS, st.integers(1, 7))
def test_nothing_within_the_lateness_of_its_source_is_too_late_idle_or_not(
    events: list[tuple[str, int, int]], step: int
) -> None:
    clock = EventClock({source: lateness * SECOND for source, lateness in SOURCES.items()}, dict.fromkeys("abc", 1))
    for source in SOURCES:  # one that was never heard of has no watermark yet
        see(clock, source, -1000)
    delayed = [(source, at, delay * SOURCES[source] / 120) for source, at, delay in events]
    for number, (source, at, delay) in enumerate(sorted(delayed, key=lambda one: one[1] + one[2])):
        assert not see(clock, source, at, arrived=at + delay)
        if number % step == 0:
            clock.advance()


def _of(clock: EventClock) -> Any:
    return clock.now, clock.sources


Sights = list[tuple[str, int, int]]
"""Source, event time and how much later it arrived (s)."""
SIGHTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-400, 400), st.integers(-20, 400)), max_size=12)


@given(SIGHTS, SIGHTS, st.booleans())
def test_events_that_are_usual_together_are_usual_one_by_one(before: Sights, after: Sights, asked: bool) -> None:
    one, other = EventClock(), EventClock()
    for clock in (one, other):
        for source, at, delay in before:
            see(clock, source, at, arrived=at + delay)
        if asked:
            clock.advance()
    spans = []
    for name in sorted({source for source, _, _ in after}):
        times = [(T + at * SECOND, T + (at + delay) * SECOND) for source, at, delay in after if source == name]
        first, last = min(time for time, _ in times), max(time for time, _ in times)
        arrived, ahead = max(arrived for _, arrived in times), max(time - arrived for time, arrived in times)
        spans.append(Span(name, first, last, arrived, ahead))
    was = list(one.dump())
    if spans and one.observe_usual(spans, 7 * SECOND):
        late = [see(other, source, at, arrived=at + delay, heard=7) for source, at, delay in after]
        assert not any(late)
        assert list(one.dump()) == list(other.dump())
        assert (one.newest, one.advance()) == (other.newest, other.advance())
    else:
        assert list(one.dump()) == was
