"""Departure: what leaves memory for the store, and when. First its rows are written; when they are durable, it goes.

What was asked for in between stays. So memory holds the newest alerts, and whatever was needed since the last commit.
"""

from typing import Any

from correlator.incidents.case import Case, Node, Order, is_watch
from correlator.incidents.fold import Fold
from correlator.incidents.names import Name
from correlator.incidents.summary import Summary
from correlator.incidents.upkeep import Upkeep
from impetus.domain.incident import Incident

ALL = 1 << 62
"""No alert of an incident leaves memory."""


class Departure:
    """The alerts, events and summaries that are on their way to the store."""

    def __init__(self, fold: Fold, upkeep: Upkeep, most: int) -> None:
        """``most``: so many alerts in incidents stay in memory."""
        self._fold, self._upkeep, self._most = fold, upkeep, most
        self._nodes: list[tuple[Node, Case, tuple[Any, ...]]] = []
        self._events: list[tuple[str, Name, Order]] = []
        self._cases: list[tuple[Case, Summary, Incident | None]] = []

    def write(self) -> None:
        """Write the rows of what is to leave."""
        fold, shelf = self._fold, self._fold.shelf
        shelf.tidy()
        if not shelf.rows.is_open:
            return
        woken, shelf.woken = shelf.woken, []
        for node in woken:
            if node.case is not None and fold.nodes.get(node.id) is node:
                self._upkeep.watch(node)
        for node in self._upkeep.surplus(self._most):
            if node.case is not None and not self._stays(node):
                shelf.store(node, node.case.heir)
                self._nodes.append((node, node.case.heir, _what(node)))
        self._write_events()
        self._write_cases()

    def _write_events(self) -> None:
        events, self._fold.shelf.events = self._fold.shelf.events, {}
        for name in events:
            entry = self._fold.names.get(name)
            last = self._fold.shelf.store_event(name)
            if entry is not None and last is not None:
                self._events.append((name, entry, last))

    def _write_cases(self) -> None:
        fold = self._fold
        cold, fold.shelf.cold = fold.shelf.cold, {}
        for case in cold:
            if fold.cases.get(case.id) is case and case.shelved and not case.nodes and not case.away:
                fold.shelf.store_summary(case)
                self._cases.append((case, case.summary(), case.record))

    def go(self) -> None:
        """All rows that were written are durable: let what they stand for leave memory, if it is still the same."""
        self._fold.shelf.rows.committed()
        nodes, self._nodes = self._nodes, []
        for node, case, what in nodes:
            if self._fold.nodes.get(node.id) is not node or node.case is None:
                continue
            if node.case.heir is case and _what(node) == what and not self._stays(node):
                self._fold.shelf.release(node, case)
            else:
                self._upkeep.watch(node)
        self._let_events_go()
        self._let_cases_go()

    def resume(self) -> None:
        """While everything is folded again: let go of what the store says the same of already; the rest is kept."""
        shelf = self._fold.shelf
        shelf.woken = []
        kept: list[Node] = []
        for node in self._upkeep.surplus(self._most):
            case = node.case.heir if node.case is not None else None
            if case is not None and not self._stays(node) and shelf.has(node, case):
                node.stored = case.id
                shelf.release(node, case)
            else:
                kept.append(node)
        for node in kept:
            self._upkeep.watch(node)
        self._resume_events()
        self._resume_cases()

    def claim(self) -> None:
        """After all was folded again: the store may have rows of anything, from before; they are removed when due."""
        if self._most == ALL:
            return
        for case in self._fold.cases.values():
            case.filed = True
        for node in self._fold.nodes.values():
            node.stored = node.case.heir.id if node.case is not None else ""
        self._fold.names.resume()

    def _let_events_go(self) -> None:
        names, events = self._fold.names, self._events
        self._events = []
        for name, entry, last in events:
            if names.get(name) is not entry or not names.is_plain(name, entry):
                continue
            owner, since = entry.owners[0]
            if max(entry.last, owner.since(since)) == last:
                names.forget(name)
            else:
                self._fold.shelf.events[name] = None

    def _let_cases_go(self) -> None:
        fold, cases = self._fold, self._cases
        self._cases = []
        for case, summary, record in cases:
            if fold.cases.get(case.id) is not case or case.nodes or not case.shelved or case.away:
                continue
            if case.sum is summary and case.record is record and case not in fold.changed:
                case.leave()
            else:
                fold.shelf.cold[case] = None

    def _resume_events(self) -> None:
        shelf = self._fold.shelf
        events, shelf.events = shelf.events, {}
        for name in events:
            if shelf.has_event(name):
                self._fold.names.forget(name)
            else:
                shelf.events[name] = None

    def _resume_cases(self) -> None:
        fold = self._fold
        cold, fold.shelf.cold = fold.shelf.cold, {}
        for case in cold:
            if fold.cases.get(case.id) is not case or not case.shelved or case.nodes or case.away:
                continue
            if fold.shelf.has_summary(case):
                case.leave()
            else:
                fold.shelf.cold[case] = None

    def _stays(self, node: Node) -> bool:
        """Whether an alert never leaves: what is expected of a place, and what a person said."""
        return is_watch(node.alert, self._fold.limits) or self._fold.bonds.bound(node.alert)


def _what(node: Node) -> tuple[Any, ...]:
    """What a row says of an alert."""
    return (node.alert.revision, node.alert.events, node.names, node.why, node.home, node.dropped)
