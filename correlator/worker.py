"""The correlator as a whole: batches in, one commit out. It has no file and no thread; a runner makes commits durable.

Each step is enrich ▶ match ▶ windows ▶ incidents. Whatever it keeps is in the commits, so a correlator that was killed
and restored goes on as if it had not been.
"""

from collections.abc import Iterable, Sequence

import msgspec

from correlator.control import clock_control, command_control
from correlator.detect import Detector
from correlator.findings import Findings
from correlator.health.monitor import Monitor
from correlator.health.record import COLLECTOR, collector_line, condition_line
from correlator.health.vitals import vitals_of
from correlator.incidents.desk import Commands
from correlator.incidents.joins import Joins
from correlator.incidents.risk import Scale
from correlator.intake import Reception, Taken, last_positions
from correlator.notices import Notices
from correlator.plan.expectations import entries_of
from correlator.plan.ledger import Ledger
from correlator.plan.promotion import promoted
from correlator.plan.selection import compile_selections
from correlator.recent import Recent
from correlator.setup import Setup
from correlator.watermark import EventClock
from impetus.domain.action import Action, Promotion, Undo
from impetus.domain.batch import Batch, Commit, Control, Key
from impetus.domain.condition import Condition, Vitals
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.ports import Store
from impetus.domain.status import Notice

QUIET = SECOND
"""After so long (µs) without events a runner makes a step of none, which looks at the wall clock: a quiet source
becomes idle.
"""
ENDING = ("city", "plan")
"""What need not be there: settings may name it no longer."""


class Correlator:
    """One correlator over one store, which it reads when it starts and for the incidents it no longer holds."""

    def __init__(self, setup: Setup, store: Store, recent: Recent | None = None) -> None:
        """``recent`` are the ids of the newest events, where someone has them already."""
        self.city = setup.city
        self._setup, self._store, self._longest = setup, store, setup.longest
        self.clock = EventClock(setup.lateness, setup.idle)
        self._monitor = Monitor(setup.city, setup.rules.form, setup.horizon)
        self._reception = Reception(setup.city, setup.plan, self.clock, self._monitor, store.events)
        self._notices = Notices(self.clock)
        named = [rule.id for rule in setup.rules.rules]
        ledger = Ledger(entries_of(setup.plan), compile_selections(setup.plan), named, setup.chain)
        self._detector = Detector(setup.rules, setup.city, ledger, setup.horizon, setup.bounds)
        self._joins = Joins(setup.city, store.incident, setup.joining, Scale(setup.city, setup.plan))
        self._commands = Commands(self._joins, store)
        self._clock_state: dict[bytes, bytes] = {}
        self._restore(recent)

    def succeed(self, setup: Setup) -> "Correlator":
        """One that goes on with another set-up; everything up to the last step has to be committed.

        Raises what a set-up that cannot be used raises; this one can go on then.
        """
        return Correlator(setup, self._store, self._reception.recent)

    def begin(self) -> Commit:
        """What taking up the work with this set-up changes: control records, and state that is of no use any more.

        It is committed before the first step: from then on the set-up is in force.
        """
        controls = controls_of(self._setup, (control for _, control in self._store.controls()))
        return Commit(controls=controls, state=tuple(self._changes()))

    @property
    def settled(self) -> int | None:
        """The event time (µs) before which nothing can change any more; None before the first event."""
        return self._setup.settled(self.clock.now)

    @property
    def restarted(self) -> tuple[str, ...]:
        """Titles of correlations that mean something else than before: their windows began anew."""
        return self._detector.restarted

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids of correlations that were there before and are no more."""
        return self._detector.gone

    def step(self, batches: Sequence[Batch], heard: int) -> Commit:
        """Take batches in, at a wall clock of ``heard`` (µs); the commit holds all that follows."""
        return self._step(batches, heard, heard)

    def replay_step(self, batches: Sequence[Batch], heard: int) -> Commit:
        """The same without the wall clock: a source is idle by event time alone."""
        return self._step(batches, heard, None)

    def rerun_step(self, batches: Sequence[Batch], to: int | None) -> Commit:
        """A step of the log again: where the wall clock moved event time on, the log says to where (µs)."""
        return self._step(batches, 0, None, to)

    def finish(self) -> Commit:
        """The end of a replay: event time moves past every window."""
        taken, now, newest = Taken(), self.clock.finish(self._longest), self.clock.newest
        return self._advanced((), taken, [], (now, None if newest is None else newest + 1))

    def report(self, collector: str, down: bool, reason: str, now: int) -> Batch | None:
        """The event that a collector is down or up at a wall clock (µs), to take in; None if that is known."""
        if down == self._monitor.is_down(collector):
            return None
        return Batch(COLLECTOR, (collector_line(self._monitor.report(collector, down, now), reason),))

    def tell(self, condition: Condition, holds: bool, now: int) -> Batch | None:
        """The event that a condition of Impetus itself was raised or cleared, to take in; None if that is known."""
        since = self._monitor.conditions.since(condition.kind, condition.subject)
        if holds == (since is not None):
            return None
        return Batch(COLLECTOR, (condition_line(condition, holds, now, since),))

    def conditions(self) -> dict[tuple[str, str], int]:
        """Kind and subject of the conditions of Impetus itself that hold, with since when (µs)."""
        return self._monitor.conditions.held()

    def vitals(self, heard: int) -> Vitals:
        """What it measures of itself, at a wall clock (µs)."""
        passages = self._reception.flow.passages()
        return vitals_of(self.clock, self._monitor, passages, self._detector.population, self._joins.active, heard)

    def notices(self) -> tuple[Notice, ...]:
        """What people have to know: where the picture is not whole."""
        return (*self._notices.all(), *self._notices.of_outages(self._monitor.down()))

    def committed(self) -> None:
        """Every commit given so far is durable: what need not be in memory may leave it."""
        self._detector.committed()
        self._joins.committed()
        self._read_ahead()

    def _read_ahead(self) -> None:
        """A start reads what it needs at once; the rest is read a little after each step."""
        self._detector.read_ahead(self._setup.bounds.ahead)
        self._reception.recent.read_ahead(self._setup.bounds.ahead)

    def act(self, action: Action, now: int) -> tuple[Incident, Commit]:
        """Record an action of a person at a wall clock (µs). Raises ``ImpetusError``."""
        return self._carried_out(command_control(action, now), *self._commands.act(action, now))

    def undo(self, undo: Undo, now: int) -> tuple[Incident, Commit]:
        """Record that an action is taken back. Raises ``ImpetusError``."""
        return self._carried_out(command_control(undo, now), *self._commands.undo(undo, now))

    def contested(self, device: str, at: int) -> tuple[str, ...]:
        """The incidents that make a device doubtful for what it said, or did not say, at an event time (µs)."""
        return self._joins.trust.contested(device, at)

    def promote(self, promotion: Promotion, now: int) -> tuple[Incident | None, Commit]:
        """Take an explanation of the plan back for a person, at a wall clock (µs). Raises ``ImpetusError``.

        The command enters the log, and the record of the incident that its alert is in.
        """
        found = self._detector.promote(promotion.event)
        if not found.alerts:
            return None, Commit()
        commit = self._commit((), Taken(), [found])
        homes = {self._joins.home(id) for id, alert in found.alerts.items() if promotion.event in alert.events}
        held = next((incident for incident in commit.incidents if incident.id in homes), None)
        incident = promoted(held, promotion, now) if held is not None else None
        noted = [incident, *self._joins.replace(incident)] if incident is not None else []
        return incident, msgspec.structs.replace(
            commit,
            incidents=_newest((*commit.incidents, *noted)),
            controls=(command_control(promotion, now),),
            state=(*commit.state, *self._joins.changes()),
        )

    def _step(self, batches: Sequence[Batch], heard: int, wall: int | None, to: int | None = None) -> Commit:
        before, taken = self.clock.now, self._reception.take(batches, heard)
        quiet = not taken.events
        renewed = [(one.before, one.after) for one in taken.renewed]
        found = [self._detector.renew(renewed, self._store.alerts)] if renewed else []
        found.append(self._detector.detect(taken.events))
        now = self.clock.advance(wall) if to is None else self.clock.reach(to)
        commit = self._advanced(batches, taken, found, (now, now))
        if now is None or now == before or wall is None or not (quiet or self.clock.is_ahead()):
            return commit
        # No event says so: without it the log alone would not come to the same.
        return msgspec.structs.replace(commit, controls=(clock_control(now, quiet),))

    def _advanced(
        self, batches: Sequence[Batch], taken: Taken, found: list[Findings], moved: tuple[int | None, int | None]
    ) -> Commit:
        """The commit of a step: what was found, and what comes out as event time moves on; nothing before an event.

        Silences before the second time of ``moved`` are concluded first: they enter the windows at their own times,
        while no wait that they may end is over, and what they make unseen is known when it is. So is what incidents
        make doubtful by then.
        """
        now, limit = moved
        if now is None or limit is None:
            # A collector may be down before the first event.
            self._tell()
            return self._commit(batches, taken, found)
        found = [*found, self._detector.detect(self._reception.conclude(limit, taken))]
        incidents = self._join(found)
        self._tell()
        return self._commit(batches, taken, [*found, self._detector.advance(now)], incidents, len(found))

    def _tell(self) -> None:
        """Tell the windows when what could not have been reported, and when whose word counts for nothing."""
        trust = self._joins.trust
        changed, trust.changed = trust.changed, set()
        for device in sorted(changed):
            self._monitor.contest(device, trust.since(device))
        self._detector.blind(self._monitor.blindness())
        self._detector.doubt(self._monitor.doubts())

    def _join(self, findings: Sequence[Findings]) -> list[Incident]:
        alerts = {id: alert for found in findings for id, alert in found.alerts.items()}
        late = any(found.late for found in findings)
        return self._joins.apply(alerts.values(), "late event" if late else "new evidence")

    def _carried_out(self, control: Control, after: Incident, changed: Sequence[Incident]) -> tuple[Incident, Commit]:
        """What a command made of its incident, and the commit of all that it changed; empty if it was done before."""
        if not changed:
            return after, Commit()
        return after, Commit(incidents=_newest(changed), controls=(control,), state=tuple(self._joins.changes()))

    def _commit(
        self,
        batches: Sequence[Batch],
        taken: Taken,
        findings: Sequence[Findings],
        incidents: Sequence[Incident] = (),
        joined: int = 0,
    ) -> Commit:
        """The commit of all that was found; the first ``joined`` of it has been joined to ``incidents`` already."""
        alerts = {id: alert for found in findings for id, alert in found.alerts.items()}
        incidents = [*incidents, *self._join(findings[joined:])]
        if self.clock.now is not None:
            self._joins.expire(self.clock.now)
        self._notices.take(self._detector, self._monitor, taken, self._joins.trust)
        return Commit(
            lines=tuple(enriched.arrival.line for enriched in taken.events),
            additions=tuple(taken.additions),
            heads=tuple(taken.heads),
            revisions=tuple(one.revision(self._setup.city) for one in taken.renewed),
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
        yield from self._monitor.changes()
        yield from self._notices.changes()
        for key, value in self.clock.dump():
            if self._clock_state.get(key) != value:
                self._clock_state[key] = value
                yield Key("clock", key), value

    def _restore(self, recent: Recent | None) -> None:
        store = self._store
        self.clock.load(store.state("clock"))
        self._clock_state = dict(self.clock.dump())
        self._reception.restore(store, recent)
        self._monitor.restore(store)
        self._notices.restore(store)
        self._detector.restore(store, self.clock.now)
        self._joins.restore(store, self.clock.now)
        self._tell()
        if self.clock.now is not None:
            self._joins.expire(self.clock.now)
        self._read_ahead()


def _newest(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Each incident once, in its newest revision."""
    return tuple({incident.id: incident for incident in incidents}.values())


def controls_of(setup: Setup, known: Iterable[Control]) -> tuple[Control, ...]:
    """The control records that are not in force yet: what changed since the log was last written.

    A model or plan that was in force and is no more is one without version and body.
    """
    newest = {control.kind: control for control in known}
    given = {control.kind for control in setup.controls}
    ended = (kind for kind in ENDING if kind in newest and newest[kind].version and kind not in given)
    changed = (control for control in setup.controls if newest.get(control.kind) != control)
    return (*changed, *(Control(kind, "", b"") for kind in ended))
