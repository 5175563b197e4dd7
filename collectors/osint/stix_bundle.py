"""A file with a STIX 2.1 bundle: its indicators become events, which add them to the table of indicators."""

import asyncio
import gzip
import hashlib
from codecs import BOM_UTF8
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
import structlog

from collectors.draft import Draft
from collectors.osint.bundle import Bundle
from collectors.osint.pattern import read_pattern
from collectors.recording import Source
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.event import Json
from impetus.domain.instant import format_instant
from impetus.domain.ports import Clock, Intake

MAX_FILE = 256 << 20
"""Bytes, unpacked; a larger file is refused."""
MAX_OBJECTS = 1000
"""A batch has so many objects."""

_log = structlog.get_logger(__name__)


class StixBundleSettings(Source, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of ``stix_bundle``."""

    path: Path
    """The file; ``.gz`` is unpacked."""


class _Position(msgspec.Struct, frozen=True):
    """Which file was taken in."""

    digest: str
    shift: int | None = None


class StixBundle:
    """Reads a bundle once, and again when another one is in its place. An object read again keeps its ``event.id``."""

    Settings: ClassVar[type[msgspec.Struct]] = StixBundleSettings

    def __init__(self, name: str, settings: StixBundleSettings, intake: Intake, clock: Clock) -> None:
        self._name, self._intake, self._clock = name, intake, clock
        self._path = settings.path
        self._draft = Draft(name, settings, self._normalise, clock)
        self._bundle: Bundle

    async def run(self) -> None:
        """Take in the bundle. Raises ``source.unreadable``; what is wrong in the file is a reject."""
        data = await asyncio.to_thread(_read, self._path)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        stored = self._intake.position(self._name)
        if stored:
            known = msgspec.json.decode(stored, type=_Position)
            if known.digest == digest:
                return
            self._draft.shift = known.shift
        try:
            self._bundle = Bundle(msgspec.json.decode(data.removeprefix(BOM_UTF8)))
        except (ImpetusError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            what = error.what if isinstance(error, ImpetusError) else f"not JSON: {error}"
            self._draft.reject("source.record", what, str(self._path), data)
        else:
            await self._take()
        position = _Position(digest, self._draft.shift)
        await self._intake.accept(self._draft.batch(msgspec.json.encode(position)))

    async def _take(self) -> None:
        for number, item in enumerate(self._bundle.indicators(), 1):
            raw, identity = msgspec.json.encode(item), f"{item.get('id')} {item.get('modified')}".encode()
            self._draft.add(item, raw, identity, f"{self._path} ({item.get('id')})")
            if number % MAX_OBJECTS == 0:
                await self._intake.accept(self._draft.batch())
        if self._bundle.revoked:
            _log.info("stix.revoked", source=self._name, objects=self._bundle.revoked)

    def _normalise(self, record: Mapping[str, Json]) -> Iterable[dict[str, Json]]:
        events = self._bundle.events(record)
        for event in events:
            event.setdefault("@timestamp", format_instant(self._clock()))
        self._report_left_out(record)
        return events

    def _report_left_out(self, item: Mapping[str, Json]) -> None:
        """Parts of a pattern that are not used are kept as rejects, beside the events of the others."""
        if item.get("type") == "indicator":
            for reason in read_pattern(str(item.get("pattern"))).left_out:
                where = f"{self._path} ({item.get('id')})"
                self._draft.reject("source.record", f"part of the pattern: {reason}", where, msgspec.json.encode(item))


def _read(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data: bytes = file.read(MAX_FILE + 1)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ImpetusError("source.unreadable", reason, Where(str(path)), "Check the path.") from error
    if len(data) > MAX_FILE:
        raise ImpetusError("source.unreadable", f"more than {MAX_FILE} bytes", Where(str(path)))
    return data
