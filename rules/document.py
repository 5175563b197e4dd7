"""YAML documents of rule files: read fast, within bounds, and with the lines that errors name."""

import contextlib
import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from impetus.domain.errors import ImpetusError, Where
from rules.files import RuleFile
from rules.nesting import line_nested_deeper

MAX_NODES = 100_000
"""Most values in one document, counted with every alias written out: what stops a bomb of aliases."""

MAX_DEPTH = 100
"""Deepest nesting of a document; Sigma needs six, and the C library's stack bears some ten thousand."""

_ANCHOR = re.compile(r"(?:^|[\s,\[{:-])&[^\s,\[\]{}&]", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One YAML document of a rule file, and where it stands."""

    file: str
    line: int
    ordinal: int
    data: dict[str, Any]
    text: str = field(repr=False)
    """The whole file, from which the lines of keys are found when one is asked for."""

    def where(self, *path: str | int) -> Where:
        """The place of a key (or list item), by the path to it; of its nearest parent where it is not there."""
        key = ".".join(str(step) for step in path) or None
        return Where(self.file, self.line_of(*path), key)

    def line_of(self, *path: str | int) -> int:
        """Line of a key, counted from 1."""
        line, node = self.line, _nodes(self.text)[self.ordinal]
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            line, node = found
        return line


def read(file: RuleFile) -> tuple[list[Document], list[ImpetusError]]:
    """The documents of a file, empty ones left out, and what is wrong with others.

    A document that cannot be read stops no other, but wrong syntax ends the file there.
    """
    documents: list[Document] = []
    problems: list[ImpetusError] = []
    try:
        text = _text(file)
        _refuse_depth(text, file.path)
        for ordinal, (line, data) in enumerate(_construct(text, file.path)):
            if isinstance(data, ImpetusError):
                problems.append(data)
            elif data is not None:
                documents.append(Document(file.path, line, ordinal, data, text))
    except ImpetusError as error:
        problems.append(error)
    except yaml.YAMLError as error:
        problems.append(_not_yaml(error, file.path, None))
    return documents, problems


def _not_yaml(error: Exception, file: str, line: int | None) -> ImpetusError:
    what = str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        what = error.problem or what
        line = error.problem_mark.line + 1 if error.problem_mark else line
    return ImpetusError("rule.unreadable", f"not YAML: {what}", Where(file, line), "Mend the syntax")


def _text(file: RuleFile) -> str:
    if isinstance(file.data, ImpetusError):
        raise file.data
    try:
        return file.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImpetusError("rule.unreadable", "the file is not UTF-8", Where(file.path), "Save it as UTF-8") from error


_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"


class _Loader(yaml.CSafeLoader):
    """The safe loader with the booleans and integers of YAML 1.2, which refuses a key given twice.

    By YAML 1.1 the country NO is false, the time 10:20:30 a number, and the badge 0073 the number 59. Digits after a
    leading zero are text here, as whoever writes them means.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        own = sum(1 for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge")
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < own:
            twice = _repeated(key for key, _ in node.value) or node
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {twice.value!r} stands here twice", twice.start_mark
            )
        return mapping

    def forget(self) -> None:
        """Leave a document that could not be constructed behind, so that the next one can be."""
        self.constructed_objects = {}
        self.recursive_objects = {}
        self.state_generators = []
        self.deep_construct = False


def _repeated(keys: Iterable[yaml.Node]) -> yaml.Node | None:
    """The first key whose text has been there before."""
    seen: set[str] = set()
    for key in keys:
        text = str(key.value)
        if text in seen:
            return key
        seen.add(text)
    return None


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(node.value)
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text, base)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag not in {_BOOL, _INT}]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(
    _INT, re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_constructor(_INT, _integer)


def _construct(text: str, file: str) -> Iterator[tuple[int, dict[str, Any] | ImpetusError | None]]:
    aliased = _ANCHOR.search(text) is not None
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                return
            yield node.start_mark.line + 1, _document(loader, node, file, aliased)
    finally:
        loader.dispose()


def _document(loader: _Loader, node: yaml.Node, file: str, aliased: bool) -> dict[str, Any] | ImpetusError | None:
    where = Where(file, node.start_mark.line + 1)
    if aliased and _size(node, {}) > MAX_NODES:
        hint = "Write the values out, or split the document"
        return ImpetusError("rule.unreadable", f"aliases make more than {MAX_NODES} values", where, hint)
    try:
        data = loader.construct_document(node)
    # A date of the 40th of May comes as ValueError.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        loader.forget()
        return _not_yaml(error, file, where.line)
    if data is None or (isinstance(data, dict) and all(isinstance(key, str) for key in data)):
        return data
    hint = "A rule is a mapping: title, logsource, detection"
    return ImpetusError("rule.invalid", "a document is not a mapping of names", where, hint)


def _refuse_depth(text: str, file: str) -> None:
    """Refuse what nests too deep, before composing recurses over it."""
    line = line_nested_deeper(text, MAX_DEPTH)
    if line is not None:
        raise ImpetusError(
            "rule.unreadable", f"nested deeper than {MAX_DEPTH}", Where(file, line), "No rule needs that"
        )


@lru_cache(maxsize=1)
def _nodes(text: str) -> list[yaml.Node]:
    """The documents of the file that is looked into now, up to where its syntax ends."""
    nodes: list[yaml.Node] = []
    with contextlib.suppress(yaml.YAMLError):
        nodes.extend(yaml.compose_all(text, Loader=_Loader))
    return nodes


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Values under a node with all aliases written out; endless where it holds itself."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MAX_NODES + 1  # while under way: a node met again below itself is endless
    if isinstance(node, yaml.MappingNode):
        size = 1 + sum(_size(key, known) + _size(value, known) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        size = 1 + sum(_size(value, known) for value in node.value)
    else:
        size = 1
    known[id(node)] = size
    return size


def _child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None
