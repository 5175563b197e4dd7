"""The ledger: which matched events the plan explains, now, and what changes that.

An explained event raises no alert of its own, stays in the windows, and is on record. What it says is a function of the
candidates of each entry and of the unexplained alerts near them, whatever the order in which they came.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from correlator._engine import Matcher
from correlator.memory import Kept
from correlator.observation import Hit
from correlator.plan.expectations import Candidate, Entry
from impetus.domain.alert import Alert
from impetus.domain.batch import Key
from impetus.domain.place import Place
from impetus.domain.plan import LedgerLine
from impetus.domain.ports import Store


class Held(msgspec.Struct, array_like=True):
    """A matched event that fits an entry, and whether it is explained at present."""

    hit: Hit
    entry: int
    explained: bool


class Nearby(msgspec.Struct, frozen=True, array_like=True):
    """An unexplained alert, as overriding asks for it."""

    alert: str
    at: int
    place: Place


class Verdict(msgspec.Struct):
    """What a step changed: events that became explained, and events that were and no longer are."""

    explained: list[tuple[Hit, bool]] = []
    """Each with whether it had raised alerts before."""
    unexplained: list[Hit] = []


class Ledger:
    """The entries of the plan in force, with what they hold. ``form`` has one rule per entry: its selection."""

    def __init__(self, entries: Sequence[Entry], form: bytes) -> None:
        self._entries = entries
        self._matcher = Matcher(form) if entries else None
        self._held: Kept[Held] = Kept("held", Held)
        self._nearby: Kept[Nearby] = Kept("nearby", Nearby)
        self._state: Kept[list[Candidate]] = Kept("expected", list[Candidate])
        self._reach = max((entry.reach for entry in entries), default=0)

    def explains(self, event: str) -> bool:
        """Whether an event is explained at present."""
        held = self._held.get(event)
        return held is not None and held.explained

    def judge(self, hits: Sequence[Hit]) -> Verdict:
        """Take matched events in; their explanations and those that they change."""
        fresh: list[str] = []
        touched: set[int] = set()
        for hit, entry in self._fitting(hits):
            if hit.seen.id not in self._held:
                entry.add(hit.seen)
                self._held[hit.seen.id] = Held(hit, entry.index, False)
                fresh.append(hit.seen.id)
                touched.add(entry.index)
        for index in touched:
            for near in self._nearby.values():
                entry = self._entries[index]
                entry.withdraw(entry.overridden(near.at, near.place, ()))
        return self._compare(touched, set(fresh))

    def override(self, alerts: Iterable[Alert]) -> Verdict:
        """Let unexplained alerts take back the explanations of what is near them, or a member of theirs."""
        touched: set[int] = set()
        for alert in alerts:
            if self._reach and alert.place is not None and alert.place.location is not None:
                self._nearby[alert.id] = Nearby(alert.id, alert.at, alert.place)
            for entry in self._entries:
                hit = entry.overridden(alert.at, alert.place, alert.events if alert.correlation else ())
                if hit:
                    entry.withdraw(hit)
                    touched.add(entry.index)
        return self._compare(touched, set())

    def line(self, event: str, rule: str) -> LedgerLine:
        """The ledger line of an event that an entry holds."""
        entry = self._entries[self._held[event].entry]
        return LedgerLine(event, rule, entry.plan, entry.id, entry.reason)

    def forget(self, before: int) -> None:
        """Forget alerts too old to override what still can come (event time, µs)."""
        self._nearby.drop_where(lambda near: near.at < before - self._reach)

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        for kept in (self._held, self._nearby, self._state):
            yield from kept.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        for kept in (self._held, self._nearby, self._state):
            kept.restore(store)
        for entry in self._entries:
            for candidate in self._state.get(entry.id) or ():
                entry.candidates[candidate.shot.event] = candidate

    def _fitting(self, hits: Sequence[Hit]) -> Iterator[tuple[Hit, Entry]]:
        """Each hit that an entry describes, with the first such entry."""
        if self._matcher is None:
            return
        claimed: set[int] = set()
        for line, index in self._matcher.match_all([hit.line for hit in hits]):
            if line not in claimed and self._entries[index].fits(hits[line].seen):
                claimed.add(line)
                yield hits[line], self._entries[index]

    def _compare(self, touched: Iterable[int], fresh: set[str]) -> Verdict:
        """What the touched entries explain now, against what is on record."""
        verdict = Verdict([], [])
        for index in sorted(touched):
            entry = self._entries[index]
            self._state[entry.id] = list(entry.candidates.values())
            now = entry.explained()
            for event in entry.candidates:
                held = self._held[event]
                if held.explained != (event in now):
                    self._held[event] = Held(held.hit, held.entry, event in now)
                    if event in now:
                        verdict.explained.append((held.hit, event not in fresh))
                    else:
                        verdict.unexplained.append(held.hit)
        return verdict
