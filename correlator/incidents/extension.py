"""Extension: whether a change can be taken at once, with the outcome of a fold over everything.

An alert that stands behind all that it has to do with can. So can a late one that joins a single case which all that
came after it found as well; and a revision that adds members which lead nowhere else. What is left is folded anew.
Every question here may be answered with no for a change that would have done: that costs time, never truth.
"""

from collections.abc import Iterable, Sequence

from correlator.incidents.case import SHARED, Case, Node, is_informational, is_watch, opens
from correlator.incidents.fold import Fold
from correlator.incidents.names import EVENT, PERSON, Name
from impetus.domain.alert import Alert


def extends(fold: Fold, node: Node) -> bool:
    """Whether an alert that is not in memory can be taken at once."""
    names = fold.names_at(node.alert, node.order)
    entries = [entry for entry in map(fold.names.get, names) if entry is not None]
    if not _placed_last(fold, node) or not fold.commons.stays(node.alert, node.order):
        return False
    if not _brings_last(fold, node):
        return False
    if all(_behind(node, entry) for entry in entries):
        return True
    if is_watch(node.alert, fold.limits) or any(name.startswith(PERSON) for name in names):
        return False
    return _fits_between(fold, node, entries)


def revises(fold: Fold, node: Node, alert: Alert) -> bool:
    """Whether a revision of an alert in memory can be taken at once: more members, and nothing else that matters."""
    case = node.case.heir if node.case is not None else None
    old, names = set(node.names), fold.names_at(alert, node.order)
    if not _same_kind(fold, node.alert, alert) or not old.issubset(names):
        return False
    if node.why != SHARED and tuple(name for name in names if name in old) != node.names:
        return False  # Another of its names may be the first that leads to the case.
    if is_informational(alert, fold.limits) and len(names) > len(old):
        return False  # What an informational alert joins through may be another correlation now.
    if case is not None and (case.chosen > node.order or case.kind == "watch") and alert.at != node.alert.at:
        return False
    for name in names:
        entry = fold.names.get(name) if name not in old else None
        # If its first name that leads to the case is a new one, the reason why it joined is another.
        if entry is not None and (case is None or node.why != SHARED or not _leads_only_to(entry, case, node)):
            return False
    return set(fold.places.watches_met(alert)) == set(fold.places.watches_met(node.alert))


def _same_kind(fold: Fold, old: Alert, new: Alert) -> bool:
    """Whether two revisions stand at the same place and do the same there; nothing of the newer one is earlier."""
    return (
        (old.fired, old.level, old.correlation, old.rule) == (new.fired, new.level, new.correlation, new.rule)
        and is_watch(old, fold.limits) == is_watch(new, fold.limits)
        and not is_watch(new, fold.limits)
        and new.at >= old.at
        and new.first <= old.first
        and set(old.zones) <= set(new.zones)
        and set(old.domains) <= set(new.domains)
        and set(old.entities) <= set(new.entities)
        and (new.certainty == old.certainty or old.certainty is None)
        and new.supersedes == old.supersedes
    )


def _behind(node: Node, entry: Name) -> bool:
    """Whether all that had a name, and all cases that it leads to, were before."""
    return entry.last < node.order and all(owner.heir.asked < node.order for owner, _ in entry.owners)


def _placed_last(fold: Fold, node: Node) -> bool:
    """Whether all that it meets in place and time was before."""
    return all(
        other.order < node.order and (other.case is None or other.case.heir.asked < node.order)
        for other in _met(fold, node.alert)
    )


def _met(fold: Fold, alert: Alert) -> list[Node]:
    """What an alert meets in place and time: open-source items, and what it expects if it is one."""
    met = fold.places.watches_met(alert)
    if not is_watch(alert, fold.limits):
        return met
    fold.away.recall_place(alert)
    return met + fold.places.alerts_met(alert)


def _brings_last(fold: Fold, node: Node) -> bool:
    """Whether all that shares a name with what a correlation brings along was before."""
    entries = (fold.names.get(f"{EVENT}{event}") for event in node.alert.events if node.alert.correlation)
    brought = [other for entry in entries if entry is not None for other in entry.nodes if other.case is None]
    names = (fold.names.get(name) for other in brought for name in other.names)
    met = (watch for other in brought for watch in fold.places.watches_met(other.alert))
    return all(entry is None or entry.last < node.order for entry in names) and all(
        watch.order < node.order for watch in met
    )


def _fits_between(fold: Fold, node: Node, entries: Sequence[Name]) -> bool:
    """Whether a late alert joins the one case that all its names led to before it, or nothing, as if it had been there.

    What came after it found the same case by the same names, so it makes no difference to them.
    """
    owned = [entry for entry in entries if entry.owners]
    free_before = all(entry.last < node.order for entry in entries if not entry.owners)
    if not owned:
        return free_before or not (opens(node.alert, fold.limits) or node.alert.correlation)
    case = owned[0].owners[0][0].heir
    return (
        free_before
        and not _is_joined_through(fold, node)
        and all(_leads_only_to(entry, case, node) for entry in owned)
        and case.kind == "incident"
        and case.chosen < node.order
        and not case.sides
        and case.opener < node.order
        and case.takes_in(node.alert, fold.limits)
    )


def _is_joined_through(fold: Fold, node: Node) -> bool:
    """Whether an alert as a correlation brings in others, which may be there by another, or is brought in itself."""
    if is_informational(node.alert, fold.limits):
        return True
    entries = (fold.names.get(f"{EVENT}{event}") for event in node.alert.events if node.alert.correlation)
    return any(not opens(other.alert, fold.limits) for entry in entries if entry is not None for other in entry.nodes)


def _leads_only_to(entry: Name, case: Case, node: Node) -> bool:
    """Whether a name led to one case alone, and did so before an alert."""
    if len(entry.owners) != 1:
        return False
    owner, since = entry.owners[0]
    return owner.heir is case and owner.since(since) < node.order


def closure(fold: Fold, alerts: Iterable[Alert], nodes: Iterable[Node]) -> tuple[dict[str, Node], list[Case]]:
    """All alerts that changes lead to, over shared names and places, and the cases that they are in.

    Each name and each case is followed once, so this takes the time of what it finds.
    """
    found: dict[str, Node] = {}
    cases: dict[Case, None] = {}
    followed: set[str] = set()
    todo: list[Node] = list(nodes)
    for alert in alerts:
        node = Node(alert)
        names = fold.names_at(alert, node.order)
        todo += _neighbours(fold, alert, names, followed, cases)
    while todo:
        node = todo.pop()
        if node.alert.id in found:
            continue
        found[node.alert.id] = node
        if node.case is not None and node.case.heir not in cases:
            todo += _members(fold, node.case.heir, cases)
        todo += _neighbours(fold, node.alert, node.names, followed, cases)
    return found, list(cases)


def _neighbours(
    fold: Fold, alert: Alert, names: Iterable[str], followed: set[str], cases: dict[Case, None]
) -> list[Node]:
    found: list[Node] = []
    for name in names:
        entry = fold.names.get(name) if name not in followed else None
        followed.add(name)
        if entry is not None:
            found += fold.having(name)
            for owner, _ in entry.owners:
                if owner.heir not in cases and fold.is_live(owner.heir):
                    found += _members(fold, owner.heir, cases)
    return found + _met(fold, alert)


def _members(fold: Fold, case: Case, cases: dict[Case, None]) -> list[Node]:
    """All alerts of a case that is followed now."""
    cases[case] = None
    fold.away.recall_case(case)
    return list(case.nodes.values())
