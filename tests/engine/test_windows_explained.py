"""What the plan says of an event may change, either way: the windows end as if it had always said the last."""

import json
import random

import pytest

from correlator._engine import Item, Windows

SECOND = 1_000_000
PLACES = [(59.9, 10.7), (59.9001, 10.7), (59.95, 10.7), (None, None)]


def correlation(kind, rules, seconds, **more):
    known = {
        "id": f"{kind}-{rules}",
        "type": kind,
        "rules": rules,
        "group_by": [],
        "aliases": {},
        "place": None,
        "alerts": True,
    }
    condition = {"cmp": [], "fields": [], "percentile": None, **more.pop("condition", {})}
    return {**known, "timespan": seconds * SECOND, "condition": condition, **more}


RULE = {
    "logsource": {"product": None, "category": None, "service": None},
    "condition": {"op": "exists", "field": "x", "value": True},
}
AND_NOT = {"op": "and", "of": [{"op": "rule", "index": 0}, {"op": "not", "of": {"op": "rule", "index": 1}}]}
FORM = {
    "version": 1,
    "rules": [{"id": "a", **RULE}, {"id": "b", **RULE}],
    "correlations": [
        correlation("event_count", [0, 1], 10, condition={"cmp": [["gte", 2]]}, group_by=["g"]),
        correlation("temporal_ordered", [0, 1], 10),
        correlation(
            "value_count",
            [0, 1],
            10,
            condition={"cmp": [["gte", 2]], "fields": ["g"]},
            place={"distance": [["lte", 100]]},
        ),
        correlation("temporal", [0, 1], 5, condition={"expr": AND_NOT}, group_by=["g"]),
        correlation("event_count", [2], 20, condition={"cmp": [["gte", 2]]}),
    ],
}


def item(known, explained):
    rule, id, time, group, (latitude, longitude) = known
    return Item(rule, id, time * SECOND, None, latitude, longitude, 5.0, [("g", group)], explained)


def alerts_after(pushes):
    windows, live = Windows(json.dumps(FORM).encode(), b'{"zones":{}}'), {}
    firings = [firing for push in pushes for firing in windows.push(push)] + windows.advance(10**12)
    for firing in firings:
        live[(firing.rule, firing.id)] = (
            None if firing.gone else (firing.members, firing.at, firing.certainty, firing.absent)
        )
    return {key: value for key, value in live.items() if value is not None}


@pytest.mark.parametrize("seed", range(0, 400, 50))
def test_the_last_word_of_the_plan_counts(seed):
    for case in range(seed, seed + 50):
        draw = random.Random(case)
        known = [
            (draw.randrange(2), f"e{i}", draw.randrange(30), draw.choice("gh"), draw.choice(PLACES))
            for i in range(draw.randrange(2, 9))
        ]
        last = {one[1]: draw.random() < 0.5 for one in known}
        arrivals = [[item(one, draw.random() < 0.5)] for one in draw.sample(known * 2, len(known) * 2)]
        settled = [[item(one, last[one[1]])] for one in known]
        assert alerts_after(arrivals + settled) == alerts_after([[item(one, last[one[1]]) for one in known]]), case
