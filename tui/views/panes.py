"""The other panes of the incident page: risk, evidence, entities and links, log."""

from impetus.domain.cascade import SightLoss
from impetus.domain.incident import ActionRecord, Incident
from tui.dossier import Dossier, Evidence
from tui.line import Line
from tui.look import DISPOSITIONS, Look


def risk(incident: Incident, width: int, look: Look) -> list[Line]:
    """Each term with its points and evidence, and the sum."""
    lines = [look.line().add(f"Risk {incident.risk.score} of 100", "strong")]
    for term in incident.risk.terms:
        line = look.line().cell(f"{term.points:+}", 5, "strong", right=True).add("  ").cell(term.name, 20).add("  ")
        lines.extend(line.add(term.evidence, "dim").wrap(width))
    if not incident.risk.terms:
        lines.append(look.line().add("No terms are given.", "dim"))
    return lines


def risk_brief(incident: Incident, width: int, look: Look) -> list[Line]:
    """The terms in a line or two, for the preview."""
    line = look.line().add("RISK ", "heading").add(str(incident.risk.score), "strong")
    for term in incident.risk.terms:
        line.add(f"  {term.name} {term.points:+}", limit=60)
    return list(line.wrap(width))


def evidence_heads(width: int, look: Look) -> Line:
    """The names of the columns of the evidence."""
    line = look.line().add("  ").cell("time", 9, "dim")
    for name, cells in _evidence_columns(width):
        line.cell(name, cells, "dim").add(" ")
    return line


def evidence_row(each: Evidence, width: int, look: Look, *, current: bool) -> Line:
    """One event: time, source, action, device, zone."""
    role = "cursor" if current else "plain"
    line = look.line().add("▸ " if current else "  ", role).cell(look.clock(each.record.time), 9, role)
    values = {"source": each.source, "action": each.action, "device": each.device, "zone": each.zone}
    for name, cells in _evidence_columns(width):
        line.cell(values[name] or "–", cells, role).add(" ", role)
    return line


def entities(dossier: Dossier, width: int, look: Look) -> list[Line]:
    """Entities by kind, incidents linked and not joined, devices whose word is in doubt, and zones that lose by it."""
    incident = dossier.incident
    lines = [look.heading("ENTITIES")]
    for entity in sorted(incident.entities):
        line = look.line().add("  ").cell(entity.kind, 12, "dim").add(entity.value, limit=300)
        lines.extend(line.add("  (only links)" if entity.weak else "", "dim").wrap(width))
    lines += _list("ZONES", incident.zones, width, look)
    lines += _list("LINKED, not joined", incident.linked, width, look)
    paths = {each.device: f"{each.device}  {' → '.join(each.path)}" for each in dossier.cascade.devices}
    contested = tuple(paths.get(device, device) for device in incident.contested)
    lines += _list("CONTESTED: depend on a device held by this incident", contested, width, look)
    lines += _list("ZONES THAT LOSE BY IT", tuple(map(_loss, dossier.cascade.zones)), width, look)
    return lines + _list("TOOK THE PLACE OF", incident.supersedes, width, look)


def _loss(loss: SightLoss) -> str:
    left = f"left: {', '.join(loss.left)}" if loss.left else "no other"
    return f"{loss.zone}  {loss.kind} {', '.join(loss.lost)} ({left})"


def log_row(record: ActionRecord, width: int, look: Look, *, current: bool) -> Line:
    """One action: when, who, what, why, and whether it was taken back."""
    role = "cursor" if current else "plain"
    line = look.line().add("▸ " if current else "  ", role).add(f"{look.moment(record.at)}  ", "dim")
    line.cell(record.actor, 12, role).add(" ").cell(record.verb, 9, "dim" if record.undone_by else role).add(" ")
    said = " · ".join(part for part in (DISPOSITIONS.get(record.disposition or "", ""), record.note) if part)
    said = f"{said}  (undone)" if record.undone_by else said
    return line.cell(said, max(width - line.width, 1), "dim" if record.undone_by else role)


def _evidence_columns(width: int) -> list[tuple[str, int]]:
    room = width - 11 - 4
    zone = 8 if width >= 70 else 5
    part = max((room - zone) // 3, 4)
    return [("source", part), ("action", part), ("device", max(room - zone - 2 * part, 4)), ("zone", zone)]


def _list(title: str, values: tuple[str, ...], width: int, look: Look) -> list[Line]:
    if not values:
        return []
    lines = [look.line(), look.heading(title)]
    for value in values:
        lines.extend(look.line().add("  ").add(value, limit=300).wrap(width))
    return lines
