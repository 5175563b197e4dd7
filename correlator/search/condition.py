"""The part of a query that a rule could say, as a condition of the intermediate form."""

import math

from impetus.domain.personal import FIELDS, is_structure
from impetus.domain.query.tree import And, Compare, Equals, Exists, Near, Network, Node, Not, Or, Word
from rules import form

METRES_PER_DEGREE = 111_000.0
"""Of latitude, a little less than there are: a box may be too large, never too small."""
LAT, LON = "place.location.lat", "place.location.lon"


def condition_of(node: Node) -> form.Expression | None:
    """The condition that holds when the query does; None if a rule cannot say it."""
    match node:
        case And(of) | Or(of):
            parts = [condition_of(inner) for inner in of]
            whole = tuple(part for part in parts if part is not None)
            return None if len(whole) < len(of) else form.And(whole) if isinstance(node, And) else form.Or(whole)
        case Not(inner):
            condition = condition_of(inner)
            return None if condition is None else form.Not(condition)
    return _leaf(node)


def _leaf(node: Node) -> form.Expression | None:
    match node:
        case Word(parts):
            return form.Keyword(parts)  # type: ignore[arg-type]  # the wildcards are the same numbers
        case Equals(field, parts):
            return form.Match(field, parts)  # type: ignore[arg-type]
        case Exists(field):
            return form.Not(form.Null(field))
        case Compare(field, order, number):
            return form.Number(field, order, number)
        case Network(field, network):
            return form.Cidr(field, network)
    return None


def tells(node: Node) -> bool:
    """Whether an answer could tell of a value that is masked in what is shown: patterns spell it out bit by bit.

    A whole value does not: who knows it can ask for its mask anyway.
    """
    match node:
        case And(of) | Or(of):
            return any(map(tells, of))
        case Not(inner):
            return tells(inner)
        case Word():
            return True
        case Equals(field, _):
            return node.text is None and field not in FIELDS and not is_structure(field)
        case Compare(field):
            return field not in FIELDS and not is_structure(field)
    return False


def box(near: Near) -> form.Expression | None:
    """A condition that every location within reach meets; None where a box would wrap around the earth."""
    high = near.metres / METRES_PER_DEGREE
    widest = min(abs(near.lat) + high, 90.0)
    wide = high / math.cos(math.radians(widest)) if widest < 89.0 else 360.0
    if abs(near.lon) + wide > 180:
        return None
    return form.And((*_between(LAT, near.lat, high), *_between(LON, near.lon, wide)))


def _between(field: str, middle: float, reach: float) -> tuple[form.Number, form.Number]:
    return form.Number(field, "gte", middle - reach), form.Number(field, "lte", middle + reach)
