"""Names that rules may use: log sources, the domain's nouns, and ECS; what lint compares spellings with."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

_FILE = Path(__file__).parent / "taxonomy.yml"
FREE = ("winlog.event_data.", "labels.")
"""Prefixes below which any name may stand."""


class Noun(msgspec.Struct, frozen=True):
    """A noun of the domain: log sources (``product/category``) whose events have it, and the fields under it."""

    of: tuple[str, ...]
    fields: tuple[str, ...]


class Taxonomy(msgspec.Struct, frozen=True):
    """The names of ``taxonomy.yml``."""

    logsources: dict[str, tuple[str, ...]]
    products: tuple[str, ...]
    categories: tuple[str, ...]
    common: tuple[str, ...]
    nouns: dict[str, Noun]
    ecs: dict[str, tuple[str, ...]]
    within: dict[str, tuple[str, ...]]
    again: dict[str, tuple[str, ...]]

    def fields(self) -> frozenset[str]:
        """Every field name that is known."""
        return _fields()

    def knows(self, field: str) -> bool:
        """Whether a field name is one of ours or of ECS."""
        return field in _fields() or field.startswith(FREE)

    def sources_of(self, field: str) -> tuple[str, ...] | None:
        """Log sources whose events have a field; None where any event may."""
        noun = self.nouns.get(field.split(".", 1)[0])
        return noun.of if noun else None

    def owns(self, product: str | None) -> bool:
        """Whether a log source's product is the city's own, so that its fields are those named here."""
        return product in self.logsources


@lru_cache(maxsize=1)
def taxonomy() -> Taxonomy:
    """The shipped taxonomy, read once."""
    document: Any = yaml.load(_FILE.read_bytes(), Loader=yaml.CSafeLoader)
    return msgspec.convert(document, Taxonomy)


@lru_cache(maxsize=1)
def _fields() -> frozenset[str]:
    known = taxonomy()
    names = set(known.common)
    names.update(f"{noun}.{field}" for noun, facts in known.nouns.items() for field in facts.fields)
    sets = {name: set(fields) for name, fields in known.ecs.items()}
    for outer, inners in known.within.items():
        sets[outer] |= {f"{inner}.{field}" for inner in inners for field in known.ecs[inner]}
    for name, aliases in known.again.items():
        sets[name] |= {f"{alias}.{field}" for alias in aliases for field in set(sets[name])}
    names.update(f"{name}.{field}" for name, fields in sets.items() for field in fields)
    return frozenset(names)
