"""From batches to rounds: what waits of all sources, as one record for each partition of the log."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from zlib import crc32

import msgspec

from correlator.cluster.rounds import Codec, Report, Round, Telling
from impetus.domain.batch import Batch, Control
from integrations.kafka.sending import Sending

ROUND_BYTES = 4 << 20
"""About so many bytes of events go into one round; what is more goes into the next ones."""


class Extra(msgspec.Struct):
    """What goes along with the batches, once."""

    reports: list[Report] = []
    tellings: list[Telling] = []
    commands: list[Control] = []


class RoundMaker:
    """Makes the rounds of one sender: each at a clock (µs) of its own, with a record for every partition."""

    def __init__(self, partitions: int) -> None:
        self._partitions, self._codec = partitions, Codec()
        self._last = 0

    def make(self, batches: Iterable[Batch], extra: Extra, heard: int, setup: int) -> Iterator[Sending]:
        """The rounds of batches, at least one; ``extra`` goes with the first."""
        for portion in _portions(batches):
            self._last = max(heard, self._last + 1)
            positions = [(batch.source, batch.position) for batch in portion if batch.position is not None]
            yield Sending(self._records(portion, extra, setup), positions)
            extra = Extra()

    def _records(self, batches: Sequence[Batch], extra: Extra, setup: int) -> list[bytes]:
        mine: list[list[Batch]] = [[] for _ in range(self._partitions)]
        for batch in batches:
            mine[self.partition_of(batch.source)].append(batch)
        rounds = [Round(self._last, setup, tuple(these)) for these in mine]
        rounds[0] = msgspec.structs.replace(
            rounds[0],
            reports=tuple(extra.reports),
            tellings=tuple(extra.tellings),
            commands=tuple(extra.commands),
        )
        return [self._codec.encode(one) for one in rounds]

    def partition_of(self, source: str) -> int:
        """The partition in which all that a source brings stays in order."""
        return crc32(source.encode()) % self._partitions


def _portions(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Batches in order, cut where they are too large for one round; at least one portion, if an empty one."""
    portion: list[Batch] = []
    size, given = 0, False
    for part in chain.from_iterable(map(_parts, batches)):
        weight = sum(map(len, part.lines))
        if portion and size + weight > ROUND_BYTES:
            yield portion
            portion, size, given = [], 0, True
        portion.append(part)
        size += weight
    if portion or not given:
        yield portion


def _parts(batch: Batch) -> Iterator[Batch]:
    """A batch in parts of bounded size; position, rejects and what was shed come with the last."""
    lines: list[bytes] = []
    size = 0
    for line in batch.lines:
        if lines and size + len(line) > ROUND_BYTES:
            yield Batch(batch.source, tuple(lines), fleeting=batch.fleeting)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    yield msgspec.structs.replace(batch, lines=tuple(lines))
