"""YAML documents that people write (city model, plan), read into typed values with errors that name file and line."""

import re
from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from impetus.domain.errors import ImpetusError, Where, nearest

MAX_BYTES = 16 << 20
MAX_NODES = 2_000_000
"""Aliases are followed, so a short text can mean a large tree: it is cut off here."""

T = TypeVar("T")
_UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]*)`")
_PATH = re.compile(r"at `(?P<path>\$[^`]*)`")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]|\[\.\.\.\]")


class _Loader(yaml.CSafeLoader):
    """Times stay the text that the author wrote."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_document(path: Path, kind: type[T], area: str) -> T:
    """The document at ``path`` as ``kind``; errors have codes of ``area`` (``city``, ``plan``), file, line and key."""
    return parse_document(_read(path, area), kind, area, str(path))


def parse_document(text: bytes, kind: type[T], area: str, file: str) -> T:
    """The same for the bytes of a document, as they come from the log."""
    tree, value = _load(text, area, file)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _explain(str(error), tree, kind, area, file) from None


def _read(path: Path, area: str) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImpetusError(f"{area}.unreadable", error.strerror or str(error), Where(str(path))) from None
    if len(text) > MAX_BYTES:
        raise ImpetusError(f"{area}.unreadable", "the file is over 16 MiB", Where(str(path)))
    return text


def _load(text: bytes, area: str, file: str) -> tuple[yaml.Node, object]:
    loader = _Loader(text)
    try:
        tree = loader.get_single_node()
        if tree is None:
            raise ImpetusError(f"{area}.invalid", "the document is empty", Where(file))
        _bound(tree, area, file)
        return tree, loader.construct_document(tree)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error)
        raise ImpetusError(f"{area}.unreadable", what, Where(file, mark.line + 1 if mark else None)) from None
    except (RecursionError, ValueError) as error:
        raise ImpetusError(f"{area}.unreadable", str(error), Where(file)) from None
    finally:
        loader.dispose()


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


def _explain(message: str, tree: yaml.Node, kind: type, area: str, file: str) -> ImpetusError:
    """msgspec's message (with a path such as ``$.zones[3].id``) as an error at the line of that path."""
    found = _PATH.search(message)
    node, names = _descend(tree, found["path"] if found else "$")
    unknown = _UNKNOWN.search(message)
    if unknown is None:
        what = message.split(" - at ")[0]
        return ImpetusError(f"{area}.invalid", what, Where(file, node.start_mark.line + 1, names or None))
    key = unknown["key"]
    hint = nearest(key, _known_keys(kind, names))
    return ImpetusError(
        f"{area}.unknown-key", f"unknown key {key!r}", Where(file, _line_of_key(node, key), names or None), hint
    )


def _descend(node: yaml.Node, path: str) -> tuple[yaml.Node, str]:
    names: list[str] = []
    for step in _STEP.finditer(path):
        inner = _child(node, step["key"], step["index"])
        if inner is None:
            break
        node = inner
        names.append(step["key"] or f"[{step['index']}]")
    return node, ".".join(names).replace(".[", "[")


def _child(node: yaml.Node, key: str | None, index: str | None) -> yaml.Node | None:
    if key is not None and isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if index is not None and isinstance(node, yaml.SequenceNode) and int(index) < len(node.value):
        found: yaml.Node = node.value[int(index)]
        return found
    return None


def _line_of_key(node: yaml.Node, key: str) -> int:
    if isinstance(node, yaml.MappingNode):
        for name, _ in node.value:
            if name.value == key:
                return int(name.start_mark.line) + 1
    return int(node.start_mark.line) + 1


def _known_keys(kind: type, names: str) -> list[str]:
    """The keys known where ``names`` leads, from the types themselves."""
    current: object = msgspec.inspect.type_info(kind)
    for step in re.findall(r"[^.\[\]]+", names):
        current = _into(current, step)
    while isinstance(current, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        current = current.item_type
    current = _struct_of(current)
    return [field.encode_name for field in current.fields] if isinstance(current, msgspec.inspect.StructType) else []


def _struct_of(kind: object) -> object:
    """The struct in an optional one."""
    if isinstance(kind, msgspec.inspect.UnionType):
        return next((inner for inner in kind.types if isinstance(inner, msgspec.inspect.StructType)), kind)
    return kind


def _into(kind: object, step: str) -> object:
    kind = _struct_of(kind)
    if isinstance(kind, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
        return kind.item_type if step.isdigit() else _into(kind.item_type, step)
    if isinstance(kind, msgspec.inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), kind)
    return kind
