"""What of a query the index of keys can answer: clauses of keys that every event asked for must meet, and a span.

A clause may only be left out, never be too strict: what it lets through is looked at again.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address

from correlator.intelligence import LOOKUPS, search_key
from impetus.domain.entity import IDENTIFYING, NOBODY, fold_key
from impetus.domain.ports import Sieve, Span
from impetus.domain.query.tree import And, Equals, Key, Node, Or, Since, Until, Zone, leaves

MAX_CLAUSE = 256
"""Keys of a clause: one with more is as dear to ask as it is useless."""

Clause = frozenset[str]
Zones = Mapping[str, frozenset[str]]
"""Zone → itself and all zones within it; a zone that is not there is alone."""

_CANONICAL = re.compile(r"-?(0|[1-9][0-9]{0,14})")


def sieve_of(query: Node, span: Span, zones: Zones, now: int) -> Sieve:
    """What every event that a query asks for has."""
    keys = frozenset[str]().union(*(keys_of(leaf, zones) for leaf in leaves(query) if isinstance(leaf, Key | Zone)))
    return Sieve(tuple(dict.fromkeys(_clauses(query, zones))), keys, _within(query, span, now))


def keys_of(leaf: Key | Zone, zones: Zones) -> Clause:
    """The keys one of which an event must have."""
    if isinstance(leaf, Zone):
        return frozenset(fold_key(f"zone:{id}") for id in zones.get(leaf.id, {leaf.id}))
    value = leaf.value.strip() if leaf.kind in {"user", "address"} else leaf.value
    return frozenset({fold_key(f"{leaf.kind}:{value}")})


def _clauses(node: Node, zones: Zones) -> list[Clause]:
    match node:
        case And(of):
            return [clause for inner in of for clause in _clauses(inner, zones)]
        case Or(of):
            parts = [_clauses(inner, zones) for inner in of]
            joined = frozenset[str]().union(*(min(part, key=len) for part in parts if part))
            return [joined] if all(parts) and len(joined) <= MAX_CLAUSE else []
        case Key() | Zone():
            return [keys_of(node, zones)]
        case Equals():
            key = _key_of(node)
            return [frozenset({key})] if key else []
    return []


def _key_of(leaf: Equals) -> str | None:
    """The key under which every event with a value in a field is stored; None where that is not sure."""
    text = leaf.text
    if text is None or text != text.strip() or not text.rstrip("."):
        return None
    if _is_number(text) and not _CANONICAL.fullmatch(text):
        return None  # ``1e5`` in an event is stored as another text
    lookup, entity = LOOKUPS.get(leaf.field), IDENTIFYING.get(leaf.field)
    if lookup is not None:
        return fold_key(search_key(lookup, text.casefold().rstrip(".")))
    if entity is None or fold_key(text) in NOBODY or (entity == "device" and _is_address(text)):
        return None  # nobody has no key, and an address is stored as the device that the city model knows it as
    return fold_key(f"{entity}:{text}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_address(text: str) -> bool:
    """Whether a text may be an address of a device: of the network, or of the hardware."""
    if ":" in text or text.count("-") >= 5:
        return True
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _within(query: Node, span: Span, now: int) -> Span:
    """The part of a span that a query can be met in."""
    start, end = span.start, span.end
    for leaf in query.of if isinstance(query, And) else (query,):
        if isinstance(leaf, Since):
            start = max(leaf.moment.instant(now), start) if start is not None else leaf.moment.instant(now)
        elif isinstance(leaf, Until):
            end = min(leaf.moment.instant(now), end) if end is not None else leaf.moment.instant(now)
    return Span(start, end)
