"""Founding a cluster: all that it begins with, in one transaction that one of several nodes can complete."""

from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

from confluent_kafka import KafkaException, Producer

from integrations.kafka.access import LANE_KEY, Access
from integrations.kafka.reading import read_all
from integrations.kafka.topics import PATIENCE, unavailable

FOUNDING_MS = 600_000
"""What a store brings along has to be with the brokers by then; they allow 15 minutes unless told otherwise."""
WHOLE = PATIENCE * 4
"""Seconds that the brokers get to complete it."""
INHERITED = "inherited"
"""The header that says that the cluster has taken a store along."""


class Founding(NamedTuple):
    """How a cluster began: its id, and whether it has taken a store along."""

    cluster: str
    inherited: bool


class Charter(NamedTuple):
    """What a cluster begins with: its id and first set-up, the parts of a store, and where its sources go on."""

    cluster: str
    setup: bytes
    parts: Iterable[bytes] = ()
    positions: Iterable[tuple[str, bytes]] = ()


def read_founding(access: Access) -> Founding | None:
    """How the cluster began; None if it has not yet. Raises ``ImpetusError``."""
    with closing(read_all(access, access.setups)) as setups:
        first = next(setups, None)
    if first is None:
        return None
    return Founding((first.key() or b"").decode(), INHERITED in dict(first.headers() or ()))


def found(access: Access, charter: Charter) -> Founding:
    """Found the cluster unless it is founded by now; how it began. Of several that try, one succeeds; of the others
    one that comes later finds it founded, and one that came before is refused. Raises ``ImpetusError``.
    """
    producer = Producer(access.producer("founding") | {"transaction.timeout.ms": FOUNDING_MS})
    try:
        producer.init_transactions(PATIENCE)  # ends what another one has begun
        begun = read_founding(access)
        return _write(access, producer, charter) if begun is None else begun
    except KafkaException as error:
        raise unavailable(error) from None


def _write(access: Access, producer: Producer, charter: Charter) -> Founding:
    producer.begin_transaction()
    inherited = False
    for part in charter.parts:
        inherited = True
        _produce(producer, access.matched, part, LANE_KEY)
    for source, position in charter.positions:
        _produce(producer, access.positions, position, source.encode())
    headers = {INHERITED: b""} if inherited else None
    producer.produce(access.setups, charter.setup, charter.cluster.encode(), partition=0, headers=headers)
    producer.commit_transaction(WHOLE)
    return Founding(charter.cluster, inherited)


def _produce(producer: Producer, topic: str, value: bytes, key: bytes) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition=0)
        except BufferError:
            producer.poll(1.0)
        else:
            producer.poll(0)
            return
