"""Which partitions of a Kafka cluster are read, and from where on: by our own record, never by that of the brokers."""

import asyncio
import contextlib
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import MAX_BYTES
from impetus.domain.kafka import KafkaAccess
from impetus.kafka import options_of

MAX_PARTITIONS = 10_000
"""So many at most: the position of the source names each."""
MAX_FETCH = 8 << 20
"""Bytes that a broker sends at once."""
REQUEST = 10.0
"""Seconds that a broker has to answer in."""
START = 8.0
"""Seconds in which the first broker has to have answered."""
SINGLY_MS = 100
"""Milliseconds that the next record of one partition is waited for, where one may be damaged."""
STOP = 2.0
"""Seconds that leaving the cluster may take."""

Fetched = Mapping[TopicPartition, Sequence[ConsumerRecord[bytes | None, bytes | None]]]
"""Records by partition, in order; a key or value may be missing."""

_log = structlog.get_logger(__name__)


class Offsets(msgspec.Struct):
    """The position of the source: topic → partition → the offset to go on from, and how far a recording is moved."""

    topics: dict[str, dict[int, int]] = {}
    shift: int | None = None

    def get(self, part: TopicPartition) -> int | None:
        """Where to go on with a partition."""
        return self.topics.get(part.topic, {}).get(part.partition)

    def put(self, part: TopicPartition, offset: int) -> None:
        """Go on there."""
        self.topics.setdefault(part.topic, {})[part.partition] = offset


class Gap(NamedTuple):
    """What cannot be read any more: it was to go on with an offset, and goes on with another."""

    part: TopicPartition
    wanted: int
    what: str


class Subscription:
    """Reads the partitions of the topics that are asked for, those that come to be included, in one consumer."""

    def __init__(self, topics: Sequence[str], latest: bool, offsets: Offsets) -> None:
        """``topics`` may have wildcards. ``latest``: begin at the end, where there is no record of a beginning."""
        self._wanted = topics
        self._latest = latest and not offsets.topics
        self.offsets = offsets
        self._doubtful = False
        """Whether something among the next records is damaged."""
        self._admin: AIOKafkaAdminClient
        self._consumer: AIOKafkaConsumer
        self._assigned: frozenset[TopicPartition] = frozenset()

    async def start(self, access: KafkaAccess, group: str | None) -> None:
        """Connect, and begin with what is there. Raises ``ImpetusError`` (source.unreadable)."""
        options = options_of(access) | {
            "client_id": "impetus",
            "request_timeout_ms": int(REQUEST * 1000),
        }
        self._admin = AIOKafkaAdminClient(**options)
        self._consumer = AIOKafkaConsumer(
            **options,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=MAX_BYTES,
            fetch_max_bytes=MAX_FETCH,
        )
        try:
            async with asyncio.timeout(START):
                await self._admin.start()
                await self._consumer.start()
                await self.refresh()
        except (KafkaError, OSError, TimeoutError) as error:
            raise away(access, error) from error
        if not self._assigned:
            what = f"the brokers have no topic {', '.join(self._wanted)} that this account may read"
            raise ImpetusError("source.unreadable", what, Where(key="topics"), "See kafka-topics.sh --list.")

    async def stop(self) -> None:
        """Leave the cluster."""
        if hasattr(self, "_consumer"):
            with contextlib.suppress(TimeoutError, KafkaError):
                async with asyncio.timeout(STOP):
                    await asyncio.gather(self._consumer.stop(), self._admin.close())

    async def refresh(self) -> None:
        """Take up topics and partitions that came to be. Raises ``KafkaError`` while no broker answers."""
        found = frozenset(self._parts(await self._admin.describe_topics()))
        if len(found) > MAX_PARTITIONS:
            what = f"{len(found)} partitions are more than {MAX_PARTITIONS}"
            raise ImpetusError("source.unreadable", what, Where(key="topics"), "Share them among several sources.")
        if found == self._assigned:
            return
        await self._begin([part for part in found if self.offsets.get(part) is None])
        # What is assigned anew is fetched anew: what was fetched and not yet given out is forgotten with the rest.
        self._consumer.assign(list(found))
        for part in found:
            self._consumer.seek(part, self.offsets.get(part) or 0)
        self._assigned, self._latest = found, False
        _log.info("kafka.assigned", topics=len({part.topic for part in found}), partitions=len(found))

    async def take(self, most: int, wait: float) -> tuple[Fetched, list[Gap]]:
        """Records by partition, in order, whose offsets the caller moves; none after so many seconds without.

        And what cannot be read, behind which it goes on already. Raises ``KafkaError``.
        """
        if not self._assigned:
            await asyncio.sleep(wait)
            return {}, []
        if self._doubtful:
            return await self._take_singly()
        try:
            return await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=most), []
        except OffsetOutOfRangeError as error:
            return {}, await self._skip_missing(error.args[0])
        except CorruptRecordException:
            self._doubtful = True
            self._rewind()
            return {}, []

    async def _take_singly(self) -> tuple[Fetched, list[Gap]]:
        """The next record of each partition, each asked for by itself: so it shows which is damaged."""
        found: dict[TopicPartition, Sequence[ConsumerRecord[bytes | None, bytes | None]]] = {}
        gaps: list[Gap] = []
        for part in self._assigned:
            try:
                found |= await self._consumer.getmany(part, timeout_ms=SINGLY_MS, max_records=1)
            except CorruptRecordException:
                gaps.append(self._skip_damaged(part))
        self._doubtful = bool(gaps) or not found
        return found, gaps

    def _skip_damaged(self, part: TopicPartition) -> Gap:
        offset = self.offsets.get(part) or 0
        self.offsets.put(part, offset + 1)
        self._consumer.seek(part, offset + 1)
        return Gap(part, offset, "the brokers' copy of the record is damaged")

    async def _skip_missing(self, wanted: Mapping[TopicPartition, int]) -> list[Gap]:
        """Go on where partitions begin now whose offsets the brokers do not have."""
        begins = await self._consumer.beginning_offsets(list(wanted))
        for part, offset in begins.items():
            self.offsets.put(part, offset)
            self._consumer.seek(part, offset)
        return [_missing(part, wanted[part], offset) for part, offset in begins.items()]

    async def tell(self) -> None:
        """Tell the brokers how far we are, for whoever looks at the lag of our group. Nothing depends on it."""
        at = {part: offset for part in self._assigned if (offset := self.offsets.get(part)) is not None}
        try:
            await self._consumer.commit(at)
        except KafkaError as error:
            _log.warning("kafka.untold", reason=str(error))

    def _parts(self, topics: Iterable[Mapping[str, Any]]) -> Iterable[TopicPartition]:
        for topic in topics:
            if any(_is_meant(topic["topic"], pattern) for pattern in self._wanted):
                yield from (TopicPartition(topic["topic"], one["partition"]) for one in topic["partitions"])

    async def _begin(self, parts: Sequence[TopicPartition]) -> None:
        """Where partitions begin that are not on record: at their first record, or at their end."""
        if parts:
            ask = self._consumer.end_offsets if self._latest else self._consumer.beginning_offsets
            for part, offset in (await ask(parts)).items():
                self.offsets.put(part, offset)

    def _rewind(self) -> None:
        """Forget what was fetched: of a portion that could not be given out, part may be gone."""
        for part in self._assigned:
            self._consumer.seek(part, self.offsets.get(part) or 0)


def _missing(part: TopicPartition, wanted: int, first: int) -> Gap:
    what = f"the brokers have no offset {wanted}: it goes on with {first}"
    if first > wanted:
        what += f", and up to {first - wanted} records are lost that they removed before"
    return Gap(part, wanted, what)


def away(access: KafkaAccess, error: Exception) -> ImpetusError:
    """The error of brokers that do not answer, or refuse."""
    what = f"{', '.join(access.hosts)}: {str(error) or type(error).__name__}"
    hint = "Is a broker running there, and is the account right? It is tried again."
    return ImpetusError("source.unreadable", what, Where(key="broker"), hint)


def _is_meant(name: str, pattern: str) -> bool:
    """Topics of the brokers' own are meant by their whole name only."""
    return name == pattern or (not name.startswith("__") and fnmatch.fnmatchcase(name, pattern))
