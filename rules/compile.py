"""Parsed rules become a rule set: mapped by pipelines, compiled to the form, correlations after what they refer to."""

import copy
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sigma.correlations import SigmaRuleReference
from sigma.filters import SigmaFilter
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaRuleBase

from impetus.domain.errors import ImpetusError
from impetus.domain.rule import Level, Rule, RuleSet
from rules import form
from rules.correlation import Reading, compile_correlation, only_negated
from rules.expression import RefusedError, compile_detection
from rules.parse import ANY_SOURCE, ESCAPES, Parsed
from rules.reference import Register, order


@dataclass(frozen=True)
class Single:
    """A compiled single-event rule."""

    parsed: Parsed
    form: form.Rule


@dataclass(frozen=True)
class Window:
    """A correlation whose references are resolved and whose fields are mapped."""

    parsed: Parsed
    reading: Reading
    refers: Mapping[str, str]
    """References as written, and the ids that they mean."""


@dataclass(frozen=True)
class Compiled:
    """All that a rule set is assembled from."""

    singles: tuple[Single, ...]
    windows: tuple[Window, ...]


def compile_parsed(parsed: Sequence[Parsed], pipeline: ProcessingPipeline) -> tuple[Compiled, list[ImpetusError]]:
    """Compile what can be compiled, with a problem for each rule that cannot."""
    problems: list[ImpetusError] = []
    _filter(parsed, problems)
    singles = []
    for each in parsed:
        if isinstance(each.says, SigmaRule):
            single = _single(each, each.says, pipeline)
            problems.append(single) if isinstance(single, ImpetusError) else singles.append(single)
    windows = _windows(parsed, {single.parsed.id for single in singles}, pipeline, problems)
    return Compiled(tuple(singles), tuple(windows)), problems


def assemble(compiled: Compiled, refused: Collection[str] = ()) -> tuple[RuleSet, list[ImpetusError]]:
    """Number the rules and correlations and encode the form, without the rules of the ids ``refused``."""
    singles = [single for single in compiled.singles if single.parsed.id not in refused]
    parsed = [single.parsed for single in singles]
    index = {single.parsed.id: i for i, single in enumerate(singles)}
    correlations: list[form.Correlation] = []
    problems: list[ImpetusError] = []
    for window in compiled.windows:
        if window.parsed.id in refused:
            continue
        correlation = _correlation(window, index)
        if isinstance(correlation, ImpetusError):
            problems.append(correlation)
            continue
        index[window.parsed.id] = len(index)
        parsed.append(window.parsed)
        correlations.append(correlation)
    generates = {window.parsed.id: window.reading.generate for window in compiled.windows}
    alerts = _alerts(len(index), [(each, generates[each.id]) for each in correlations])
    rules = [msgspec.structs.replace(single.form, alerts=alerts[i]) for i, single in enumerate(singles)]
    numbered = [msgspec.structs.replace(each, alerts=alerts[len(rules) + i]) for i, each in enumerate(correlations)]
    refers = [()] * len(rules) + [each.rules for each in numbered]
    facts = tuple(_facts(each, i, refers[i], alerts[i]) for i, each in enumerate(parsed))
    encoded = form.encode(rules, numbered)
    return RuleSet(facts, encoded, _version(facts, encoded)), problems


def _filter(parsed: Sequence[Parsed], problems: list[ImpetusError]) -> None:
    """Apply Sigma filters to the rules that they name and whose log source they fit."""
    register = Register(each for each in parsed if not isinstance(each.says, SigmaFilter))
    for origin in parsed:
        if not isinstance(origin.says, SigmaFilter):
            continue
        references = origin.says.filter.rules
        try:
            meant = (
                {register.resolve(str(each.reference), origin).id for each in references}
                if not isinstance(references, str)
                else None
            )
        except ImpetusError as error:
            problems.append(error)
            continue
        for each in parsed:
            if isinstance(each.says, SigmaRule) and (meant is None or each.id in meant):
                # A copy for each rule, because pipelines change what they map.
                own = copy.deepcopy(origin.says)
                own.filter.rules = "any"
                if own.logsource == ANY_SOURCE:
                    own.logsource = each.says.logsource
                own.apply_on_rule(each.says)


def _single(parsed: Parsed, rule: SigmaRule, pipeline: ProcessingPipeline) -> Single | ImpetusError:
    try:
        pipeline.apply(rule)
        condition = compile_detection(rule.detection)
    except RefusedError as error:
        return parsed.problem(error.code, str(error), error.path, error.hint)
    except ESCAPES as error:
        return parsed.problem("rule.invalid", f"a pipeline cannot be applied: {error}")
    source = rule.logsource
    logsource = form.LogSource(source.product or None, source.category or None, source.service or None)
    return Single(parsed, form.Rule(parsed.id, logsource, condition))


def _windows(
    parsed: Sequence[Parsed], usable: set[str], pipeline: ProcessingPipeline, problems: list[ImpetusError]
) -> list[Window]:
    register = Register(each for each in parsed if not isinstance(each.says, SigmaFilter))
    resolved: dict[str, tuple[Parsed, Reading, dict[str, Parsed]]] = {}
    for each in parsed:
        if isinstance(each.says, Reading):
            try:
                meant = _meant(each, each.says, register)
            except ImpetusError as error:
                problems.append(error)
                continue
            resolved[each.id] = (each, each.says, meant)
    ordered, circular = order({id: [other.id for other in meant.values()] for id, (_, _, meant) in resolved.items()})
    for id in circular:
        what = f"{id!r} refers, by way of others, to itself"
        problems.append(resolved[id][0].problem("rule.invalid", what, ("correlation", "rules"), "Break the circle"))
    windows = []
    for id in ordered:
        window = _window(*resolved[id], usable, pipeline)
        if isinstance(window, ImpetusError):
            problems.append(window)
        else:
            usable.add(id)
            windows.append(window)
    return windows


def _meant(parsed: Parsed, reading: Reading, register: Register) -> dict[str, Parsed]:
    """What a correlation refers to, by the names written; an alias may use the id where ``rules`` has the name."""
    meant = {name: register.resolve(name, parsed) for name in reading.references}
    ids = {other.id for other in meant.values()}
    for name in reading.aliased:
        if name not in meant and (found := register.find(name, parsed)) and found.id in ids:
            meant[name] = found
    return meant


def _window(
    parsed: Parsed, reading: Reading, meant: dict[str, Parsed], usable: set[str], pipeline: ProcessingPipeline
) -> Window | ImpetusError:
    for reference, other in meant.items():
        if other.id not in usable:
            return _unusable(parsed, reference, other)
    rule = reading.rule
    rule.referenced_rules = [_reference(name, other) for name, other in meant.items()]
    try:
        pipeline.apply(rule)
    except ESCAPES as error:
        return parsed.problem("rule.invalid", f"a pipeline cannot be applied: {error}", ("correlation",))
    return Window(parsed, reading, {reference: other.id for reference, other in meant.items()})


def _unusable(parsed: Parsed, reference: str, other: Parsed) -> ImpetusError:
    what = f"{parsed.id!r} refers to {reference!r} ({other.document.where()}), which cannot be used"
    return parsed.problem("rule.unknown-reference", what, ("correlation", "rules"), "Mend that rule first")


def _reference(name: str, other: Parsed) -> SigmaRuleReference:
    """A reference that pySigma's pipelines can follow to the log source."""
    reference = SigmaRuleReference(name)
    says = other.says
    if isinstance(says, SigmaRule):
        reference.rule = says
    elif isinstance(says, Reading):
        reference.rule = says.rule
    return reference


def _correlation(window: Window, index: Mapping[str, int]) -> form.Correlation | ImpetusError:
    parsed = window.parsed
    missing = next((name for name, id in window.refers.items() if id not in index), None)
    if missing is not None:
        what = f"{parsed.id!r} refers to {missing!r}, which cannot be used"
        return parsed.problem("rule.unknown-reference", what, ("correlation", "rules"), "Mend that rule first")
    try:
        indices = {name: index[id] for name, id in window.refers.items()}
        return compile_correlation(window.reading, parsed.id, indices)
    except RefusedError as error:
        return parsed.problem(error.code, str(error), error.path, error.hint)


def _alerts(count: int, correlations: Sequence[tuple[form.Correlation, bool]]) -> list[bool]:
    """Who alerts on its own: what no correlation refers to, or what every one of them generates.

    The events of a rule that is only awaited to stay away say nothing by themselves, whatever is generated.
    """
    alerts = [True] * count
    for correlation, generate in correlations:
        for index in correlation.rules:
            if not generate or only_negated(correlation.condition, index):
                alerts[index] = False
    return alerts


def _facts(parsed: Parsed, index: int, refers: tuple[int, ...], alerts: bool) -> Rule:
    says = parsed.says
    correlates = isinstance(says, Reading)
    sigma: SigmaRuleBase = says.rule if isinstance(says, Reading) else says
    level: Level = sigma.level.name.lower() if sigma.level is not None else "medium"  # type: ignore[assignment]
    return Rule(
        index=index,
        id=parsed.id,
        title=sigma.title,
        level=level,
        description=(sigma.description or "").strip(),
        tags=_texts(sigma.tags),
        falsepositives=_texts(sigma.falsepositives),
        file=parsed.document.file,
        author=sigma.author or "",
        correlation=correlates,
        refers=refers,
        alerts=alerts,
    )


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _version(rules: Sequence[Rule], encoded: bytes) -> str:
    """A digest of all that decides what comes out; where the files lie does not."""
    digest = hashlib.blake2b(encoded, digest_size=16)
    for rule in rules:
        digest.update(msgspec.json.encode(msgspec.structs.replace(rule, file="")))
    return digest.hexdigest()
