"""Commands of people on incidents, carried out: recorded, and where they say what belongs together, followed."""

from collections.abc import Sequence

from correlator.incidents.bonds import Bond
from correlator.incidents.history import recorded, undone
from correlator.incidents.joins import Joins
from correlator.incidents.membership import members
from impetus.domain.action import Action, Undo
from impetus.domain.errors import ImpetusError, Where
from impetus.domain.incident import Incident
from impetus.domain.ports import Store


class Commands:
    """Actions and undos over the incidents of ``joins``, and those that only the store still has."""

    def __init__(self, joins: Joins, store: Store) -> None:
        self._joins, self._store = joins, store

    def act(self, action: Action, now: int) -> tuple[Incident, list[Incident]]:
        """Carry out an action at a wall clock (µs); the incident after it, and all that changed. ``ImpetusError``."""
        before = self._find(action.incident)
        after = recorded(before, action, now)
        bond = self._bond(action, before) if after is not before else None
        return self._follow(before, after, bond)

    def undo(self, undo: Undo, now: int) -> tuple[Incident, list[Incident]]:
        """Take an action back; the incident after it, and all that changed. Raises ``ImpetusError``."""
        before = self._find(undo.incident)
        after = undone(before, undo, now)
        incident, changed = self._follow(before, after)
        if changed:
            changed += self._joins.release(undo.action)
        return self._newest(incident, changed), changed

    def _follow(self, before: Incident, after: Incident, bond: Bond | None = None) -> tuple[Incident, list[Incident]]:
        if after is before:
            return after, []
        changed = [after]
        if before.status == "closed" and after.status != "closed":
            changed += self._joins.reopen(after, self._store.alerts(list(members(self._store, after))))
        else:
            changed += self._joins.replace(after)
        if bond is not None:
            changed += self._joins.bind(bond)
        return self._newest(after, changed), changed

    def _newest(self, incident: Incident, changed: Sequence[Incident]) -> Incident:
        """An incident as it is after all that followed, or the one that took its place."""
        newest = {one.id: one for one in changed}
        found = newest.get(incident.id, incident)
        while found.superseded_by is not None:
            found = newest.get(found.superseded_by) or self._find(found.superseded_by)
        return found

    def _find(self, id: str) -> Incident:
        incident = self._joins.incident(id) or self._store.incident(id)
        if incident is None:
            raise ImpetusError("incident.unknown", "there is no incident with this id", Where(key=id))
        return incident

    # --- what belongs together

    def _bond(self, action: Action, incident: Incident) -> Bond | None:
        """What an action says of alerts, if it does. Only of active incidents: the others are past."""
        if action.verb not in {"merge", "split"}:
            return None
        if not self._joins.openers(incident.id):
            raise _refused(incident.id, "it is not active any more", "Only active incidents can be merged or split")
        if action.verb == "merge":
            return Bond(action.id, "merge", action.actor, dict.fromkeys(self._merging(action, incident), 0))
        return Bond(action.id, "split", action.actor, self._splitting(action, incident))

    def _merging(self, action: Action, incident: Incident) -> list[str]:
        ids = self._joins.openers(incident.id)
        for target in action.targets:
            other = self._find(target)
            if other.id == incident.id:
                raise _refused(target, "it is the same incident")
            if not self._joins.openers(other.id):
                raise _refused(other.id, "it is not active any more", "Only active incidents can be merged")
            ids += self._joins.openers(other.id)
        return ids

    def _splitting(self, action: Action, incident: Incident) -> dict[str, int]:
        """Every alert of the incident on its side; a repeat goes with its row."""
        sides = self._joins.sides(incident.id, action.targets)
        unknown = sorted(set(action.targets) - sides.keys())
        if unknown:
            raise _refused(unknown[0], "it is no alert of this incident", f"Show {incident.id} for its alerts")
        if not 0 < sum(sides.values()) < len(sides):
            raise _refused(incident.id, "a split leaves something on both sides", "Name some alerts, not all")
        return sides


def _refused(id: str, what: str, hint: str = "") -> ImpetusError:
    return ImpetusError("action.refused", what, Where(key=id), hint)
