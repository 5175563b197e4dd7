"""How deep a YAML text nests, seen before it is composed: composing recurses, in C and without a bound."""

import re
from functools import cache

import yaml


def line_nested_deeper(text: str, most: int) -> int | None:
    """The line (from 1) where a text nests deeper than ``most``, or None. Raises ``yaml.YAMLError``.

    Depth needs brackets or indentation, so only a text with many of them is looked at event by event. Of indentation
    up to twice as much passes.
    """
    if text.count("[") + text.count("{") <= most and not _indented(most).search(text):
        return None
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > most:
            return event.start_mark.line + 1 if event.start_mark else 1
    return None


@cache
def _indented(most: int) -> re.Pattern[str]:
    return re.compile(rf"^[ \t?:-]{{{2 * most}}}", re.MULTILINE)
