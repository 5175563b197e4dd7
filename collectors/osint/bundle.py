"""The objects of a STIX 2.1 bundle, and the events that the indicators among them become."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from collectors.normalise.field import nest
from collectors.osint.pattern import Value, read_pattern, read_value
from impetus.domain.errors import ImpetusError
from impetus.domain.event import CTI, Json

TLP = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "WHITE",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "GREEN",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "AMBER",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "RED",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "CLEAR",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "GREEN",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "AMBER",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "AMBER+STRICT",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "RED",
}
"""The marking definitions that STIX 2.1 and TLP 2.0 fix."""
CONFIDENCE = ((1, "None"), (30, "Low"), (70, "Medium"), (101, "High"))
"""Below which STIX confidence (0 to 100) the ECS word holds."""
REFERRING = {"observed-data", "grouping", "report", "note", "opinion"}
"""Objects that say of others that they were seen or written about: those are no indicators for that."""

Object = Mapping[str, Any]


class Bundle:
    """A bundle, or a list of objects, or one object. Raises ``source.record`` on anything else."""

    def __init__(self, document: object) -> None:
        self.objects = [item for item in _objects(document) if isinstance(item, dict)]
        self._by_id = {str(item.get("id")): item for item in self.objects}
        self._referred = {
            str(ref) for item in self.objects if item.get("type") in REFERRING for ref in _list(item.get("object_refs"))
        }

    def indicators(self) -> Iterator[Object]:
        """The objects that may be indicators, those taken back too, and observables that nothing refers to."""
        for item in self.objects:
            if item.get("type") == "indicator" or (not item.get("revoked") and self._is_bare(item)):
                yield item

    @property
    def revoked(self) -> int:
        """How many objects were taken back."""
        return sum(1 for item in self.objects if item.get("revoked") is True)

    def events(self, item: Object) -> Iterable[dict[str, Json]]:
        """An event for each value of an object. Raises ``source.record``; an observable's event has no time yet.

        An indicator that is taken back is one event, whatever its values were.
        """
        if item.get("revoked") is True:
            return [self._revocation(item)]
        return [self._event(item, value) for value in values_of(item)]

    def _is_bare(self, item: Object) -> bool:
        return item.get("type") in OBSERVABLES and str(item.get("id")) not in self._referred

    def _event(self, item: Object, value: Value) -> dict[str, Json]:
        author = self._by_id.get(str(item.get("created_by_ref")), {})
        fields: dict[str, Json] = {
            "@timestamp": item.get("valid_from"),
            "event.action": "indicator",
            "event.category": "threat",
            "logsource.product": "cti",
            "logsource.category": "indicator",
            "city.domain": CTI,
            "threat.indicator.type": value.type,
            "threat.indicator.name": value.name,
            f"threat.indicator.file.hash.{value.hash}" if value.hash else "threat.indicator.file.hash": (
                value.name if value.hash else None
            ),
            "threat.indicator.id": str(item.get("id")),
            "threat.indicator.description": _text(item.get("description")) or _text(item.get("name")),
            "threat.indicator.confidence": _confidence(item.get("confidence")),
            "threat.indicator.provider": _text(author.get("name")),
            "threat.indicator.marking.tlp": self._tlp(item),
            "threat.indicator.modified_at": _text(item.get("modified")),
            "threat.indicator.valid_until": _text(item.get("valid_until")),
        }
        return nest(fields)

    def _revocation(self, item: Object) -> dict[str, Json]:
        return nest(
            {
                "@timestamp": item.get("valid_from"),
                "event.action": "revoked",
                "event.category": "threat",
                "logsource.product": "cti",
                "logsource.category": "indicator",
                "city.domain": CTI,
                "threat.indicator.id": str(item.get("id")),
                "threat.indicator.description": _text(item.get("description")) or _text(item.get("name")),
                "threat.indicator.modified_at": _text(item.get("modified")),
                "threat.indicator.revoked": True,
            }
        )

    def _tlp(self, item: Object) -> str | None:
        for ref in _list(item.get("object_marking_refs")):
            if str(ref) in TLP:
                return TLP[str(ref)]
            marking = self._by_id.get(str(ref), {})
            definition = marking.get("definition")
            if isinstance(definition, dict) and isinstance(definition.get("tlp"), str):
                return str(definition["tlp"]).upper()
        return None


OBSERVABLES: dict[str, tuple[str, ...]] = {
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "domain-name": ("value",),
    "url": ("value",),
    "email-addr": ("value",),
    "user-account": ("user_id", "account_login"),
    "file": ("hashes",),
}
"""Type of a cyber observable → the properties that hold its value; the first one that is there counts."""


def values_of(item: Object) -> list[Value]:
    """The values to look for that an indicator or observable gives. Raises ``source.record`` if there are none."""
    if item.get("type") == "indicator":
        if item.get("pattern_type", "stix") != "stix":
            raise ImpetusError("source.record", f"a pattern of type {item['pattern_type']!r:.50} is not used")
        return list(dict.fromkeys(read_pattern(str(item.get("pattern"))).values))
    try:
        return _observed(item)
    except ValueError as error:
        raise ImpetusError("source.record", str(error)) from error


def _observed(item: Object) -> list[Value]:
    for name in OBSERVABLES[item["type"]]:
        value = item.get(name)
        if isinstance(value, dict):
            return [read_value(f"file:hashes.{kind}", str(digest)) for kind, digest in value.items()]
        if value is not None:
            return [read_value(f"{item['type']}:{name}", str(value))]
    raise ValueError(f"a {item['type']} without what it could be known by")


def _objects(document: object) -> list[object]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict) and isinstance(document.get("type"), str):
        inner = document.get("objects", []) if document["type"] == "bundle" else [document]
        if isinstance(inner, list):
            return inner
    raise ImpetusError("source.record", "not a STIX bundle, list of objects or object")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value[:4096] if isinstance(value, str) else None


def _confidence(value: object) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return next((word for bound, word in CONFIDENCE if value < bound), None)
