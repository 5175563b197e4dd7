"""A batch in the making: what one source took in since it last handed over."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import Any

import msgspec

from collectors.normalise import native
from collectors.normalise.finish import event_time, finish
from collectors.recording import Source, parse_start
from impetus.domain.batch import Batch, Reject
from impetus.domain.errors import ImpetusError
from impetus.domain.event import Json
from impetus.domain.instant import format_instant
from impetus.domain.ports import Clock, Normalise, NormaliseLines

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

    def __init__(
        self,
        name: str,
        source: Source,
        normalise: Normalise,
        clock: Clock,
        normalise_lines: NormaliseLines | None = None,
    ) -> None:
        """``normalise_lines`` is the fast way of ``normalise``, if there is one."""
        self.fleeting = False
        """Whether the source cannot bring its records again."""
        self._name = name
        self._recorded = source.recorded
        self._start = parse_start(source)
        self._normalise = normalise
        # A recording that is moved in time goes the long way, where its times are.
        self._normalise_lines = normalise_lines if self._start is None else None
        self._is_passing = normalise is native.normalise and self._start is None
        self._clock = clock
        self._lines: list[bytes] = []
        self._rejects: list[Reject] = []
        self._shed = 0
        self.size = 0
        """Bytes of the events taken since the last batch."""
        self.shift: int | None = None
        """How far (µs) the recording is moved; known from its first event on. Part of the source's position."""

    def __len__(self) -> int:
        return len(self._lines) + len(self._rejects)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hand over."""
        return not (self._lines or self._rejects or self._shed)

    @property
    def has_fast_way(self) -> bool:
        """Whether records that are taken together cost less."""
        return self._normalise_lines is not None

    def add_all(self, raws: Sequence[bytes], identities: Sequence[bytes], where: Callable[[int], str]) -> None:
        """Take records that should be JSON objects of the source's format; they arrive together.

        ``raws`` are as the source wrote them, ``identities`` tell them from others; ``where`` says, for people, where
        the one at a place of these stands.
        """
        created = None if self._recorded else format_instant(self._clock())
        lines = self._normalise_lines(raws, identities, self._name, created) if self._normalise_lines else repeat(None)
        for at, (raw, line) in enumerate(zip(raws, lines, strict=False)):
            if line is None:
                self.add_json(raw, identities[at], where(at))
            else:
                self._lines.append(line)
                self.size += len(line)

    def keep_complete(self, raw: bytes) -> bool:
        """Take a line that is an event as it is, and say whether; ``add_json`` completes or refuses any other."""
        try:
            return self._pass(raw)
        except ImpetusError:
            return False

    def add_json(self, raw: bytes, identity: bytes, where: str) -> None:
        """Take a record that should be a JSON object of the source's format."""
        try:
            if self._pass(raw):
                return
            record = decode_object(raw)
        except ImpetusError as error:
            self.reject(error.code, error.what, where, raw)
            return
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

    def shed(self, count: int) -> None:
        """Count records that the source could not keep back and that found no room."""
        self._shed += count

    def mark(self) -> tuple[int, int]:
        """Where the draft is now, to tell what is added later."""
        return len(self._lines), len(self._rejects)

    def since(self, mark: tuple[int, int]) -> list[bytes]:
        """The events added since a mark."""
        return self._lines[mark[0] :]

    def batch(self, position: bytes | None = None, upto: tuple[int, int] | None = None) -> Batch:
        """What was taken since the last batch, up to a mark if one is given, with the position behind it."""
        lines, rejects = upto or self.mark()
        some, refused = tuple(self._lines[:lines]), tuple(self._rejects[:rejects])
        batch = Batch(self._name, some, position, refused, self._shed, self.fleeting)
        self._shed = 0
        del self._lines[:lines], self._rejects[:rejects]
        self.size = sum(map(len, self._lines))
        return batch

    def give_up(self, more: int) -> Batch:
        """What is left to say when the end comes too soon: all that is here is lost, and so much more."""
        lost = self._shed + len(self) + more
        self.batch()
        return Batch(self._name, (), shed=lost)

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        self.size += len(line)

    def _pass(self, raw: bytes) -> bool:
        """Let the bytes go on as they are, if they can. Raises ``ImpetusError`` on what is to be refused."""
        if not self._is_passing or b"\n" in raw or not native.is_complete(decode_object(raw), raw):
            return False
        self._keep(raw)
        return True

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
