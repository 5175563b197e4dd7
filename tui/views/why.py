"""Why an incident is there: each alert with its conditions and the values met, its place, and what stayed away."""

from collections.abc import Iterator

from impetus.domain.alert import Alert
from impetus.domain.explanation import Clause
from tui.dossier import Dossier
from tui.line import Line
from tui.look import Look, severity

MOST_ALERTS, MOST_CLAUSES, DEEPEST = 100, 200, 12
"""Bounds of one view; what is beyond them is counted."""


def why(dossier: Dossier, width: int, look: Look) -> list[Line]:
    """Every alert in the order in which it joined."""
    reasons = {member.alert: (member.why, member.count) for member in dossier.incident.members}
    ranks = {alert: index for index, alert in enumerate(reasons)}
    alerts = sorted(dossier.alerts, key=lambda alert: (ranks.get(alert.id, len(ranks)), alert.first, alert.id))
    lines: list[Line] = []
    for alert in alerts[:MOST_ALERTS]:
        reason, repeats = reasons.get(alert.id, ("", 1))
        lines.extend(_alert(alert, reason, repeats, width, look))
    return lines + _left_out(len(alerts) - MOST_ALERTS, "alerts", look)


def summary(dossier: Dossier, width: int, look: Look) -> list[Line]:
    """The short form of the preview: one line per alert, with its condition or its sentence under it."""
    lines: list[Line] = []
    for number, alert in enumerate(dossier.alerts[:8], 1):
        glyph, _ = severity(alert.level)
        line = look.line().add(f"{number} ", "dim").add(glyph, alert.level).add(" ")
        lines.append(line.cell(alert.title, max(width - line.width - 9, 4)).add(f" {look.clock(alert.at)}", "dim"))
        lines.extend(_brief(alert, width, look))
    return lines + _left_out(len(dossier.alerts) - 8, "alerts", look)


def _brief(alert: Alert, width: int, look: Look) -> Iterator[Line]:
    explanation = alert.explanation
    if explanation and explanation.summary:
        yield look.line().add("    ").cell(explanation.summary, max(width - 4, 1), "dim")
    if explanation and not alert.correlation:
        for clause in _leaves(explanation.clauses, 3):
            yield look.line().add("    ✓ ", "good").cell(_leaf(clause), max(width - 6, 1))
    for line in _circumstances(alert, width, look):
        yield look.line().add("    ").cell(line.text.strip(), max(width - 4, 1), "dim")


def _alert(alert: Alert, reason: str, repeats: int, width: int, look: Look) -> Iterator[Line]:
    glyph, word = severity(alert.level)
    head = look.line().add(f"{glyph} {word} ", alert.level).add(alert.title, "strong", limit=300)
    if repeats > 1:
        head.add(f"  × {repeats}", "dim")
    yield from head.wrap(width)
    times = look.moment(alert.at) if alert.at == alert.first else f"{look.moment(alert.first)} – {look.clock(alert.at)}"
    joined = f" · joined: {reason}" if reason else ""
    author = f" by {alert.author}" if alert.author else ""
    yield from look.line().add(f"  {times} · rule {alert.rule}{author}{joined}", "dim").wrap(width)
    if alert.explanation:
        if alert.explanation.summary:
            yield from look.line().add("  ").add(alert.explanation.summary).wrap(width)
        yield from _tree(alert.explanation.clauses, width, look)
    yield from _circumstances(alert, width, look)
    yield look.line()


def _circumstances(alert: Alert, width: int, look: Look) -> Iterator[Line]:
    if alert.group:
        yield from look.line().add("  group  ", "dim").add(", ".join(f"{k}={v}" for k, v in alert.group)).wrap(width)
    if alert.certainty:
        radius = f", radius {alert.place.radius:.0f} m" if alert.place and alert.place.radius else ""
        yield from look.line().add("  place  ", "dim").add(f"{alert.certainty}{radius}").wrap(width)
    for rule in alert.absent:
        yield from look.line().add("  absent ", "dim").add(f"{rule}: awaited, and nothing came").wrap(width)


def _tree(clauses: tuple[Clause, ...], width: int, look: Look) -> Iterator[Line]:
    nodes = list(_walk(clauses, 0))
    for depth, clause in nodes[:MOST_CLAUSES]:
        line = look.line().add("  " + "  " * min(depth, DEEPEST))
        line.add("✓ " if clause.held else "✗ ", "good" if clause.held else "dim")
        yield from line.add(_leaf(clause), "plain" if clause.held else "dim", limit=500).wrap(width)
    yield from _left_out(len(nodes) - MOST_CLAUSES, "clauses", look)


def _walk(clauses: tuple[Clause, ...], depth: int) -> Iterator[tuple[int, Clause]]:
    """Nodes in order, iteratively, since the depth is not ours; branches that did not hold stay folded."""
    stack = [(depth, clause) for clause in reversed(clauses)]
    while stack:
        level, clause = stack.pop()
        yield level, clause
        if clause.held:
            stack.extend((level + 1, inner) for inner in reversed(clause.of))


def _leaves(clauses: tuple[Clause, ...], most: int) -> list[Clause]:
    held = (clause for _, clause in _walk(clauses, 0) if clause.held and clause.field)
    return [clause for _, clause in zip(range(most), held, strict=False)]


def _leaf(clause: Clause) -> str:
    if clause.of and not clause.field:
        return clause.op if clause.held else f"{clause.op} ({len(clause.of)} parts, did not hold)"
    met = "absent" if clause.actual is None else clause.actual
    return f"{clause.field or 'any field'} {clause.op} {clause.expected or ''}   met: {met}"


def _left_out(number: int, what: str, look: Look) -> list[Line]:
    return [look.line().add(f"  … {number} more {what}", "dim")] if number > 0 else []
