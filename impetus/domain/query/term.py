"""One term of a query: what stands behind a field's name, and the names that are no fields (``zone:``, ``near:`` …)."""

import math
import re
from collections.abc import Callable
from ipaddress import ip_network
from typing import NoReturn

from impetus.domain.instant import parse_instant, parse_span
from impetus.domain.query.scanner import Scanner, invalid
from impetus.domain.query.tree import (
    RUN,
    All,
    And,
    Compare,
    Equals,
    Exists,
    Key,
    Moment,
    Near,
    NearDevice,
    Network,
    Node,
    Order,
    Pattern,
    Since,
    Until,
    Word,
    Zone,
    plain,
)

_ORDERS: tuple[tuple[str, Order], ...] = ((">=", "gte"), ("<=", "lte"), (">", "gt"), ("<", "lt"))
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")
_DISTANCE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(m|km)")
_MOST_AGO = 100 * 366 * 86_400_000_000
_SPECIAL_HINT = {
    "near": "Such as near:59.91,10.73,150m or near:D-214,150m",
    "since": "Such as since:2h or since:2027-05-17T10:00:00+02:00",
    "until": "Such as until:30m or until:2027-05-17T10:00:00+02:00",
    "entity": "Such as entity:device:D-214",
    "zone": "Such as zone:Z4",
}


def word_term(scanner: Scanner) -> Node:
    """A word or a quoted text, looked for in all texts of an event; ``*`` alone asks for every event."""
    if scanner.peek() == '"':
        start, text = scanner.at, scanner.quoted()
        return Word((text,)) if text else invalid("an empty text is in every event", at=start)
    parts = scanner.pattern()
    return All() if parts == (RUN,) else Word(parts)


def field_term(scanner: Scanner, field: str, start: int | None = None) -> Node:
    """What stands behind a field and its colon."""
    start = scanner.at if start is None else start
    if field in _SPECIAL:
        return _special(scanner, field, start)
    if scanner.peek() == '"':
        text = scanner.quoted()
        return Equals(field, (text,) if text else ())
    for sign, order in _ORDERS:
        if scanner.take(sign):
            return Compare(field, order, _number(scanner, start))
    if scanner.peek() in {"[", "{"}:
        return _range(scanner, field, start)
    return _value(field, scanner.pattern() or _nothing(field, start), start)


def _nothing(field: str, at: int) -> Pattern:
    hint = f'Write {field}:* where it is there, {field}:"" where it is empty; no blank behind the colon.'
    invalid(f"{field}: has no value", hint, at)


def _value(field: str, parts: Pattern, start: int) -> Node:
    if parts == (RUN,):
        return Exists(field)
    text = plain(parts)
    if text is not None and "/" in text and (is_address(field) or text[:1] in "0123456789abcdefABCDEF:"):
        try:
            return Network(field, str(ip_network(text, strict=False)))
        except ValueError:
            if is_address(field):
                invalid(f"{text!r} is no network", f"Such as {field}:10.20.0.0/16 or {field}:fd00::/8.", start)
    return Equals(field, parts)  # a slash elsewhere: a path, a date, a text like any other


def is_address(field: str) -> bool:
    """Whether addresses stand in a field, by its name in ECS: a value with a slash must be a network there."""
    return field == "ip" or field.endswith((".ip", "_ip"))


def _number(scanner: Scanner, start: int) -> int | float:
    text = plain(scanner.pattern()) if scanner.peek() != '"' else scanner.quoted()
    if text is None or _NUMBER.fullmatch(text) is None:
        what = "a number is missing" if text == "" else f"{text or 'a wildcard'!r} is no number"
        invalid(what, "Ranges compare numbers; for times write since: and until:.", start)
    return float(text) if any(mark in text for mark in ".eE") else int(text)


def _range(scanner: Scanner, field: str, start: int) -> Node:
    """``[a TO b]`` with its ends, ``{a TO b}`` without; ``*`` is an open end."""
    low: Order = "gte" if scanner.take("[") else "gt"
    scanner.take("{")
    first = _end(scanner, field, start)
    scanner.skip_blanks()
    if scanner.keyword() != "to":
        invalid("a range without TO", f"Such as {field}:[10 TO 20].", start)
    scanner.at += 2
    last = _end(scanner, field, start)
    scanner.skip_blanks()
    high: Order = "lte" if scanner.take("]") else "lt"
    if high == "lt" and not scanner.take("}"):
        _open(field, start)
    if first is not None and last is not None and (first > last or (first == last and (low, high) != ("gte", "lte"))):
        invalid("nothing is in this range", f"The smaller number comes first, as in {field}:[10 TO 20].", start)
    ends = [(low, first), (high, last)]
    bounds = tuple(Compare(field, order, number) for order, number in ends if number is not None)
    return And(bounds) if len(bounds) > 1 else bounds[0] if bounds else Exists(field)


def _open(field: str, start: int) -> NoReturn:
    invalid("a range is not closed", f"Such as {field}:[10 TO 20].", start)


def _end(scanner: Scanner, field: str, start: int) -> int | float | None:
    scanner.skip_blanks()
    if not scanner.peek():
        _open(field, start)
    return None if scanner.take("*") else _number(scanner, start)


def _special(scanner: Scanner, name: str, start: int) -> Node:
    text = scanner.quoted() if scanner.peek() == '"' else plain(scanner.pattern())
    if not text:
        invalid(f"{name}: needs a plain value", _SPECIAL_HINT[name], start)
    try:
        return _SPECIAL[name](text)
    except ValueError as error:
        invalid(f"{name}: {error}", _quoted_whole(scanner, name, text) or _SPECIAL_HINT[name], start)


def _quoted_whole(scanner: Scanner, name: str, text: str) -> str:
    """The hint for who quotes a part of a value only: ``entity:plate:"EL 12345"``."""
    if scanner.peek() != '"':
        return ""
    start = scanner.at + 1
    scanner.quoted()
    return f'Quote the whole: {name}:"{text}{scanner.text[start : scanner.at]}'


def _key(text: str) -> Key:
    kind, colon, value = text.partition(":")
    if not (kind and colon and value):
        raise ValueError(f"{text!r} names no entity")
    return Key(kind, value)


def _near(text: str) -> Near | NearDevice:
    place, _, reach = text.rpartition(",")
    found = _DISTANCE.fullmatch(reach)
    if found is None or not place:
        raise ValueError(f"{text!r} is no place with a distance")
    metres = round(float(found[1]) * (1_000 if found[2] == "km" else 1), 3)
    lat, comma, lon = place.partition(",")
    try:
        point = (float(lat), float(lon)) if comma else None
    except ValueError:
        point = None
    if point is None:
        return NearDevice(place, metres)
    if not (abs(point[0]) <= 90 and abs(point[1]) <= 180 and all(map(math.isfinite, point))):
        raise ValueError("a latitude is within ±90, a longitude within ±180 degrees")
    return Near(*point, metres)


def _moment(text: str) -> Moment:
    if text[:1].isdigit() and text[-1:].isalpha() and "T" not in text.upper():
        ago = parse_span(text)
        if ago > _MOST_AGO:
            raise ValueError("more than a hundred years ago")
        return Moment(ago=ago)
    return Moment(at=parse_instant(text))


_SPECIAL: dict[str, Callable[[str], Node]] = {
    "entity": _key,
    "zone": Zone,
    "near": _near,
    "since": lambda text: Since(_moment(text)),
    "until": lambda text: Until(_moment(text)),
}
"""Names that are no fields of events."""
SPECIAL = frozenset(_SPECIAL)
