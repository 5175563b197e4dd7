"""What stands around the content: header, banner, the bar of actions, and the states in which there is no content."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from impetus.domain.errors import ImpetusError
from impetus.domain.incident import Incident
from impetus.domain.rule import LEVELS
from impetus.domain.status import Status
from tui.actions import Action, of
from tui.line import Line
from tui.look import Look, count, severity, span
from tui.views.row import NARROW

WIDE = 110
"""From this many columns the header has words for its numbers."""


@dataclass(frozen=True)
class Header:
    """What the header tells."""

    live: bool
    unresolved: Sequence[Incident]
    news: int
    status: Status | None
    filter: str
    marks: int
    ordered_at: int


def header(what: Header, width: int, look: Look) -> list[Line]:
    """Two lines: the state of the city, and of this view of it."""
    return [_city(what, width, look), _view(what, width, look)]


def _city(what: Header, width: int, look: Look) -> Line:
    wide = width >= WIDE
    line = look.line().add(" IMPETUS " if wide else " ", "strong")
    line.add("● live", "good") if what.live else line.add("○ offline", "bad")
    counts = Counter(incident.severity for incident in what.unresolved)
    line.add("  ")
    for level in reversed(LEVELS[1:]):
        if counts[level]:
            glyph, word = severity(level)
            line.add(f"{glyph}{counts[level]}{' ' + word.lower() if wide else ''} ", level)
    line.add(f" {len(what.unresolved)} open", "strong")
    if what.news:
        line.add("  ").add(f" ▲{what.news} new (R) ", "cursor", click="screen.perform('merge')")
    if what.status is not None and what.status.notices:
        number = len(what.status.notices)
        line.add(f"  !{number}{' degraded: impetus doctor' if wide else ''}", "bad")
    if what.status is not None:
        line.add(f"  {count(what.status.rate)} ev/s")
        if what.status.watermark is not None:
            line.add(f"  {'seen up to ' if wide else '→ '}{look.clock(what.status.watermark)}", "dim")
    return line


def _view(what: Header, width: int, look: Look) -> Line:
    line = look.line().add(" filter: ", "dim").add(what.filter or "everything", limit=max(width - 45, 10))
    line.add("  sort: ", "dim").add("risk").add(f" (frozen {look.clock(what.ordered_at)})", "dim")
    if what.marks:
        line.gap(width - 12).add(f"{what.marks} marked", "key")
    return line


def banner(silence: int, heard_at: int, queued: int, look: Look) -> Line:
    """``OFFLINE 00:42 — data as of 02:14:10 — 3 actions queued``."""
    line = look.line().add(f" OFFLINE {span(silence)} – data as of {look.clock(heard_at)}", "bad")
    if queued:
        line.add(f" – {queued} {'action' if queued == 1 else 'actions'} queued", "bad")
    return line.add("  ").add("r", "key").add(" retry", click="screen.perform('retry')")


def bar(actions: Sequence[Action], width: int, look: Look) -> Line:
    """As many actions as fit, the most needed first; each can be clicked."""
    line, gap = look.line(), " " if width >= NARROW else ""
    for action in actions:
        if line.width + len(f" {action.shown} {action.label}") > width:
            continue
        click = f"screen.perform('{action.id}')"
        line.add(f" {action.shown}", "key", click=click).add(f" {action.label}{gap}", click=click)
    return line


def help_page(place: str, width: int, look: Look) -> list[Line]:
    """Every key of a place."""
    lines = [look.heading(f"KEYS: {place}"), look.line()]
    for action in of(place):
        keys = " ".join(_written(key, action) for key in action.keys)
        lines.extend(look.line().add("  ").cell(keys, 16, "key").add(action.help).wrap(width))
    lines += [look.line(), look.heading("SIGNS"), look.line()]
    for level in reversed(LEVELS):
        glyph, word = severity(level)
        lines.append(look.line().add("  ").cell(f"{glyph} {word}", 16, level).add(level))
    signs = "▸ cursor   ✓ marked   ◐ taken   ⇑ escalated   ✔ closed   ⋯ waits for the server"
    return [*lines, look.line(), *look.line().add(f"  {signs}").wrap(width)]


_WRITTEN = {"pagedown": "PgDn", "pageup": "PgUp", "down": "↓", "up": "↑", "home": "Home", "end": "End", "minus": "-"}


def _written(key: str, action: Action) -> str:
    return action.shown if key == action.keys[0] else _WRITTEN.get(key, key.replace("ctrl+", "^"))


def connecting(look: Look) -> list[Line]:
    """Before the first answer."""
    return [look.line(), look.line().add("  Connecting …", "dim")]


def trouble(problem: ImpetusError, look: Look, width: int) -> list[Line]:
    """An error instead of content: code, what, where, hint, and what to press."""
    lines = [look.line(), look.line().add(f"  {problem.code}", "bad")]
    for name, text in (("what", problem.what), ("where", str(problem.where)), ("hint", problem.hint)):
        if text:
            lines.extend(look.line().add("  ").cell(name, 7, "dim").add(text, limit=500).wrap(width))
    return [*lines, look.line(), look.line().add("  ").add("r", "key").add(" retry   ").add("q", "key").add(" quit")]


def empty(last: Incident | None, status: Status | None, filtered: bool, look: Look) -> list[Line]:
    """Nothing to show, and the proof that this is no failure."""
    if status is not None and not status.events and not status.sources and last is None:
        hints = ("Name a source in impetus.toml and start `impetus run`,", "or look at the demo city: `impetus demo`.")
        return [
            look.line(),
            look.line().add("  No collectors yet.", "strong"),
            *(look.line().add(f"  {hint}") for hint in hints),
        ]
    lines = [
        look.line(),
        look.line().add("  Nothing here for this filter." if filtered else "  Nothing open.", "strong"),
    ]
    if last is not None:
        record = last.history[-1]
        said = f"  Last incident closed {look.moment(record.at)} by {record.actor}."
        lines.append(look.line().add(said, limit=120))
    if status is not None:
        flowing = f"  {count(status.rate)} ev/s flowing, {count(status.events)} events stored"
        lines.append(look.line().add(f"{flowing}, {len(status.sources)} sources."))
    return lines
