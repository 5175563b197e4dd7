"""What a window comes to: the number that is compared, by the type of the correlation."""

import operator
from collections.abc import Callable, Iterable, Sequence

from correlator.why.sighting import Entry, as_number
from rules.form import Comparison, Correlation

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


def holds(comparisons: Iterable[Comparison], value: float | None) -> bool:
    """Whether all comparisons hold; for a window that holds nothing to measure none does."""
    return value is not None and all(_HOLDS[name](value, limit) for name, limit in comparisons)


def wanted_number(correlation: Correlation) -> tuple[Comparison, ...]:
    """What the number has to be: as the rule says, else all its rules."""
    return correlation.condition.cmp or (("gte", len(correlation.rules)),)


def measure(correlation: Correlation, members: Sequence[Entry], chained: bool) -> float | None:
    """The number that the members come to; None for a sum or the like of nothing. ``chained``: alerts count once."""
    kind = correlation.type
    if kind == "event_count":
        return len({entry.id for entry in members}) if chained else len(members)
    if kind == "value_count":
        return len({value for entry in members for value in entry.values})
    if kind in {"temporal", "temporal_ordered"}:
        return len({rule for entry in members for rule in entry.rules if rule in correlation.rules})
    return _of_numbers(correlation, [value for entry in members for value in entry.values if isinstance(value, int)])


def _of_numbers(correlation: Correlation, numbers: list[int]) -> float | None:
    if not numbers:
        return None
    if correlation.type == "value_sum":
        return as_number(sum(numbers))
    if correlation.type == "value_avg":
        return as_number(sum(numbers)) / len(numbers)
    wanted = 50.0 if correlation.type == "value_median" else float(correlation.condition.percentile or 0.0)
    return _percentile(sorted(numbers), wanted)


def _percentile(numbers: Sequence[int], wanted: float) -> float:
    """Linear between the two nearest ranks."""
    rank = wanted / 100.0 * (len(numbers) - 1)
    below = int(rank)
    above = below + (rank > below)
    low, high = as_number(numbers[below]), as_number(numbers[above])
    return low + (high - low) * (rank - below)
