"""How numbers and comparisons are said: ``341 s is over 5 min``."""

from collections.abc import Iterable

from correlator.why.measure import holds
from impetus.domain.instant import SECOND, format_instant
from rules.form import Comparison

_SIGNS = {"lt": "<", "lte": "≤", "gt": ">", "gte": "≥", "eq": "=", "neq": "≠"}
_MISSES = {
    "lt": "is not under",
    "lte": "is over",
    "gt": "is not over",
    "gte": "is under",
    "eq": "is not",
    "neq": "is",
}


def span(microseconds: int) -> str:
    """A length of time: ``44 s``, ``341 s``, ``25 min``, ``2 h 5 min``, ``3 d``; exact to the second below an hour."""
    seconds = abs(microseconds) / SECOND
    if seconds < 600:
        return f"{seconds:.3f}".rstrip("0").rstrip(".") + " s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


def limit(microseconds: int) -> str:
    """A length of time as rules give it: ``5 min`` for 300 s."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if microseconds % (size * SECOND) == 0:
            return f"{microseconds // (size * SECOND)} {unit}"
    return span(microseconds)


def number(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.6g}" if abs(value) < 1_000_000 else f"{value:.0f}"


def asked(comparisons: Iterable[Comparison], unit: str = "") -> str:
    """Comparisons as they are asked: ``≥ 10``; several are joined by ``and``."""
    return " and ".join(f"{_SIGNS[name]} {number(value)}{unit}" for name, value in comparisons)


def missed(comparisons: Iterable[Comparison], value: float, unit: str = "") -> str:
    """The comparisons that a value fails: ``is over 200 m``."""
    failed = [(name, bound) for name, bound in comparisons if not holds([(name, bound)], value)]
    return " and ".join(f"{_MISSES[name]} {number(bound)}{unit}" for name, bound in failed)


def clock(instant: int) -> str:
    """An instant as answers give it: RFC 3339 in UTC."""
    return format_instant(instant)
