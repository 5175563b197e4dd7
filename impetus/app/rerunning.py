"""A rerun: the log of a store as steps, each taken again with what was in force then, as the running service did."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from correlator.arrival import read_arrival
from correlator.control import SETUP, Clock, Command, read_control, setup_of
from correlator.health.record import HEARTBEAT, is_own
from correlator.worker import Correlator
from impetus.domain.batch import Batch, Commit, Control
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.ports import Store
from impetus.domain.retention import RECORD
from impetus.domain.status import Notice

SOURCE = "log"
"""Names the source of events that name none."""
Numbered = tuple[int, Control]


class Exchange(msgspec.Struct, frozen=True):
    """Another set-up comes into force: the records that changed together."""

    controls: tuple[Control, ...]


class Feed(msgspec.Struct, frozen=True):
    """The events of one step, and the event time (µs) to which the wall clock moved on with it, if it did."""

    lines: tuple[bytes, ...]
    to: int | None = None


Step = Exchange | Feed | Control
"""A control by itself is a command of a person, or of a kind that is not known."""


def steps_of(controls: Iterable[Numbered], blocks: Iterable[tuple[int, tuple[bytes, ...]]], end: int) -> Iterator[Step]:
    """The steps of blocks with their numbers, in order, and what came before block ``end``, which is no more taken.

    What was in force before the first block comes first; commands from before it are left out.
    """
    waiting, begun = deque(controls), False
    for number, lines in blocks:
        if not begun:
            yield from _in_force(waiting, number)
            begun = True
        to = None
        for step in _due(waiting, number):
            if isinstance(step, Clock):
                to = step.to
            else:
                yield step
        yield Feed(tuple(line for line in lines if not is_concluded(line)), to)
    yield from (step for step in _due(waiting, end) if not isinstance(step, Clock))


def is_concluded(line: bytes) -> bool:
    """Whether a line of the log follows from the others, so that a rerun finds it again: a silence, or its end."""
    return (
        f'"{HEARTBEAT}"'.encode() in line
        and (arrival := read_arrival(line, "")).source == HEARTBEAT
        and is_own(arrival)
    )


def _in_force(waiting: deque[Numbered], first: int) -> Iterator[Step]:
    newest: dict[str, Control] = {}
    while waiting and waiting[0][0] < first:
        _, control = waiting.popleft()
        if control.kind in SETUP:
            newest[control.kind] = control
    if newest:
        yield Exchange(tuple(newest.values()))


def _due(waiting: deque[Numbered], number: int) -> Iterator[Step | Clock]:
    """What takes effect before a block. Records of a set-up in a row are one exchange, while each kind comes once."""
    while waiting and waiting[0][0] <= number:
        _, control = waiting.popleft()
        if control.kind == "clock":
            clock = read_control(control, Clock)
            yield Feed((), clock.to) if clock.quiet else clock
        elif control.kind in SETUP:
            changed = {control.kind: control}
            while waiting and waiting[0][0] <= number and waiting[0][1].kind in set(SETUP) - changed.keys():
                _, control = waiting.popleft()
                changed[control.kind] = control
            yield Exchange(tuple(changed.values()))
        elif control.kind != RECORD:
            yield control


class Rerun:
    """Takes steps again over a store of its own. ``given`` are records that hold in place of those of the log."""

    def __init__(self, given: Mapping[str, Control], store: Store) -> None:
        self._given, self._store = given, store
        self._force = dict(given)
        self._correlator: Correlator | None = None
        self.blocks = 0
        """Steps that were taken again."""
        self.commands: set[str] = set()
        """The ids of the commands of people that the log holds."""
        self.problems: list[ImpetusError] = []
        """What could not be taken again: events that are none any more, commands that do not apply."""

    def run(self, steps: Iterable[Step]) -> None:
        """Take steps; the end of the log is no end of event time. Raises ``ImpetusError`` ``log.control``."""
        for step in steps:
            if isinstance(step, Exchange):
                self._exchange(step.controls)
            elif isinstance(step, Feed):
                self._feed(step)
            else:
                self._obey(step)

    def notices(self) -> tuple[Notice, ...]:
        """Where the picture is not whole."""
        return self._correlator.notices() if self._correlator is not None else ()

    @property
    def correlator(self) -> Correlator:
        """The one in force; the first one is made when it is needed."""
        if self._correlator is None:
            self._correlator = Correlator(setup_of(self._force), self._store)
            self._keep(self._correlator.begin())
        return self._correlator

    def _exchange(self, controls: Iterable[Control]) -> None:
        changed = {control.kind: control for control in controls if control.kind not in self._given}
        self._force |= changed
        if changed and self._correlator is not None:
            self._correlator = self._correlator.succeed(setup_of(self._force))
            self._keep(self._correlator.begin())

    def _feed(self, step: Feed) -> None:
        commit = self.correlator.rerun_step([Batch(SOURCE, step.lines)], step.to)
        for reject in commit.rejects:
            self.problems.append(ImpetusError(reject.code, reject.what, Where("the log")))
        self._keep(commit)
        self.blocks += bool(step.lines)

    def _obey(self, control: Control) -> None:
        self.commands.add(control.version)
        try:
            self._keep(self._carried_out(read_control(control, Command)))
        except ImpetusError as error:
            self.problems.append(error)

    def _carried_out(self, command: Command) -> Commit:
        if command.action is not None:
            return self.correlator.act(command.action, command.at)[1]
        if command.undo is not None:
            return self.correlator.undo(command.undo, command.at)[1]
        if command.promotion is not None:
            return self.correlator.promote(command.promotion, command.at)[1]
        raise ImpetusError("log.control", "a record of a kind that is not known", Where("the log"))

    def _keep(self, commit: Commit) -> None:
        self._store.commit(commit)
        self.correlator.committed()
