"""The rows of an incident: its alerts in their order, repeats of one rule on one device as one.

What is kept of a row is flat, for most rows are written and read again many times before they change. Rows are bounded:
of very many, those of single alerts that will never be listed are left out.
"""

from bisect import bisect_left, insort

import msgspec

from impetus.domain.alert import Alert
from impetus.domain.incident import Member

REPEATS = 20
"""Ids of repeats that a row lists; the others are counted."""
FIRST_ROWS, LAST_ROWS = 100, 400
"""Rows that an incident lists; those between are counted."""

Order = tuple[int, bool, str]
"""Where an alert stands: event time of its first firing, then those of single events, then its id."""


class Row(msgspec.Struct, array_like=True, gc=False, order=True):
    """An alert with its repeats: those of one rule on one device. Rows compare as their first alerts stand."""

    fired: int
    correlation: bool
    id: str
    why: str
    first: int
    last: int
    rule: str = ""
    """Empty where no repeat will ever come, as there is no device."""
    device: str = ""
    count: int = 1
    repeats: tuple[tuple[Order, str], ...] = ()

    @property
    def order(self) -> Order:
        """Where its first alert stands."""
        return (self.fired, self.correlation, self.id)

    def repeat(self, order: Order, id: str) -> None:
        """Note the id of a repeat, if it is among the first."""
        self.repeats = tuple(sorted((*self.repeats, (order, id)))[:REPEATS])

    def member(self) -> Member:
        """The row as it is written."""
        repeats = tuple(id for _, id in self.repeats) if self.repeats else ()
        return Member(self.id, self.why, self.count, repeats, self.first, self.last)


class Rows:
    """The rows of one incident, over a list of them in order that stays the same list."""

    __slots__ = ("_by_device", "_repeated", "_sorted")

    def __init__(self, rows: list[Row]) -> None:
        self._sorted = rows
        self._by_device = {(row.rule, row.device): row for row in rows if row.rule}
        self._repeated = 0
        """So many rows there were when the last ones were left out."""

    def find(self, alert: Alert) -> Row | None:
        """The row that an alert is in, or would be in as a repeat."""
        key = _repeated_by(alert)
        if key is not None:
            return self._by_device.get(key)
        at = bisect_left(self._sorted, (alert.fired, alert.correlation, alert.id), key=_order)
        return self._sorted[at] if at < len(self._sorted) and self._sorted[at].id == alert.id else None

    def add(self, alert: Alert, order: Order, why: str) -> None:
        """Add an alert: a row, or one more of a row."""
        rule, device = _repeated_by(alert) or ("", "")
        row = self._by_device.get((rule, device))
        if row is None:
            self._put(Row(*order, why, alert.first, alert.at, rule, device))
        else:
            row.count += 1
            self._repeat(row, order, why)

    def absorb(self, other: "Rows", opener: Order, why: str) -> None:
        """Add all rows of another incident; its opener joined for this reason."""
        for row in other._sorted:
            self._absorb(row, why if row.order == opener else row.why)

    def listed(self) -> tuple[Member, ...]:
        """The rows in order: the first and the last ones of very many."""
        chosen = self._sorted
        if len(chosen) > FIRST_ROWS + LAST_ROWS:
            chosen = chosen[:FIRST_ROWS] + chosen[-LAST_ROWS:]
        return tuple([row.member() for row in chosen])

    def _absorb(self, other: Row, why: str) -> None:
        row = self._by_device.get((other.rule, other.device))
        if row is None:
            self._put(msgspec.structs.replace(other, why=why))
            return
        row.count += other.count
        row.first, row.last = min(row.first, other.first), max(row.last, other.last)
        self._repeat(row, other.order, why)
        for order, id in other.repeats:
            row.repeat(order, id)

    def _put(self, row: Row) -> None:
        insort(self._sorted, row)
        if row.rule:
            self._by_device[row.rule, row.device] = row
        if len(self._sorted) > 2 * max(FIRST_ROWS + LAST_ROWS, self._repeated):
            self._leave_out()

    def _repeat(self, row: Row, order: Order, why: str) -> None:
        """Note one more alert of a row: the first one stands for it."""
        if order > row.order:
            row.repeat(order, order[2])
            return
        del self._sorted[bisect_left(self._sorted, row.order, key=_order)]
        row.repeat(row.order, row.id)
        row.fired, row.correlation, row.id = order
        row.why = why
        insort(self._sorted, row)

    def _leave_out(self) -> None:
        """Let go of rows that will never be listed: none of a single alert that many stand before and behind."""
        self._sorted[FIRST_ROWS:-LAST_ROWS] = [row for row in self._sorted[FIRST_ROWS:-LAST_ROWS] if row.rule]
        self._repeated = len(self._sorted)


def row_key(alert: Alert) -> tuple[str, str]:
    """What tells the rows of an incident apart: rule and device, or the alert itself where it has none."""
    return _repeated_by(alert) or ("", alert.id)


def _repeated_by(alert: Alert) -> tuple[str, str] | None:
    """Rule and device by which an alert is a repeat of others; None where it never is."""
    if alert.correlation:
        return None
    device = next((entity.value for entity in alert.entities if entity.kind == "device"), None)
    return (alert.rule, device) if device is not None else None


def _order(row: Row) -> Order:
    return row.order
