"""The queue: incidents in an order that stands still while a person works on it.

What arrives changes rows where they stand; what is new waits (``news``) until the person merges it. The cursor and the
marks are incident ids, never positions, so an action lands on what was on the screen, whatever arrived meanwhile.
"""

from collections.abc import Iterable, Sequence

from impetus.domain.incident import Incident, urgency
from tui.model.filter import Filter


class Queue:
    """Every incident known by id, the frozen ``order`` of those shown, the cursor and the marks."""

    def __init__(self, narrow: Filter) -> None:
        self.incidents: dict[str, Incident] = {}
        self.order: Sequence[str] = ()
        self.cursor: str | None = None
        self.marks: dict[str, None] = {}
        self.news: set[str] = set()
        self.filter = narrow
        self._places: dict[str, int] = {}

    def arrive(self, incidents: Iterable[Incident]) -> set[str]:
        """Take in incidents as they are now; returns the ids whose rows changed. An empty queue fills at once."""
        changed: set[str] = set()
        for incident in incidents:
            known = self.incidents.get(incident.id)
            if known is not None and known.revision > incident.revision:
                continue
            self.incidents[incident.id] = incident
            if incident.id in self._places:
                changed.add(incident.id)
            elif self.filter.admits(incident):
                self.news.add(incident.id)
            else:
                self.news.discard(incident.id)
        if not self.order and self.news:
            self.merge()
            changed.update(self.order)
        return changed

    def merge(self) -> None:
        """Order anew, with what waited. The cursor stays on its incident, or goes to the next that is still there."""
        shown = [incident for incident in self.incidents.values() if self.filter.admits(incident)]
        before, place = self.order, self.position
        self.order = [incident.id for incident in sorted(shown, key=urgency)]
        self._places = {id: index for index, id in enumerate(self.order)}
        self.news.clear()
        self.marks = {id: None for id in self.marks if id in self._places}
        self.cursor = self._survivor(before, place)

    def narrow(self, new: Filter) -> None:
        """Show what another filter admits."""
        self.filter = new
        self.merge()

    @property
    def position(self) -> int:
        """Where the cursor stands in the order; 0 in an empty one."""
        return self._places.get(self.cursor, 0) if self.cursor is not None else 0

    def place(self, id: str) -> int | None:
        """Where an incident stands in the order."""
        return self._places.get(id)

    def move(self, rows: int) -> None:
        """Move the cursor down (or up, below 0), as far as there are rows."""
        if self.order:
            self.cursor = self.order[min(max(self.position + rows, 0), len(self.order) - 1)]

    def jump(self, id: str) -> None:
        """Put the cursor on an incident of the order."""
        if id in self._places:
            self.cursor = id

    def mark(self) -> None:
        """Mark the incident under the cursor, or take its mark away."""
        if self.cursor is None:
            return
        if self.cursor in self.marks:
            del self.marks[self.cursor]
        else:
            self.marks[self.cursor] = None

    def targets(self) -> tuple[Incident, ...]:
        """What a verb acts on: the marked incidents in the order shown, else the one under the cursor."""
        chosen = sorted(self.marks, key=self._places.__getitem__)
        if not chosen and self.cursor is not None:
            chosen = [self.cursor]
        return tuple(self.incidents[id] for id in chosen)

    def unresolved(self) -> list[Incident]:
        """Every incident that is not closed, whatever the filter."""
        return [i for i in self.incidents.values() if i.status != "closed" and i.superseded_by is None]

    def last_closed(self) -> Incident | None:
        """The incident that a person closed last."""
        closed = [i for i in self.incidents.values() if i.status == "closed" and i.history]
        return max(closed, key=lambda incident: incident.history[-1].at, default=None)

    def _survivor(self, before: Sequence[str], place: int) -> str | None:
        """The cursor after an order went: its incident, else the nearest behind it, else before it, else the first."""
        for id in (*before[place:], *reversed(before[:place])):
            if id in self._places:
                return id
        return self.order[0] if self.order else None
