"""What a match worker does: rounds read, enriched by city model and plan, and matched, whatever came before them."""

from collections.abc import Callable, Mapping

import msgspec
import structlog

from correlator._engine import Matcher
from correlator.arrival import Arrival, ArrivalReader, rejected
from correlator.cluster.rounds import MatchedRound, Read, ReadBatch, Round
from correlator.control import setup_of
from correlator.enrich import Enricher, join
from correlator.heads import HeadMaker
from correlator.health.monitor import Monitor
from correlator.intelligence import Intelligence
from correlator.setup import Setup
from impetus.domain.batch import Batch, Control
from impetus.domain.errors import ImpetusError

KEPT = 2
"""So many set-ups are kept ready: around a reload, rounds of both are read."""

FindSetup = Callable[[int], Mapping[str, Control]]
"""The control records of a set-up by its number, by kind. Raises ``ImpetusError``."""

_encode = msgspec.json.Encoder().encode


class BlockMatcher:
    """The half of the correlator that keeps nothing, with one set-up."""

    def __init__(self, setup: Setup) -> None:
        limits = [limit.field for limit in (setup.plan.plan.limits if setup.plan else ())]
        asked = Monitor(setup.city, setup.rules.form, setup.horizon).fields
        self._reader = ArrivalReader([*limits, *asked])
        self._enricher = Enricher(setup.city, setup.plan, Intelligence())
        self._heads = HeadMaker(setup.city)
        self._matcher = Matcher(setup.rules.form)

    def match(self, batch: Batch) -> ReadBatch:
        """Read, enrich and match a batch."""
        arrivals, rejects = [], list(batch.rejects)
        for line, found in zip(batch.lines, self._reader.read(batch.lines, batch.source), strict=True):
            if isinstance(found, ImpetusError):
                rejects.append(rejected(line, batch.source, found))
            else:
                arrivals.append(found)
        read = [self._read(arrival) for arrival in arrivals]
        met: dict[int, list[int]] = {}
        for place, rule in self._matcher.match([join(one.line, one.addition) for one in read]):
            met.setdefault(place, []).append(rule)
        for place, rules in met.items():
            read[place].rules = tuple(rules)
        return ReadBatch(batch.source, tuple(read), tuple(rejects), batch.shed, batch.position)

    def _read(self, arrival: Arrival) -> Read:
        added = self._enricher.additions(arrival.event, arrival.time)
        keys = self._heads.head(arrival, added).keys
        addition = _encode(added) if added else b""
        return Read(
            arrival.line, arrival.event, arrival.id, arrival.source, arrival.time, arrival.created, addition, keys, ()
        )


class RoundMatcher:
    """Matches rounds, each with its set-up. What cannot be matched is handed on as it came: the lane looks into it."""

    def __init__(self, find: FindSetup) -> None:
        self._find = find
        self._matchers: dict[int, BlockMatcher] = {}
        self._log = structlog.get_logger("match")

    def match(self, partition: int, offset: int, one: Round) -> MatchedRound:
        """The round of a place in the log, matched."""
        read, raw = self._match(one)
        return MatchedRound(partition, offset, one.heard, one.setup, read, raw, one.reports, one.tellings, one.commands)

    def _match(self, one: Round) -> tuple[tuple[ReadBatch, ...], tuple[Batch, ...]]:
        if not one.batches:
            return (), ()
        try:
            matcher = self._matcher(one.setup)
            return tuple(matcher.match(batch) for batch in one.batches), ()
        except Exception as error:
            if isinstance(error, ImpetusError) and error.code == "cluster.unavailable":
                raise
            self._log.exception("round.unmatched", batches=len(one.batches))
            return (), one.batches

    def _matcher(self, setup: int) -> BlockMatcher:
        found = self._matchers.get(setup)
        if found is None:
            found = self._matchers[setup] = BlockMatcher(setup_of(self._find(setup)))
            while len(self._matchers) > KEPT:
                del self._matchers[min(self._matchers)]
        return found
