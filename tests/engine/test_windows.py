"""The native windows through their Python interface: counting, order, place, absence, the plan, chains, state."""

import json
from typing import Any

import pytest

from correlator._engine import Firing, Item, Windows, alert_id

SECOND = 1_000_000
CITY = json.dumps({"zones": {"Z4": {"within": "centre", "adjacent": ["Z3"]}, "Z3": {"within": "centre"}}}).encode()


def correlation(kind: str, rules: list[int], timespan: int = 60, **more: Any) -> dict[str, Any]:
    return {"id": "c", "type": kind, "rules": rules, "group_by": [], "timespan": timespan * SECOND} | more


def at_least(count: float, *fields: str) -> dict[str, Any]:
    return {"cmp": [["gte", count]], "fields": list(fields)}


def windows(*correlations: dict[str, Any], rules: int = 4) -> Windows:
    form = {"version": 1, "rules": [{"id": f"r{i}"} for i in range(rules)], "correlations": correlations}
    return Windows(json.dumps(form).encode(), CITY)


def item(
    rule: int,
    id: str,
    time: float,
    *fields: tuple[str, str],
    zone: str | None = None,
    spot: tuple[float, float, float] | None = None,
    explained: bool = False,
) -> Item:
    latitude, longitude, radius = spot or (None, None, None)
    return Item(rule, id, int(time * SECOND), zone, latitude, longitude, radius, fields, explained)


def only(firings: list[Firing]) -> Firing:
    assert len(firings) == 1
    return firings[0]


def test_counts_by_group_and_revises_one_alert() -> None:
    w = windows(correlation("event_count", [0], group_by=["user"], condition=at_least(3)))
    assert w.fields == [["user"], [], [], []]
    assert not w.push([item(0, "a", 0, ("user", "x")), item(0, "b", 1, ("user", "x")), item(0, "o", 1, ("user", "y"))])
    first = only(w.push([item(0, "c", 60, ("user", "x"))]))
    assert (first.members, first.group, first.revision, first.at) == (["a", "b", "c"], [("user", "x")], 1, 60 * SECOND)
    assert first.id == alert_id("c", [("user", "x")], "a")
    second = only(w.push([item(0, "d", 61, ("user", "x"))]))
    assert (second.id, second.revision, second.members) == (first.id, 2, ["a", "b", "c", "d"])
    assert not w.push([item(0, "d", 61, ("user", "x"))]), "the same item again changes nothing"


def test_a_list_counts_once_for_each_element_and_a_lacking_field_not_at_all() -> None:
    w = windows(correlation("event_count", [0], group_by=["ip"], condition=at_least(2)))
    assert not w.push([item(0, "a", 0, ("ip", "1"), ("ip", "2")), item(0, "b", 1)])
    assert only(w.push([item(0, "c", 2, ("ip", "2"))])).group == [("ip", "2")]


def test_aliases_join_different_fields() -> None:
    aliases = {"ip": {"0": "source.ip", "1": "destination.ip"}}
    w = windows(correlation("temporal", [0, 1], group_by=["ip"], aliases=aliases))
    assert w.fields[:2] == [["source.ip"], ["destination.ip"]]
    assert not w.push([item(0, "a", 0, ("source.ip", "::1"))])
    assert only(w.push([item(1, "b", 1, ("destination.ip", "::1"))])).group == [("ip", "::1")]


def test_distinct_combinations_of_values() -> None:
    w = windows(correlation("value_count", [0], condition=at_least(3, "user", "ip")))
    pairs = [("alice", "1"), ("alice", "2"), ("alice", "1"), ("alice", "2")]
    assert not w.push([item(0, str(i), i, ("user", u), ("ip", ip)) for i, (u, ip) in enumerate(pairs)])
    assert only(w.push([item(0, "5", 5, ("user", "bob"), ("ip", "1"))])).revision == 1


@pytest.mark.parametrize(
    ("kind", "holds", "more"),
    [
        ("value_sum", 9, {}),
        ("value_avg", 3, {}),
        ("value_median", 2, {}),
        ("value_percentile", 4.4, {"percentile": 80}),
    ],
)
def test_numbers(kind: str, holds: float, more: dict[str, Any]) -> None:
    items = [item(0, f"e{n}", n, ("n", str(n))) for n in (1, 2, 6)]
    for limit, expected in ((holds, 1), (holds + 0.01, 0)):
        w = windows(correlation(kind, [0], condition=at_least(limit, "n") | more))
        assert len(w.push(items)) == expected


def test_order_names_only_what_takes_part_and_does_not_fire_again() -> None:
    w = windows(correlation("temporal_ordered", [0, 1, 2]))
    assert not w.push([item(2, "c0", 0), item(1, "b0", 1), item(0, "a", 2)])
    assert only(w.push([item(1, "b", 3), item(2, "c", 4)])).members == ["a", "b", "c"]
    assert not w.push([item(0, "later", 5)])


def test_equal_times_fit_either_order() -> None:
    w = windows(correlation("temporal_ordered", [0, 1]))
    assert not w.push([item(1, "b", 7)])
    assert only(w.push([item(0, "a", 7)])).members == ["a", "b"]


def test_late_items_give_the_id_of_arrival_in_order() -> None:
    w = windows(correlation("event_count", [0], condition=at_least(2), timespan=10))
    old = [only(w.push([item(0, "b", 20), item(0, "c", 25)])), only(w.push([item(0, "e", 41), item(0, "f", 45)]))]
    merged = {f.id: f for f in w.push([item(0, "d", 33), item(0, "a", 12)])}
    new = merged[alert_id("c", [], "a")]
    assert new.members == ["a", "b", "c", "d", "e", "f"]
    assert sorted(new.supersedes) == sorted(f.id for f in old)
    assert new.late
    assert all(merged[f.id].gone and not merged[f.id].members for f in old)


OSLO = 59.9151, 10.7354


def test_distance_is_certain_possible_or_no_relation() -> None:
    place = {"distance": [["lte", 200]]}
    for metres, radius, expected in ((100, 30, "certain"), (190, 30, "possible"), (300, 30, None)):
        w = windows(correlation("temporal", [0, 1], place=place))
        near = (OSLO[0] + metres / 111_195, OSLO[1], float(radius))
        firings = w.push([item(0, "a", 0, spot=(*OSLO, 0.0)), item(1, "b", 1, spot=near)])
        assert [f.certainty for f in firings] == ([expected] if expected else [])
        strict = windows(correlation("temporal", [0, 1], place=place | {"certain": True}))
        firings = strict.push([item(0, "a", 0, spot=(*OSLO, 0.0)), item(1, "b", 1, spot=near)])
        assert len(firings) == (expected == "certain")
    assert not windows(correlation("temporal", [0, 1], place=place)).push([item(0, "a", 0), item(1, "b", 1)])


@pytest.mark.parametrize(
    ("zone", "near"),
    [({"kind": "same"}, "Z4"), ({"kind": "adjacent"}, "Z3"), ({"kind": "within", "name": "centre"}, "Z3")],
)
def test_zones(zone: dict[str, str], near: str) -> None:
    for other, fires in ((near, True), ("Z9", False), (None, False)):
        w = windows(correlation("event_count", [0], condition=at_least(2), place={"zone": zone}))
        assert bool(w.push([item(0, "a", 0, zone="Z4"), item(0, "b", 1, zone=other)])) == fires


def test_no_time_between_unequal_places_is_too_fast() -> None:
    w = windows(correlation("event_count", [0], condition=at_least(2), place={"speed": [["gt", 900]]}))
    oslo, padova = (*OSLO, 0.0), (45.4064, 11.8768, 0.0)
    assert not w.push([item(0, "a", 0, spot=oslo), item(0, "b", 0, spot=oslo)])
    assert only(w.push([item(0, "c", 0, spot=padova)])).members == ["a", "b", "c"]


def absence(timespan: int = 240) -> dict[str, Any]:
    negated = {"op": "not", "of": {"op": "rule", "index": 1}}
    condition = {"expr": {"op": "and", "of": [{"op": "rule", "index": 0}, negated]}}
    return correlation("temporal", [0, 1], timespan, condition=condition)


def test_an_absence_fires_when_event_time_has_passed_the_end() -> None:
    w = windows(absence())
    assert not w.push([item(0, "door", 0)])
    assert not w.advance(240 * SECOND)
    fired = only(w.advance(240 * SECOND + 1))
    assert (fired.members, fired.absent, fired.at, fired.newest) == (["door"], ["r1"], 240 * SECOND, "door")


@pytest.mark.parametrize(("patrol", "fires"), [(-1, True), (0, False), (240, False), (240.1, True)])
def test_the_awaited_event_counts_at_both_ends(patrol: float, fires: bool) -> None:
    w = windows(absence())
    w.push([item(1, "patrol", patrol), item(0, "door", 0)])
    assert bool(w.advance(1000 * SECOND)) == fires


def test_explained_items_fire_only_with_an_unexplained_member() -> None:
    w = windows(correlation("event_count", [0], condition=at_least(2)))
    assert not w.push([item(0, "a", 0, explained=True), item(0, "b", 1, explained=True)])
    assert only(w.unexplain(["a"])).members == ["a", "b"]


def test_a_chain_holds_although_its_first_part_is_revised_afterwards() -> None:
    many = correlation("event_count", [0], group_by=["user"], condition=at_least(2))
    then = correlation("temporal_ordered", [4, 1], 10, group_by=["user"]) | {"id": "d"}
    w = windows(many, then)
    user = ("user", "x")
    burst = only(w.push([item(0, "a", 0, user), item(0, "b", 1, user)]))
    assert (chain := only(w.push([item(1, "in", 2, user)]))).members == [burst.id, "in"]
    inner, outer = w.push([item(0, "c", 3, user)])
    assert (inner.id, inner.added, inner.at - inner.since) == (burst.id, ["c"], 2 * SECOND)
    # Its members are the same, but one of them is not what it was.
    assert (outer.id, outer.rule, outer.revision, outer.members, outer.added) == (chain.id, 5, 2, chain.members, [])


def test_restart_continues_and_forgets_what_is_over() -> None:
    spec = correlation("event_count", [0], condition=at_least(3), timespan=10)
    w, rows = windows(spec), {}
    w.push([item(0, "a", 0), item(0, "b", 1)])
    rows.update({k: s for k, s in w.dirty() if s is not None})
    again = windows(spec | {"id": "other"}, spec)
    again.restore(list(rows.items()))
    assert not again.dirty()
    assert only(again.push([item(0, "c", 2)])).members == ["a", "b", "c"]
    again.dirty()
    again.advance(100 * SECOND)
    assert [s for k, s in again.dirty() if k in rows] == [None]


def test_damaged_or_foreign_state_is_refused_by_name() -> None:
    w = windows(correlation("event_count", [0], condition=at_least(3)))
    w.push([item(0, "a", 0)])
    ((key, state),) = w.dirty()
    assert state is not None
    with pytest.raises(ValueError, match="damaged"):
        w.restore([(key, state[:-1])])
    with pytest.raises(ValueError, match="version 9"):
        w.restore([(key, b"\x09" + state[1:])])


@pytest.mark.parametrize(
    ("change", "op"),
    [
        ({"type": "session"}, "type"),
        ({"rules": [9]}, "rules"),
        ({"timespan": 0}, "timespan"),
        ({"type": "value_percentile", "condition": at_least(1, "n")}, "percentile"),
        ({"place": {"distance": [["near", 3]]}}, "distance"),
        ({"type": "temporal", "condition": {"expr": {"op": "not", "of": {"op": "rule", "index": 0}}}}, "condition"),
    ],
)
def test_refuses_by_rule_and_operator(change: dict[str, Any], op: str) -> None:
    with pytest.raises(ValueError) as caught:
        windows(correlation("event_count", [0], condition=at_least(1)) | change)
    refused = json.loads(str(caught.value))
    assert [(r["rule"], r["op"]) for r in refused] == [("c", op)]
