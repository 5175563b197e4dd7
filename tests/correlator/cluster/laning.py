"""Match workers, a lane and who follows it in one process, and one box beside them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from types import MappingProxyType

from msgspec.structs import replace

from correlator.cluster.lane import Lane
from correlator.cluster.matching import RoundMatcher
from correlator.cluster.rounds import Codec, EnrichedRound, Outcome, Round
from correlator.control import document_control, limits_control, rules_control
from correlator.setup import Setup
from correlator.worker import Correlator
from impetus.domain.batch import Batch, Commit, Control
from impetus.domain.errors import ImpetusError
from impetus.domain.run import Written, whole
from integrations.embedded.store import EmbeddedStore
from integrations.kafka.rows import MemoryRows
from integrations.kafka.store import LaneStore

PARTITIONS = 3
CODEC = Codec()
Rounds = Sequence[tuple[int, list[Batch]]]
"""What a sender brings: at each clock (µs) batches."""
Setups = Callable[[int], Mapping[str, Control]]


class Topic:
    """The topic beside the lane."""

    def __init__(self) -> None:
        self.records: dict[tuple[int, int], bytes] = {}
        self.fetched = 0

    def put(self, partition: int, record: bytes) -> int:
        """The offset of a record; others are in between, as those that mark transactions are."""
        offset = 2 * len(self.records)
        self.records[partition, offset] = record
        return offset

    def fetch(self, partition: int, offset: int) -> Sequence[Written]:
        """See ``run.Fetch``."""
        self.fetched += 1
        record = self.records.get((partition, offset))
        if record is None:
            raise ImpetusError("cluster.record", "gone")
        return CODEC.decode(record, EnrichedRound).batches


def travelling(setup: Setup, plan: bytes | None = None) -> Setup:
    """A set-up with its control records."""
    controls = [rules_control(setup.rules), document_control("city", setup.city.document)]
    if plan is not None:
        controls.append(document_control("plan", plan))
    return replace(setup, controls=(*controls, limits_control(setup)))


def by_kind(setup: Setup) -> dict[str, Control]:
    return {control.kind: control for control in setup.controls}


def partition_of(source: str) -> int:
    return sum(source.encode()) % PARTITIONS


def logs_of(rounds: Rounds, setup: int = 1) -> list[list[Round]]:
    """The partitions as their sender wrote them."""
    logs: list[list[Round]] = [[] for _ in range(PARTITIONS)]
    for clock, batches in rounds:
        for partition, log in enumerate(logs):
            mine = tuple(batch for batch in batches if partition_of(batch.source) == partition)
            log.append(Round(clock, setup, mine))
    return logs


def match_logs(logs: list[list[Round]], find: Setups, beside: Topic) -> list[list[bytes]]:
    """What match workers make of the partitions for the lane."""
    matcher = RoundMatcher(find)
    return [[match(matcher, partition, *one, beside) for one in enumerate(log)] for partition, log in enumerate(logs)]


def match(matcher: RoundMatcher, partition: int, offset: int, one: Round, beside: Topic) -> bytes:
    matched, events = matcher.match(partition, offset, one)
    place = beside.put(partition, CODEC.encode(events)) if events is not None else -1
    return CODEC.encode(replace(matched, beside=place))


def lane_of(rows: MemoryRows, find: Setups, beside: Topic) -> Lane:
    return Lane(LaneStore(rows, beside.fetch), find, PARTITIONS, beside.fetch)


def followed(outcome: Outcome, beside: Topic) -> Commit:
    """What who follows commits for an outcome that came over the wire."""
    return whole(CODEC.decode(CODEC.encode(outcome), Outcome).commit, beside.fetch)


def in_order(commit: Commit) -> Commit:
    """A commit with its state and its incidents in order: theirs means nothing."""
    return replace(
        commit,
        state=tuple(sorted(commit.state, key=lambda pair: pair[0])),
        incidents=tuple(sorted(commit.incidents, key=lambda one: one.id)),
    )


def one_box(
    setup: Setup,
    rounds: Rounds,
    reloads: Mapping[int, Setup] = MappingProxyType({}),
    restarts: Collection[int] = (),
    store: EmbeddedStore | None = None,
) -> Iterator[Commit]:
    """The same rounds on one box, which may start anew before some; of a round, the batches as the partitions are."""
    with nullcontext(store) if store is not None else closing(EmbeddedStore.in_memory()) as store:
        correlator = Correlator(setup, store)
        yield _kept(store, correlator.begin())
        for number, (clock, batches) in enumerate(rounds):
            if number in restarts:
                correlator = Correlator(setup, store)
            if number in reloads:
                setup = reloads[number]
                correlator = correlator.succeed(setup)
                yield _kept(store, correlator.begin())
            ordered = sorted(batches, key=lambda batch: partition_of(batch.source))
            yield _kept(store, correlator.step(ordered, clock))
            correlator.committed()


def _kept(store: EmbeddedStore, commit: Commit) -> Commit:
    store.commit(commit)
    return in_order(commit)
