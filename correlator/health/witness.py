"""Who would have reported: the sources that have delivered events of the log sources that some rule awaits."""

from collections.abc import Iterator

import msgspec

from correlator.arrival import SAID, Said
from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.event import Fields, Json, Scalar, text
from impetus.domain.ports import Store

MAX_LOOKED = 10_000
"""So many answers are remembered; then they are found anew."""
PRODUCT, CATEGORY, SERVICE = SAID


_NO_NEWS: tuple[int, list[str]] = (-(1 << 63), [])


class LogSource(msgspec.Struct, frozen=True):
    """What an event must count as; None asks for nothing. Folded."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    @property
    def name(self) -> str:
        """Its name in the state."""
        return f"{self.product or '*'}/{self.category or '*'}/{self.service or '*'}"

    def covers(self, event: Fields) -> bool:
        """Whether an event counts as it, its product aside."""
        return _says(event, CATEGORY, self.category) and _says(event, SERVICE, self.service)


class Witnesses:
    """The awaited rules of a rule set, and when each source first delivered events of their log sources."""

    def __init__(self, form: bytes) -> None:
        self.awaited = _awaited(msgspec.json.decode(form, type=_Form))
        """Index of an awaited rule or correlation → the log sources of its rules."""
        self._by_product: dict[str | None, list[LogSource]] = {}
        for wanted in {one for sources in self.awaited.values() for one in sources}:
            self._by_product.setdefault(wanted.product, []).append(wanted)
        self._any = self._by_product.pop(None, [])
        self._looked: dict[tuple[object, ...], tuple[int, list[str]]] = {}
        """What a source has said as log source → since when that is noted, and what it counts as."""
        self._first: Kept[dict[str, int]] = Kept("health.witnesses", dict[str, int])

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that ``observe`` reads."""
        return (PRODUCT, CATEGORY, SERVICE) if self.awaited else ()

    def is_news(self, said: Said, source: str, time: int) -> bool:
        """Whether an event of a source has to be observed that says of product, category and service what is given."""
        known = self._looked.get((source, *said)) if self.awaited else _NO_NEWS
        return known is None or time < known[0]

    def observe(self, event: Fields, source: str, time: int) -> list[str]:
        """Take an event of a source in; the names of the awaited log sources that it counts as."""
        if not self.awaited:
            return []
        said = (source, *(_said(event.get(field)) for field in SAID))
        known = self._looked.get(said)
        if known is not None and time >= known[0]:
            return known[1]
        met = self._look(event, source, time)
        if len(self._looked) >= MAX_LOOKED:
            self._looked.clear()
        self._looked[said] = (time, met)
        return met

    def first(self, source: str, rule: int) -> int | None:
        """When a source first delivered an event that could have been of an awaited rule (µs), if it has."""
        firsts = self._first.get(source) or {}
        times = [firsts[one.name] for one in self.awaited[rule] if one.name in firsts]
        return min(times, default=None)

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._first.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._first.restore(store)

    def _look(self, event: Fields, source: str, time: int) -> list[str]:
        wanted = self._any
        for product in event.scalars(PRODUCT):
            wanted = wanted + self._by_product.get(_fold(product), [])
        met = [one.name for one in wanted if one.covers(event)]
        if met:
            self._note(met, source, time)
        return met

    def _note(self, met: list[str], source: str, time: int) -> None:
        known = self._first.get(source)
        if known is None:
            self._first[source] = dict.fromkeys(met, time)
            return
        for name in met:
            if time < known.get(name, time + 1):
                known[name] = time
                self._first[source] = known


def _said(value: Json) -> object:
    """A value as it can be remembered by."""
    return tuple(value) if type(value) is list else value


def _says(event: Fields, field: str, wanted: str | None) -> bool:
    return wanted is None or any(_fold(value) == wanted for value in event.scalars(field))


def _fold(value: Scalar) -> str:
    return text(value).casefold()


class _Rule(msgspec.Struct):
    logsource: LogSource


class _Expression(msgspec.Struct):
    """A node over the rules: ``of`` is one node under ``not``."""

    op: str
    index: int = 0
    of: "list[_Expression] | _Expression" = []


class _Condition(msgspec.Struct):
    expr: _Expression | None = None


class _Correlation(msgspec.Struct):
    rules: list[int]
    condition: _Condition = msgspec.field(default_factory=_Condition)


class _Form(msgspec.Struct):
    rules: list[_Rule]
    correlations: list[_Correlation] = []


def _awaited(form: _Form) -> dict[int, tuple[LogSource, ...]]:
    """Each negated rule or correlation with the log sources of the single-event rules behind it."""
    behind = [{_folded(rule.logsource)} for rule in form.rules]
    for correlation in form.correlations:
        behind.append(set().union(*(behind[rule] for rule in correlation.rules if rule < len(behind))))
    negated = {
        index for one in form.correlations if one.condition.expr for index in _negated(one.condition.expr, False)
    }
    return {index: tuple(sorted(behind[index], key=lambda one: one.name)) for index in sorted(negated)}


def _negated(expression: _Expression, inside: bool) -> Iterator[int]:
    if expression.op == "rule":
        if inside:
            yield expression.index
        return
    turned = inside != (expression.op == "not")
    for one in expression.of if isinstance(expression.of, list) else [expression.of]:
        yield from _negated(one, turned)


def _folded(source: LogSource) -> LogSource:
    parts = (source.product, source.category, source.service)
    return LogSource(*(part.casefold() if part is not None else None for part in parts))
