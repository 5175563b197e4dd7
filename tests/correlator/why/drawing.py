"""Correlations and matches drawn at random, for the engine and for the evaluator that explains."""

import json
import random
from typing import Any

from correlator._engine import Item
from correlator.why.sighting import Sighting
from impetus.domain.place import Location, Place

SECOND = 1_000_000
ZONES = {"Z1": {"within": "centre", "adjacent": ["Z2"]}, "Z2": {"within": "centre"}, "Z3": {}}
CITY = json.dumps({"zones": ZONES}).encode()
RULES = 4
COMPARISONS: list[list[Any]] = [[["gte", 2]], [["gte", 3]], [["lte", 2]], [["eq", 2]], [["gt", 1], ["lt", 4]]]
PLACES: list[Any] = [
    {"distance": [["lte", 250]]},
    {"distance": [["lte", 250]], "certain": True},
    {"zone": {"kind": "same"}},
    {"zone": {"kind": "adjacent"}, "distance": [["lte", 400]]},
    {"zone": {"kind": "within", "name": "centre"}},
    {"distance": [["gte", 50]], "speed": [["gt", 100]]},
    {"speed": [["lte", 300]]},
]
NUMBERS = ("value_sum", "value_avg", "value_median", "value_percentile")


def rule_leaf(index: int) -> dict[str, Any]:
    return {"op": "rule", "index": index}


def without(index: int) -> dict[str, Any]:
    return {"op": "not", "of": rule_leaf(index)}


def expression(draw: random.Random, rules: list[int]) -> dict[str, Any]:
    a, b, c = rules[0], rules[1], rules[-1]
    three = [] if c == b else [
        {"op": "or", "of": [rule_leaf(c), {"op": "and", "of": [rule_leaf(b), without(a)]}]},
        {"op": "and", "of": [rule_leaf(b), rule_leaf(a), without(c)]},
        {"op": "and", "of": [rule_leaf(a), {"op": "or", "of": [rule_leaf(b), rule_leaf(c)]}]},
    ]  # fmt: skip
    return draw.choice(
        [
            {"op": "and", "of": [rule_leaf(a), without(b)]},
            {"op": "or", "of": [rule_leaf(a), rule_leaf(b)]},
            {"op": "and", "of": [rule_leaf(a), rule_leaf(b)]},
            *three,
        ]
    )


def correlation(draw: random.Random, at: int) -> dict[str, Any]:
    kinds = ("event_count", "value_count", "temporal", "temporal_ordered", "temporal_ordered", "temporal", *NUMBERS)
    rules = draw.sample(range(RULES + at), draw.choice((2, 3)))
    kind = draw.choice(kinds)
    if any(rule >= RULES for rule in rules) and kind.startswith("value"):
        kind = "event_count"
    condition: dict[str, Any] = {"cmp": draw.choice(COMPARISONS)}
    if kind.startswith("value"):
        condition |= {"fields": ["v"], "percentile": 80 if kind == "value_percentile" else None}
    elif kind == "temporal_ordered" and draw.random() < 0.3:
        condition = {"expr": {"op": "and", "of": [rule_leaf(rules[0]), without(rules[1])]}}
    elif kind == "temporal" and draw.random() < 0.6:
        condition = {"expr": expression(draw, rules)}
    elif kind.startswith("temporal") and draw.random() < 0.5:
        condition = {}
    group = draw.choice(([], ["g"]))
    return {
        "id": f"c{at}",
        "type": kind,
        "rules": rules,
        "group_by": group,
        "aliases": {"g": {"0": "v"}} if draw.random() < 0.2 else {},
        "timespan": draw.choice((2, 5, 9)) * SECOND,
        "condition": condition,
        "place": draw.choice(PLACES) if draw.random() < 0.5 else None,
    }


def form(draw: random.Random, correlations: int = 3) -> dict[str, Any]:
    source = {"product": None, "category": None, "service": None}
    rules = [
        {"id": f"r{i}", "logsource": source, "condition": {"op": "exists", "field": "x", "value": True}}
        for i in range(RULES)
    ]
    return {"version": 1, "rules": rules, "correlations": [correlation(draw, at) for at in range(correlations)]}


def events(draw: random.Random, *, ties: bool) -> list[Sighting]:
    """Events, each matched by one or two rules."""
    most = draw.randrange(1, 14)
    times = [draw.randrange(25) for _ in range(most)] if ties else draw.sample(range(40), most)
    found = []
    for number, time in enumerate(times):
        spot = Location(59.0 + draw.randrange(6) * 0.001, 10.0)
        place = Place(draw.choice(("Z1", "Z2", "Z3", None)), spot, draw.randrange(3) * 40.0)
        fields = {
            "g": tuple(draw.choice("ab") for _ in range(draw.randrange(3))),
            "v": tuple(draw.choice(("0", "1", "2.5", "-3", "x")) for _ in range(draw.randrange(1, 3))),
        }
        explained = draw.random() < 0.25
        for rule in draw.sample(range(RULES), draw.choice((1, 1, 2))):
            found.append(Sighting(rule, f"e{number}", time * SECOND, place, fields, explained))
    return found


def item(one: Sighting) -> Item:
    """What the windows are given of it."""
    fields = [(name, text) for name, texts in one.fields.items() for text in texts]
    spot = one.place.location
    latitude, longitude = (spot.lat, spot.lon) if spot else (None, None)
    return Item(
        one.rule, one.id, one.time, one.place.zone, latitude, longitude, one.place.radius, fields, one.explained
    )
