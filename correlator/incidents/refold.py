"""Folding anew: what a change may touch is taken out and folded again, the rest is not looked at."""

from collections.abc import Collection, Sequence

from correlator.incidents.case import Case, Node, Order, order_of
from correlator.incidents.extension import closure
from correlator.incidents.fold import Fold
from correlator.incidents.names import WEAKLY
from impetus.domain.alert import Alert


def refold(fold: Fold, fresh: Sequence[Alert]) -> list[Case]:
    """Take in alerts (new, revised, gone) with all that they lead to; returns the cases that were taken apart."""
    for alert in fresh:
        fold.shelf.fetch(alert)
    old = [fold.nodes[alert.id] for alert in fresh if alert.id in fold.nodes]
    first = min([order_of(alert) for alert in fresh] + [node.order for node in old])
    pool, cases = closure(fold, [alert for alert in fresh if not alert.gone], old)
    _widen(fold, pool, cases, _turning(fold, pool, fresh, first))
    apart = list(cases)
    nodes = {id: _again(node) for id, node in pool.items()}
    for alert in fresh:
        nodes.pop(alert.id, None)
        if not alert.gone:
            nodes[alert.id] = _again(fold.nodes.get(alert.id) or Node(alert), alert)
    turned = _fold_again(fold, pool.values(), cases, nodes, first)
    while turned:
        more: dict[str, Node] = {}
        around: list[Case] = []
        _widen(fold, more, around, turned)
        if more.keys() <= nodes.keys():
            break
        apart += [case for case in around if case.id in fold.cases and not nodes.keys() & case.nodes.keys()]
        taken = [fold.nodes[id] for id in nodes]
        again = {node.case.heir: None for node in taken if node.case is not None} | dict.fromkeys(around)
        nodes = {id: _again(node) for id, node in (more | nodes).items()}
        turned = _fold_again(fold, [*taken, *more.values()], list(again), nodes, first)
    return apart


def _again(node: Node, alert: Alert | None = None) -> Node:
    """An alert to be folded again: where it is on record, and the repeats it stands for, stay."""
    again = Node(alert or node.alert)
    again.home, again.dropped, again.earliest = node.home, node.dropped, node.earliest
    return again


def _turning(fold: Fold, pool: dict[str, Node], fresh: Sequence[Alert], first: Order) -> list[Node]:
    """The alerts by which entities became common that have to be counted anew."""
    keys = {e.key for node in pool.values() for e in node.alert.entities} | {e.key for a in fresh for e in a.entities}
    since = (fold.commons.since.get(key) for key in keys)
    found = (fold.shelf.find(at[2]) for at in since if at is not None and at >= first)
    return [node for node in found if node is not None]


def _widen(fold: Fold, pool: dict[str, Node], cases: list[Case], nodes: Sequence[Node]) -> None:
    found, around = closure(fold, (), [node for node in nodes if node.alert.id not in pool])
    pool.update(found)
    cases += [case for case in around if case not in cases]


def _fold_again(
    fold: Fold, pool: Collection[Node], cases: Sequence[Case], nodes: dict[str, Node], first: Order
) -> list[Node]:
    """Fold some alerts again; returns alerts beside them that a change in how common an entity is may touch."""
    keys = {e.key for node in [*pool, *nodes.values()] for e in node.alert.entities if not e.weak}
    was = fold.commons.reset(keys, first)
    fold.remove(pool, cases)
    for node in sorted(nodes.values(), key=lambda node: node.order):
        fold.take(node)
    turned = [key for key, since in was.items() if fold.commons.since.get(key) != since]
    return [node for key in turned for name in (key, f"{WEAKLY}{key}") for node in fold.having(name)]
