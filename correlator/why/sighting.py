"""What a correlation sees: matches of the rules that it refers to, gathered by group."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, product

from correlator._engine import Item
from impetus.domain.place import Place
from rules.form import Correlation

MAX_COMBINATIONS = 1024
"""One match with array fields counts in so many groups, and with so many values, as in the engine."""
NUMBERS = frozenset({"value_sum", "value_avg", "value_median", "value_percentile"})
"""Types that measure the numbers of a field."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LARGEST, _SCALE = float(1 << 63), 1 << 40

Group = tuple[tuple[str, str], ...]
"""Group-by names and values."""


@dataclass(frozen=True)
class Sighting:
    """A match of a rule by an event; or a firing of a correlation, which stands for its alert at its time."""

    rule: int
    id: str
    """Of the event, or of the alert."""
    time: int
    """Event time (µs)."""
    place: Place
    fields: Mapping[str, Sequence[str]]
    explained: bool = False
    event: str = ""
    """The event that it came with: for an alert the newest event of that firing."""


@dataclass
class Entry:
    """One event or alert of a group, with all the rules that it matched there."""

    time: int
    id: str
    event: str
    place: Place
    rules: set[int]
    values: tuple[object, ...]
    explained: bool
    item: Item = field(repr=False)

    @property
    def order(self) -> tuple[int, str]:
        """What members are sorted by."""
        return self.time, self.id


def groups(correlation: Correlation, sightings: Iterable[Sighting]) -> dict[Group, list[Entry]]:
    """The entries of each group, by time and id. A match without a group-by field, or without a value, is in none."""
    found: dict[Group, dict[tuple[int, str], Entry]] = defaultdict(dict)
    for sighting in sightings:
        if sighting.rule not in correlation.rules:
            continue
        values = values_of(correlation, sighting)
        if values is None:
            continue
        for group in groups_of(correlation, sighting):
            known = found[group].setdefault((sighting.time, sighting.id), _entry(sighting, values))
            _absorb(known, sighting, values)
    return {group: sorted(entries.values(), key=lambda entry: entry.order) for group, entries in found.items()}


def groups_of(correlation: Correlation, sighting: Sighting) -> Iterator[Group]:
    """The groups that a match counts in: one for each combination of the values of array fields."""
    names = correlation.group_by
    for values in _combinations([field_of(correlation, name, sighting.rule) for name in names], sighting):
        yield tuple(zip(names, values, strict=True))


def values_of(correlation: Correlation, sighting: Sighting) -> tuple[object, ...] | None:
    """What a match adds to the measure; None where it lacks the field that is measured."""
    if not correlation.type.startswith("value_"):
        return ()
    names = [field_of(correlation, name, sighting.rule) for name in correlation.condition.fields]
    if correlation.type in NUMBERS:
        texts = sighting.fields.get(names[0], ())[:MAX_COMBINATIONS]
        return tuple(number for number in map(fixed_point, texts) if number is not None) or None
    return tuple(_combinations(names, sighting)) or None


def field_of(correlation: Correlation, name: str, rule: int) -> str:
    """The field behind a name of a correlation, for matches of one rule."""
    return correlation.aliases.get(name, {}).get(str(rule), name)


def fixed_point(text: str) -> int | None:
    """A number with 40 fractional bits, rounded half away from zero; None for a text that is none."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if number in (float("inf"), float("-inf")):
        return None
    scaled = Fraction(max(-_LARGEST, min(number, _LARGEST))) * _SCALE
    rounded = (abs(scaled) + Fraction(1, 2)).__floor__()
    return rounded if scaled >= 0 else -rounded


def as_number(fixed: int) -> float:
    """The number of a fixed point."""
    return fixed / _SCALE


def _combinations(names: Sequence[str], sighting: Sighting) -> Iterator[tuple[str, ...]]:
    values = [sorted(set(sighting.fields.get(name, ())[:MAX_COMBINATIONS])) for name in names]
    return islice(product(*values), MAX_COMBINATIONS)


def _entry(sighting: Sighting, values: tuple[object, ...]) -> Entry:
    place, location = sighting.place, sighting.place.location
    latitude, longitude = (location.lat, location.lon) if location else (None, None)
    item = Item(0, sighting.id, sighting.time, place.zone, latitude, longitude, place.radius, [], False)
    return Entry(
        sighting.time, sighting.id, sighting.event or sighting.id, place, set(), values, sighting.explained, item
    )


def one_entry(sighting: Sighting) -> Entry:
    """A match alone, whatever its group."""
    entry = _entry(sighting, values=())
    entry.rules.add(sighting.rule)
    return entry


def _absorb(entry: Entry, sighting: Sighting, values: tuple[object, ...]) -> None:
    """The same event matched by another rule, or the same alert fired again at the same time: the last place counts."""
    entry.rules.add(sighting.rule)
    fresh = _entry(sighting, values)
    entry.event, entry.place, entry.item = fresh.event, fresh.place, fresh.item
    if entry.values != values:
        entry.values = tuple(sorted({*entry.values, *values}))  # type: ignore[type-var]
