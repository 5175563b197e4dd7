"""What a match worker does: rounds read, enriched by city model and plan, and matched, whatever came before them."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from correlator._engine import Matcher
from correlator.arrival import Arrival, ArrivalReader, rejected
from correlator.cluster.packing import Packer, is_looked_at, looked_at
from correlator.cluster.rounds import EnrichedRound, MatchedRound, PackedBatch, Round
from correlator.control import setup_of
from correlator.enrich import Enricher, join
from correlator.heads import HeadMaker
from correlator.health.monitor import Monitor
from correlator.intelligence import Intelligence
from correlator.setup import Setup
from impetus.domain.batch import Batch, Control, Head
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.run import Written

KEPT = 2
"""So many set-ups are kept ready: around a reload, rounds of both are read."""

FindSetup = Callable[[int], Mapping[str, Control]]
"""The control records of a set-up by its number, by kind. Raises ``ImpetusError``."""

_encode = msgspec.json.Encoder().encode


def raise_unavailable(error: Exception) -> None:
    """Raise an error again that says that the brokers do not answer: then nothing is wrong with what was read."""
    if isinstance(error, ImpetusError) and error.code == "cluster.unavailable":
        raise error


class BlockMatcher:
    """The half of the correlator that keeps nothing, with one set-up."""

    def __init__(self, setup: Setup) -> None:
        limits = [limit.field for limit in (setup.plan.plan.limits if setup.plan else ())]
        monitor = Monitor(setup.city, setup.rules.form, setup.horizon)
        self._heads = HeadMaker(setup.city)
        self._reader = ArrivalReader([*limits, *monitor.fields], [*limits, *monitor.signs], self._heads.find)
        self._enricher = Enricher(setup.city, setup.plan, Intelligence())
        self._matcher = Matcher(setup.rules.form)
        self._packer = Packer(monitor)

    def match(self, batch: Batch) -> tuple[PackedBatch, Written]:
        """Read, enrich and match a batch: what the lane has to know of it, and its events as they are to be stored."""
        arrivals, rejects = [], list(batch.rejects)
        for line, found in zip(batch.lines, self._reader.read(batch.lines, batch.source), strict=True):
            if isinstance(found, ImpetusError):
                rejects.append(rejected(line, batch.source, found))
            else:
                arrivals.append(found)
        added = [self._additions(arrival) for arrival in arrivals]
        written = [_encode(one) if one else b"" for one in added]
        rules: dict[int, list[int]] = {place: [] for place, one in enumerate(arrivals) if is_looked_at(one)}
        for place, rule in self._matcher.match(
            [join(one.line, more) for one, more in zip(arrivals, written, strict=True)]
        ):
            rules.setdefault(place, []).append(rule)
        seen = [looked_at(place, arrivals[place], written[place], met) for place, met in sorted(rules.items())]
        heads = [self._heads.head(arrival, more) for arrival, more in zip(arrivals, added, strict=True)]
        packed = self._packer.pack(arrivals, heads)
        return (
            PackedBatch(batch.source, packed, tuple(seen), tuple(rejects), batch.shed, batch.position),
            _written(arrivals, written, heads),
        )

    def _additions(self, arrival: Arrival) -> dict[str, Json]:
        if arrival.brief is not None:
            return self._enricher.common(arrival.time)
        return self._enricher.additions(arrival.event, arrival.time)


class RoundMatcher:
    """Matches rounds, each with its set-up. What cannot be matched is handed on as it came: the lane looks into it."""

    def __init__(self, find: FindSetup) -> None:
        self._find = find
        self._matchers: dict[int, BlockMatcher] = {}
        self._log = structlog.get_logger("match")

    def match(self, partition: int, offset: int, one: Round) -> tuple[MatchedRound, EnrichedRound | None]:
        """The round of a place in the log, matched, and its events, if it has some: they go beside it."""
        batches, beside, raw = self._match(one)
        has_events = any(written.lines for written in beside)
        return MatchedRound(
            partition, offset, one.heard, one.setup, batches, raw, one.reports, one.tellings, one.commands
        ), EnrichedRound(beside) if has_events else None

    def _match(self, one: Round) -> tuple[tuple[PackedBatch, ...], tuple[Written, ...], tuple[Batch, ...]]:
        if not one.batches:
            return (), (), ()
        try:
            matcher = self._matcher(one.setup)
            found = [matcher.match(batch) for batch in one.batches]
        except Exception as error:
            raise_unavailable(error)
            self._log.exception("round.unmatched", batches=len(one.batches))
            return (), (), one.batches
        return tuple(packed for packed, _ in found), tuple(written for _, written in found), ()

    def _matcher(self, setup: int) -> BlockMatcher:
        found = self._matchers.get(setup)
        if found is None:
            found = self._matchers[setup] = BlockMatcher(setup_of(self._find(setup)))
            while len(self._matchers) > KEPT:
                del self._matchers[min(self._matchers)]
        return found


def _written(arrivals: Sequence[Arrival], additions: Sequence[bytes], heads: Sequence[Head]) -> Written:
    return Written(
        tuple(one.line for one in arrivals),
        tuple(additions),
        tuple(head.id for head in heads),
        tuple(head.time for head in heads),
        tuple(head.keys for head in heads),
    )
