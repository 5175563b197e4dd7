"""Keys that stand twice in one mapping of a YAML document: YAML would take the last and drop the others unsaid."""

from collections.abc import Iterator

import yaml

from impetus.domain.errors import ImpetusError, Where
from impetus.domain.shape import spell

MERGE = "tag:yaml.org,2002:merge"
"""The key ``<<``. What it brings may be said again: that is what it is for."""

Pair = tuple[yaml.Node, yaml.Node]
"""A key, and the same key again in the same mapping."""


def refuse_repeated(tree: yaml.Node, area: str, file: str) -> None:
    """Raise ``ImpetusError`` for the first key of a composed document that its mapping has already."""
    found = min(_repeated(tree), key=lambda pair: _line(pair[1]), default=None)
    if found is None:
        return
    first, again = found
    where = Where(file, _line(again), spell(_way_to(tree, again)) or None)
    raise ImpetusError(
        f"{area}.invalid", f"the key {again.value!r} is there twice", where, f"The other stands in line {_line(first)}"
    )


def _repeated(tree: yaml.Node) -> Iterator[Pair]:
    """Looked for before merge keys are followed, while a mapping still has its own keys alone."""
    stack, seen = [tree], set[int]()
    while stack:
        node = stack.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from _own(node)
            stack += [inner for pair in node.value for inner in pair]
        else:
            stack += node.value


def _own(node: yaml.MappingNode) -> Iterator[Pair]:
    first: dict[str, yaml.Node] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
            continue
        if key.value in first:
            yield first[key.value], key
        first.setdefault(key.value, key)


def _way_to(tree: yaml.Node, wanted: yaml.Node) -> tuple[str | int, ...]:
    """The steps to a key: they are asked for once, of a document that is refused."""
    stack: list[tuple[yaml.Node, tuple[str | int, ...]]] = [(tree, ())]
    seen = set[int]()
    while stack:
        node, steps = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack += [(inner, (*steps, number)) for number, inner in enumerate(node.value)]
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key is wanted:
                return (*steps, str(key.value))
            stack.append((value, (*steps, str(key.value))))
    return ()


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
