"""Topics of a real broker for tests: made, filled and read."""

import asyncio
import uuid
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

MADE = (0, 36)
"""Error codes: none, and that it is there already."""


async def make_topic(address: str, partitions: int = 2, name: str | None = None, size: int = 4 << 20) -> str:
    """A new topic that nobody else uses, of records of so many bytes at most."""
    name = name or f"t-{uuid.uuid4().hex[:12]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        topic = NewTopic(name, partitions, 1, topic_configs={"max.message.bytes": str(size)})
        async with asyncio.timeout(60):
            # A broker that has just started answers before it lets topics be made.
            while (code := (await admin.create_topics([topic])).topic_errors[0][1]) not in MADE:
                await asyncio.sleep(0.2)
        assert code in MADE
    finally:
        await admin.close()
    return name


async def drop_records(address: str, topic: str, partition: int, before: int) -> None:
    """Let the broker remove what is older than an offset."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, partition): RecordsToDelete(before)})
    finally:
        await admin.close()


async def produce(
    address: str, topic: str, values: Iterable[bytes | None], partitions: int = 2, packed: str | None = None
) -> None:
    """Write records, in turn to each partition; acknowledged when it returns."""
    producer = AIOKafkaProducer(
        bootstrap_servers=address, max_request_size=4 << 20, linger_ms=5, compression_type=packed
    )
    await producer.start()
    try:
        sent = [
            await producer.send(topic, value, key=b"k", partition=number % partitions)
            for number, value in enumerate(values)
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def read_all(address: str, topic: str) -> Sequence[ConsumerRecord[bytes, bytes]]:
    """All records that a topic has now, by partition and offset."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = list(consumer.assignment())
        ends = await consumer.end_offsets(parts)
        found: list[ConsumerRecord[bytes, bytes]] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def committed(address: str, group: str, topic: str, partition: int) -> int | None:
    """What a group told the broker of how far it is."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        part = TopicPartition(topic, partition)
        consumer.assign([part])
        at: int | None = await consumer.committed(part)
        return at
    finally:
        await consumer.stop()
