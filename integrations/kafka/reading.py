"""Reading a partition without a group: all that is there, or on and on from a place."""

import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from integrations.kafka.access import Access
from integrations.kafka.topics import PATIENCE, unavailable

AHEAD = 32
"""About so many records of a partition wait until they are asked for."""
FAR = 100
"""Records closer than this behind the last one are read through to, others sought."""
STEP = 0.1
"""Seconds that one look waits for records."""
ANSWER = 5.0
"""Seconds that the brokers get to say which records there are."""


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
        for message in _until_quiet(consumer):
            if message.error() is None:
                yield message
            elif message.error().code() == KafkaError._PARTITION_EOF:
                return
            elif message.error().fatal() or not message.error().retriable():
                raise KafkaException(message.error())


def _until_quiet(consumer: Consumer) -> Iterator[Message]:
    """What comes, and errors. Brokers that are gone give no record: raises ``ImpetusError`` after a while."""
    heard = time.monotonic()
    while time.monotonic() - heard < PATIENCE:
        for message in consumer.consume(1_000, 1.0):
            yield message
            heard = time.monotonic() if message.error() is None else heard
    raise unavailable(TimeoutError(f"no answer for {PATIENCE:.0f} s"))


def read_one(access: Access, topic: str, offset: int) -> bytes | None:
    """The record at an offset of a topic of one partition; None if it is not there. Raises ``ImpetusError``."""
    with _reader(access, topic, 0, offset) as consumer:
        for message in consumer.consume(1, PATIENCE):
            if message.error():
                return None
            value: bytes | None = message.value() if message.offset() == offset else None
            return value
    return None


class Lookup:
    """Reads records of a topic of several partitions by partition and offset, mostly one behind the other. Of one
    thread.

    What comes before it is asked for waits here: so little of each partition that memory is bounded by their number.
    """

    def __init__(self, access: Access, topic: str) -> None:
        self._topic, self._consumer = topic, Consumer(access.reader())
        self._ahead: dict[int, deque[tuple[int, bytes]]] = {}
        """Partition → records that were read and not asked for yet."""
        self._at: dict[int, int] = {}
        """Partition → the offset asked for last."""

    def read(self, partition: int, offset: int, patience: float) -> bytes | None:
        """The record at an offset; None if the brokers do not have it any more.

        Raises ``ImpetusError`` if they do not answer for so many seconds.
        """
        if not self._at.get(partition, offset + 1) <= offset <= self._at.get(partition, 0) + FAR:
            self._seek(partition, offset)
        self._at[partition] = offset
        ahead, until = self._ahead[partition], time.monotonic() + patience
        while True:
            while ahead and ahead[0][0] < offset:
                ahead.popleft()
            if ahead and ahead[0][0] == offset:
                return ahead[0][1]
            if ahead or time.monotonic() > until:
                self._find_gone(partition, offset)
                return None
            self._fill(partition)

    def _seek(self, partition: int, offset: int) -> None:
        """Go on with a partition at an offset. Of the others what waits here is read again."""
        self._at[partition] = offset
        self._ahead = {one: deque() for one in self._at}
        self._consumer.assign([TopicPartition(self._topic, one, at) for one, at in self._at.items()])

    def _fill(self, partition: int) -> None:
        """Take what has come; a partition of which enough waits is paused until it is asked for again."""
        self._consumer.resume([TopicPartition(self._topic, partition)])
        first = self._consumer.poll(STEP)
        for message in [first, *self._consumer.consume(AHEAD, 0)] if first is not None else ():
            if message.error():
                continue  # of the moment: the client goes on by itself
            ahead = self._ahead[message.partition()]
            ahead.append((message.offset(), message.value()))
            if len(ahead) >= AHEAD:
                self._consumer.pause([TopicPartition(self._topic, message.partition())])

    def _find_gone(self, partition: int, offset: int) -> None:
        """What was asked for did not come: raises ``ImpetusError`` unless the brokers say that it is gone."""
        del self._at[partition]  # whoever asks again begins anew
        try:
            low, _ = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), ANSWER)
        except KafkaException as error:
            raise unavailable(error) from None
        if offset >= low:
            raise unavailable(TimeoutError(f"{self._topic} {partition} {offset}"))

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()


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
