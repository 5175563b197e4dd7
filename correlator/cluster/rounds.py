"""What moves between the machines: rounds, matched rounds, outcomes, and their bytes.

A round is what one sender brings at one instant to one partition: batches, or none of them, which still says how far
its clock is. The bytes are MessagePack, compressed with Zstandard.
"""

from typing import Any, TypeVar

import msgspec
import zstandard

from correlator.matched import Matched, Packed
from impetus.domain.batch import Batch, Commit, Control, Reject
from impetus.domain.condition import Condition, Vitals
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import Fields
from impetus.domain.incident import Incident
from impetus.domain.run import Written
from impetus.domain.status import Notice

LEVEL = 1
"""Zstandard's level: what is compressed here is read again within a second."""
MAX_BYTES = 256 << 20
"""A record that claims to be larger than this is not decompressed."""

T = TypeVar("T")


class Report(msgspec.Struct, frozen=True, array_like=True):
    """A collector went down or is up again, as seen at the instant of its round."""

    source: str
    down: bool
    reason: str


class Telling(msgspec.Struct, frozen=True, array_like=True):
    """A condition of Impetus itself was raised or cleared."""

    condition: Condition
    holds: bool


class Round(msgspec.Struct, frozen=True, array_like=True):
    """What one sender brings at a wall clock (µs) to one partition, and the set-up that is in force for it."""

    heard: int
    setup: int
    batches: tuple[Batch, ...] = ()
    reports: tuple[Report, ...] = ()
    tellings: tuple[Telling, ...] = ()
    commands: tuple[Control, ...] = ()
    """What people did, as ``correlator.control.Command``."""


class LookedAt(msgspec.Struct, frozen=True, array_like=True):
    """A ``Matched`` on its way."""

    place: int
    line: bytes
    event: dict[str, Any]
    id: str
    source: str
    time: int
    created: int
    addition: bytes
    rules: tuple[int, ...]

    def matched(self) -> Matched:
        """The event."""
        added = msgspec.json.decode(self.addition, type=dict[str, Any]) if self.addition else {}
        return Matched(
            self.line, Fields(self.event), self.id, self.source, self.time, self.created, self.place, added,
            self.addition, self.rules,
        )  # fmt: skip


class PackedBatch(msgspec.Struct, frozen=True, array_like=True):
    """A ``MatchedBatch`` on its way."""

    source: str
    packed: Packed
    looked_at: tuple[LookedAt, ...]
    rejects: tuple[Reject, ...]
    shed: int
    position: bytes | None


class MatchedRound(msgspec.Struct, frozen=True, array_like=True):
    """A round that a match worker has read: where it came from, and its batches. Those in ``raw`` could not be.

    The events of ``batches`` lie beside it, in the record of their partition at the offset ``beside``; -1 if there are
    none.
    """

    partition: int
    offset: int
    heard: int
    setup: int
    batches: tuple[PackedBatch, ...] = ()
    raw: tuple[Batch, ...] = ()
    reports: tuple[Report, ...] = ()
    tellings: tuple[Telling, ...] = ()
    commands: tuple[Control, ...] = ()
    inherited: Commit | None = None
    """A part of what one box left, before the first round; nothing else is in such a record."""
    beside: int = -1


class EnrichedRound(msgspec.Struct, frozen=True, array_like=True):
    """The events of a round as they are to be stored, by batch."""

    batches: tuple[Written, ...]


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """Why a command was not carried out."""

    code: str
    what: str
    key: str | None
    hint: str

    @classmethod
    def of(cls, error: ImpetusError) -> "Refusal":
        """From the error."""
        return cls(error.code, error.what, error.where.key, error.hint)


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of a command: the incident after it (a promotion may have none), or why it was refused."""

    command: str
    incident: Incident | None = None
    refusal: Refusal | None = None


class Standing(msgspec.Struct, frozen=True):
    """How the lane is after a step; told about once a second."""

    watermark: int | None
    settled: int | None
    notices: tuple[Notice, ...]
    vitals: Vitals
    conditions: tuple[tuple[str, str, int], ...]
    setup: int
    restarted: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """What one step changed, for whoever follows; ``counts`` are the events that each source brought.

    The lines of the commit lie beside it, as its runs say.
    """

    heard: int
    commit: Commit
    counts: tuple[tuple[str, int], ...] = ()
    answers: tuple[Answer, ...] = ()
    standing: Standing | None = None


class Codec:
    """Records to bytes and back. Of one thread."""

    def __init__(self) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._compress = zstandard.ZstdCompressor(level=LEVEL).compress
        self._decompress = zstandard.ZstdDecompressor().decompress
        self._decoders: dict[type, msgspec.msgpack.Decoder[object]] = {}

    def encode(self, record: object) -> bytes:
        """The bytes of a record."""
        compressed: bytes = self._compress(self._encode(record))
        return compressed

    def decode(self, raw: bytes, kind: type[T]) -> T:
        """The record of bytes. Raises ``ImpetusError`` ``cluster.record``."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.msgpack.Decoder(kind)
        try:
            size = zstandard.frame_content_size(raw)
            plain = self._decompress(raw) if 0 <= size <= MAX_BYTES else b""
            return decoder.decode(plain)  # type: ignore[return-value]
        except (zstandard.ZstdError, msgspec.DecodeError) as error:
            what = f"a record of the cluster cannot be read: {error}"
            raise ImpetusError("cluster.record", what, Where(key=kind.__name__)) from None
