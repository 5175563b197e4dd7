"""Which rules ask where something happened."""

import msgspec

from impetus.domain.rule import RuleSet


class _Place(msgspec.Struct):
    distance: object = None
    speed: object = None


class _Correlation(msgspec.Struct):
    id: str
    place: _Place | None = None


class _Form(msgspec.Struct):
    correlations: list[_Correlation] = []


def rules_by_distance(rules: RuleSet) -> list[str]:
    """The titles of the correlations that ask for a distance or a speed: they need locations."""
    form = msgspec.json.decode(rules.form, type=_Form)
    asking = {each.id for each in form.correlations if each.place and (each.place.distance or each.place.speed)}
    return [rule.title for rule in rules.rules if rule.id in asking]
