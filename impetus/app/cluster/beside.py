"""The events that lie beside the lane, fetched from their topic."""

from collections.abc import Sequence

from correlator.cluster.rounds import Codec, EnrichedRound
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.run import Written
from integrations.kafka.access import Access
from integrations.kafka.reading import Lookup

PATIENCE = 5.0
"""Seconds that the brokers get to give a record."""


class Beside:
    """Fetches the events of a round by the place of their record. Of one thread."""

    def __init__(self, access: Access) -> None:
        self._topic, self._codec = access.enriched, Codec()
        self._lookup = Lookup(access, access.enriched)
        self._last: dict[int, tuple[int, Sequence[Written]]] = {}
        """Partition → the record that was asked for last: the batches of a round are asked for one after the other."""

    def fetch(self, partition: int, offset: int) -> Sequence[Written]:
        """The batches of a record; see ``run.Fetch``."""
        last = self._last.get(partition)
        if last is not None and last[0] == offset:
            return last[1]
        value = self._lookup.read(partition, offset, PATIENCE)
        if value is None:
            what = f"the events at offset {offset} of partition {partition} are not there any more"
            hint = "The topic keeps events for the days of the settings; who follows later lacks them"
            raise ImpetusError("cluster.record", what, Where(key=self._topic), hint)
        batches = self._codec.decode(value, EnrichedRound).batches
        self._last[partition] = offset, batches
        return batches

    def close(self) -> None:
        """Fetch no more."""
        self._lookup.close()
