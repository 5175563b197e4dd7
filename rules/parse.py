"""Documents become rules, correlations and filters as pySigma understands them, and errors get their place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sigma import exceptions as wrong
from sigma.filters import SigmaFilter
from sigma.modifiers import modifier_mapping
from sigma.rule import SigmaDetection, SigmaLogSource, SigmaRule
from sigma.rule.logsource import EmptyLogSource

from impetus.domain.errors import ImpetusError, nearest
from impetus.domain.rule import LEVELS
from rules import correlation, encoding
from rules.document import Document
from rules.expression import RefusedError, UnsupportedError

encoding.install()

ANY_SOURCE = SigmaLogSource(product="*")
"""Stands for a log source that is left empty, which pySigma refuses."""

MAX_DASHES = 5
_DASH = re.compile(r"\B[-/]\b")
_ODD = re.compile(r"\|exists|\d{16}")
YES = {"yes": True, "no": False}

STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")

_PATHS: tuple[tuple[type[wrong.SigmaError], tuple[str, ...]], ...] = (
    (wrong.SigmaCorrelationTypeError, ("correlation", "type")),
    (wrong.SigmaCorrelationConditionError, ("correlation", "condition")),
    (wrong.SigmaTimespanError, ("correlation", "timespan")),
    (wrong.SigmaCorrelationRuleError, ("correlation",)),
    (wrong.SigmaFilterConditionError, ("filter", "condition")),
    (wrong.SigmaFilterRuleReferenceError, ("filter", "rules")),
    (wrong.SigmaFilterError, ("filter",)),
    (wrong.SigmaConditionError, ("detection", "condition")),
    (wrong.SigmaAuthorError, ("author",)),
    (wrong.SigmaDateError, ("date",)),
    (wrong.SigmaDescriptionError, ("description",)),
    (wrong.SigmaFalsePositivesError, ("falsepositives",)),
    (wrong.SigmaFieldsError, ("fields",)),
    (wrong.SigmaIdentifierError, ("id",)),
    (wrong.SigmaTaxonomyError, ("taxonomy",)),
    (wrong.SigmaLevelError, ("level",)),
    (wrong.SigmaLicenseError, ("license",)),
    (wrong.SigmaLogsourceError, ("logsource",)),
    (wrong.SigmaModifiedError, ("modified",)),
    (wrong.SigmaNameError, ("name",)),
    (wrong.SigmaReferencesError, ("references",)),
    (wrong.SigmaRelatedError, ("related",)),
    (wrong.SigmaScopeError, ("scope",)),
    (wrong.SigmaStatusError, ("status",)),
    (wrong.SigmaTitleError, ("title",)),
    (wrong.SigmaTagError, ("tags",)),
)

# What pySigma lets through of a document of the wrong shape; SigmaError is a ValueError.
ESCAPES = (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError, OverflowError)


@dataclass(frozen=True)
class Parsed:
    """A document with its identity and what it says: a rule, a filter, or a correlation."""

    document: Document
    id: str
    name: str | None
    """Its name, or the title of a rule that has neither name nor id, to refer to it by."""
    says: SigmaRule | SigmaFilter | correlation.Reading

    def problem(self, code: str, what: str, path: Sequence[str | int] = (), hint: str = "") -> ImpetusError:
        """An error at a place of this document."""
        return ImpetusError(code, what, self.document.where(*path), hint)


def parse(document: Document) -> Parsed | list[ImpetusError]:
    """What a document says, or everything that is wrong with it."""
    data = {key: value for key, value in document.data.items() if key != "id"}
    try:
        if _is_odd(document.text):
            data |= {key: _plain(data[key]) for key in ("detection", "filter") if key in data}
        _refuse_dashes(data.get("detection"), data.get("filter"))
        says = _says(data)
        id = _identity(document.data)
    except RefusedError as error:
        return [ImpetusError(error.code, str(error), document.where(*error.path), error.hint)]
    except ESCAPES as error:
        errors = _every(data) or [error]
        return [_explained(document, error) for error in errors]
    sigma = says.rule if isinstance(says, correlation.Reading) else says
    return Parsed(document, id, sigma.name or (sigma.title if "id" not in document.data else None), says)


@lru_cache(maxsize=1)
def _is_odd(text: str) -> bool:
    """Whether a file has what pySigma reads otherwise; asked anew for each of its documents."""
    return _ODD.search(text) is not None


def expand(documents: Sequence[Document]) -> Iterator[Document | ImpetusError]:
    """The documents of one file with Sigma's collection actions (``global``, ``reset``, ``repeat``) carried out."""
    template: dict[str, Any] = {}
    previous: dict[str, Any] = {}
    for document in documents:
        action = document.data.get("action")
        rest = {key: value for key, value in document.data.items() if key != "action"}
        if action is None:
            if template and not rest.keys() & {"correlation", "filter"}:
                rest = _merged(rest, template)
            previous = rest
            yield _with(document, rest)
        elif action == "global":
            template = previous = rest
        elif action == "reset":
            template = {}
        elif action == "repeat":
            previous = _merged(previous, rest)
            yield _with(document, previous if "id" in rest else _renamed(previous, document.ordinal))
        else:
            hint = "global, reset or repeat"
            yield ImpetusError("rule.invalid", f"unknown action {action!r}", document.where("action"), hint)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Both, to every depth; where they differ, what lies over."""
    merged = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            merged[key] = _merged(under[key], over[key])
    return merged


def _with(document: Document, data: dict[str, Any]) -> Document:
    return Document(document.file, document.line, document.ordinal, data, document.text)


def _renamed(data: dict[str, Any], ordinal: int) -> dict[str, Any]:
    """A repeated rule under an id of its own, made from the one that it repeats."""
    base = data.get("id") or data.get("name") or data.get("title")
    return {**{key: value for key, value in data.items() if key != "name"}, "id": f"{base}-{ordinal + 1}"}


def _identity(data: dict[str, Any]) -> str:
    """``id``, else ``name``, else made from the title; the specification recommends a UUID and demands none."""
    id = data.get("id")
    if id is None:
        id = data.get("name") or "-".join(re.findall(r"\w+", str(data.get("title", "")).lower()))
    if not isinstance(id, str) or not id.strip():
        raise RefusedError("the rule has no id that is text", ("id",), "Give it a UUID in quotes")
    try:
        return str(UUID(id))
    except ValueError:
        return id


def _says(data: dict[str, Any]) -> SigmaRule | SigmaFilter | correlation.Reading:
    if "correlation" in data:
        return correlation.read(data)
    if "filter" in data:
        return SigmaFilter.from_dict(_sourced(data))
    if "detection" not in data:
        raise RefusedError("the document has no detection, correlation or filter", (), _stranger(data))
    rule = SigmaRule.from_dict(_sourced(data))
    if rule.logsource == ANY_SOURCE:
        rule.logsource = EmptyLogSource()
    return rule


def _plain(definition: Any, key: str = "") -> Any:
    """A section of detections with what Sigma allows and pySigma does not take as it is meant.

    These are ``yes`` and ``no`` below ``exists``, and whole numbers that pySigma would round: as text they are compared
    digit by digit.
    """
    if isinstance(definition, list):
        return [_plain(part, key) for part in definition]
    if isinstance(definition, dict):
        return {name: _plain(value, str(name)) for name, value in definition.items()}
    if isinstance(definition, str) and key.endswith("|exists"):
        return YES.get(definition.lower(), definition)
    if isinstance(definition, int) and abs(definition) < 1 << 63 and int(float(definition)) != definition:
        if "|" in key:
            hint = "Numbers of more than 53 bits can only be equal, without a modifier"
            raise UnsupportedError(f"the number {definition} would be rounded", ("detection",), hint)
        return str(definition)
    return definition


def _refuse_dashes(*definitions: Any) -> None:
    """Refuse what ``windash`` would write out without end: each dash of a value makes five values of it."""
    for definition in definitions:
        if isinstance(definition, list):
            _refuse_dashes(*definition)
        elif isinstance(definition, dict):
            for key, value in definition.items():
                values = value if isinstance(value, list) else [value]
                if "|windash" in str(key) and any(len(_DASH.findall(str(each))) > MAX_DASHES for each in values):
                    hint = f"At most {MAX_DASHES}; split it, with 'all'"
                    raise UnsupportedError("too many dashes for windash in one value", ("detection",), hint)
                _refuse_dashes(value)


def _sourced(data: dict[str, Any]) -> dict[str, Any]:
    """The document with a stand-in where it leaves the log source empty (a rule) or out (a filter): it fits any."""
    if data.get("logsource") is None and ("filter" in data or "logsource" in data):
        return {**data, "logsource": {"product": ANY_SOURCE.product}}
    return data


def _stranger(data: dict[str, Any]) -> str:
    if "transformations" in data:
        return "This is a pipeline: name it as one, and keep it out of the folder of rules"
    return nearest(next(iter(data), ""), ("detection", "correlation", "filter"))


def _every(data: dict[str, Any]) -> list[Exception]:
    """All errors of a rule that was refused for its first one, as far as pySigma can go on after it."""
    if "correlation" in data:
        return []
    kind = SigmaFilter if "filter" in data else SigmaRule
    try:
        return list(kind.from_dict(_sourced(data), collect_errors=True).errors)
    except ESCAPES:
        return []


def _explained(document: Document, error: Exception) -> ImpetusError:
    what = str(error)
    if isinstance(error, wrong.SigmaError):
        path = next((path for kind, path in _PATHS if isinstance(error, kind)), None)
        path = path if path is not None else _culprit(document.data)
    else:
        # Not one of pySigma's own errors: it stumbled over something of the wrong shape.
        path = _culprit(document.data)
        what = f"a value of the wrong kind stands here ({type(error).__name__}: {error})"
    return ImpetusError("rule.invalid", what, document.where(*path), _hint(error))


def _hint(error: Exception) -> str:
    if isinstance(error, wrong.SigmaLevelError):
        return f"One of {', '.join(LEVELS)}"
    if isinstance(error, wrong.SigmaStatusError):
        return f"One of {', '.join(STATUSES)}"
    if isinstance(error, wrong.SigmaModifierError) and (found := re.search(r"Unknown modifier '(.*)'", str(error))):
        return nearest(found[1], modifier_mapping)
    return ""


def _culprit(data: dict[str, Any]) -> tuple[str, ...]:
    """The part of the detection that alone gives an error too."""
    for section in ("detection", "filter"):
        parts = data.get(section)
        if not isinstance(parts, dict):
            continue
        for name, definition in parts.items():
            if name in {"condition", "rules"} or _sound(definition):
                continue
            key = _culprit_key(definition)
            return (section, str(name), *([key] if key is not None else []))
        return (section,)
    return ()


def _culprit_key(definition: Any) -> str | None:
    if not isinstance(definition, dict):
        return None
    return next((str(key) for key, value in definition.items() if not _sound({key: value})), None)


def _sound(definition: Any) -> bool:
    try:
        SigmaDetection.from_definition(definition)
    except ESCAPES:
        return False
    return True
