"""Folding anew: what a change may touch is taken out and folded again, the rest is not looked at."""

from collections.abc import Sequence

from correlator.incidents.case import Case, Node, order_of
from correlator.incidents.commons import NEVER_COMMON, counts, strong_keys
from correlator.incidents.extension import closure
from correlator.incidents.fold import Fold
from correlator.incidents.names import IDLY, WEAKLY
from correlator.incidents.rows import Order
from impetus.domain.alert import Alert


def refold(fold: Fold, fresh: Sequence[Alert]) -> list[Case]:
    """Take in alerts (new, revised, gone) with all that they lead to; returns the cases that were taken apart."""
    old = [fold.nodes[alert.id] for alert in fresh if alert.id in fold.nodes]
    alive = [alert for alert in fresh if not alert.gone]
    turned = _recount(fold, old, alive)
    pool, apart = closure(fold, [*alive, *(node.alert for node in turned)], [*old, *turned])
    nodes = {id: _again(node) for id, node in pool.items()}
    for alert in fresh:
        known = nodes.pop(alert.id, None)
        if not alert.gone:
            nodes[alert.id] = Node(alert) if known is None else _again(known, alert)
    fold.remove(pool.values(), apart)
    for node in sorted(nodes.values(), key=lambda node: node.order):
        fold.take_again(node)
    return apart


def recount(fold: Fold, key: str) -> None:
    """Count anew what an entity was met with, after alerts that had it are there no more."""
    if key not in fold.commons.since and not key.startswith(NEVER_COMMON):
        fold.commons.turn(key, [(node.order, node.alert) for node in fold.having(key)])


def _again(node: Node, alert: Alert | None = None) -> Node:
    """An alert to be folded again: where it is on record, and the repeats it stands for, stay."""
    again = Node(alert or node.alert)
    again.home, again.repeats = node.home, node.repeats
    return again


def _recount(fold: Fold, old: Sequence[Node], alive: Sequence[Alert]) -> list[Node]:
    """Count anew how common the entities of a change are; returns the alerts beside it that this touches."""
    gone, fresh = {node.id for node in old}, [(order_of(alert), alert) for alert in alive]
    changes = [(node.order, node.alert) for node in old] + fresh
    first: dict[str, Order] = {}
    for order, alert in changes:
        for key in strong_keys(alert) if counts(alert, fold.limits) else ():
            if not key.startswith(NEVER_COMMON):
                first[key] = min(first.get(key, order), order)
    turned: dict[str, Node] = {}
    for key, order in first.items():
        was = fold.commons.since.get(key)
        if was is not None and was < order:
            continue
        known = fold.having(key) + fold.having(f"{IDLY}{key}")
        if was is not None:
            known += fold.having(f"{WEAKLY}{key}")
        found = [(node.order, node.alert) for node in known if node.id not in gone]
        since = fold.commons.turn(key, found + fresh)
        if since != was:
            turned |= {node.id: node for node in known if node.id not in gone and _turns(node.order, was, since)}
    return list(turned.values())


def _turns(order: Order, was: Order | None, since: Order | None) -> bool:
    """Whether an entity is weak at a place in the order before, or after, but not both."""
    return (was is not None and order >= was) != (since is not None and order >= since)
