"""pySigma's own validators, as far as they need no download: what ``sigma check`` would say too."""

from collections.abc import Iterator, Sequence

from sigma.rule import SigmaRule
from sigma.validators.base import SigmaRuleValidator, SigmaValidationIssue
from sigma.validators.core.condition import (
    AllOfThemConditionValidator,
    DanglingDetectionValidator,
    ThemConditionWithSingleDetectionValidator,
)
from sigma.validators.core.metadata import DuplicateReferencesValidator
from sigma.validators.core.modifiers import InvalidModifierCombinationsValidator
from sigma.validators.core.tags import DuplicateTagValidator, TagFormatValidator
from sigma.validators.core.values import ControlCharacterValidator, DoubleWildcardValidator

from impetus.domain.errors import ImpetusError
from rules.parse import ESCAPES, Parsed

VALIDATORS: tuple[type[SigmaRuleValidator], ...] = (
    DanglingDetectionValidator,
    ThemConditionWithSingleDetectionValidator,
    AllOfThemConditionValidator,
    DuplicateReferencesValidator,
    InvalidModifierCombinationsValidator,
    DuplicateTagValidator,
    TagFormatValidator,
    ControlCharacterValidator,
    DoubleWildcardValidator,
)


def validate(parsed: Sequence[Parsed]) -> Iterator[ImpetusError]:
    """What the validators say of rules that no pipeline has touched yet."""
    validators = [validator() for validator in VALIDATORS]
    for each in parsed:
        if isinstance(each.says, SigmaRule):
            for validator in validators:
                for issue in _issues(validator, each.says):
                    yield each.problem("rule.invalid", _text(issue), _path(issue))


def _issues(validator: SigmaRuleValidator, rule: SigmaRule) -> list[SigmaValidationIssue]:
    try:
        return validator.validate(rule)
    # A condition that cannot be read is found when it is compiled, and named there.
    except ESCAPES:
        return []


def _text(issue: SigmaValidationIssue) -> str:
    facts = {name: value for name, value in vars(issue).items() if name != "rules"}
    about = ", ".join(str(value) for value in facts.values() if value)
    return f"{issue.description}: {about}" if about else issue.description


def _path(issue: SigmaValidationIssue) -> tuple[str, ...]:
    name = getattr(issue, "detection_name", None)
    return ("detection", name) if isinstance(name, str) else ()
