"""Finding the rule that a person names."""

import difflib
from pathlib import Path

from impetus.domain.errors import ImpetusError
from impetus.domain.rule import Rule, RuleSet


def find_rule(rules: RuleSet, name: str) -> Rule:
    """A rule by its id, its title, or the name of its file; raises ``ImpetusError`` with the nearest."""
    folded = name.casefold()
    for names in (_id, _title, _stem):
        found = [rule for rule in rules.rules if names(rule) == folded]
        if len(found) == 1:
            return found[0]
    known = [label for rule in rules.rules for label in (_stem(rule), rule.title, rule.id)]
    close = list(dict.fromkeys(difflib.get_close_matches(name, known, n=3, cutoff=0.5)))
    hint = f"The nearest: {', '.join(close)}" if close else "'impetus rules list' names them all"
    raise ImpetusError("rule.unknown", f"no rule has the id or title {name!r}", hint=hint)


def _id(rule: Rule) -> str:
    return rule.id.casefold()


def _title(rule: Rule) -> str:
    return rule.title.casefold()


def _stem(rule: Rule) -> str:
    return Path(rule.file).stem.casefold()
