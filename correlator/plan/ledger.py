"""The ledger: which matched events the plan explains, now, and what changes that.

An explained event raises no alert of its own, stays in the windows, and is on record. What it says is a function of the
candidates of each entry and of the unexplained alerts near them, whatever the order in which they came.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator._engine import Matcher
from correlator.memory import Kept
from correlator.observation import Hit, Observation
from correlator.plan.expectations import Entry
from correlator.plan.unsettled import Pending, Unsettled
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.place import Place
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import Store


class Held(msgspec.Struct, array_like=True):
    """A matched event that fits an entry: whether it is explained at present, and whether an alert overrides that."""

    hit: Hit
    entry: str
    explained: bool = False
    withdrawn: bool = False
    rules: tuple[str, ...] = ()
    """Ids of the rules that matched it: their indices are those of one rule set."""
    promoted: bool = False
    """A person took the explanation back."""


class Nearby(msgspec.Struct, frozen=True, array_like=True):
    """An unexplained alert, as overriding asks for it."""

    alert: str
    at: int
    place: Place | None
    members: tuple[str, ...]
    """Of a correlation, whose members it takes out of the ledger."""
    own: str | None
    """The one event of a single-event alert: that is no *other* alert for it."""

    @classmethod
    def of(cls, alert: Alert) -> "Nearby":
        """What overriding asks of an alert."""
        if alert.correlation:
            return cls(alert.id, alert.at, alert.place, alert.events, None)
        return cls(alert.id, alert.at, alert.place, (), alert.events[0])


class Verdict(msgspec.Struct):
    """What a step changed: events that became explained, and events that were and no longer are."""

    explained: list[tuple[Hit, bool]] = []
    """Each with whether it had raised alerts before."""
    unexplained: list[Hit] = []


class Ledger:
    """The entries of the plan in force, with what they hold. ``form`` has one rule per entry: its selection.

    An override follows from alerts, and those from what is unexplained. So when an alert goes or moves, all overrides
    are taken back first, and found anew once the alerts that followed from them are gone, too: two of them cannot
    hold each other up, and the order of arrival does not matter.
    """

    def __init__(self, entries: Sequence[Entry], form: bytes, rules: Sequence[str] = (), chain: int = 0) -> None:
        """``rules`` are the ids of the rules in force, by index; ``chain`` is how far correlations reach (µs)."""
        self._rules, self._chain, self._now = rules, chain, 0
        self._entries = {entry.key: entry for entry in entries}
        self._order = list(entries)
        self._matcher = Matcher(form) if entries else None
        self._held: Kept[Held] = Kept("held", Held)
        self._nearby: Kept[Nearby] = Kept("nearby", Nearby)
        self._reach = max((entry.reach for entry in entries), default=0)
        self._unsettled = False
        self._pending = Unsettled()

    def explains(self, event: str) -> bool:
        """Whether an event is explained at present."""
        held = self._held.get(event)
        return held is not None and held.explained

    def judge(self, hits: Sequence[Hit]) -> Verdict:
        """Take matched events in; their explanations and those that they change."""
        fresh, touched = self._admit(hits)
        if any(self._returns(entry, fresh) for entry in touched.values()):
            # Alerts that follow from its not being explained must not keep it so.
            self._unsettled = True
        else:
            for entry in touched.values():
                self._override(entry, self._nearby.values())
        return self._compare(touched.values(), fresh)

    def _admit(self, hits: Sequence[Hit]) -> tuple[set[str], dict[str, Entry]]:
        """Hold the events that an entry describes: those that were not held, and the entries."""
        fresh: set[str] = set()
        touched: dict[str, Entry] = {}
        for hit, entry in self._fitting(hits):
            if hit.seen.id not in self._held:
                # One that came far too late is settled only now.
                self._add(entry, hit.seen, self._now)
                self._held[hit.seen.id] = Held(hit, entry.key, rules=tuple(self._rules[rule] for rule in hit.rules))
                fresh.add(hit.seen.id)
                touched[entry.key] = entry
        return fresh, touched

    def exchange(self, hits: Sequence[Hit]) -> Verdict:
        """Take events in anew that may fit other entries now; what that changes for *other* events."""
        ids = {hit.seen.id for hit in hits}
        touched: dict[str, Entry] = {}
        for hit in hits:
            held = self._held.get(hit.seen.id)
            entry = self._entries.get(held.entry) if held is not None else None
            if entry is not None:
                entry.remove(hit.seen.id)
                self._held.drop(hit.seen.id)
                touched[entry.key] = entry
        fresh, came = self._admit([hit for hit in hits if hit.rules])
        touched |= came
        # What they raised while nothing explained them must not keep it so: overrides are found without it.
        self._unsettled = self._unsettled or bool(touched)
        verdict = self._compare(touched.values(), fresh)
        explained = [(hit, raised) for hit, raised in verdict.explained if hit.seen.id not in ids]
        return Verdict(explained, verdict.unexplained)

    def override(self, alerts: Iterable[Alert], *, again: bool = True) -> Verdict:
        """Let alerts that are raised, changed or gone take explanations back, or no longer.

        Without ``again`` what was taken back stays so: the way out where alerts and explanations chase each other.
        """
        fresh: list[Nearby] = []
        for alert in alerts:
            near, before = Nearby.of(alert), self._nearby.get(alert.id)
            if before is not None and (alert.gone or near != before):
                self._unsettled = again and (self._unsettled or self._is_overridden())
            if alert.gone:
                self._nearby.drop(alert.id)
            elif any(entry.concerns(alert.first, alert.at) for entry in self._order):
                self._nearby[alert.id] = near
                fresh.append(near)
        if self._unsettled:
            touched = [entry for entry in self._order if entry.is_overridden(self._now)]
            for entry in touched:
                entry.restore_all(self._now)
        else:
            touched = [entry for entry in self._order if self._override(entry, fresh)]
        return self._compare(touched, set())

    def promote(self, event: str) -> Verdict:
        """Take the explanation of an event back for good, because a person says so. Raises ``ImpetusError``.

        Again it changes nothing.
        """
        held = self._held.get(event)
        entry = self._entries.get(held.entry) if held is not None else None
        if held is None or entry is None or not (held.explained or held.promoted):
            what = "no plan in force explains this event"
            raise ImpetusError("action.refused", what, Where(key=event), "impetus plan ledger lists what is explained")
        entry.promote(event)
        return self._compare([entry], {event})

    @property
    def is_unsettled(self) -> bool:
        """Whether overrides have to be found anew."""
        return self._unsettled

    def settle(self) -> Verdict:
        """Find all overrides anew, once what followed from those that were taken back is gone."""
        touched = [entry for entry in self._order if self._unsettled and self._override(entry, self._nearby.values())]
        self._unsettled = False
        return self._compare(touched, set())

    def line(self, event: str, rule: str) -> LedgerLine:
        """The ledger line of an event that an entry holds."""
        entry = self._entries[self._held[event].entry]
        return LedgerLine(event, rule, entry.plan, entry.id, entry.reason)

    def pending(self) -> Sequence[Pending]:
        """The events that became known since the last call, whose explanation may still change."""
        return self._pending.take()

    def advance(self, now: int) -> None:
        """Move event time on (µs), once all that it brought about is known: what it has passed is settled."""
        self._now = now
        self._pending.release(now)

    def keeps(self, first: int, last: int, span: int) -> bool:
        """Whether what happened between two instants is within a span of an event whose explanation may change (µs)."""
        return self._pending.near(first - span, last + span)

    def forget(self, before: int) -> None:
        """Forget alerts too old to override what still can come (event time, µs), or what may still change."""
        reach = self._reach + self._chain
        self._nearby.drop_where(lambda near: near.at < before - self._reach and not self.keeps(near.at, near.at, reach))

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._held.changes()
        yield from self._nearby.changes()

    def restore(self, store: Store, rules: Matcher, now: int) -> None:
        """Go on from what a store holds, at an event time (µs). Of the rules that matched an event those count that
        still do: the indices of ``rules`` may be others than when it was written, and a rule that is new was not asked
        then."""
        self._now = now
        self._held.restore(store)
        self._nearby.restore(store)
        held = list(self._held.values())
        found: dict[int, list[int]] = {}
        for line, rule in rules.match([one.hit.line for one in held]):
            found.setdefault(line, []).append(rule)
        for line, one in enumerate(held):
            matched = (rule for rule in found.get(line, ()) if self._rules[rule] in one.rules)
            one.hit = Hit(one.hit.seen, tuple(matched), one.hit.line)
            if one.entry in self._entries:
                self._add(self._entries[one.entry], one.hit.seen, 0, one.withdrawn, one.promoted)

    def _add(
        self, entry: Entry, seen: Observation, least: int, withdrawn: bool = False, promoted: bool = False
    ) -> None:
        until = max(least, entry.until(seen.time, self._chain))
        entry.add(seen, until, withdrawn, promoted)
        if until >= self._now:
            self._pending.add(seen.id, seen.time, until)

    def _override(self, entry: Entry, alerts: Iterable[Nearby]) -> bool:
        changed = [entry.override(near.at, near.place, near.members, near.own, self._now) for near in alerts]
        return any(changed)

    def _returns(self, entry: Entry, fresh: set[str]) -> bool:
        """Whether an event is explained now that was not, because of events that came since."""
        known = entry.explained() - fresh
        settled = (event for event in known if entry.candidates[event].until < self._now)
        return any(not self._held[event].explained for event in known.difference(settled))

    def _is_overridden(self) -> bool:
        return any(entry.is_overridden(self._now) for entry in self._order)

    def _fitting(self, hits: Sequence[Hit]) -> Iterator[tuple[Hit, Entry]]:
        """Each hit that an entry describes, with the first such entry."""
        if self._matcher is None:
            return
        claimed: set[int] = set()
        for line, index in self._matcher.match_all([hit.line for hit in hits]):
            if line not in claimed and self._order[index].fits(hits[line].seen):
                claimed.add(line)
                yield hits[line], self._order[index]

    def _compare(self, touched: Iterable[Entry], fresh: set[str]) -> Verdict:
        """What the touched entries explain now, against what is on record."""
        verdict = Verdict()
        for entry in touched:
            now = entry.explained()
            for event, candidate in entry.candidates.items():
                held = self._held[event]
                state = (event in now, candidate.withdrawn, candidate.promoted)
                is_over = candidate.until < self._now and event not in fresh
                if is_over or (held.explained, held.withdrawn, held.promoted) == state:
                    continue
                explained, withdrawn, promoted = state
                self._held[event] = Held(held.hit, held.entry, explained, withdrawn, held.rules, promoted)
                if event in now and not held.explained:
                    verdict.explained.append((held.hit, event not in fresh))
                elif held.explained and event not in now:
                    verdict.unexplained.append(held.hit)
        return verdict
