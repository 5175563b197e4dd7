"""Detection: single-event rules, what the plan explains of their matches, and correlations over all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from correlator._engine import Doubt, Firing, Item, Matcher, Windows
from correlator.alerts import distinct, merge_alert, single_alert
from correlator.beginnings import Beginnings
from correlator.city import CityModel
from correlator.enrich import Enriched
from correlator.findings import Findings
from correlator.growth import Growth
from correlator.health.monitor import Blind, Doubtful
from correlator.matched import matches
from correlator.memory import Kept
from correlator.observation import Hit, Observation, item_of, observe
from correlator.plan.ledger import Ledger, Verdict
from correlator.recalled import Recalled
from correlator.restoring import Resumption
from correlator.revisions import Revisions
from correlator.setup import Bounds
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.entity import Entity
from impetus.domain.event import Json, read, text
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import Store
from impetus.domain.rule import Rule, RuleSet

ROUNDS = 8
"""So often overrides are found anew in one step; after that they only grow, so that it ends."""


Find = Callable[[Sequence[str]], Sequence[Alert]]
"""Gives alerts by id."""

Readings = list[tuple[int, list[tuple[str, str]]]]
"""What the windows read of an event: the rule, and names and values of fields."""


class Detector:
    """One rule set at work, with its windows and the plan's ledger."""

    def __init__(self, rules: RuleSet, city: CityModel, ledger: Ledger, horizon: int, bounds: Bounds) -> None:
        self._rules = rules.rules
        self._city, self._ledger, self._horizon = city, ledger, horizon
        self._matcher = Matcher(rules.form)
        self._windows = Windows(rules.form, city.geometry(), bounds.keys, bounds.items, bounds.stored)
        self._by_id = {rule.id: rule for rule in rules.rules}
        self._referred = {index for rule in rules.rules for index in rule.refers}
        self._reads = self._windows.fields
        self._resumption = Resumption(self._windows)
        self._seen: Recalled[Observation] = Recalled("seen", Observation)
        """Events that are in some window, by id."""
        self._fired: Kept[Alert] = Kept("fired", Alert)
        """Correlation alerts that may still be revised, by id."""
        self._begun = Beginnings(rules, self._windows.fingerprints)
        self.restarted: tuple[str, ...] = ()
        """Titles of correlations that mean something else than before: their windows began anew."""
        self.gone: tuple[str, ...] = ()
        """Ids of correlations that were there before and are no more."""
        self._growth = Growth()
        self._revisions = Revisions()
        self._forgot = 0

    def detect(self, batch: Sequence[Enriched]) -> Findings:
        """Match a batch of events and let the windows see what matched."""
        found = Findings()
        hits = list(self._hits(batch))
        verdict = self._ledger.judge([hit for hit, _ in hits])
        for hit, _ in hits:
            if not self._ledger.explains(hit.seen.id):
                self._raise(hit, found)
        self._push([hit for hit, late in hits if not late], found)
        self._apply(verdict, found)
        self._settle(found)
        return found

    def renew(self, pairs: Sequence[tuple[Enriched, Enriched]], find: Find) -> Findings:
        """Let events of earlier steps, as they were and as they are, count with their new additions.

        ``find`` gives the alerts that hold, by id.
        """
        found = Findings()
        hits = list(zip(self._all([old for old, _ in pairs]), self._all([new for _, new in pairs]), strict=True))
        self._windows.earlier(list(self._earlier(new.seen for _, new in hits)), more=True)
        records = [self._record(old) for old, _ in hits]
        verdict = self._ledger.exchange([new for _, new in hits])
        for (old, new), record in zip(hits, records, strict=True):
            self._reassess(old, new, record, found, find)
        self._replace(hits, records, found)
        self._refresh({old.seen.id: (old.seen, new.seen) for old, new in hits}, found)
        self._apply(verdict, found)
        self._settle(found)
        return found

    def advance(self, now: int) -> Findings:
        """Move event time on: absences come out, and what no window can see any more is forgotten."""
        found = Findings()
        self._windows.hold(self._ledger.pending())
        self._take(self._windows.advance(now), found)
        self._settle(found)
        self._ledger.advance(now)
        if now - self._forgot > self._horizon // 4:
            self._forget(now)
        return found

    def promote(self, event: str) -> Findings:
        """Raise what an event would have raised without the plan. Raises ``ImpetusError`` if nothing explains it."""
        found = Findings()
        self._apply(self._ledger.promote(event), found)
        self._settle(found)
        return found

    def blind(self, changes: Iterable[Blind]) -> None:
        """Take in when awaited rules could not have been reported, before event time passes it."""
        for rule, stretches, part in changes:
            self._windows.blind(rule, stretches, part)

    def doubt(self, changes: Iterable[Doubtful]) -> None:
        """Take in when devices are contested: what they say ends no wait."""
        for part, stretches in changes:
            self._windows.doubt(part, stretches)

    def doubts(self) -> list[tuple[Rule, Doubt]]:
        """The waits that ended since the last call without saying whether the awaited event happened."""
        return [(self._rules[doubt.rule], doubt) for doubt in self._windows.doubts()]

    @property
    def population(self) -> tuple[int, int]:
        """How many groups are in memory, and how many in the store alone."""
        return self._windows.population

    def bounded(self) -> list[tuple[Rule, str]]:
        """What correlations had to leave out since the last call."""
        return [(self._rules[rule], what) for rule, what in self._windows.notices()]

    def lost(self) -> int:
        """How many rows of windows failed their check since the last call; their groups began anew."""
        return self._windows.lost()

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._resumption.changes()
        yield from self._begun.changes()
        yield from self._seen.changes()
        yield from self._fired.changes()
        yield from self._revisions.changes()
        yield from self._ledger.changes()

    def restore(self, store: Store, now: int | None) -> None:
        """Go on from what a store holds, at an event time of the whole (µs). Most of it is read when it is needed."""
        self._resumption.resume(store)
        self._seen.resume(store)
        self._fired.restore(store)
        self._revisions.restore(store)
        self._ledger.restore(store, self._matcher, now or 0)
        self._begin(store)

    def read_ahead(self, most: int) -> None:
        """Read so much more of what the store held at the start."""
        self._windows.read_ahead(most)
        self._seen.read_ahead(most)

    def _begin(self, store: Store) -> None:
        """Leave aside what belongs to correlations that are gone or mean something else now."""
        self._begun.restore(store, store.newest() + 1)
        if not self._begun.is_settled:
            # What is left aside has to be known as a whole, and so has what came before the newest rule.
            self._resumption.read_all()
            self._seen.restore(store)
        self.restarted = tuple(rule.title for rule in self._begun.restarted())
        self.gone = tuple(sorted(self._begun.gone))
        self._fired.drop_where(lambda alert: alert.rule in self._begun.changed)
        blocks = zip(self._rules, self._begun.blocks, strict=True)
        self._windows.begin([block for rule, block in blocks if rule.correlation])
        self._windows.earlier(list(self._earlier(self._seen.values())))

    def _earlier(self, seen: Iterable[Observation]) -> Iterator[tuple[str, int]]:
        """The events that came before the newest rule began, with their blocks."""
        newest = self._begun.newest
        return ((one.id, one.block) for one in seen if one.block < newest)

    def committed(self) -> None:
        """All changes given so far are durable."""
        self._windows.committed()

    def _forget(self, now: int) -> None:
        self._forgot = now
        before = now - self._horizon

        def is_over(first: int, last: int) -> bool:
            return last < before and not self._ledger.keeps(first, last, self._horizon)

        self._seen.drop_where(lambda one: is_over(one.time, one.time))
        earlier = list(self._earlier(self._seen.values()))
        self._windows.earlier(earlier)
        if not earlier and self._seen.is_whole:
            self._begun.settle()
        # One that has an alert as a member grows with it, wherever it fired itself.
        self._fired.drop_where(lambda alert: is_over(alert.first, max(alert.at, *alert.times[-1:])))
        self._growth.forget(self._fired.__contains__)
        self._revisions.forget(is_over)
        self._ledger.forget(before)

    # --- single events

    def _hits(self, batch: Sequence[Enriched]) -> Iterator[tuple[Hit, bool]]:
        """The events of a batch that some rule matched, each with whether it is too late for windows."""
        by_line: dict[int, list[int]] = {}
        for line, rule in matches(batch, self._matcher.match):
            block = batch[line].block
            if block is None or block >= self._begun.blocks[rule]:
                by_line.setdefault(line, []).append(rule)
        for line, rules in by_line.items():
            yield Hit(self._observed(batch[line]), tuple(rules), batch[line].line), batch[line].late

    def _all(self, batch: Sequence[Enriched]) -> Iterator[Hit]:
        """Every event of a batch, also one that no rule matches."""
        hits = {hit.seen.id: hit for hit, _ in self._hits(batch)}
        for enriched in batch:
            yield hits.get(enriched.arrival.id) or Hit(self._observed(enriched), (), enriched.line)

    def _observed(self, enriched: Enriched) -> Observation:
        arrival = enriched.arrival
        # What comes now came after all beginnings; its own block would be another after a restart.
        block = self._begun.newest if enriched.block is None else enriched.block
        return observe(enriched.fields, arrival.id, arrival.time, self._city, block)

    def _alerting(self, hit: Hit) -> Iterator[Rule]:
        return (self._rules[index] for index in hit.rules if self._rules[index].alerts)

    def _raise(self, hit: Hit, found: Findings) -> None:
        for alert in self._singles(hit).values():
            found.take(msgspec.structs.replace(alert, revision=self._revisions.of(alert.id, alert.at)))

    # --- windows

    def _push(self, hits: Sequence[Hit], found: Findings) -> None:
        """Let the windows see hits; a hit that they have already is replaced."""
        items = []
        for hit in hits:
            if any(rule in self._referred for rule in hit.rules):
                self._seen[hit.seen.id] = hit.seen
                items += self._items(hit, self._readings(hit))
        if items:
            self._take(self._windows.push(items), found)

    def _items(self, hit: Hit, readings: Readings) -> list[Item]:
        explained = self._ledger.explains(hit.seen.id)
        return [item_of(hit.seen, rule, fields, explained) for rule, fields in readings]

    def _fields(self, rule: int, event: dict[str, Json]) -> list[tuple[str, str]]:
        return [(name, text(value)) for name in self._reads[rule] for value in read(event, name) if value is not None]

    def _take(self, firings: Sequence[Firing], found: Findings) -> None:
        """Turn firings into alerts, those of referred correlations first."""
        for firing in sorted(firings, key=lambda firing: firing.rule):
            found.late = found.late or firing.late
            rule = self._rules[firing.rule]
            alert = self._gone(firing) if firing.gone else self._merged(firing, rule)
            if alert is not None and rule.alerts:
                found.take(alert)

    def _gone(self, firing: Firing) -> Alert | None:
        known = self._fired.get(firing.id)
        self._fired.drop(firing.id)
        revision = self._revisions.of(firing.id, firing.at, firing.revision)
        return msgspec.structs.replace(known, gone=True, revision=revision) if known is not None else None

    def _merged(self, firing: Firing, rule: Rule) -> Alert:
        refers = [self._rules[index] for index in rule.refers]
        known, added = self._fired.get(firing.id), firing.added
        revision = self._revisions.of(firing.id, firing.at, firing.revision)
        # Alerts among the members may have changed in any way.
        simple = known is not None and not any(one.correlation for one in refers)
        if known is not None and simple and added is not None and all(id in self._seen for id in added):
            alert = self._growth.extend(rule, firing, known, [self._seen[id] for id in added], refers)
        else:
            alert = self._merge_all(firing, rule, refers)
        if alert.revision != revision:
            alert = msgspec.structs.replace(alert, revision=revision)
        self._fired[alert.id] = alert
        return alert

    def _merge_all(self, firing: Firing, rule: Rule, refers: Sequence[Rule]) -> Alert:
        parts = [self._fired[id] for id in firing.members if id in self._fired]
        self._seen.fetch(firing.members)
        seen = {id: self._seen[id] for id in firing.members if id in self._seen}
        if len(parts) + len(seen) < len(firing.members) and firing.id in self._fired:
            # Members too old to be remembered are in the alert as it was; else that would keep members that have left.
            parts.append(self._fired[firing.id])
        return merge_alert(rule, firing, seen, parts, refers)

    # --- events whose additions changed

    def _record(self, hit: Hit) -> set[LedgerLine] | None:
        """The ledger lines of an event; None if it is not explained."""
        if not self._ledger.explains(hit.seen.id):
            return None
        return {self._ledger.line(hit.seen.id, rule.id) for rule in self._alerting(hit)}

    def _reassess(self, old: Hit, new: Hit, before: set[LedgerLine] | None, found: Findings, find: Find) -> None:
        """The alerts and ledger lines of an event alone: those that go, come, and say something else now."""
        after = self._record(new)
        found.withdrawn += (before or set()) - (after or set())
        found.ledger += (after or set()) - (before or set())
        was = self._singles(old) if before is None else {}
        now = self._singles(new) if after is None else {}
        for id in was.keys() - now.keys():
            self._withdraw(was[id], found)
        for id, alert in now.items():
            if id not in was:
                found.take(msgspec.structs.replace(alert, revision=self._revisions.of(id, alert.at)))
            elif alert != was[id]:
                for known in find([id]):
                    found.take(msgspec.structs.replace(alert, revision=self._revisions.next(known)))

    def _withdraw(self, alert: Alert, found: Findings) -> None:
        found.take(msgspec.structs.replace(alert, gone=True, revision=self._revisions.next(alert)))

    def _singles(self, hit: Hit) -> dict[str, Alert]:
        alerts = (single_alert(rule, hit.seen, hit.line, self._matcher) for rule in self._alerting(hit))
        return {alert.id: alert for alert in alerts}

    def _replace(
        self, hits: Sequence[tuple[Hit, Hit]], records: Sequence[set[LedgerLine] | None], found: Findings
    ) -> None:
        """Let the windows see events as they are now in place of what they were."""
        taken, given = [], []
        for (old, new), record in zip(hits, records, strict=True):
            before, after = self._readings(old), self._readings(new)
            if new.seen.id in self._seen or after:
                self._seen[new.seen.id] = new.seen
            if before != after or (record is not None) != self._ledger.explains(new.seen.id):
                taken += self._items(old, before)
                given += self._items(new, after)
        if taken or given:
            self._take(self._windows.replace(taken, given), found)

    def _readings(self, hit: Hit) -> Readings:
        event = msgspec.json.decode(hit.line)
        return [(rule, self._fields(rule, event)) for rule in hit.rules if rule in self._referred]

    def _refresh(self, seen: Mapping[str, tuple[Observation, Observation]], found: Findings) -> None:
        """Correlation alerts whose members stay have the entities that these have now."""
        for alert in self._fired.values():
            changed = [seen[id] for id in alert.events if id in seen]
            entities = self._entities(alert, changed) if changed else alert.entities
            if entities != alert.entities:
                revision = self._revisions.next(alert)
                revised = msgspec.structs.replace(alert, entities=entities, revision=revision)
                self._fired[alert.id] = revised
                if self._by_id[alert.rule].alerts:
                    found.take(revised)

    def _entities(self, alert: Alert, changed: Sequence[tuple[Observation, Observation]]) -> tuple[Entity, ...]:
        gained = [entity for old, new in changed for entity in new.entities if entity not in old.entities]
        lost = {entity for old, new in changed for entity in old.entities if entity not in new.entities}
        self._seen.fetch(alert.events if lost else ())
        if lost and all(id in self._seen for id in alert.events):
            lost -= {entity for id in alert.events for entity in self._seen[id].entities}
            return distinct([*(entity for entity in alert.entities if entity not in lost), *gained])
        return distinct([*alert.entities, *gained])

    # --- the plan

    def _apply(self, verdict: Verdict, found: Findings) -> None:
        """What is no longer explained raises its alerts; what became explained takes them back."""
        for hit in verdict.unexplained:
            self._raise(hit, found)
            found.withdrawn += [self._ledger.line(hit.seen.id, rule.id) for rule in self._alerting(hit)]
        for hit, raised in verdict.explained:
            found.ledger += [self._ledger.line(hit.seen.id, rule.id) for rule in self._alerting(hit)]
            if raised:
                self._retract(hit, found)
        if verdict.unexplained:
            self._take(self._windows.unexplain([hit.seen.id for hit in verdict.unexplained]), found)

    def _retract(self, hit: Hit, found: Findings) -> None:
        """An event that was unexplained until now: its alerts are gone, and the windows see it as explained."""
        for alert in self._singles(hit).values():
            self._withdraw(alert, found)
        if hit.seen.id in self._seen:
            self._push([hit], found)

    def _settle(self, found: Findings) -> None:
        """Let unexplained alerts override explanations until nothing changes."""
        rounds = 0
        while found.fresh or self._ledger.is_unsettled:
            fresh, found.fresh = found.fresh, {}
            self._apply(self._ledger.override(fresh.values(), again=rounds < ROUNDS), found)
            if not found.fresh:
                rounds += 1
                self._apply(self._ledger.settle(), found)
