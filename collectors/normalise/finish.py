"""The end of normalising: what every event has, whatever its source left out, within bounds, as one line of JSON.

The place for sealing personal fields, once that is built, is here: nothing behind this sees an event earlier.
"""

import hashlib
import re
from typing import Any, NoReturn

import msgspec

from collectors.normalise.field import put_field, read_field
from impetus.domain.errors import ImpetusError
from impetus.domain.event import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Json
from impetus.domain.instant import format_instant, parse_instant

MAX_ORIGINAL = 64 << 10
"""``event.original`` keeps so many bytes of the raw record."""
MAX_NAME = 256
"""Longest ``event.id`` and ``event.provider``, in characters."""

MOVED = ("@timestamp", "event.created", "event.start", "event.end", "post.target.time", "threat.indicator.valid_until")
"""The times that move together when a recording is set to another time."""

_encoder = msgspec.json.Encoder()
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_FILLED = re.compile(rb"[\[{]\s*+(?![\]}])")
"""A container that is not empty."""


def finish(  # noqa: PLR0913 - each is a fact of the arrival that only the caller knows
    event: dict[str, Json],
    *,
    provider: str,
    original: bytes,
    now: int,
    identity: bytes,
    changed: bool = True,
    recorded: bool = False,
    shift: int = 0,
) -> bytes:
    """Complete an event in place and encode it. Raises ``ImpetusError`` ``event.malformed`` where it cannot be one.

    ``provider`` is the configured name of the source, ``original`` the raw record, ``now`` the arrival (µs),
    ``identity`` what tells two equal records of a source apart and stays the same when one is delivered again.
    ``changed``: the event says the record in other words, so it keeps the original. ``recorded``: arrival is the
    event's own time. ``shift`` (µs) moves all its times.
    """
    instant = event_time(event)
    if shift:
        _move(event, shift)
    _complete_created(event, instant + shift if recorded else now)
    _complete_provider(event, provider)
    _complete_id(event, identity, original)
    if changed and read_field(event, "event.original") is None:
        put_field(event, "event.original", original[:MAX_ORIGINAL].decode("utf-8", "replace"))
    return encode(event)


def event_time(event: dict[str, Json]) -> int:
    """The ``@timestamp`` (µs) of an event; one without has no place in any window, so it is refused."""
    stamp = event.get("@timestamp")
    if stamp is None:
        refuse("the record has no @timestamp")
    return check_time("@timestamp", stamp)


def check_time(field: str, value: object) -> int:
    """µs of a time in a field; refuses what is no RFC 3339 time with offset."""
    if not isinstance(value, str):
        refuse(f"{field} is no text")
    try:
        return parse_instant(value)
    except (ValueError, OverflowError) as error:
        refuse(f"{field} is no RFC 3339 time with offset: {str(error)[:100]}")


def check_name(field: str, value: object) -> str:
    """An ``event.id`` or ``event.provider`` as given; refuses what cannot name anything."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        refuse(f"{field} is no text of 1 to {MAX_NAME} characters")
    return value


def content_id(provider: str, identity: bytes, content: bytes) -> str:
    """An id made of what was said and by whom, never of when it arrived."""
    name = provider.encode("utf-8", "replace")
    digest = hashlib.blake2b(len(name).to_bytes(4, "big") + name, digest_size=16)
    digest.update(len(identity).to_bytes(4, "big") + identity + content)
    return digest.hexdigest()


def encode(event: dict[str, Json]) -> bytes:
    """One line of JSON within the bounds of an event."""
    try:
        line = _encoder.encode(event)
    except (OverflowError, ValueError, TypeError, RecursionError) as error:
        refuse(f"the record cannot be written as JSON: {str(error)[:100]}")
    check_bounds(line)
    return line


def check_bounds(line: bytes) -> None:
    """Refuse an event that is too large, nested too deep or has too many values.

    One with few brackets and commas cannot be, so it is not looked at more closely.
    """
    if len(line) > MAX_BYTES:
        refuse(f"the event has {len(line)} bytes, more than {MAX_BYTES}")
    brackets = line.count(b"{") + line.count(b"[")
    if brackets + line.count(b",") > MAX_VALUES and count_values(line) > MAX_VALUES:
        refuse(f"the event has more than {MAX_VALUES} values")
    if brackets > MAX_DEPTH and depth(msgspec.json.decode(line)) > MAX_DEPTH:
        refuse(f"the event is nested deeper than {MAX_DEPTH}")


def depth(value: Any) -> int:
    """Levels of nesting, counted without recursion; counting stops behind the bound."""
    level, inside = 0, [value]
    while inside and level <= MAX_DEPTH + 1:
        inside = [child for outer in inside for child in _children(outer) if isinstance(child, dict | list)]
        level += 1
    return level


def count_values(line: bytes) -> int:
    """Members of objects and elements of arrays, at any depth, those of repeated keys too."""
    bare = _STRING.sub(b"0", line)
    return bare.count(b",") + len(_FILLED.findall(bare))


def refuse(what: str) -> NoReturn:
    """Raise the error of a record that is no event."""
    raise ImpetusError("event.malformed", what)


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _move(event: dict[str, Json], shift: int) -> None:
    for field in MOVED:
        value = read_field(event, field)
        if value is not None:
            try:
                put_field(event, field, format_instant(check_time(field, value) + shift))
            except OverflowError:
                refuse(f"{field} leaves the calendar when the recording is moved")


def _complete_created(event: dict[str, Json], arrival: int) -> None:
    created = read_field(event, "event.created")
    if created is None:
        put_field(event, "event.created", format_instant(arrival))
    else:
        check_time("event.created", created)


def _complete_provider(event: dict[str, Json], provider: str) -> None:
    named = read_field(event, "event.provider")
    if named is None:
        put_field(event, "event.provider", provider)
    else:
        check_name("event.provider", named)


def _complete_id(event: dict[str, Json], identity: bytes, original: bytes) -> None:
    given = read_field(event, "event.id")
    if given is None:
        provider = str(read_field(event, "event.provider"))
        put_field(event, "event.id", content_id(provider, identity, original))
    elif isinstance(given, int) and not isinstance(given, bool):
        put_field(event, "event.id", str(given))
    else:
        check_name("event.id", given)
