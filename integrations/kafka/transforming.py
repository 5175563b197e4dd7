"""The loop of a match worker: records in, records out, and how far it is, in one transaction each time.

After any error the consumer and the producer are made anew: the producer ends what the old one left open, and the
consumer goes on at what was committed. So each record is taken once, however often a worker or a broker is killed.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from integrations.kafka.access import LANE_KEY, Access
from integrations.kafka.topics import PATIENCE

MOST = 64
"""So many records at most to one transaction."""
WAIT = 0.2
"""Seconds that a transaction waits for a first record."""
PAUSE = 1.0
"""Seconds before another try."""


class Made(NamedTuple):
    """What becomes of a record: one that goes beside the lane, if any, and one for the lane, which says where that is.

    ``onward`` makes the latter, from the offset of the former (-1 if there is none).
    """

    beside: bytes | None
    onward: Callable[[int], bytes]


Transform = Callable[[int, int, bytes], Made | None]
"""Partition, offset and value of a record in; what becomes of it, None for nothing."""


class TransformLoop:
    """Takes records of the events, and hands on what becomes of them, each exactly once."""

    def __init__(self, access: Access, name: str, transform: Transform) -> None:
        self._access, self._name, self._transform = access, name, transform
        self._stopped = False
        """Set by a signal handler, which must not wait for a lock that the code it interrupts may hold."""
        self._log = structlog.get_logger("match").bind(worker=name)

    def stop(self) -> None:
        """End the loop after what is under way."""
        self._stopped = True

    def run(self) -> None:
        """Go on until it is stopped."""
        while not self._stopped:
            try:
                self._session()
            except KafkaException as error:
                self._log.warning("session.failed", what=str(error))
                time.sleep(PAUSE)

    def _session(self) -> None:
        producer = Producer(self._access.producer(f"match-{self._name}"))
        producer.init_transactions(PATIENCE)
        consumer = Consumer(self._access.member("match", f"match-{self._name}"))
        try:
            consumer.subscribe([self._access.events])
            self._log.info("session.started")
            while not self._stopped:
                messages = [_sound(message) for message in consumer.consume(MOST, WAIT)]
                if messages:
                    self._commit(consumer, producer, messages)
        finally:
            consumer.close()

    def _commit(self, consumer: Consumer, producer: Producer, messages: Sequence[Message]) -> None:
        found = [(one.partition(), self._transform(one.partition(), one.offset(), one.value())) for one in messages]
        made = [(partition, one) for partition, one in found if one is not None]
        producer.begin_transaction()
        for (_, one), place in zip(made, self._put_beside(producer, made), strict=True):
            producer.produce(self._access.matched, one.onward(place), key=LANE_KEY, partition=0)
        ends = {(message.topic(), message.partition()): message.offset() + 1 for message in messages}
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in ends.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), PATIENCE)
        producer.commit_transaction(PATIENCE)

    def _put_beside(self, producer: Producer, made: Sequence[tuple[int, Made]]) -> list[int]:
        """Put what goes beside the lane into its partitions; the offsets, known once the brokers have it."""
        places = [-1] * len(made)

        def note(at: int, error: KafkaError | None, message: Message) -> None:
            if error is None:
                places[at] = message.offset()

        for at, (partition, one) in enumerate(made):
            if one.beside is not None:
                producer.produce(self._access.enriched, one.beside, partition=partition, on_delivery=partial(note, at))
        producer.flush(PATIENCE)
        if any(one.beside is not None and place < 0 for (_, one), place in zip(made, places, strict=True)):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "what goes beside the lane was not taken"))
        return places


def _sound(message: Message) -> Message:
    if message.error():
        raise KafkaException(message.error())
    return message
