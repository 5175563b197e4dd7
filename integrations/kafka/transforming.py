"""The loop of a match worker: records in, records out, and how far it is, in one transaction each time.

After any error the consumer and the producer are made anew: the producer ends what the old one left open, and the
consumer goes on at what was committed. So each record is taken once, however often a worker or a broker is killed.
"""

import threading
from collections.abc import Callable, Sequence

import structlog
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

from integrations.kafka.access import LANE_KEY, Access
from integrations.kafka.topics import PATIENCE

MOST = 64
"""So many records at most to one transaction."""
WAIT = 0.2
"""Seconds that a transaction waits for a first record."""
PAUSE = 1.0
"""Seconds before another try."""

Transform = Callable[[int, int, bytes], bytes | None]
"""Partition, offset and value of a record in; the record out, None for none."""


class TransformLoop:
    """Takes records of the events, and hands on what becomes of them, each exactly once."""

    def __init__(self, access: Access, name: str, transform: Transform) -> None:
        self._access, self._name, self._transform = access, name, transform
        self._stop = threading.Event()
        self._log = structlog.get_logger("match").bind(worker=name)

    def stop(self) -> None:
        """End the loop after what is under way."""
        self._stop.set()

    def run(self) -> None:
        """Go on until it is stopped."""
        while not self._stop.is_set():
            try:
                self._session()
            except KafkaException as error:
                self._log.warning("session.failed", what=str(error))
                self._stop.wait(PAUSE)

    def _session(self) -> None:
        producer = Producer(self._access.producer(f"match-{self._name}"))
        producer.init_transactions(PATIENCE)
        consumer = Consumer(self._access.member("match", f"match-{self._name}"))
        try:
            consumer.subscribe([self._access.events])
            self._log.info("session.started")
            while not self._stop.is_set():
                messages = [_sound(message) for message in consumer.consume(MOST, WAIT)]
                if messages:
                    self._commit(consumer, producer, messages)
        finally:
            consumer.close()

    def _commit(self, consumer: Consumer, producer: Producer, messages: Sequence[Message]) -> None:
        producer.begin_transaction()
        for message in messages:
            made = self._transform(message.partition(), message.offset(), message.value())
            if made is not None:
                producer.produce(self._access.matched, made, key=LANE_KEY, partition=0)
        ends = {(message.topic(), message.partition()): message.offset() + 1 for message in messages}
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in ends.items()]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), PATIENCE)
        producer.commit_transaction(PATIENCE)


def _sound(message: Message) -> Message:
    if message.error():
        raise KafkaException(message.error())
    return message
