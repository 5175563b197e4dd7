"""Since when each rule has meant what it means: an event is evaluated by the rules that were in force when it came.

An event may be evaluated again after a reload (its indicator came late, or the plan no longer explains it). Rules and
correlations that began only with the reload leave it alone then, as they would have if all had come in order.
"""

from collections.abc import Iterator, Sequence
from hashlib import blake2b

import msgspec

from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.ports import Store
from impetus.domain.rule import Rule, RuleSet

SETTLED = "block"


class Begun(msgspec.Struct, frozen=True, array_like=True):
    """What a rule means, as a digest, the first block of the log since which that is so, and whether it correlates."""

    meaning: int
    block: int
    correlation: bool


class Beginnings:
    """The rules in force, with their beginnings."""

    def __init__(self, rules: RuleSet, correlations: Sequence[int]) -> None:
        """``correlations`` are the digests of what the correlations mean, in their order."""
        self._rules = rules.rules
        self._now = dict(zip((rule.id for rule in rules.rules), _meanings(rules, correlations), strict=True))
        self._kept: Kept[Begun] = Kept("begun", Begun)
        self._settled: Kept[int] = Kept("begun.settled", int)
        """Under ``SETTLED``, the newest beginning before which nothing came that may still be told of."""
        self.blocks: Sequence[int] = [0] * len(rules.rules)
        """For each rule, by index, the block that it began with."""
        self.newest = 0
        """The newest of them."""
        self.changed: frozenset[str] = frozenset()
        """Ids of the rules that mean something else than before, or are no more."""
        self.gone: frozenset[str] = frozenset()
        """Ids of the correlations that are no more."""

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._kept.changes()
        yield from self._settled.changes()

    @property
    def is_settled(self) -> bool:
        """Whether no rule changed, and nothing that came before the newest may still be told of."""
        return not self.changed and self.newest == (self._settled.get(SETTLED) or 0)

    def settle(self) -> None:
        """Nothing that came before the newest rule began may still be told of."""
        if self._settled.get(SETTLED) != self.newest:
            self._settled[SETTLED] = self.newest

    def restore(self, store: Store, block: int) -> None:
        """Go on from what a store holds. What was not there, or meant something else, begins with ``block``."""
        self._kept.restore(store)
        self._settled.restore(store)
        before = dict(self._kept.items())
        self.changed = frozenset(id for id, begun in before.items() if self._now.get(id) != begun.meaning)
        for id in self.changed - self._now.keys():
            self._kept.drop(id)
        self.gone = frozenset(id for id in self.changed - self._now.keys() if before[id].correlation)
        for rule in self._rules:
            if rule.id not in before or rule.id in self.changed:
                # Without a record of any rule nobody can say since when they have been in force.
                self._kept[rule.id] = Begun(self._now[rule.id], block if before else 0, rule.correlation)
        self.blocks = [self._kept[rule.id].block for rule in self._rules]
        self.newest = max(self.blocks, default=0)

    def restarted(self) -> tuple[Rule, ...]:
        """The correlations that mean something else than before."""
        return tuple(rule for rule in self._rules if rule.correlation and rule.id in self.changed)


class _Rule(msgspec.Struct):
    """What a single-event rule matches, as it is written."""

    logsource: msgspec.Raw = msgspec.Raw(b"")
    condition: msgspec.Raw = msgspec.Raw(b"")


class _Form(msgspec.Struct):
    rules: list[_Rule] = []


def _meanings(rules: RuleSet, correlations: Sequence[int]) -> Iterator[int]:
    singles = iter(msgspec.json.decode(rules.form, type=_Form).rules)
    rest = iter(correlations)
    for rule in rules.rules:
        yield next(rest) if rule.correlation else _digest(next(singles))


def _digest(rule: _Rule) -> int:
    text = bytes(rule.logsource) + b"\0" + bytes(rule.condition)
    return int.from_bytes(blake2b(text, digest_size=8).digest())
