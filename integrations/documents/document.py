"""An event as a document: its fields as anyone may see them, the event itself sealed, and what it is found by."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import msgspec

from impetus.domain.entity import fold_key
from impetus.domain.event import DOMAINS, Json, Scalar, first_text, flatten, text
from impetus.domain.incident import Incident
from impetus.domain.instant import format_instant
from impetus.domain.ports import StoredEvent
from impetus.domain.rule import rank
from integrations.documents.fields import FIELDS, Type
from integrations.documents.seal import Seal

MAX_TERMS = 512
"""Values of an event that it is found by; one with more is looked at whenever a value is asked for."""
MAX_OTHER = 256
MAX_NAME = 256
MAX_TEXT = 1_024
MAX_LONG_TEXT = 32_768
"""Characters of a text field that are indexed."""
OTHER = "other"
_REMEMBERED, _COMMON = 65_536, 96
"""So many digests of values of so many characters at most are kept: the same ones come again and again. About 15 MB."""
_INT64 = 1 << 63
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An event on its way into the index."""

    id: str
    time: int
    """µs"""
    keys: tuple[str, ...]
    line: bytes
    addition: bytes
    block: int = 0


class Sight(msgspec.Struct, frozen=True):
    """How things look to anyone who may search the cluster: with every personal value masked."""

    event: Callable[[StoredEvent], Mapping[str, Json]]
    incident: Callable[[Incident], Incident]


class Documents:
    """Turns events and incidents into documents, and back."""

    def __init__(self, seal: Seal, sight: Sight) -> None:
        self.seal, self._sight = seal, sight
        self._common_term = functools.lru_cache(_REMEMBERED)(self._term)
        self._common_key = functools.lru_cache(_REMEMBERED)(self._key)

    def event_id(self, id: str) -> str:
        """The ``_id`` of an event: of its content, since the id of the event is."""
        return self.seal.digest(f"id:{id}")

    def key(self, key: str) -> str:
        """The digest of a key that events are found by."""
        return self._common_key(key) if len(key) <= _COMMON else self._key(key)

    def _key(self, key: str) -> str:
        return self.seal.digest(f"key:{fold_key(key)}")

    def term(self, field: str, value: str) -> str:
        """The digest of a value in a field."""
        return self._common_term(field, value) if len(value) <= _COMMON else self._term(field, value)

    def _term(self, field: str, value: str) -> str:
        return self.seal.digest(f"term:{field}={fold_key(value)}")

    def event(self, entry: Entry, namespace: str) -> tuple[str, str, dict[str, Any]]:
        """Data stream, id and document of an event."""
        id = self.event_id(entry.id)
        shown, plain = self._shown(entry), _fields(entry)
        document: dict[str, Any] = {"@timestamp": format_instant(_bounded(entry.time)), **_known(flatten(shown))}
        document["impetus"] = document.pop("impetus") | self._own(id, entry, plain)
        domain = first_text(shown, "city.domain") or OTHER
        return f"logs-impetus.{domain if domain in DOMAINS else OTHER}-{namespace}", id, document

    def bare(self, entry: Entry) -> dict[str, Any]:
        """The document of an event whose fields the cluster refuses: found by keys and time, else like any other."""
        own = self._own(self.event_id(entry.id), entry, None)
        return {"@timestamp": format_instant(_bounded(entry.time)), "impetus": own}

    def entry(self, document: Mapping[str, Any]) -> Entry:
        """The event of a document. Raises ``ImpetusError`` (store.damaged)."""
        own = document.get("impetus") or {}
        found: Entry = self.seal.open(own.get("sealed", ""), own.get("id", ""), Entry)
        return found

    def _own(self, id: str, entry: Entry, plain: Mapping[str, list[Scalar]] | None) -> dict[str, Any]:
        terms = None if plain is None else self._terms(plain)
        own: dict[str, Any] = {
            "installation": self.seal.installation,
            "id": id,
            "time": clamp(entry.time),
            "block": entry.block,
        }
        own["keys"] = sorted({self.key(key) for key in entry.keys})
        own |= {"terms": terms} if terms is not None else {"partial": True}
        return own | {"sealed": self.seal.close(entry, id)}

    def _terms(self, plain: Mapping[str, list[Scalar]]) -> list[str] | None:
        found = {
            self.term(field, text(value)) for field, values in plain.items() for value in values if value is not None
        }
        return sorted(found) if len(found) <= MAX_TERMS else None

    def _shown(self, entry: Entry) -> Mapping[str, Json]:
        return self._sight.event(StoredEvent(entry.id, entry.time, entry.line, entry.addition, entry.block))

    # --- incidents

    def incident(self, incident: Incident, order: int) -> dict[str, Any]:
        """The document of an incident. ``order`` rises with each of its revisions."""
        shown = self._sight.incident(incident)
        return {
            "installation": self.seal.installation,
            "id": incident.id,
            "title": shown.title,
            "kind": incident.kind,
            "severity": incident.severity,
            "rank": rank(incident.severity),
            "status": incident.status,
            "risk": incident.risk.score,
            "opened": incident.opened,
            "updated": incident.updated,
            "revision": incident.revision,
            "order": order,
            "live": incident.is_live,
            "superseded_by": incident.superseded_by,
            "zones": incident.zones,
            "domains": incident.domains,
            "entities": [entity.key for entity in shown.entities[:MAX_OTHER]],
            "owner": incident.owner,
            "disposition": incident.disposition,
            "exercise": incident.exercise,
            "cause": shown.cause,
            "sealed": self.seal.close(incident, incident.id),
        }

    def incident_id(self, id: str) -> str:
        """The ``_id`` of an incident."""
        return f"{self.seal.installation}:{id}"

    def open_incident(self, document: Mapping[str, Any]) -> Incident:
        """The incident of a document. Raises ``ImpetusError`` (store.damaged)."""
        found: Incident = self.seal.open(document["sealed"], document["id"], Incident)
        return found


def clamp(number: int) -> int:
    """A time that 64 bits can hold."""
    return max(-_INT64, min(_INT64 - 1, number))


def _bounded(time: int) -> int:
    """A time that can be written as a date."""
    return max(-62_135_596_800_000_000, min(253_402_300_799_999_999, time))


def _fields(entry: Entry) -> Mapping[str, list[Scalar]] | None:
    """All fields of an event and what enrichment added; None where they cannot be read."""
    fields: dict[str, list[Scalar]] = {}
    for part in (entry.line, entry.addition):
        try:
            for name, values in flatten(_decode(part)).items() if part else ():
                fields.setdefault(name, []).extend(values)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return None
    return fields


def _known(fields: Mapping[str, list[Scalar]]) -> dict[str, Any]:
    """The fields that have a place in the mapping; all others in the flat object."""
    found: dict[str, Any] = {}
    other: dict[str, list[str]] = {}
    for name, values in fields.items():
        kind = FIELDS.get(name)
        fitting = _fitting(kind, values) if kind is not None else []
        if fitting:
            found[name] = fitting if len(fitting) > 1 else fitting[0]
        elif name != "@timestamp" and len(other) < MAX_OTHER:
            other[_flat_name(name)] = [text(value)[:MAX_TEXT] for value in values[:MAX_OTHER] if value is not None]
    location = _location(fields)
    return found | ({"place.location": location} if location else {}) | {"impetus": {"other": other}}


def _fitting(kind: Type, values: Iterable[Scalar]) -> list[Scalar]:
    fit = _FITS[kind]
    return [fitting for value in values if value is not None and (fitting := fit(value)) is not None]


def _flat_name(name: str) -> str:
    """A name that is a path in every make: no empty step, and bounded."""
    return ".".join(step or "_" for step in name[:MAX_NAME].split("."))


def _location(fields: Mapping[str, list[Scalar]]) -> dict[str, float] | None:
    lat, lon = (fields.get(f"place.location.{axis}", [None])[:1] for axis in ("lat", "lon"))
    values = [value for value in (*lat, *lon) if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) == 2 and abs(values[0]) <= 90 and abs(values[1]) <= 180:
        return {"lat": float(values[0]), "lon": float(values[1])}
    return None


def _as_number(value: Scalar) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


def _as_long(value: Scalar) -> int | None:
    number = _as_number(value)
    return number if isinstance(number, int) and -_INT64 <= number < _INT64 else None


def _as_double(value: Scalar) -> float | None:
    number = _as_number(value)
    with suppress(OverflowError):
        return None if number is None else float(number)
    return None


def _as_address(value: Scalar) -> str | None:
    return _address(text(value)[:_COMMON])


@functools.lru_cache(_REMEMBERED)
def _address(value: str) -> str | None:
    with suppress(ValueError):
        return str(ip_address(value.partition("%")[0]))
    return None


_FITS: dict[Type, Callable[[Scalar], Scalar]] = {
    "keyword": lambda value: text(value)[:MAX_TEXT],
    "text": lambda value: text(value)[:MAX_LONG_TEXT],
    "ip": _as_address,
    "long": _as_long,
    "double": _as_double,
    "date": lambda value: value if isinstance(value, str) and len(value) <= 64 else None,
    "boolean": lambda value: value if isinstance(value, bool) else None,
}
