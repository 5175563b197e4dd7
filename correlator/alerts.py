"""Making alerts: of a single event that a rule holds on, and of a firing of a correlation."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from correlator._engine import Firing, Matcher, alert_id
from correlator.observation import Observation
from impetus.domain.alert import Alert
from impetus.domain.entity import Entity
from impetus.domain.explanation import Clause, Explanation
from impetus.domain.instant import format_instant
from impetus.domain.place import Place
from impetus.domain.rule import Rule

MAX_CLAUSES = 200
"""An explanation of more clauses is cut: the rest is in the rule."""


def single_alert(rule: Rule, seen: Observation, line: bytes, matcher: Matcher) -> Alert:
    """The alert of a rule on one event; ``line`` is the event with its additions."""
    return Alert(
        id=alert_id(rule.id, [], seen.id),
        rule=rule.id,
        title=rule.title,
        level=rule.level,
        at=seen.time,
        first=seen.time,
        events=(seen.id,),
        times=(seen.time,),
        entities=seen.entities,
        domains=(seen.domain,) if seen.domain else (),
        zones=(seen.place.zone,) if seen.place.zone else (),
        place=seen.place,
        target_time=seen.target_time,
        tags=rule.tags,
        author=rule.author,
        exercise=seen.exercise,
        explanation=explain(rule, line, matcher),
    )


def explain(rule: Rule, line: bytes, matcher: Matcher) -> Explanation:
    """Why a rule holds on an event: the clauses that held, with the values that they met."""
    held = matcher.evidence(line, rule.index, MAX_CLAUSES)
    clauses = (_clause(_decode(held)),) if held is not None else ()
    return Explanation(rule.description.strip() or rule.title, clauses)


def conditions(rule: int, line: bytes, matcher: Matcher) -> Clause:
    """Every clause of a rule on an event, whether it held or not; the log source is not asked."""
    return _clause(_decode(matcher.explain(line, rule)))


class _Node(msgspec.Struct):
    """A node of the engine's explanation: ``of`` is one node under ``not``, ``actual`` any JSON."""

    op: str
    held: bool
    field: str | None = None
    expected: object = None
    actual: object = None
    of: "list[_Node] | _Node" = []


_decode = msgspec.json.Decoder(_Node).decode


def _clause(node: _Node) -> Clause:
    inner = node.of if isinstance(node.of, list) else [node.of]
    return Clause(
        node.op, node.held, node.field, _readable(node.expected), _readable(node.actual), tuple(map(_clause, inner))
    )


def _readable(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def merge_alert(
    rule: Rule,
    firing: Firing,
    seen: Mapping[str, Observation],
    parts: Sequence[Alert],
    refers: Sequence[Rule],
) -> Alert:
    """The alert of a correlation: what its members have together.

    ``seen`` are the member events, ``parts`` the alerts of correlations that it refers to and, for a revision, the
    alert as it was, whose older members need not be in ``seen`` any more.
    """
    times = {event: time for part in parts for event, time in zip(part.events, part.times, strict=True)}
    times |= {id: one.time for id, one in seen.items()}
    events = sorted(times, key=lambda id: (times[id], id))
    entities = [entity for part in parts for entity in part.entities] + [
        e for one in seen.values() for e in one.entities
    ]
    domains = {domain for part in parts for domain in part.domains} | {
        one.domain for one in seen.values() if one.domain
    }
    zones = {zone for part in parts for zone in part.zones} | {
        one.place.zone for one in seen.values() if one.place.zone
    }
    return Alert(
        id=firing.id,
        rule=rule.id,
        title=rule.title,
        level=rule.level,
        at=firing.at,
        since=firing.since,
        first=min(times.values(), default=firing.at),
        events=tuple(events),
        times=tuple(times[id] for id in events),
        entities=distinct(entities),
        domains=tuple(sorted(domains)),
        zones=tuple(sorted(zones)),
        place=_newest_place(firing, seen, parts),
        group=tuple(firing.group),
        certainty=firing.certainty,
        absent=tuple(firing.absent),
        tags=rule.tags,
        author=rule.author,
        revision=firing.revision,
        correlation=True,
        exercise=any(one.exercise for one in seen.values()) or any(part.exercise for part in parts),
        explanation=explain_firing(rule, firing, len(firing.members), refers),
        supersedes=tuple(firing.supersedes),
    )


def distinct(entities: Sequence[Entity]) -> tuple[Entity, ...]:
    """Each entity once; a strong one stands for its weak twin."""
    found: dict[str, Entity] = {}
    note_entities(found, entities)
    return tuple(found.values())


def note_entities(found: dict[str, Entity], entities: Iterable[Entity]) -> None:
    """Enter entities by their keys, each once; a strong one takes the place of its weak twin."""
    for entity in entities:
        known = found.get(entity.key)
        if known is None or (known.weak and not entity.weak):
            found[entity.key] = entity


def _newest_place(firing: Firing, seen: Mapping[str, Observation], parts: Sequence[Alert]) -> Place | None:
    if firing.newest in seen:
        return seen[firing.newest].place
    return next((part.place for part in parts if part.id in (firing.newest, firing.id)), None)


def explain_firing(rule: Rule, firing: Firing, members: int, refers: Sequence[Rule]) -> Explanation:
    """Why a correlation with so many members fired, as a sentence."""
    titles = {one.id: one.title for one in refers}
    what = ", ".join(dict.fromkeys(title for id, title in titles.items() if id not in firing.absent))
    text = f"{members} {'member' if members == 1 else 'members'} of: {what}; the newest at {format_instant(firing.at)}"
    if firing.group:
        text += "; the same " + ", ".join(f"{name} {value}" for name, value in firing.group)
    if firing.certainty:
        text += f"; the place holds: {firing.certainty}"
    if firing.absent:
        text += "; awaited and absent: " + ", ".join(titles.get(id, id) for id in firing.absent)
    return Explanation(f"{rule.description.strip() or rule.title} ({text})")
