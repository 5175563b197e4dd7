"""Growth of correlation alerts: most revisions only add events at the end; what came before need not be read again."""

from collections.abc import Callable, Sequence

import msgspec

from correlator._engine import Firing
from correlator.alerts import explain_firing, note_entities
from correlator.observation import Observation
from impetus.domain.alert import Alert
from impetus.domain.entity import Entity
from impetus.domain.rule import Rule


class Growth:
    """Extends alerts by what is new of them. What it remembers of them follows from the alerts alone."""

    def __init__(self) -> None:
        self._entities: dict[str, tuple[tuple[Entity, ...], dict[str, Entity]]] = {}
        """For each alert that grew, the entities that it got, and the same by key."""

    def extend(
        self, rule: Rule, firing: Firing, known: Alert, added: Sequence[Observation], refers: Sequence[Rule]
    ) -> Alert:
        """The alert ``known`` with events behind all that it has: as ``merge_alert`` over all of them gives it."""
        events = (*known.events, *(one.id for one in added))
        entities = self._entities_of(known)
        note_entities(entities, (entity for one in added for entity in one.entities))
        alert = msgspec.structs.replace(
            known,
            title=rule.title,
            level=rule.level,
            tags=rule.tags,
            author=rule.author,
            at=firing.at,
            since=firing.since,
            events=events,
            times=(*known.times, *(one.time for one in added)),
            entities=tuple(entities.values()),
            domains=tuple(sorted({*known.domains, *(one.domain for one in added if one.domain)})),
            zones=tuple(sorted({*known.zones, *(one.place.zone for one in added if one.place.zone)})),
            place=added[-1].place if added else known.place,
            certainty=firing.certainty,
            absent=tuple(firing.absent),
            revision=firing.revision,
            exercise=known.exercise or any(one.exercise for one in added),
            explanation=explain_firing(rule, firing, len(events), refers),
            supersedes=tuple(firing.supersedes),
        )
        self._entities[alert.id] = alert.entities, entities
        return alert

    def forget(self, remembers: Callable[[str], bool]) -> None:
        """Forget the alerts whose ids are no longer remembered."""
        self._entities = {id: kept for id, kept in self._entities.items() if remembers(id)}

    def _entities_of(self, known: Alert) -> dict[str, Entity]:
        given, entities = self._entities.get(known.id, (None, {}))
        # Where the alert was made anew in between, its entities are read again.
        return entities if given is known.entities else {entity.key: entity for entity in known.entities}
