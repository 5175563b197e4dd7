"""The lane: the one place where matched rounds become windows, alerts and incidents, in the order of arrival.

It runs the same ``Correlator`` as one box, and a step of it is the step of one box that was brought the same batches at
the same wall clock. What it keeps of its own (how far each partition is, and what waits for the others) lies in the
store beside the state of the correlator, so whoever takes the lane over goes on at the same place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec
import structlog

from correlator.arrival import MAX_RECORD
from correlator.cluster.answering import carry_out
from correlator.cluster.matching import FindSetup, raise_unavailable
from correlator.cluster.merging import Merge, Standing
from correlator.cluster.rounds import Answer, Codec, MatchedRound, Outcome, PackedBatch
from correlator.cluster.rounds import Standing as LaneStanding
from correlator.control import setup_of
from correlator.matched import MatchedBatch
from correlator.worker import QUIET, Correlator
from impetus.domain.batch import Batch, Commit, Control, Key, Reject, Traits
from impetus.domain.errors import ImpetusError
from impetus.domain.instant import SECOND
from impetus.domain.ports import Store
from impetus.domain.run import Fetch

SPACE = "lane"
"""The space of state in which the lane keeps what is its own."""
TOLD = SECOND
"""How often followers are told how the lane is (µs of the merged clock)."""

NO_TRAITS = Traits()

_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.decode


class _Place(msgspec.Struct, array_like=True):
    """Where the lane is: the clock of its last step, the set-up in force, and each partition."""

    partitions: tuple[Standing, ...]
    stepped: int = 0
    setup: int = 0


class Lane:
    """One correlator behind a merge of partitions. A defect met by an event rejects that event and stops nothing."""

    def __init__(self, store: Store, find: FindSetup, partitions: int, fetch: Fetch) -> None:
        """``fetch`` gives the events that lie beside the lane, when somebody has to look at their lines."""
        self._store, self._find, self._fetch = store, find, fetch
        self._codec, self._merge = Codec(), Merge[MatchedRound](partitions)
        self._place = _Place(())
        self._told = 0
        self._correlator: Correlator | None = None
        self._log = structlog.get_logger("lane")
        self._restore(partitions)

    def take(self, raw: bytes) -> Iterator[Outcome]:
        """Take the next record of a match worker in; what each step that has become possible changed."""
        try:
            one = self._codec.decode(raw, MatchedRound)
        except ImpetusError as error:
            self._log.error(error.code, what=error.what)
            return
        if one.inherited is not None:
            self._store.commit(one.inherited)
            return
        clock = self._merge.put(one.partition, one.offset, one.heard, one)
        if clock is None:
            return
        row = _row(one.partition, clock)
        changed: dict[bytes, bytes | None] = {row: raw}
        for at, rounds in self._merge.ready():
            changed |= {_row(each.partition, at): None for each in rounds}
            yield from self._step(at, rounds)
        self._save(changed, row)

    @property
    def waiting(self) -> tuple[int, int]:
        """How many rounds wait for other partitions, and for which."""
        return self._merge.waiting, self._merge.holder()

    # --- steps

    def _step(self, clock: int, rounds: Sequence[MatchedRound]) -> Iterator[Outcome]:
        newest = max(one.setup for one in rounds)
        if newest > self._place.setup:
            yield from self._exchange(clock, newest)
        if self._correlator is None:
            return
        for control in (control for one in rounds for control in one.commands):
            commit, answer = carry_out(self._correlator, control)
            self._keep(commit)
            yield _outcome(clock, commit, answers=(answer,))
        batches = [*self._own(rounds, clock), *(batch for one in rounds for batch in self._batches(one))]
        if batches or clock - self._place.stepped >= QUIET:
            self._place.stepped = clock
            yield from self._advance(batches, clock)

    def _advance(self, batches: list[Batch], clock: int) -> Iterator[Outcome]:
        try:
            commit = self._running.step(batches, clock)
            self._keep(commit)
        except Exception as error:
            raise_unavailable(error)
            self._log.exception("step.failed", batches=len(batches))
            self._begin_anew()
            for commit in self._isolate(batches, clock):
                yield _outcome(clock, commit, standing=self._standing(clock))
        else:
            yield _outcome(clock, commit, _counts(batches), standing=self._standing(clock))

    def _exchange(self, clock: int, number: int) -> Iterator[Outcome]:
        """Another set-up comes into force. One that cannot be used leaves in force what was."""
        self._place.setup = number
        try:
            setup = setup_of(self._find(number))
            before = self._correlator
            self._correlator = Correlator(setup, self._store) if before is None else before.succeed(setup)
        except ImpetusError as error:
            raise_unavailable(error)
            self._log.exception("setup.unusable", setup=number)
            return
        commit = self._correlator.begin()
        self._keep(commit)
        self._told = 0
        yield _outcome(clock, commit, standing=self._standing(clock))

    def _own(self, rounds: Iterable[MatchedRound], clock: int) -> Iterator[Batch]:
        """What Impetus tells of itself, as far as it is news."""
        for one in rounds:
            for report in one.reports:
                batch = self._running.report(report.source, report.down, report.reason, clock)
                yield from () if batch is None else (batch,)
            for telling in one.tellings:
                batch = self._running.tell(telling.condition, telling.holds, clock)
                yield from () if batch is None else (batch,)

    def _batches(self, one: MatchedRound) -> Iterator[Batch]:
        yield from one.raw
        for place, batch in enumerate(one.batches):
            matched = self._matched(one, place, batch)
            # Matched with a set-up that is no more in force: what it says may be another now.
            yield matched if one.setup == self._place.setup else self._unread(matched)

    def _matched(self, one: MatchedRound, place: int, batch: PackedBatch) -> MatchedBatch:
        record = (one.partition, one.beside, place)
        return MatchedBatch(
            batch.source, (), batch.position, batch.rejects, batch.shed,
            packed=batch.packed,
            matched=tuple(each.matched() for each in batch.looked_at),
            record=record,
            recall=partial(self._recall, *record),
        )  # fmt: skip

    def _recall(self, partition: int, offset: int, place: int) -> Sequence[bytes]:
        return self._fetch(partition, offset)[place].lines

    def _unread(self, batch: Batch) -> Batch:
        """A batch with its lines, as it came. Events that are gone from beside the lane are on record as refused."""
        lines, rejects = batch.lines, batch.rejects
        if isinstance(batch, MatchedBatch) and len(batch.packed):
            try:
                lines = tuple(batch.recall())
            except ImpetusError as error:
                raise_unavailable(error)
                self._log.error(error.code, what=error.what, events=len(batch.packed))
                rejects = (*rejects, Reject(batch.source, error.code, error.what, str(error.where), b""))
        return Batch(batch.source, lines, batch.position, rejects, batch.shed)

    # --- a step that failed

    def _isolate(self, batches: Iterable[Batch], clock: int) -> Iterator[Commit]:
        """Take the events of a step one by one, and reject what fails."""
        for batch in map(self._unread, batches):
            for line in batch.lines:
                yield self._attempt(Batch(batch.source, (line,)), clock)
            yield self._attempt(Batch(batch.source, (), batch.position, batch.rejects, batch.shed), clock)

    def _attempt(self, batch: Batch, clock: int) -> Commit:
        try:
            commit = self._running.step([batch], clock)
        except Exception as error:
            raise_unavailable(error)
            self._log.exception("event.rejected", source=batch.source)
            self._begin_anew()
            lines = batch.lines or (b"",)
            reject = Reject(batch.source, "event.malformed", repr(error)[:500], "", lines[0][:MAX_RECORD])
            positions = ((batch.source, batch.position),) if batch.position is not None else ()
            commit = Commit(rejects=(*batch.rejects, reject), positions=positions)
        self._keep(commit)
        return commit

    def _begin_anew(self) -> None:
        self._correlator = self._make()

    # --- state

    @property
    def _running(self) -> Correlator:
        assert self._correlator is not None  # noqa: S101 - a step comes behind the first set-up
        return self._correlator

    def _keep(self, commit: Commit) -> None:
        self._store.commit(commit)
        self._running.committed()

    def _standing(self, clock: int) -> LaneStanding | None:
        """How the lane is, when it is time to say so."""
        if clock - self._told < TOLD:
            return None
        self._told, running = clock, self._running
        conditions = tuple((*key, since) for key, since in running.conditions().items())
        return LaneStanding(
            running.clock.now, running.settled, running.notices(), running.vitals(clock), conditions,
            self._place.setup, running.restarted, running.gone,
        )  # fmt: skip

    def _save(self, changed: Mapping[bytes, bytes | None], fresh: bytes) -> None:
        """Keep what is the lane's own; a round that never waited is not written."""
        self._place.partitions = tuple(self._merge.standings)
        rows = {row: value for row, value in changed.items() if value is not None or row != fresh}
        state = [(Key(SPACE, row), value) for row, value in rows.items()]
        self._store.commit(Commit(state=(*state, (Key(SPACE, b""), _encode(self._place)))))

    def _restore(self, partitions: int) -> None:
        rows = dict(self._store.state(SPACE))
        if b"" not in rows:
            return
        self._place = _decode(rows.pop(b""), type=_Place)
        self._merge.standings[: len(self._place.partitions)] = self._place.partitions
        for row in sorted(rows):
            one = self._codec.decode(rows[row], MatchedRound)
            self._merge.restore(one.partition, int.from_bytes(row[2:]), one)
        if self._place.setup:
            self._correlator = self._make()

    def _make(self) -> Correlator:
        """The correlator that the store holds the state of, with the set-up in force."""
        force: dict[str, Control] = {control.kind: control for _, control in self._store.controls()}
        return Correlator(setup_of(force), self._store)


def _row(partition: int, clock: int) -> bytes:
    return partition.to_bytes(2) + clock.to_bytes(8)


def _outcome(
    clock: int,
    commit: Commit,
    counts: tuple[tuple[str, int], ...] = (),
    answers: tuple[Answer, ...] = (),
    standing: LaneStanding | None = None,
) -> Outcome:
    """The outcome of a step. Who follows has the events that lie beside, and needs not be told of them."""
    runs = tuple(msgspec.structs.replace(run, traits=NO_TRAITS) for run in commit.runs)
    return Outcome(clock, msgspec.structs.replace(commit, runs=runs), counts, answers, standing)


def _counts(batches: Iterable[Batch]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = {}
    for batch in batches:
        size = len(batch.packed) if isinstance(batch, MatchedBatch) else len(batch.lines)
        counts[batch.source] = counts.get(batch.source, 0) + size
    return tuple(counts.items())
