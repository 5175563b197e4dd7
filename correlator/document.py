"""YAML documents that people write (city model, plan), read into typed values with errors that name file and line."""

from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import yaml

from correlator.repetition import refuse_repeated
from impetus.domain.errors import ImpetusError, Where, nearest
from impetus.domain.shape import Mismatch, known_keys, spell
from rules.nesting import line_nested_deeper

MAX_BYTES = 16 << 20
MAX_NODES = 2_000_000
"""Aliases are followed, so a short text can mean a large tree: it is cut off here."""

MAX_DEPTH = 100
"""Deepest nesting: a city model needs eight, and the C library's stack bears some ten thousand."""

T = TypeVar("T")


class _Loader(yaml.CSafeLoader):
    """Times stay the text that the author wrote."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


Steps = tuple[str | int, ...]
"""The way to a part of a document: keys and indices."""


class Lines:
    """Where the parts of a document stand. Without a document (a model made in code) it knows names alone."""

    def __init__(self, file: str = "", tree: yaml.Node | None = None) -> None:
        self._file, self._tree = file or None, tree

    def where(self, *steps: str | int) -> Where:
        """File, line and key of what the steps lead to; the line of the nearest that is there."""
        node = _descend(self._tree, steps) if self._tree is not None else None
        return Where(self._file, node.start_mark.line + 1 if node is not None else None, spell(steps) or None)

    def says(self, *steps: str | int) -> bool:
        """Whether the document says something there, be it empty: what an author left out is not what one denied."""
        node: yaml.Node | None = self._tree
        for step in steps:
            node = _child(node, step) if node is not None else None
        return node is not None

    def is_block(self) -> bool:
        """Whether the document is written with one key a line."""
        return isinstance(self._tree, yaml.MappingNode) and not self._tree.flow_style

    def block(self, *steps: str | int) -> "Block | None":
        """The list that the steps lead to, if its entries stand on lines of their own."""
        node = _descend(self._tree, steps) if self._tree is not None and self.says(*steps) else None
        if not isinstance(node, yaml.SequenceNode) or node.flow_style:
            return None
        return Block(_last_line(node) + 1, node.start_mark.column)


class Block(msgspec.Struct, frozen=True):
    """A list written by lines: the number of lines up to its end, and the column of its entries."""

    end: int
    indent: int


class Located(msgspec.Struct, Generic[T], frozen=True):
    """A document as a typed value, and where its parts stand."""

    value: T
    lines: Lines


def parse_document(text: bytes, kind: type[T], area: str, file: str) -> T:
    """The bytes of a document as ``kind``; errors have codes of ``area`` (``city``, ``plan``), file, line and key."""
    return locate_document(text, kind, area, file).value


def locate_document(text: bytes, kind: type[T], area: str, file: str) -> Located[T]:
    """The same, with the lines of its parts, for what types cannot check."""
    tree, value = _load(text, area, file)
    try:
        return Located(msgspec.convert(value, kind), Lines(file, tree))
    except msgspec.ValidationError as error:
        raise _explain(Mismatch.of(error), tree, kind, area, file) from None


def read_file(path: Path, area: str) -> bytes:
    """The bytes of a document, bounded; what ``parse_document`` takes, and what enters the log."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImpetusError(f"{area}.unreadable", error.strerror or str(error), Where(str(path))) from None
    if len(text) > MAX_BYTES:
        raise ImpetusError(f"{area}.unreadable", "the file is over 16 MiB", Where(str(path)))
    return text


def _load(data: bytes, area: str, file: str) -> tuple[yaml.Node, object]:
    try:
        text = data.decode("utf-8-sig")
        line = line_nested_deeper(text, MAX_DEPTH)
    except UnicodeDecodeError:
        raise ImpetusError(f"{area}.unreadable", "the file is not UTF-8", Where(file)) from None
    except yaml.YAMLError as error:
        raise _not_yaml(error, area, file) from None
    if line is not None:
        raise ImpetusError(f"{area}.unreadable", f"nested deeper than {MAX_DEPTH}", Where(file, line))
    return _construct(text, area, file)


def _construct(text: str, area: str, file: str) -> tuple[yaml.Node, object]:
    loader = _Loader(text)
    try:
        tree = loader.get_single_node()
        if tree is None:
            raise ImpetusError(f"{area}.invalid", "the document is empty", Where(file))
        _bound(tree, area, file)
        refuse_repeated(tree, area, file)
        return tree, loader.construct_document(tree)
    except yaml.YAMLError as error:
        raise _not_yaml(error, area, file) from None
    except (RecursionError, ValueError) as error:
        raise ImpetusError(f"{area}.unreadable", str(error), Where(file)) from None
    finally:
        loader.dispose()


def _not_yaml(error: yaml.YAMLError, area: str, file: str) -> ImpetusError:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error)
    return ImpetusError(f"{area}.unreadable", what, Where(file, mark.line + 1 if mark else None))


def _bound(tree: yaml.Node, area: str, file: str) -> None:
    stack, seen = [tree], 0
    while stack:
        node, seen = stack.pop(), seen + 1
        if seen > MAX_NODES:
            raise ImpetusError(
                f"{area}.unreadable", "the document is too large when its aliases are followed", Where(file)
            )
        if isinstance(node, yaml.SequenceNode):
            stack.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            stack.extend(inner for pair in node.value for inner in pair)


def _explain(mismatch: Mismatch, tree: yaml.Node, kind: type, area: str, file: str) -> ImpetusError:
    """What does not fit, at the line where it stands."""
    node = _descend(tree, mismatch.steps)
    if mismatch.key is None:
        where = Where(file, node.start_mark.line + 1, mismatch.path or None)
        return ImpetusError(f"{area}.invalid", mismatch.what, where)
    where = Where(file, _line_of_key(node, mismatch.key), mismatch.path or None)
    hint = nearest(mismatch.key, known_keys(kind, mismatch.steps))
    return ImpetusError(f"{area}.unknown-key", f"unknown key {mismatch.key!r}", where, hint)


def _descend(node: yaml.Node, steps: Steps) -> yaml.Node:
    for step in steps:
        inner = _child(node, step)
        if inner is None:
            break
        node = inner
    return node


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(step, str) and isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == step), None)
    if isinstance(step, int) and isinstance(node, yaml.SequenceNode) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def _last_line(node: yaml.Node) -> int:
    """The last line (from 0) of a node: where a block ends its mark is at what follows, behind blanks and comments."""
    stack, last = [node], 0
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
            stack += [inner for each in node.value for inner in (each if isinstance(each, tuple) else (each,))]
        else:
            last = max(
                last, node.end_mark.line - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)
            )
    return last


def _line_of_key(node: yaml.Node, key: str) -> int:
    names = [name for name, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    found = next((name for name in names if name.value == key), node)
    return int(found.start_mark.line) + 1
