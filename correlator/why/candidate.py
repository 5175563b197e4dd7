"""The nearest candidates: what is no member of a window, by how few relations it misses, and by how little."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from correlator.why.answer import Measured, Sight
from correlator.why.clause import cost, explain, failing, said, source_parts
from correlator.why.record import Met
from correlator.why.relation import Part, group_parts, place_parts, time_part, wait_part
from correlator.why.scene import Scene
from correlator.why.sighting import Entry, Sighting, field_of, groups_of, one_entry, values_of
from correlator.why.window import Window
from correlator.why.wording import clock
from impetus.domain.event import first_text
from impetus.domain.instant import SECOND

MAX_CLAUSES = 2
"""An event that matched no rule is a candidate if at most so many clauses keep it from one."""
MAX_SHOWN = 1_000
"""More candidates than this are never given."""
MAX_TRIED = 2_000
"""So many events of a window are tried against a rule that nothing matched."""


@dataclass(frozen=True)
class Candidate:
    """What might have been a member, with each relation and by how much it misses."""

    entry: Entry
    parts: tuple[Part, ...]
    apart: int
    """Time between it and the newest one (µs)."""

    @property
    def rank(self) -> tuple[int, float, int, str]:
        """The nearest has the least."""
        misses = [part.by for part in self.parts if not part.said.holds]
        return len(misses), sum(misses), self.apart, self.entry.id


def sight(scene: Scene, newest: Entry, entry: Entry, parts: Collection[Part] = ()) -> Sight:
    """An entry as answers show it."""
    rules = [rule for rule in scene.terms.correlation.rules if rule in entry.rules]
    met, spot = scene.met(entry.event), entry.place.location
    return Sight(
        event=entry.event,
        at=clock(entry.time),
        rules=tuple(scene.record.rule(rule).title for rule in rules),
        before=(newest.time - entry.time) / SECOND,
        alert=entry.id if entry.id != entry.event else None,
        device=first_text(met.event, "device.id") if met is not None else None,
        zone=entry.place.zone,
        location=(spot.lat, spot.lon) if spot is not None else None,
        radius=entry.place.radius,
        relations=tuple(part.said for part in parts),
        explained=entry.explained,
    )


def member_parts(scene: Scene, window: Window, entry: Entry) -> list[Part]:
    """How a member stands to the newest one, part by part."""
    if entry is window.newest:
        return []
    parts = [] if entry.time > window.newest.time else [time_part(scene.terms.correlation, window.newest, entry)]
    relation = scene.terms.relate(window.newest, entry)
    return [*parts, *place_parts(scene.terms, window.newest, entry, relation)]


def nearest(scene: Scene, window: Window, most: int | None = None) -> list[Sight]:
    """What is no member, the nearest first, and events that nearly matched a rule that nothing did; ``most`` of all."""
    lacking = lacking_rules(scene, window)
    members = {entry.order for entry in window.members}
    candidates = _candidates(scene, window, scene.terms.wanted, members)
    found = sorted(candidates, key=lambda one: (not one.entry.rules & lacking, *one.rank))
    near = list(_nearly(scene, window, lacking - {rule for one in found for rule in one.entry.rules}))
    shown = found[: min(most or MAX_SHOWN, MAX_SHOWN)]
    return ([sight(scene, window.newest, one.entry, one.parts) for one in shown] + near)[: most or MAX_SHOWN]


def nearest_awaited(scene: Scene, window: Window, most: int | None = None) -> list[Sight]:
    """What was awaited to stay away and did not count, the nearest first."""
    came = {entry.order for entry in window.came}
    found = sorted(_candidates(scene, window, scene.terms.awaited, came), key=lambda one: one.rank)
    return [sight(scene, window.newest, one.entry, one.parts) for one in found[: most or MAX_SHOWN]]


def lacking_rules(scene: Scene, window: Window) -> set[int]:
    """The rules that make members and have none in the window."""
    if scene.terms.correlation.type not in {"temporal", "temporal_ordered"}:
        return set()
    return set(scene.terms.wanted) - {rule for entry in window.inside for rule in entry.rules}


def _candidates(
    scene: Scene, window: Window, rules: Collection[int], members: Collection[tuple[int, str]]
) -> Iterator[Candidate]:
    seen = set(members)
    for rule in scene.terms.correlation.rules:
        for sighting in scene.evaluator.sightings(rule) if rule in rules else ():
            order = (sighting.time, sighting.id)
            if order not in seen:
                seen.add(order)
                yield _candidate(scene, window, sighting)


def _candidate(scene: Scene, window: Window, sighting: Sighting) -> Candidate:
    terms, newest = scene.terms, window.newest
    entry = one_entry(sighting)
    awaited = sighting.rule in terms.awaited
    parts = [wait_part(window, entry) if awaited else time_part(terms.correlation, newest, entry)]
    parts += place_parts(terms, newest, entry, terms.relate(newest, entry))
    if window.group not in groups_of(terms.correlation, sighting):
        parts += _group_parts(scene, window, sighting)
    if values_of(terms.correlation, sighting) is None:
        names = terms.correlation.condition.fields
        fields = ", ".join(field_of(terms.correlation, name, sighting.rule) for name in names)
        parts.append(Part(Measured("value", False, f"it has no {fields} that can be counted"), 2.0))
    if all(part.said.holds for part in parts):
        parts.append(Part(Measured("order", False, "it is out of turn, on no longest chain"), 1.0))
    return Candidate(entry, tuple(parts), abs(newest.time - entry.time))


def _group_parts(scene: Scene, window: Window, sighting: Sighting) -> Iterator[Part]:
    correlation, event = scene.terms.correlation, sighting.event or sighting.id
    met = {
        name: tuple(
            scene.conceal_group(name, value, event)
            for value in sighting.fields.get(field_of(correlation, name, sighting.rule), ())
        )
        for name in correlation.group_by
    }
    group = {name: scene.conceal_group(name, value, window.newest.event) for name, value in window.group}
    return group_parts(correlation, group, met)


def _nearly(scene: Scene, window: Window, rules: Collection[int]) -> Iterator[Sight]:
    """Events in the stretch of the window that a clause or two keep from a rule that nothing matched."""
    singles = len(scene.evaluator.form.rules)
    inside = [met for met in scene.events.values() if window.start <= met.time <= window.newest.time]
    inside.sort(key=lambda met: (window.newest.time - met.time, met.id))
    found: list[tuple[int, Sight]] = []
    for rule in sorted(rules):
        if rule < singles:
            source = scene.evaluator.form.rules[rule].logsource
            fitting = [met for met in inside if all(part.fits for part in source_parts(source, met.event))]
            found += [near for met in fitting[:MAX_TRIED] for near in _near(scene, window, rule, met)]
    yield from (one for _, one in sorted(found, key=lambda near: near[0]))


def _near(scene: Scene, window: Window, rule: int, met: Met) -> Iterator[tuple[int, Sight]]:
    condition = explain(scene.record, rule, met, scene.conceal)
    misses = cost(condition)
    if 0 < misses <= MAX_CLAUSES and met.id != window.newest.event:
        parts = tuple(Measured("clause", False, said(clause, held)) for clause, held in failing(condition))
        title = scene.record.rule(rule).title
        before = (window.newest.time - met.time) / SECOND
        place, device = scene.record.observation(met).place, first_text(met.event, "device.id")
        yield misses, Sight(met.id, clock(met.time), (title,), before, device=device, zone=place.zone, relations=parts)
