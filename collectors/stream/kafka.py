"""Topics of a Kafka cluster. How far they are read is kept with the events, in one step: so each record counts once."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

import msgspec
import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from collectors.draft import Draft
from collectors.handing import Handing
from collectors.normalise import load_line_normaliser, load_normaliser
from collectors.recording import Source
from collectors.stream.subscription import Gap, Offsets, Subscription, away
from impetus.domain.event import MAX_BYTES
from impetus.domain.kafka import KafkaAccess
from impetus.domain.ports import Clock, Intake

MAX_RECORDS = 5000
MAX_BATCH = 4 << 20
"""A batch is handed over at so many records, at about so many bytes, and whenever there are no more for now."""
GATHER = 0.05
"""Seconds that a small batch waits for more."""
QUIET = 0.5
"""Seconds without records after which it looks whether there is something else to do."""
REFRESH = 10.0
"""Seconds between two looks at which topics and partitions there are, and whether the brokers answer."""
AWAY = 30.0
"""Seconds that the brokers may not answer; then it is told, and supervision begins anew."""

Topic = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._*?-]{1,249}$")]
Records = Sequence[ConsumerRecord[bytes | None, bytes | None]]

_log = structlog.get_logger(__name__)


class KafkaSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``kafka``."""

    broker: KafkaAccess
    """How the cluster is reached, and as whom."""
    topics: Annotated[tuple[Topic, ...], msgspec.Meta(min_length=1)]
    """Topics to read; ``*`` and ``?`` stand for any letters and any letter. Those that come to be are read, too."""
    format: str = "impetus"
    """Name of the normaliser of the records."""
    start: Literal["earliest", "latest"] = "earliest"
    """Where to begin what was never read: with the first record that the brokers have, or with what comes now.
    Topics and partitions that come to be later are read from their first record on."""
    group: str | None = None
    """Under this name the brokers are told how far we are, so that the usual means show the lag. Nothing is read
    from there, and no partition is shared with others of that name."""


class KafkaSource:
    """Reads from the last durable offsets on. A record that is read again keeps its ``event.id``."""

    Settings: ClassVar[type[msgspec.Struct]] = KafkaSettings

    def __init__(self, name: str, settings: KafkaSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._settings, self._intake = name, settings, intake
        fast = load_line_normaliser(settings.format)
        self._draft = Draft(name, settings, load_normaliser(settings.format), clock, fast)

    async def run(self) -> None:
        """Take in until cancelled. Raises ``source.unreadable`` where the brokers do not answer or refuse."""
        stored = self._intake.position(self._name)
        offsets = msgspec.json.decode(stored, type=Offsets) if stored else Offsets()
        self._draft.shift = offsets.shift
        subscription = Subscription(self._settings.topics, self._settings.start == "latest", offsets)
        try:
            await subscription.start(self._settings.broker, self._settings.group)
            async with Handing(self._intake) as handing:
                await self._read(subscription, handing)
        except KafkaError as error:
            raise away(self._settings.broker, error) from error
        finally:
            await subscription.stop()

    async def _read(self, subscription: Subscription, handing: Handing) -> None:
        answered = looked = asyncio.get_running_loop().time()
        while True:
            await self._take(subscription, handing)
            now = asyncio.get_running_loop().time()
            if now - looked > REFRESH:
                looked = now
                if await self._look(subscription, handing):
                    answered = now
                elif now - answered > AWAY:
                    raise away(self._settings.broker, TimeoutError(f"no answer for {now - answered:.0f} s"))

    async def _take(self, subscription: Subscription, handing: Handing) -> None:
        """Hand over what there is now; while that is not taken, nothing more is read."""
        found, gaps = await subscription.take(MAX_RECORDS, QUIET)
        for gap in gaps:
            self._miss(gap)
        for part, records in found.items():
            self._add(part, records)
            subscription.offsets.put(part, records[-1].offset + 1)
            if self._draft.size > MAX_BATCH:
                await self._hand_over(subscription.offsets, handing)
        if not self._draft.is_empty:
            await self._hand_over(subscription.offsets, handing)
        if not found:
            await handing.settle()
        elif sum(map(len, found.values())) < MAX_RECORDS:
            await asyncio.sleep(GATHER)

    async def _hand_over(self, offsets: Offsets, handing: Handing) -> None:
        offsets.shift = self._draft.shift
        await handing.hand_over(self._draft.batch(msgspec.json.encode(offsets)))

    async def _look(self, subscription: Subscription, handing: Handing) -> bool:
        """See which topics there are, and tell how far we are; whether the brokers answered."""
        try:
            await subscription.refresh()
        except (KafkaError, OSError, TimeoutError) as error:
            _log.warning("kafka.away", source=self._name, reason=str(error) or type(error).__name__)
            return False
        if self._settings.group is not None:
            await handing.settle()  # what is told is durable
            await subscription.tell()
        return True

    def _add(self, part: TopicPartition, records: Records) -> None:
        whole = [record for record in records if self._is_whole(part, record)]
        values = [record.value or b"" for record in whole]
        identities = [_identity(part, record) for record in whole]
        if self._draft.has_fast_way:
            self._draft.add_all(values, identities, lambda at: _place(part, whole[at].offset))
            return
        for record, value, identity in zip(whole, values, identities, strict=True):
            self._draft.add_json(value, identity, _place(part, record.offset))

    def _is_whole(self, part: TopicPartition, record: ConsumerRecord[bytes | None, bytes | None]) -> bool:
        """Whether a record may be one; else it is kept as a reject."""
        if record.value is not None and len(record.value) <= MAX_BYTES:
            return True
        what = "the record has no value" if record.value is None else "the record is too long"
        self._draft.reject("source.record", what, _place(part, record.offset), record.value or b"")
        return False

    def _miss(self, gap: Gap) -> None:
        place = _place(gap.part, gap.wanted)
        _log.error("kafka.gap", source=self._name, what=gap.what, place=place)
        self._draft.reject("source.unreadable", gap.what, place, b"")


def _identity(part: TopicPartition, record: ConsumerRecord[bytes | None, bytes | None]) -> bytes:
    """What tells a record from an equal one; by its time also from one of a topic that was made anew."""
    return f"{part.topic}/{part.partition}/{record.offset}/{record.timestamp}".encode()


def _place(part: TopicPartition, offset: int) -> str:
    return f"kafka {part.topic}[{part.partition}]@{offset}"
