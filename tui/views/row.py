"""A row of the queue, and which columns there is room for. Severity, title, zone and owner are on every one."""

from dataclasses import dataclass

from impetus.domain.incident import Incident
from tui.line import Line
from tui.look import Look, severity, status_glyph

NARROW = 60
"""Below this many columns, rows are one cell of text after another, with no columns."""


@dataclass(frozen=True)
class Columns:
    """Cells of each column; 0 leaves it out."""

    what: int
    where: int
    entity: int
    members: int
    when: int
    owner: int

    @property
    def narrow(self) -> bool:
        """Whether there are no columns at all."""
        return self.what == 0


@dataclass(frozen=True)
class Row:
    """An incident as a row: with what the queue knows of it besides."""

    incident: Incident
    now: int
    """Event time up to which the city has been seen, against which times are told."""
    status: str
    waiting: bool = False
    """An action on it has not been answered."""
    current: bool = False
    marked: bool = False


def columns(width: int) -> Columns:
    """What fits: first the entity goes, then the number of members, then the time."""
    if width < NARROW:
        return Columns(0, 0, 0, 0, 0, 0)
    entity = 16 if width >= 104 else 0
    members = 4 if width >= 90 else 0
    when = 7 if width >= 68 else 0
    where = 12 if width >= 90 else 8
    owner = 9 if width >= 90 else 7
    fixed = 3 + 4 + 7 + where + 1 + owner + 1
    return Columns(width - fixed - entity - members - when - 2, where, entity, members, when, owner)


def heads(width: int, look: Look) -> Line:
    """The names of the columns."""
    plan, line = columns(width), look.line()
    if plan.narrow:
        return line.cell("   sev   what", width, "dim")
    line.add("  ").cell("risk", 5, "dim", right=True).add(" ").cell("sev", 7, "dim").cell("what", plan.what, "dim")
    line.add(" ").cell("where", plan.where, "dim").add(" ")
    if plan.entity:
        line.cell("who/what", plan.entity, "dim")
    if plan.members:
        line.cell("n", plan.members, "dim")
    if plan.when:
        line.cell("when", plan.when, "dim")
    return line.add("  ").cell("owner", plan.owner, "dim")


def row(what: Row, width: int, look: Look) -> Line:
    """The line of an incident."""
    plan, incident, line = columns(width), what.incident, look.line()
    plain = "cursor" if what.current else "plain"
    line.add("▸" if what.current else " ", plain).add("✓" if what.marked else " ", "key")
    if plan.narrow:
        return _narrow(line, what, width)
    glyph, word = severity(incident.severity)
    line.cell(str(incident.risk.score), 5, plain, right=True).add(" ", plain)
    line.cell(f"{glyph} {word}", 7, incident.severity)
    line.cell(_title(incident), plan.what, "dim" if what.status == "closed" else plain).add(" ", plain)
    line.cell(_zones(incident), plan.where, plain).add(" ", plain)
    if plan.entity:
        line.cell(_entity(incident), plan.entity, plain)
    if plan.members:
        line.cell(str(len(incident.members)), plan.members, plain)
    if plan.when:
        line.cell(look.brief(incident.updated, what.now), plan.when, plain)
    return (
        line.add("⋯" if what.waiting else status_glyph(what.status), "accent")
        .add(" ", plain)
        .cell(_owner(incident), plan.owner, plain)
    )


def _narrow(line: Line, what: Row, width: int) -> Line:
    """``■ CRIT Z4 ◐ MK title``: what must not be lost stands first."""
    glyph, word = severity(what.incident.severity)
    line.add(f"{glyph} {word} ", what.incident.severity)
    line.add(_zones(what.incident), limit=8).add(" ").add("⋯" if what.waiting else status_glyph(what.status), "accent")
    line.add(" ").add(_owner(what.incident), limit=6).add(" ")
    return line.cell(_title(what.incident), max(width - line.width, 1), "cursor" if what.current else "plain")


def _title(incident: Incident) -> str:
    title = f"watch: {incident.title}" if incident.kind == "watch" else incident.title
    title = f"[exercise] {title}" if incident.exercise else title
    return f"{title} → {incident.superseded_by}" if incident.superseded_by else title


def _zones(incident: Incident) -> str:
    if not incident.zones:
        return "–"
    first, more = incident.zones[0], len(incident.zones) - 1
    return f"{first} +{more}" if more else first


def _entity(incident: Incident) -> str:
    strong = [entity.value for entity in incident.entities if not entity.weak]
    return strong[0] if strong else "–"


def _owner(incident: Incident) -> str:
    return incident.owner or "–"
