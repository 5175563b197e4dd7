"""A case: an incident or a watch while its alerts are being joined."""

from dataclasses import dataclass, field

from impetus.domain.alert import Alert
from impetus.domain.entity import Entity
from impetus.domain.incident import Incident, Kind, Member
from impetus.domain.instant import SECOND
from impetus.domain.place import distance
from impetus.domain.rule import rank

HOUR = 3600 * SECOND
MEDIUM = rank("medium")


@dataclass(eq=False)
class Case:
    """Alerts that belong together, in the order in which they joined, each with why."""

    kind: Kind
    opener: Alert
    """The earliest alert that could open it; the id of the incident is made of its id."""
    alerts: dict[str, tuple[Alert, str]] = field(default_factory=dict)
    newest: int = 0
    record: Incident | None = None
    """The incident as it was last written, if it was."""
    taken_over_by: "Case | None" = None

    @property
    def id(self) -> str:
        """The id of the incident."""
        return incident_id(self.opener)

    def add(self, alert: Alert, why: str) -> None:
        """Let an alert join."""
        self.alerts[alert.id] = (alert, why)
        self.newest = max(self.newest, alert.at)

    def entities(self) -> list[Entity]:
        """All entities of the alerts, in the order in which they came; a strong one stands for its weak twin."""
        found: dict[str, Entity] = {}
        for alert, _ in self.alerts.values():
            for entity in alert.entities:
                known = found.get(entity.key)
                if known is None or (known.weak and not entity.weak):
                    found[entity.key] = entity
        return list(found.values())


def incident_id(opener: Alert) -> str:
    """The id of the incident that an alert opens."""
    return f"inc-{opener.id}"


def is_watch(alert: Alert) -> bool:
    """Whether an alert opens a watch: medium or higher, and nothing but open sources."""
    return rank(alert.level) >= MEDIUM and bool(alert.domains) and set(alert.domains) == {"osint"}


def opens(alert: Alert) -> bool:
    """Whether an alert opens an incident."""
    return rank(alert.level) >= MEDIUM and not is_watch(alert)


def meets(watch: Alert, alert: Alert) -> bool:
    """Whether an alert is where and when an open-source item said: its location, else its zone, and its time ± 1 h."""
    if watch.target_time is None or watch.place is None or alert.place is None:
        return False
    if not any(abs(time - watch.target_time) <= HOUR for time in alert.times or (alert.at,)):
        return False
    if watch.place.location is not None and alert.place.location is not None:
        apart = distance(watch.place.location, alert.place.location)
        return apart <= watch.place.radius + alert.place.radius
    return watch.place.zone is not None and watch.place.zone in alert.zones


def rows(case: Case) -> tuple[Member, ...]:
    """The alerts of a case as rows: repeats of one rule on one device are one with a count."""
    found: dict[tuple[str, str], Member] = {}
    for alert, why in case.alerts.values():
        device = next((entity.value for entity in alert.entities if entity.kind == "device"), None)
        key = (alert.rule, f"device {device}" if device is not None and not alert.correlation else f"alert {alert.id}")
        first = found.get(key)
        if first is None:
            found[key] = Member(alert.id, why)
        else:
            found[key] = Member(first.alert, first.why, first.count + 1, (*first.repeats, alert.id))
    return tuple(found.values())
