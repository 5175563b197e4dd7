"""Detection: single-event rules, what the plan explains of their matches, and correlations over all of them."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator._engine import Doubt, Firing, Item, Matcher, Windows
from correlator.alerts import merge_alert, single_alert
from correlator.arrival import Arrival
from correlator.city import CityModel
from correlator.health.monitor import Blind
from correlator.memory import Kept
from correlator.observation import Hit, Observation, observe
from correlator.plan.ledger import Ledger, Verdict
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.event import Fields, Json, flatten, read, text
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import Store
from impetus.domain.rule import Rule, RuleSet

ROUNDS = 8
"""So often overrides are found anew in one step; after that they only grow, so that it ends."""


class Enriched(msgspec.Struct):
    """An arrival with its additions: the line that the engine reads."""

    arrival: Arrival
    line: bytes
    added: dict[str, Json]
    late: bool
    """Too late for windows: single-event rules alone see it."""

    @property
    def fields(self) -> Fields:
        """The fields of the event that are asked for, with what was added."""
        if not self.added:
            return self.arrival.event
        merged = Fields(self.arrival.event)
        for path, values in flatten(self.added).items():
            merged[path] = [*merged.scalars(path), *values]
        return merged


class Findings(msgspec.Struct):
    """What a step found: alerts by id in their newest state, and lines that came into or left the ledger."""

    alerts: dict[str, Alert] = {}
    ledger: list[LedgerLine] = []
    withdrawn: list[LedgerLine] = []
    fresh: dict[str, Alert] = {}
    """Alerts that changed and have not been asked yet what they override."""
    late: bool = False
    """Whether some of it came from an event that was not the newest of its window."""

    def take(self, alert: Alert) -> None:
        """Note an alert that was raised, revised or is gone."""
        self.alerts[alert.id] = self.fresh[alert.id] = alert


class Detector:
    """One rule set at work, with its windows and the plan's ledger."""

    def __init__(self, rules: RuleSet, city: CityModel, ledger: Ledger, horizon: int) -> None:
        self._rules = rules.rules
        self._city, self._ledger, self._horizon = city, ledger, horizon
        self._matcher = Matcher(rules.form)
        self._windows = Windows(rules.form, city.geometry())
        self._referred = {index for rule in rules.rules for index in rule.refers}
        self._reads = self._windows.fields
        self._seen: Kept[Observation] = Kept("seen", Observation)
        """Events that are in some window, by id."""
        self._fired: Kept[Alert] = Kept("fired", Alert)
        """Correlation alerts that may still be revised, by id."""
        self._forgot = 0

    def detect(self, batch: Sequence[Enriched]) -> Findings:
        """Match a batch of events and let the windows see what matched."""
        found = Findings({}, [], [])
        hits = list(self._hits(batch))
        verdict = self._ledger.judge([hit for hit, _ in hits])
        for hit, _ in hits:
            if not self._ledger.explains(hit.seen.id):
                self._raise(hit, found)
        self._push([hit for hit, late in hits if not late], found)
        self._apply(verdict, found)
        self._settle(found)
        return found

    def advance(self, now: int) -> Findings:
        """Move event time on: absences come out, and what no window can see any more is forgotten."""
        found = Findings({}, [], [])
        self._take(self._windows.advance(now), found)
        self._settle(found)
        if now - self._forgot > self._horizon // 4:
            self._forget(now)
        return found

    def promote(self, event: str) -> Findings:
        """Raise what an event would have raised without the plan. Raises ``ImpetusError`` if nothing explains it."""
        found = Findings({}, [], [])
        self._apply(self._ledger.promote(event), found)
        self._settle(found)
        return found

    def blind(self, changes: Iterable[Blind]) -> None:
        """Take in when awaited rules could not have been reported, before event time passes it."""
        for rule, stretches, part in changes:
            self._windows.blind(rule, stretches, part)

    def doubts(self) -> list[tuple[Rule, Doubt]]:
        """The waits that ended since the last call without saying whether the awaited event happened."""
        return [(self._rules[doubt.rule], doubt) for doubt in self._windows.doubts()]

    def bounded(self) -> list[tuple[Rule, str]]:
        """What correlations had to leave out since the last call."""
        return [(self._rules[rule], what) for rule, what in self._windows.notices()]

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from ((Key("windows", key), value) for key, value in self._windows.dirty())
        yield from self._seen.changes()
        yield from self._fired.changes()
        yield from self._ledger.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._windows.restore(list(store.state("windows")))
        self._seen.restore(store)
        self._fired.restore(store)
        self._ledger.restore(store, self._matcher)

    def _forget(self, now: int) -> None:
        self._forgot = now
        self._seen.drop_where(lambda one: one.time < now - self._horizon)
        self._fired.drop_where(lambda alert: alert.at < now - self._horizon)
        self._ledger.forget(now - self._horizon)

    # --- single events

    def _hits(self, batch: Sequence[Enriched]) -> Iterator[tuple[Hit, bool]]:
        """The events of a batch that some rule matched, each with whether it is too late for windows."""
        by_line: dict[int, list[int]] = {}
        for line, rule in self._matcher.match([enriched.line for enriched in batch]):
            by_line.setdefault(line, []).append(rule)
        for line, rules in by_line.items():
            enriched = batch[line]
            seen = observe(enriched.fields, enriched.arrival.id, enriched.arrival.time, self._city)
            yield Hit(seen, tuple(rules), enriched.line), enriched.late

    def _alerting(self, hit: Hit) -> Iterator[Rule]:
        return (self._rules[index] for index in hit.rules if self._rules[index].alerts)

    def _raise(self, hit: Hit, found: Findings) -> None:
        for rule in self._alerting(hit):
            found.take(single_alert(rule, hit.seen, hit.line, self._matcher))

    # --- windows

    def _push(self, hits: Sequence[Hit], found: Findings) -> None:
        """Let the windows see hits; a hit that they have already is replaced."""
        items = []
        for hit in hits:
            referred = [rule for rule in hit.rules if rule in self._referred]
            if referred:
                self._seen[hit.seen.id] = hit.seen
                event = msgspec.json.decode(hit.line)
                items += [self._item(hit.seen, rule, event) for rule in referred]
        if items:
            self._take(self._windows.push(items), found)

    def _item(self, seen: Observation, rule: int, event: dict[str, Json]) -> Item:
        fields = [(name, text(value)) for name in self._reads[rule] for value in read(event, name) if value is not None]
        location = seen.place.location
        return Item(
            rule,
            seen.id,
            seen.time,
            seen.place.zone,
            location.lat if location else None,
            location.lon if location else None,
            seen.place.radius,
            fields,
            self._ledger.explains(seen.id),
        )

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
        return msgspec.structs.replace(known, gone=True) if known is not None else None

    def _merged(self, firing: Firing, rule: Rule) -> Alert:
        parts = [self._fired[id] for id in firing.members if id in self._fired]
        seen = {id: self._seen[id] for id in firing.members if id in self._seen}
        if len(parts) + len(seen) < len(firing.members) and firing.id in self._fired:
            # Members too old to be remembered are in the alert as it was; else that would keep members that have left.
            parts.append(self._fired[firing.id])
        alert = merge_alert(rule, firing, seen, parts, [self._rules[index] for index in rule.refers])
        self._fired[alert.id] = alert
        return alert

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
        for rule in self._alerting(hit):
            alert = single_alert(rule, hit.seen, hit.line, self._matcher)
            found.take(msgspec.structs.replace(alert, gone=True))
        if hit.seen.id in self._seen:
            self._push([hit], found)

    def _settle(self, found: Findings) -> None:
        """Let unexplained alerts override explanations until nothing changes."""
        rounds = 0
        while found.fresh:
            fresh, found.fresh = found.fresh, {}
            self._apply(self._ledger.override(fresh.values(), again=rounds < ROUNDS), found)
            if not found.fresh:
                rounds += 1
                self._apply(self._ledger.settle(), found)
