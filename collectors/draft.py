"""A batch in the making: what one source took in since it last handed over."""

from collections.abc import Mapping
from typing import Any

import msgspec

from collectors.normalise import native
from collectors.normalise.finish import event_time, finish
from collectors.recording import Source, parse_start
from impetus.domain.batch import Batch, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.ports import Clock, Normalise

MAX_RECORD = 4096
"""A reject keeps so many bytes of its record."""
MAX_TEXT = 512
"""… and so many characters of what is said of it: a source may have chosen some of them."""
MAX_EVENTS = 1000
"""A record may become so many events; one that becomes more is refused as a whole."""

_decoder = msgspec.json.Decoder()


class Draft:
    """Takes records, keeps the events and rejects they become, and gives them out as a ``Batch``.

    Every record ends as events or as one reject, whatever is in it and whatever a normaliser does with it.
    """

    def __init__(self, name: str, source: Source, normalise: Normalise, clock: Clock) -> None:
        self._name = name
        self._recorded = source.recorded
        self._start = parse_start(source)
        self._normalise = normalise
        self._clock = clock
        self._lines: list[bytes] = []
        self._rejects: list[Reject] = []
        self.size = 0
        """Bytes of the events taken since the last batch."""
        self.shift: int | None = None
        """How far (µs) the recording is moved; known from its first event on. Part of the source's position."""

    def __len__(self) -> int:
        return len(self._lines) + len(self._rejects)

    def add_json(self, raw: bytes, identity: bytes, where: str) -> None:
        """Take a record that should be a JSON object of the source's format."""
        try:
            record = decode_object(raw)
            passes = self._passes(record, raw)
        except ImpetusError as error:
            self.reject(error.code, error.what, where, raw)
            return
        if passes:
            self._keep(raw)
        else:
            self.add(record, raw, identity, where)

    def add(self, record: Mapping[str, Json], raw: bytes, identity: bytes, where: str) -> None:
        """Take a decoded record; ``raw`` is how the source wrote it."""
        try:
            lines = self._finish(record, raw, identity)
        except ImpetusError as error:
            self.reject(error.code, error.what, where, raw)
        except Exception as error:  # a normaliser is a plug-in: its mistake costs one record
            self.reject("source.record", f"the normaliser failed: {error!r:.200}", where, raw)
        else:
            for line in lines:
                self._keep(line)

    def reject(self, code: str, what: str, where: str, raw: bytes) -> None:
        """Keep a record that is no event, with the reason."""
        self._rejects.append(Reject(self._name, code, what[:MAX_TEXT], where[:MAX_TEXT], raw[:MAX_RECORD]))

    def mark(self) -> tuple[int, int]:
        """Where the draft is now, to tell what is added later."""
        return len(self._lines), len(self._rejects)

    def since(self, mark: tuple[int, int]) -> list[bytes]:
        """The events added since a mark."""
        return self._lines[mark[0] :]

    def batch(self, position: bytes | None = None, upto: tuple[int, int] | None = None) -> Batch:
        """What was taken since the last batch, up to a mark if one is given, with the position behind it."""
        lines, rejects = upto or self.mark()
        batch = Batch(self._name, tuple(self._lines[:lines]), position, tuple(self._rejects[:rejects]))
        del self._lines[:lines], self._rejects[:rejects]
        self.size = sum(map(len, self._lines))
        return batch

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self.size += len(line)

    def _passes(self, record: Mapping[str, Json], raw: bytes) -> bool:
        """Whether the bytes can go on as they are."""
        if self._normalise is not native.normalise or self._start is not None or b"\n" in raw:
            return False
        return native.is_complete(record, raw)

    def _finish(self, record: Mapping[str, Json], raw: bytes, identity: bytes) -> list[bytes]:
        events = [dict(event) for _, event in zip(range(MAX_EVENTS + 1), self._normalise(record), strict=False)]
        if len(events) > MAX_EVENTS:
            raise ImpetusError("source.record", f"the record becomes more than {MAX_EVENTS} events")
        if self._start is not None and self.shift is None and events:
            self.shift = self._start - event_time(events[0])
        return [self._complete(event, raw, identity, index) for index, event in enumerate(events)]

    def _complete(self, event: dict[str, Json], raw: bytes, identity: bytes, index: int) -> bytes:
        return finish(
            event,
            provider=self._name,
            original=raw,
            now=self._clock(),
            identity=identity if index == 0 else b"%b#%d" % (identity, index),
            changed=self._normalise is not native.normalise,
            recorded=self._recorded,
            shift=self.shift or 0,
        )


def decode_object(raw: bytes) -> dict[str, Json]:
    """The JSON object of a record. Raises ``source.record`` where it is none."""
    try:
        record: Any = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        check_text(raw)
        raise ImpetusError("source.record", f"not JSON: {str(error)[:200]}") from error
    if not isinstance(record, dict):
        raise ImpetusError("source.record", "not a JSON object")
    return record


def check_text(raw: bytes) -> None:
    """Refuse bytes that are not UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise ImpetusError("source.record", f"not UTF-8: {error.reason} at byte {error.start}") from error
