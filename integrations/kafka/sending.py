"""Sending rounds: all that one sender brings at an instant in one transaction, with the positions of its sources."""

from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import KafkaException, Producer

from integrations.kafka.access import Access
from integrations.kafka.reading import read_all
from integrations.kafka.topics import PATIENCE, unavailable


class Sending(NamedTuple):
    """One transaction: a record for each partition of the events, and positions by source."""

    rounds: Sequence[bytes]
    positions: Sequence[tuple[str, bytes]]


class Sender:
    """A producer of transactions, made anew after one that failed. Of one thread."""

    def __init__(self, access: Access, name: str) -> None:
        self._access, self._name = access, name
        self._producer: Producer | None = None

    def positions(self) -> dict[str, bytes]:
        """The position of every source that was last committed; none that another sender commits later is missed,
        as far as it has this name. Raises ``ImpetusError``."""
        self._running()
        found: dict[str, bytes] = {}
        for message in read_all(self._access, self._access.positions):
            found[message.key().decode()] = message.value()
        return found

    def send(self, sending: Sending) -> None:
        """Send, and wait until it is committed. Raises ``ImpetusError``; it may have been committed even so, and can
        be sent again: events that come twice are known by their ids."""
        try:
            self._send(self._running(), sending)
        except KafkaException as error:
            self._producer = None
            raise unavailable(error) from None

    def append_setup(self, value: bytes) -> int:
        """Put a set-up into its topic; gives its number. Raises ``ImpetusError``."""
        offsets: list[int] = []
        producer = self._running()
        try:
            producer.begin_transaction()
            producer.produce(
                self._access.setups, value, partition=0, on_delivery=lambda _, message: offsets.append(message.offset())
            )
            producer.commit_transaction(PATIENCE)
        except KafkaException as error:
            self._producer = None
            raise unavailable(error) from None
        return offsets[-1] + 1

    def _send(self, producer: Producer, sending: Sending) -> None:
        producer.begin_transaction()
        for partition, record in enumerate(sending.rounds):
            producer.produce(self._access.events, record, partition=partition)
        for source, position in sending.positions:
            producer.produce(self._access.positions, position, key=source.encode(), partition=0)
        producer.commit_transaction(PATIENCE)

    def _running(self) -> Producer:
        if self._producer is None:
            producer = Producer(self._access.producer(f"sender-{self._name}"))
            try:
                producer.init_transactions(PATIENCE)
            except KafkaException as error:
                raise unavailable(error) from None
            self._producer = producer
        return self._producer
