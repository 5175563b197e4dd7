"""The correlator as a whole: batches in, one commit out. It has no file and no thread; a runner makes commits durable.

Each step is enrich ▶ match ▶ windows ▶ incidents. Whatever it keeps is in the commits, so a correlator that was killed
and restored goes on as if it had not been.
"""

from collections.abc import Iterable, Sequence

from correlator.detect import Detector, Findings
from correlator.incidents.desk import Commands
from correlator.incidents.joins import Joins
from correlator.incidents.risk import Scale
from correlator.intake import Reception, Taken, last_positions
from correlator.plan.expectations import entries_of
from correlator.plan.ledger import Ledger
from correlator.plan.selection import compile_selections
from correlator.setup import Setup
from correlator.watermark import EventClock
from impetus.domain.action import Action, Undo
from impetus.domain.batch import Batch, Commit, Control, Key
from impetus.domain.incident import Incident
from impetus.domain.ports import Store


class Correlator:
    """One correlator over one store, which it reads when it starts and for the incidents it no longer holds."""

    def __init__(self, setup: Setup, store: Store) -> None:
        self._store, self._longest = store, setup.longest
        self.clock = EventClock(setup.lateness, setup.idle)
        self._reception = Reception(setup.city, setup.plan, self.clock)
        ledger = Ledger(entries_of(setup.plan), compile_selections(setup.plan))
        self._detector = Detector(setup.rules, setup.city, ledger, setup.horizon)
        self._joins = Joins(setup.city, store.incident, setup.joining, Scale(setup.city, setup.plan))
        self._commands = Commands(self._joins, store)
        self._clock_state: dict[bytes, bytes] = {}
        self._restore()

    def step(self, batches: Sequence[Batch], heard: int) -> Commit:
        """Take batches in, at a wall clock of ``heard`` (µs); the commit holds all that follows."""
        return self._step(batches, heard, heard)

    def replay_step(self, batches: Sequence[Batch], heard: int) -> Commit:
        """The same without the wall clock: a source is idle by event time alone."""
        return self._step(batches, heard, None)

    def finish(self) -> Commit:
        """The end of a replay: event time moves past every window."""
        found = self._advance(self.clock.finish(self._longest))
        return self._commit((), Taken([], [], [], []), [found])

    def act(self, action: Action, now: int) -> tuple[Incident, Commit]:
        """Record an action of a person at a wall clock (µs). Raises ``ImpetusError``."""
        return self._carried_out(*self._commands.act(action, now))

    def undo(self, undo: Undo, now: int) -> tuple[Incident, Commit]:
        """Record that an action is taken back. Raises ``ImpetusError``."""
        return self._carried_out(*self._commands.undo(undo, now))

    def contested(self, device: str, at: int) -> tuple[str, ...]:
        """The incidents that make a device doubtful for what it said, or did not say, at an event time (µs)."""
        return self._joins.trust.contested(device, at)

    def _step(self, batches: Sequence[Batch], heard: int, wall: int | None) -> Commit:
        taken = self._reception.take(batches, heard)
        found = self._detector.detect(taken.events)
        return self._commit(batches, taken, [found, self._advance(self.clock.advance(wall))])

    def _advance(self, now: int | None) -> Findings:
        """What comes out as event time moves on; nothing before the first event."""
        return self._detector.advance(now) if now is not None else Findings({}, [], [])

    def _carried_out(self, after: Incident, changed: Sequence[Incident]) -> tuple[Incident, Commit]:
        """What a command made of its incident, and the commit of all that it changed; empty if it was done before."""
        if not changed:
            return after, Commit()
        return after, Commit(incidents=_newest(changed), state=tuple(self._joins.changes()))

    def _commit(self, batches: Sequence[Batch], taken: Taken, findings: Sequence[Findings]) -> Commit:
        alerts = {id: alert for found in findings for id, alert in found.alerts.items()}
        late = any(found.late for found in findings)
        incidents = self._joins.apply(alerts.values(), "late event" if late else "new evidence")
        if self.clock.now is not None:
            self._joins.expire(self.clock.now)
        return Commit(
            lines=tuple(enriched.arrival.line for enriched in taken.events),
            additions=tuple(taken.additions),
            heads=tuple(taken.heads),
            duplicates=taken.duplicates,
            positions=last_positions(batches),
            rejects=tuple(taken.rejects),
            state=tuple(self._changes()),
            alerts=tuple(alerts.values()),
            incidents=_newest(incidents),
            ledger=tuple(line for found in findings for line in found.ledger),
            withdrawn=tuple(line for found in findings for line in found.withdrawn),
        )

    # --- state

    def _changes(self) -> Iterable[tuple[Key, bytes | None]]:
        yield from self._detector.changes()
        yield from self._reception.changes()
        yield from self._joins.changes()
        for key, value in self.clock.dump():
            if self._clock_state.get(key) != value:
                self._clock_state[key] = value
                yield Key("clock", key), value

    def _restore(self) -> None:
        store = self._store
        self.clock.load(store.state("clock"))
        self._clock_state = dict(self.clock.dump())
        self._reception.restore(store)
        self._detector.restore(store)
        self._joins.restore(store, self.clock.now)
        if self.clock.now is not None:
            self._joins.expire(self.clock.now)


def _newest(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Each incident once, in its newest revision."""
    return tuple({incident.id: incident for incident in incidents}.values())


def controls_of(setup: Setup, known: Iterable[Control]) -> tuple[Control, ...]:
    """The control records that are not in force yet: what changed since the log was last written."""
    newest = {control.kind: control.version for control in known}
    return tuple(control for control in setup.controls if newest.get(control.kind) != control.version)
