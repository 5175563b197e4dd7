"""Reading a partition without a group: all that is there, or on and on from a place."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from integrations.kafka.access import Access
from integrations.kafka.topics import PATIENCE, unavailable


@contextmanager
def _reader(access: Access, topic: str, partition: int, offset: int) -> Iterator[Consumer]:
    consumer = Consumer(access.reader() | {"enable.partition.eof": True})
    try:
        consumer.assign([TopicPartition(topic, partition, offset)])
        yield consumer
    except KafkaException as error:
        raise unavailable(error) from None
    finally:
        consumer.close()


def read_all(access: Access, topic: str, partition: int = 0) -> Generator[Message, None, None]:
    """Every committed record of a partition, as far as it goes now. Raises ``ImpetusError``."""
    with _reader(access, topic, partition, 0) as consumer:
        while True:
            for message in consumer.consume(1_000, 1.0):
                if message.error() is None:
                    yield message
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    return
                elif message.error().fatal() or not message.error().retriable():
                    raise KafkaException(message.error())


def read_one(access: Access, topic: str, offset: int) -> bytes | None:
    """The record at an offset of a topic of one partition; None if it is not there. Raises ``ImpetusError``."""
    with _reader(access, topic, 0, offset) as consumer:
        for message in consumer.consume(1, PATIENCE):
            if message.error():
                return None
            value: bytes | None = message.value() if message.offset() == offset else None
            return value
    return None


class Following:
    """Reads a topic of one partition on and on. Of one thread."""

    def __init__(self, access: Access, topic: str, offset: int) -> None:
        self._consumer = Consumer(access.reader())
        self._consumer.assign([TopicPartition(topic, 0, offset)])

    def next(self, most: int, seconds: float) -> list[tuple[int, bytes]]:
        """The next committed records with their offsets; none if none comes for a while. An error of the moment is
        none, too: the client goes on by itself."""
        found = self._consumer.consume(most, seconds)
        return [(message.offset(), message.value()) for message in found if not message.error()]

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()
