"""What leaves through the API, with every personal value masked: incidents, alerts, events and the texts in them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from impetus.domain.alert import Alert
from impetus.domain.entity import IDENTIFYING, SEARCHED, Entity
from impetus.domain.event import Json, Scalar, first_text, flatten, read, text
from impetus.domain.explanation import NO_TEXT, Clause, Explanation, asked, met
from impetus.domain.incident import ActionRecord, Incident, Member, Risk, Term
from impetus.domain.personal import FIELDS, Masker, is_structure, mask_text
from impetus.domain.ports import StoredEvent
from impetus.domain.sayings import sayings
from integrations.grpc.keys import MaskedKeys, search_key

PERSONAL_KINDS = frozenset(FIELDS.values())
"""Kinds of entities whose values are personal: the words in front of the masks."""

Names = Mapping[str, str]
"""Personal value → its mask: what texts about the same thing must not say."""

_ACCOUNT_INDICATORS = {"user-account": "user", "email-addr": "mail"}
_NOT_READABLE: dict[str, Json] = {"error": {"message": "the stored record is no JSON object"}}


_decoder = msgspec.json.Decoder(dict[str, Any])


class Masking:
    """Masks what the API gives out, and remembers in ``keys`` what is behind the masks of entities."""

    def __init__(self, masker: Masker, keys: MaskedKeys) -> None:
        self._masker = masker
        self._keys = keys

    def incident(self, incident: Incident) -> Incident:
        """An incident with masked entities, and texts without the names of its entities.

        ``owner`` and the actors of the history stay: they are the record of who did what with it.
        """
        names = self._entity_names(incident.entities)
        return replace(
            incident,
            title=mask_text(incident.title, names),
            cause=mask_text(incident.cause, names),
            members=tuple(_member(member, names) for member in incident.members),
            entities=tuple(self._entity(entity, names) for entity in incident.entities),
            risk=Risk(incident.risk.score, tuple(_term(term, names) for term in incident.risk.terms)),
            history=tuple(_record(record, names) for record in incident.history),
        )

    def alert(self, alert: Alert, names: Names) -> Alert:
        """An alert with masked values and texts; ``names`` are those of its events and its incident."""
        explanation = alert.explanation or Explanation("")
        values = [*alert.group, *(pair for clause in explanation.clauses for pair in _values(clause))]
        names = {**self._entity_names(alert.entities), **names}
        for field, value in values:
            if field in FIELDS:
                _say(names, FIELDS[field], value, self._masker)
        return replace(
            alert,
            title=mask_text(alert.title, names),
            entities=tuple(self._entity(entity, names) for entity in alert.entities),
            group=tuple((field, self._value(field, value, names)) for field, value in alert.group),
            explanation=Explanation(
                mask_text(explanation.summary, names),
                tuple(self._clause(clause, names) for clause in explanation.clauses),
            ),
        )

    def event(self, stored: StoredEvent) -> tuple[dict[str, Json], str]:
        """An event with what enrichment added, and its raw record (empty if not kept), both masked."""
        event, addition = _decode(stored)
        names = self.names(event, addition)
        masked = {key: self._mask(key, value, names) for key, value in {**event, **addition}.items()}
        original = first_text(masked, "event.original") or ""
        return _without_original(masked), original

    def stored_names(self, stored: StoredEvent) -> dict[str, str]:
        """The personal values of a stored event and their masks."""
        return self.names(*_decode(stored))

    def names(self, *events: Mapping[str, Json]) -> dict[str, str]:
        """The personal values of events and their masks."""
        names: dict[str, str] = {}
        for event in events:
            for field, values in flatten(event).items():
                if field in FIELDS:
                    self._say_all(names, field, values)
            self._say_indicators(names, event)
        return names

    def _say_all(self, names: dict[str, str], field: str, values: Iterable[Scalar]) -> None:
        for value in values:
            if value is not None and not isinstance(value, bool):
                _say(names, FIELDS[field], text(value), self._masker)
                self._remember(field, text(value))

    def _say_indicators(self, names: dict[str, str], event: Mapping[str, Json]) -> None:
        kind = _ACCOUNT_INDICATORS.get(first_text(event, "threat.indicator.type") or "")
        for value in read(event, "threat.indicator.name") if kind else ():
            _say(names, kind or "", text(value), self._masker)

    def entity_names(self, incident: Incident) -> dict[str, str]:
        """The personal values of the entities of an incident and their masks."""
        return self._entity_names(incident.entities)

    def _remember(self, field: str, value: str) -> None:
        kind = IDENTIFYING.get(field) or SEARCHED.get(field)
        if kind in PERSONAL_KINDS:
            self._keys.remember(f"{kind}:{self._masker.value(field, value)}", search_key(kind, value))

    def _entity_names(self, entities: tuple[Entity, ...]) -> dict[str, str]:
        names: dict[str, str] = {}
        for entity in entities:
            if entity.kind in PERSONAL_KINDS:
                _say(names, entity.kind, entity.value, self._masker)
        return names

    def _entity(self, entity: Entity, names: Names) -> Entity:
        if entity.kind in PERSONAL_KINDS:
            masked = replace(entity, value=self._masker.pseudonym(entity.kind, entity.value))
        else:
            masked = replace(entity, value=mask_text(entity.value, names))
        if masked.key != entity.key:
            self._keys.remember(masked.key, entity.key)
        return masked

    def _mask(self, path: str, value: Json, names: Names) -> Json:
        """A value of an event: personal fields masked, and their values in every text that is not structure."""
        if isinstance(value, dict):
            return {key: self._mask(f"{path}.{key}", inner, names) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._mask(path, inner, names) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        if path in FIELDS:
            return self._masker.value(path, text(value))
        if not names or not isinstance(value, str) or is_structure(path):
            return value
        return mask_text(value, names)

    def _value(self, field: str | None, value: str, names: Names) -> str:
        return self._masker.value(field, value) if field in FIELDS else mask_text(value, names)

    def _met(self, field: str | None, value: str, names: Names) -> str:
        """A value of a clause, which may be several: a JSON array. Null and booleans name nobody."""
        if value == NO_TEXT:
            return value
        several = met(value) if field in FIELDS else None
        if several is None:
            return self._value(field, value, names)
        masked = [one if _names_nobody(one) else self._value(field, text(one), names) for one in several]
        return msgspec.json.encode(masked).decode()

    def _asked(self, clause: Clause, names: Names) -> str | None:
        """What a clause asks for: the value in it masked, the words around it and the names of fields as they are."""
        if clause.expected is None:
            return None
        before, value, after = asked(clause.op, clause.field, clause.expected)
        return before if value is None else f"{before}{self._met(clause.field, value, names)}{after}"

    def _clause(self, clause: Clause, names: Names) -> Clause:
        return replace(
            clause,
            expected=self._asked(clause, names),
            actual=None if clause.actual is None else self._met(clause.field, clause.actual, names),
            of=tuple(self._clause(inner, names) for inner in clause.of),
        )


def _say(names: dict[str, str], kind: str, value: str, masker: Masker) -> None:
    """Note what texts may say for a value. The first mask of a saying stays: ``kari`` has its own before CITY's."""
    for saying in sayings(kind, value):
        names.setdefault(saying, masker.pseudonym(kind, value))


def _decode(stored: StoredEvent) -> tuple[dict[str, Json], dict[str, Json]]:
    """A stored event and what enrichment added; one that says so if they cannot be read."""
    try:
        return _decoder.decode(stored.line), _decoder.decode(stored.addition) if stored.addition else {}
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return dict(_NOT_READABLE), {}


def _without_original(event: dict[str, Json]) -> dict[str, Json]:
    """The event without ``event.original``, nested or flat: it has a field of its own in an answer."""
    inner = event.get("event")
    if isinstance(inner, dict):
        event = {**event, "event": {key: value for key, value in inner.items() if key != "original"}}
    return {key: value for key, value in event.items() if key != "event.original"}


def _names_nobody(value: Scalar) -> bool:
    return value is None or isinstance(value, bool)


def _values(clause: Clause) -> Iterator[tuple[str, str]]:
    """Every (field, value) that a clause and those in it met."""
    if clause.field is not None and clause.actual is not None and clause.actual != NO_TEXT:
        several = met(clause.actual)
        values = [clause.actual] if several is None else [text(one) for one in several if not _names_nobody(one)]
        yield from ((clause.field, value) for value in values)
    for inner in clause.of:
        yield from _values(inner)


def _member(member: Member, names: Names) -> Member:
    return replace(member, why=mask_text(member.why, names))


def _term(term: Term, names: Names) -> Term:
    return replace(term, name=mask_text(term.name, names), evidence=mask_text(term.evidence, names))


def _record(record: ActionRecord, names: Names) -> ActionRecord:
    return replace(record, note=mask_text(record.note, names))
