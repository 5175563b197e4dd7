"""A topic of Kafka that has every change of an incident, under the id of the incident as key."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import ClassVar

import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.kafka import KafkaAccess, Topic
from impetus.domain.sink import Parcel
from impetus.kafka import options_of

MAX_REQUEST = 1 << 20
"""Bytes of a request; what brokers take unless told otherwise."""
ANSWER = 10.0
"""Seconds that the brokers have to take what is written."""
STOP = 2.0
"""Seconds that leaving the cluster may take."""

_log = structlog.get_logger(__name__)


class KafkaSinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the sink ``kafka``."""

    broker: KafkaAccess
    """How the cluster is reached, and as whom."""
    topic: Topic
    """Where incidents go. It has to be there; with ``cleanup.policy=compact`` it keeps the newest of each."""


class KafkaSink:
    """Writes with all replicas acknowledging; the records of one incident are in one partition, in order.

    A write that is repeated, because its answer was lost, repeats a revision and never brings an earlier one: the next
    is written only when all before it are acknowledged.
    """

    Settings: ClassVar[type[msgspec.Struct]] = KafkaSinkSettings

    def __init__(self, name: str, settings: KafkaSinkSettings) -> None:
        self._name, self._settings = name, settings
        self._producer: AIOKafkaProducer | None = None

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        """Write all; what the topic does not take because of its size is logged and left out."""
        try:
            producer = self._producer or await self._open()
            # The brokers refuse a packed batch as a whole: what was in it is written again, each by itself.
            for parcel in await self._write(producer, parcels):
                for large in await self._write(producer, [parcel]):
                    _log.error("sink.too-large", sink=self._name, incident=large.incident, size=len(large.body))
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise self._unreachable(error) from error

    async def close(self) -> None:
        """Leave the cluster."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(STOP):
                    await producer.stop()

    async def _open(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **options_of(self._settings.broker),
            client_id="impetus",
            acks="all",
            compression_type="gzip",
            max_request_size=MAX_REQUEST,
            request_timeout_ms=int(ANSWER * 1000),
        )
        self._producer = producer
        await producer.start()
        return producer

    async def _write(self, producer: AIOKafkaProducer, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Write parcels; gives those that were too large, or in one batch with such. Raises ``KafkaError``."""
        topic = self._settings.topic
        sent = [await producer.send(topic, parcel.body, key=parcel.incident.encode()) for parcel in parcels]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, MessageSizeTooLargeError):
                raise outcome
        return [parcel for parcel, outcome in zip(parcels, outcomes, strict=True) if isinstance(outcome, Exception)]

    def _unreachable(self, error: Exception) -> ImpetusError:
        what = f"{', '.join(self._settings.broker.hosts)}: {str(error) or type(error).__name__}"
        hint = "Is the topic there, and may this account write to it? It is tried again, and nothing is left out."
        return ImpetusError("sink.unreachable", what, Where(key=self._name), hint)
