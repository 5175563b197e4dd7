"""A raw record: the event as indented JSON, and what the source sent, character by character."""

import json

from tui.backend import Record
from tui.line import Line
from tui.look import Look

LONGEST = 65_536
"""Characters of a record that are shown; the rest is counted."""


def record(each: Record, width: int, look: Look) -> list[Line]:
    """All lines of a record, wrapped: nothing of it is hidden at the side."""
    lines = [look.line().add(f"{each.id}  {look.moment(each.time)}", "strong", limit=200), look.line()]
    lines += _part("EVENT (with what was added, personal values masked)", _pretty(each.json), width, look)
    if each.original:
        lines += [look.line(), *_part("ORIGINAL", each.original, width, look)]
    return lines


def _part(title: str, text: str, width: int, look: Look) -> list[Line]:
    lines = [look.heading(title)]
    for row in text[:LONGEST].split("\n"):
        lines.extend(look.line().add(row, limit=LONGEST).wrap(width))
    if len(text) > LONGEST:
        lines.append(look.line().add(f"… {len(text) - LONGEST} more characters", "dim"))
    return lines


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
