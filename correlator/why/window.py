"""One window: the one that the newest entry sees, with each condition and what it came to."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from correlator._engine import Relation, Relations
from correlator.why import measure
from correlator.why.order import longest_chain
from correlator.why.sighting import Entry, Group
from rules.form import AllRules, AnyRule, Correlation, NoRule, RuleExpression, RuleLeaf, holds_when


@dataclass(frozen=True)
class Terms:
    """One correlation as windows ask it."""

    index: int
    correlation: Correlation
    wanted: frozenset[int]
    """Rules that make members."""
    awaited: frozenset[int]
    """Rules whose absence it waits for."""
    chained: bool
    """Whether it refers to correlations."""
    relations: Relations

    @classmethod
    def of(cls, index: int, correlation: Correlation, rules: int, relations: Relations) -> "Terms":
        """The terms of the correlation with an index; ``rules`` is the number of single-event rules."""
        wanted, awaited = frozenset(correlation.rules), frozenset[int]()
        if (expression := expression_of(correlation)) is not None:
            wanted, awaited = frozenset(_named(expression, True)), frozenset(_named(expression, False))
        return cls(index, correlation, wanted, awaited, any(r >= rules for r in correlation.rules), relations)

    @property
    def placed(self) -> bool:
        """Whether it asks for a relation in place."""
        place = self.correlation.place
        return place is not None and bool(place.distance or place.speed or place.zone)

    def relate(self, newest: Entry, other: Entry) -> Relation:
        """How an entry stands to the newest one."""
        relation = self.relations.relate(self.index, newest.item, other.item)
        assert relation is not None  # noqa: S101 - the index is that of a correlation
        return relation


@dataclass
class Window:
    """What the window of one entry came to."""

    group: Group
    newest: Entry
    start: int
    """Event time (µs) from which entries are in it; the newest one ends it."""
    members: list[Entry]
    """The entries that stand in the relation; of an ordered correlation those on a longest chain."""
    relations: dict[tuple[int, str], Relation]
    """Where a place is asked for, how each entry of the stretch of time stands to the newest, by time and id."""
    inside: list[Entry] = field(default_factory=list)
    """All entries that stand in the relation, those too that are in no chain."""
    number: float | None = None
    """What the measure came to; None where there is nothing to measure or an expression is asked."""
    holds: bool = False
    """Whether the condition holds, the absence included."""
    at: int = 0
    """Event time (µs) of the firing: of the newest, or of the end of the wait."""
    waits: bool = False
    """Whether it has to wait for the end of an absence."""
    first: int = 0
    """Event time (µs) from which the awaited counts."""
    came: list[Entry] = field(default_factory=list)
    """What came although its absence was awaited."""
    absent: set[int] = field(default_factory=set)
    """The rules whose absence it rests on."""
    over: bool = True
    """Whether the wait is over."""

    @property
    def explained(self) -> bool:
        """Whether the plan explains every member."""
        return all(entry.explained for entry in self.members)

    @property
    def fires(self) -> bool:
        """Whether it fires."""
        return self.holds and self.over and not self.explained

    @property
    def certain(self) -> bool:
        """Whether the relation of every member holds certainly."""
        stands = [self.relations[entry.order].stands for entry in self.members if entry.order in self.relations]
        return all(one == "certain" for one in stands)


def look(terms: Terms, group: Group, entries: Sequence[Entry], newest: Entry, now: int | None) -> Window:
    """The window of an entry of a group. ``now`` is event time (µs); None: everything is over."""
    correlation, end = terms.correlation, newest.time
    window = Window(group, newest, end - correlation.timespan, [], {}, at=end, first=end)
    if not newest.rules & terms.wanted:
        return window
    window.members = window.inside = _related(terms, window, entries, terms.wanted, (window.start, end))
    _weigh(terms, window)
    if terms.awaited:
        _await(terms, window, entries, now)
    return window


def _related(
    terms: Terms, window: Window, entries: Sequence[Entry], rules: Iterable[int], stretch: tuple[int, int]
) -> list[Entry]:
    """The entries of some rules in a stretch of time (both ends included) that stand in the relation to the newest."""
    found = []
    for entry in entries[bisect_left(entries, stretch[0], key=_time) : bisect_right(entries, stretch[1], key=_time)]:
        if entry.rules.isdisjoint(rules):
            continue
        if terms.placed and entry is not window.newest:
            window.relations[entry.order] = terms.relate(window.newest, entry)
            if window.relations[entry.order].stands is None:
                continue
        found.append(entry)
    return found


def _time(entry: Entry) -> int:
    return entry.time


def _weigh(terms: Terms, window: Window) -> None:
    """Decide the condition for the members, an absence aside."""
    correlation, expression = terms.correlation, expression_of(terms.correlation)
    if correlation.type == "temporal_ordered":
        newest = next(index for index, entry in enumerate(window.members) if entry is window.newest)
        chain = longest_chain(window.members, newest, correlation.rules, terms.wanted)
        window.members = [window.members[index] for index in chain.members]
        window.number = chain.length
        whole = chain.length == len(terms.wanted)
        window.holds = whole if expression is not None else _compares(correlation, window.number)
    elif expression is not None:
        window.holds = bool(terms.awaited) or holds_when(expression, present(window.members).__contains__)
    else:
        window.number = measure.measure(correlation, window.members, terms.chained)
        window.holds = _compares(correlation, window.number)


def _compares(correlation: Correlation, number: float | None) -> bool:
    return measure.holds(measure.wanted_number(correlation), number)


def _await(terms: Terms, window: Window, entries: Sequence[Entry], now: int | None) -> None:
    """The awaited counts from the first member to the timespan after the last, if it stands in the relation to that."""
    expression = expression_of(terms.correlation)
    if not window.holds or expression is None:
        return
    there = present(window.members) & terms.wanted
    if holds_when(expression, (there | terms.awaited).__contains__):
        return  # it would hold even if all that it awaits had come
    window.waits, window.first = True, min(entry.time for entry in window.members)
    window.at = window.newest.time + terms.correlation.timespan
    window.came = _related(terms, window, entries, terms.awaited, (window.first, window.at))
    there |= present(window.came) & terms.awaited
    window.holds = holds_when(expression, there.__contains__)
    missing = terms.awaited - there
    needed = {rule for rule in missing if not holds_when(expression, (there | {rule}).__contains__)}
    window.absent = needed or set(missing)
    window.over = now is None or window.at < now


def present(entries: Iterable[Entry]) -> set[int]:
    """The rules that some entries matched."""
    return {rule for entry in entries for rule in entry.rules}


def expression_of(correlation: Correlation) -> RuleExpression | None:
    """The extended condition, where there is one."""
    expression = correlation.condition.expr
    return expression if isinstance(expression, AllRules | AnyRule | NoRule | RuleLeaf) else None


def _named(expression: RuleExpression, positive: bool) -> set[int]:
    match expression:
        case RuleLeaf(index):
            return {index} if positive else set()
        case NoRule(inner):
            return _named(inner, not positive)
        case AllRules(of) | AnyRule(of):
            return {index for part in of for index in _named(part, positive)}
