"""Erasing the personal values of an event: its personal fields go, and where other texts say their values, these do.

What is erased is what outputs mask (``impetus.domain.personal``): whoever reads the event afterwards can tell neither
the person nor a pseudonym.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from impetus.domain.event import Json, first_text, read, text, walk
from impetus.domain.personal import FIELDS, is_structure, mask_text
from impetus.domain.sayings import sayings

ERASED = "[erased]"
"""What stands in texts where a personal value stood."""
KINDS = frozenset(FIELDS.values())
"""Kinds of entities that are persons."""

_ACCOUNTS = {"user-account", "email-addr"}
_decoder = msgspec.json.Decoder(dict[str, Any])
_encode = msgspec.json.Encoder().encode
_FIRST_WORDS = sorted({field.split(".")[0].encode() for field in FIELDS})
# A line in which no personal field can begin has none; an escape may hide one.
_HINT = re.compile(b"|".join((*(b'"%b[".]' % word for word in _FIRST_WORDS), rb"\\u00", *map(str.encode, _ACCOUNTS))))


class Erased(msgspec.Struct, frozen=True):
    """An event without its personal values; ``names`` are those that were there, in folded case."""

    line: bytes
    addition: bytes
    names: frozenset[str]


def erase(line: bytes, addition: bytes) -> Erased | None:
    """An event as stored without its personal values; None where it has none, or is no JSON object."""
    if _HINT.search(line) is None and _HINT.search(addition) is None:
        return None
    try:
        event, added = _decoder.decode(line), _decoder.decode(addition) if addition else {}
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    names = dict.fromkeys((*_names(event), *_names(added)), ERASED)
    if not names:
        return None
    folded = frozenset(name.casefold() for name in names)
    return Erased(_without(event, names), _without(added, names) if added else addition, folded)


def _names(event: Mapping[str, Json]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, value in walk(event):
        if field in FIELDS and value is not None and not isinstance(value, bool):
            found.update(dict.fromkeys(sayings(FIELDS[field], text(value)), ERASED))
            found.setdefault(text(value), ERASED)
    if first_text(event, "threat.indicator.type") in _ACCOUNTS:
        for value in read(event, "threat.indicator.name"):
            found.update(dict.fromkeys(sayings("user", text(value)), ERASED))
    return found


def _without(event: Mapping[str, Json], names: Mapping[str, str]) -> bytes:
    return _encode(_object(event, "", names))


def _object(event: Mapping[str, Json], prefix: str, names: Mapping[str, str]) -> dict[str, Json]:
    left: dict[str, Json] = {}
    for key, value in event.items():
        path = f"{prefix}{key}"
        kept = None if path in FIELDS and not isinstance(value, dict) else _value(path, value, names)
        if kept is not None or (value is None and path not in FIELDS):
            left[key] = kept
    return left


def _value(path: str, value: Json, names: Mapping[str, str]) -> Json:
    if isinstance(value, dict):
        return _object(value, f"{path}.", names) or None
    if isinstance(value, list):
        return [_value(path, inner, names) for inner in value]
    if not isinstance(value, str) or is_structure(path):
        return value
    # Most texts say none of the names: this is what ``mask_text`` would find out, but for escapes.
    folded = value.casefold()
    said = "\\" in value or any(name.casefold() in folded or name.upper().casefold() in folded for name in names)
    return mask_text(value, names) if said else value
