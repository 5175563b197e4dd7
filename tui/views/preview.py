"""The preview beside the queue: what happened where and when, why, and why it weighs what it weighs."""

from impetus.domain.incident import Incident
from tui.dossier import Dossier
from tui.line import Line
from tui.look import DISPOSITIONS, STATUS, Look, severity
from tui.views.panes import risk_brief
from tui.views.timeline import lanes
from tui.views.why import summary


def preview(incident: Incident, dossier: Dossier | None, width: int, look: Look) -> list[Line]:
    """What is known without the server at once, the rest when the dossier has come."""
    lines = head(incident, width, look)
    if dossier is None:
        return [*lines, look.line(), look.line().add("…", "dim")]
    drawn = lanes(dossier.points(), width, look)
    lines += [look.line(), *drawn] if drawn else []
    lines += [look.line(), look.heading("WHY"), *summary(dossier, width, look)]
    return [*lines, look.line(), *risk_brief(dossier.incident, width, look)]


def head(incident: Incident, width: int, look: Look) -> list[Line]:
    """Title, severity, state, zones and time."""
    glyph, word = severity(incident.severity)
    title = look.line().add(f"{glyph} {word} ", incident.severity).add(incident.title, "strong", limit=200)
    zones = ", ".join(incident.zones) or "no zone"
    times = f"{look.moment(incident.opened)} – {look.clock(incident.updated)}"
    where = look.line().add(f"{zones} · {times} · risk {incident.risk.score}", "dim", limit=200)
    return [*title.wrap(width), *where.wrap(width), *state(incident, look).wrap(width)]


def state(incident: Incident, look: Look) -> Line:
    """``INC · ◐ taken by MK``, and what else there is to say of its standing."""
    glyph, word = STATUS.get(incident.status, ("?", incident.status))
    line = look.line().add(f"{incident.id}  ", "dim", limit=60).add(f"{glyph} {word}", "accent")
    if incident.owner:
        line.add(f" by {incident.owner}", limit=40)
    if incident.disposition:
        line.add(f" as {DISPOSITIONS.get(incident.disposition, incident.disposition)}")
    if incident.kind == "watch":
        line.add(" · watch: open sources alone", "dim")
    if incident.exercise:
        line.add(" · exercise", "dim")
    if incident.superseded_by:
        line.add(f" · now part of {incident.superseded_by}", "bad", limit=80)
    return line
