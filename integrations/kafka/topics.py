"""The topics, made where they are not there."""

import time
from collections.abc import Container
from functools import partial

import msgspec
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from impetus.domain.errors import ImpetusError, Where
from integrations.kafka.access import RECORD_BYTES, Access

PATIENCE = 30.0
"""Seconds that the brokers get to answer."""
LOOK = 2.0
"""Seconds of one attempt of it, after which it is asked why there is none."""
DAY_MS = 86_400_000


class Layout(msgspec.Struct, frozen=True):
    """How many partitions the events have, how often each record is there, and how long events are kept (days)."""

    partitions: int = 4
    replicas: int = 1
    days: int = 7


def make_topics(access: Access, layout: Layout) -> int:
    """Make the topics that are not there; gives how many partitions the events have, which is never changed.

    Raises ``ImpetusError`` ``cluster.unavailable``.
    """
    try:
        admin, found = _reach(access)
        if access.events in found:
            there = admin.list_topics(access.events, timeout=PATIENCE).topics[access.events]
            layout = msgspec.structs.replace(layout, partitions=len(there.partitions))
        missing = [topic for topic in _topics(access, layout) if topic.topic not in found]
        for future in admin.create_topics(missing, operation_timeout=PATIENCE).values() if missing else ():
            _made(future)
        return len(admin.list_topics(access.events, timeout=PATIENCE).topics[access.events].partitions)
    except KafkaException as error:
        raise unavailable(error) from None


def _reach(access: Access) -> tuple[AdminClient, Container[str]]:
    """A client, and the topics that are there. It does not wait for brokers that refuse the account."""
    refused: list[KafkaError] = []
    admin = AdminClient(access.client() | {"error_cb": partial(_note, refused)})
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return admin, admin.list_topics(timeout=LOOK).topics
        except KafkaException:
            admin.poll(0)
            if refused:
                raise KafkaException(refused[0]) from None
            if time.monotonic() > end:
                raise


def _note(refused: list[KafkaError], error: KafkaError) -> None:
    if error.code() == KafkaError._AUTHENTICATION:
        refused.append(error)


def _made(future: object) -> None:
    try:
        future.result()  # type: ignore[attr-defined]
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another machine was first
            raise


def _topics(access: Access, layout: Layout) -> list[NewTopic]:
    kept = {"retention.ms": str(layout.days * DAY_MS), "max.message.bytes": str(RECORD_BYTES)}
    lasting = {"retention.ms": "-1", "retention.bytes": "-1", "max.message.bytes": str(RECORD_BYTES)}
    compacted = {"cleanup.policy": "compact", "max.message.bytes": str(RECORD_BYTES)}
    return [
        NewTopic(name, partitions, layout.replicas, config=config)
        for name, partitions, config in (
            (access.events, layout.partitions, kept),
            (access.enriched, layout.partitions, kept),
            (access.matched, 1, kept),
            (access.outcomes, 1, kept),
            (access.positions, 1, compacted),
            (access.setups, 1, lasting),
            # Quix Streams would make it with room for records of 1 MB only.
            (access.changelog, 1, compacted),
        )
    ]


def unavailable(error: BaseException) -> ImpetusError:
    """The error for people behind one of the client."""
    hint = "Is a broker running there, and is the account right, with the rights that docs/scale.md names?"
    return ImpetusError("cluster.unavailable", f"the brokers do not answer: {error}", Where(key="cluster.broker"), hint)
