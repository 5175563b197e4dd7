"""Rules and engine together: what the engine refuses of a rule set becomes a problem of that rule, and stops no other."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from correlator._engine import Matcher, Windows
from impetus.domain.rule import RuleSet
from rules.load import Loaded, load

ROUNDS = 3
"""Without a refused rule a correlation that refers to it goes too; more rounds than this never came up."""


class Refusal(msgspec.Struct):
    """What the engine says of a rule that it cannot compile."""

    rule: str
    op: str
    what: str


def load_rules(paths: Sequence[Path], pipelines: Sequence[str] = ()) -> Loaded:
    """Load rules and leave out those that the engine refuses, with the reason."""
    loaded = load(paths, pipelines)
    for _ in range(ROUNDS):
        refusals = refusals_of(loaded.rules)
        if not refusals:
            break
        loaded = loaded.without(refusals)
    return loaded


def refusals_of(rules: RuleSet) -> dict[str, str]:
    """What the engine cannot do of a rule set: rule id → why."""
    refusals: dict[str, str] = {}
    for compile in (Matcher, lambda form: Windows(form, b'{"zones":{}}')):
        try:
            compile(rules.form)
        except ValueError as error:
            found = msgspec.json.decode(str(error), type=list[Refusal])
            refusals |= {refusal.rule: f"{refusal.op}: {refusal.what}" for refusal in found}
    return refusals
