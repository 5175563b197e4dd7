"""Random days out of the events of the Oslo day: any order of arrival, any batches and restarts end in the same."""

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from oslo import DEMO, Event, Outcome, day, replay, setup_of

from impetus.domain.instant import SECOND, format_instant, parse_instant

START = parse_instant("2027-05-17T11:50:00+02:00")
MINUTES = 25
LATENESS = 120
DEVICES = ["CAM-Z4-03", "CAM-Z4-06", "D-214", "NS-Z1-02", "10.20.1.5", "TLC-K118", None]
SALUTE = {"zone": "Z1", "location": {"lat": 59.9066, "lon": 10.7366}, "radius": 60}
SQUARE = {"zone": "Z4", "location": {"lat": 59.91505, "lon": 10.735}, "radius": 15}


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events of the day at other times, some at other devices, places and of other accounts."""
    kinds = st.sampled_from(day())
    return [_changed(draw, draw(kinds), f"S-{number:02}") for number in range(draw(st.integers(1, 14)))]


def _changed(draw: st.DrawFn, kind: Event, id: str) -> Event:
    event = copy.deepcopy(kind)
    at = START + draw(st.integers(0, MINUTES * 12)) * 5 * SECOND
    event["@timestamp"] = format_instant(at)
    event["event"] |= {"id": id, "created": format_instant(at + draw(st.integers(0, LATENESS - 1)) * SECOND)}
    if draw(st.booleans()):
        _put(event, "device", "id", draw(st.sampled_from(DEVICES)))
    if draw(st.booleans()):
        event["place"] = draw(st.sampled_from([SALUTE, SQUARE]))
    if draw(st.booleans()):
        _put(event, "user", "name", draw(st.sampled_from(["vms-svc-07", "svc_update2", "k.hansen"])))
    if draw(st.booleans()):
        _put(event, "source", "ip", draw(st.sampled_from(["203.0.113.77", "10.30.4.22"])))
    return event


def _put(event: Event, outer: str, name: str, value: Any) -> None:
    inner = event.setdefault(outer, {})
    if value is None:
        inner.pop(name, None)
    else:
        inner[name] = value


def in_order(events: list[Event], planned: bool) -> Outcome:
    punctual = [{**event, "event": event["event"] | {"created": event["@timestamp"]}} for event in events]
    return replay(punctual, setup=setup_of(DEMO, planned), cut=lambda: 1)


@settings(max_examples=25, deadline=None)
@given(streams(), st.integers(0, 2**32), st.booleans())
def test_any_order_within_the_lateness_ends_as_in_order(events: list[Event], seed: int, planned: bool) -> None:
    draw = random.Random(seed)
    # An indicator counts for what arrives after it; the look-back is not part of this.
    events = [event for event in events if event["event"]["action"] != "indicator"]
    most = draw.choice([1, 3, 20])
    changed = replay(
        events,
        setup=setup_of(DEMO, planned),
        cut=lambda: draw.randint(1, most),
        restart=lambda: draw.random() < 0.3,
    )
    assert changed.state() == in_order(events, planned).state()


@settings(max_examples=20, deadline=None)
@given(streams(), st.booleans())
def test_a_restart_between_any_two_steps_changes_nothing(events: list[Event], planned: bool) -> None:
    setup = setup_of(DEMO, planned)
    straight = replay(events, setup=setup, cut=lambda: 1)
    killed = replay(events, setup=setup, cut=lambda: 1, restart=lambda: True)
    assert killed.state() == straight.state()
    assert [one.revision for one, _ in killed.incidents] == [one.revision for one, _ in straight.incidents]
