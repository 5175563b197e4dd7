"""Records read by partition and offset over a real broker: in order, back and forth, and when they are gone."""

from collections.abc import Iterator
from contextlib import closing
from random import Random
from uuid import uuid4

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from impetus.domain.errors import ImpetusError
from impetus.domain.kafka import KafkaAccess
from integrations.kafka.access import Access
from integrations.kafka.reading import Lookup
from integrations.kafka.topics import Layout, make_topics

RECORDS = 300


@pytest.fixture(scope="module")
def access(kafka_address: str) -> Access:
    """Brokers with records in two partitions."""
    access = Access(KafkaAccess(hosts=(kafka_address,)), f"read-{uuid4().hex[:8]}")
    make_topics(access, Layout(partitions=2))
    producer = Producer(access.client())
    for number in range(RECORDS):
        for partition in range(2):
            producer.produce(access.enriched, _value(partition, number), partition=partition)
    assert producer.flush(30) == 0
    return access


@pytest.fixture
def lookup(access: Access) -> Iterator[Lookup]:
    with closing(Lookup(access, access.enriched)) as lookup:
        yield lookup


def _value(partition: int, offset: int) -> bytes:
    return b"%d %d " % (partition, offset) + b"x" * 1_000


def test_records_are_read_in_order_and_one_partition_may_wait_for_the_other(lookup: Lookup) -> None:
    for number in range(RECORDS):
        assert lookup.read(0, number, 20) == _value(0, number)
    for number in range(0, RECORDS, 7):
        assert lookup.read(1, number, 20) == _value(1, number)
        assert lookup.read(1, number, 20) == _value(1, number)


def test_records_are_read_in_any_order(lookup: Lookup) -> None:
    random = Random(1)
    for _ in range(30):
        partition, offset = random.randrange(2), random.randrange(RECORDS)
        assert lookup.read(partition, offset, 20) == _value(partition, offset)


def test_what_is_not_there_yet_is_no_record_that_is_gone(lookup: Lookup) -> None:
    assert lookup.read(0, RECORDS - 1, 20) == _value(0, RECORDS - 1)
    with pytest.raises(ImpetusError, match="do not answer"):
        lookup.read(0, RECORDS, 0.5)
    assert lookup.read(0, RECORDS - 1, 20) == _value(0, RECORDS - 1)


@pytest.mark.parametrize("left", [1, 0])
def test_a_record_that_is_gone_is_none(access: Access, lookup: Lookup, left: int) -> None:
    admin = AdminClient(access.client())
    (done,) = admin.delete_records([TopicPartition(access.enriched, 1, RECORDS - left)]).values()
    done.result(20)
    assert lookup.read(1, 5, 2) is None
    assert lookup.read(0, 7, 20) == _value(0, 7)
