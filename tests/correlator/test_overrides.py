"""Live equals replay with plans whose explanations are taken back and given again, long after their events too."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import AWAY, HERE, event
from test_event_time import PLAN, RULES, check_any_order

from correlator.watermark import LATENESS
from impetus.domain.instant import SECOND

Drawn = list[tuple[float, dict[str, Any]]]
NONE = "type: temporal, rules: [c, d], timespan: 20s, condition: c and d"
ENTRY = "- {{id: {id}, reason: exercise, from: 2027-05-17T{start}Z, to: 2027-05-17T{end}Z, event: {{event.action: [{actions}]}}, {more}}}\n"  # noqa: E501
FORMS = st.sampled_from(
    [
        "place: {zones: [Z1]}",
        "unless_within: {distance: 400, timespan: 30s}",
        "unless_within: {distance: 400, timespan: 2m}",
        "place: {zones: [Z1]}, unless_within: {distance: 2000, timespan: 1m}",
        "at_most: 2",
        "spacing: {every: 20s, tolerance: 1s}",
        "at_most: 2, unless_within: {distance: 400, timespan: 1m}",
    ]
)


def plan_of(form: str, other: str | None = None) -> str:
    one = ENTRY.format(id="known", start="09:00:00", end="15:00:00", actions="a", more=form)
    two = ENTRY.format(id="more", start="12:01:00", end="12:06:00", actions="b, d", more=other) if other else ""
    return f"\nexpected:\n{one}{two}"


PLANS = st.builds(plan_of, FORMS, st.none() | FORMS)


def arrival(id: str, at: int, delay: float, where: tuple[float, float] | None, device: str, source: str) -> Any:
    zone = "Z1" if device == "NS-1" else "Z2"
    fields = {"device.id": device, "event.provider": source, "place.zone": zone}
    return delay, event(id, at, id.rpartition("-")[2], where, **fields)


@st.composite
def arrivals(draw: st.DrawFn) -> Drawn:
    """Up to 20 minutes of events, most of them such as plans explain."""
    steps = draw(st.sampled_from([60, 120, 240]))
    drawn = st.tuples(
        st.integers(0, steps), st.integers(0, LATENESS // SECOND), st.sampled_from([HERE, HERE, AWAY, None]),
        st.sampled_from(["NS-1", "NS-2"]), st.sampled_from(["radar", "door"]), st.sampled_from("aaabcd"),
    )  # fmt: skip
    listed = draw(st.lists(drawn, min_size=1, max_size=18))
    return [
        arrival(f"{number}-{action}", at * 5, float(delay), where, device, source)
        for number, (at, delay, where, device, source, action) in enumerate(listed)
    ]


@settings(max_examples=100)
@given(RULES, arrivals(), PLANS, st.integers(0, 2**32))
def test_any_order_with_plans_ends_as_a_replay(found: tuple[str, ...], drawn: Drawn, plan: str, seed: int) -> None:
    check_any_order(found, drawn, plan, seed)


@pytest.mark.soak
@settings(max_examples=5_000)
@given(RULES, arrivals(), PLANS, st.integers(0, 2**32))
def test_any_order_with_plans_many_times(found: tuple[str, ...], drawn: Drawn, plan: str, seed: int) -> None:
    check_any_order(found, drawn, plan, seed)


# --- what the random ones found


@pytest.mark.parametrize("seed", range(4))
def test_an_explanation_is_given_again_among_the_neighbours_of_its_event(seed: int) -> None:
    """The late one at the end takes back an alert, with it all overrides, when the first two are long out of sight."""
    found = (
        NONE,
        NONE,
        "type: event_count, rules: [a, b], timespan: 20s, condition: {lte: 2}, "
        "group-by: [device.id], place: {zone: same}",
    )
    drawn = [
        arrival("9-b", 50, 20, AWAY, "NS-1", "door"),
        arrival("2-a", 60, 8, HERE, "NS-1", "radar"),
        arrival("7-d", 225, 5, HERE, "NS-1", "door"),
        arrival("13-b", 285, 61, AWAY, "NS-2", "radar"),
        arrival("6-a", 300, 76, HERE, "NS-2", "door"),
    ]
    check_any_order(found, drawn, PLAN, seed)


@pytest.mark.parametrize("seed", range(4))
def test_an_event_that_is_expected_after_all_is_not_held_back_by_its_own_correlation(seed: int) -> None:
    """The second alone is off the spacing; with the third, it is the first that is off."""
    found = (NONE, "type: temporal, rules: [c, a], timespan: 100s, condition: c or a, group-by: [device.id]", NONE)
    drawn = [
        arrival("0-a", 235, 70, None, "NS-2", "door"),
        arrival("2-a", 270, 18, None, "NS-1", "door"),
        arrival("1-a", 310, 79, AWAY, "NS-2", "radar"),
    ]
    check_any_order(found, drawn, plan_of("spacing: {every: 20s, tolerance: 1s}"), seed)


@pytest.mark.parametrize("seed", range(4))
def test_what_an_absence_takes_back_does_not_depend_on_how_far_event_time_moves_at_once(seed: int) -> None:
    found = ("type: temporal, rules: [a, c], timespan: 100s, condition: a and not c, group-by: [device.id]", NONE, NONE)
    drawn = [
        arrival("6-d", 220, 72, HERE, "NS-1", "door"),
        arrival("14-a", 320, 39, HERE, "NS-2", "radar"),
        arrival("11-a", 480, 91, HERE, "NS-1", "radar"),
        arrival("3-a", 785, 55, AWAY, "NS-1", "radar"),
        arrival("8-a", 1160, 120, None, "NS-1", "door"),
        arrival("4-c", 1200, 96, None, "NS-2", "radar"),
    ]
    check_any_order(found, drawn, plan_of("unless_within: {distance: 400, timespan: 2m}"), seed)
