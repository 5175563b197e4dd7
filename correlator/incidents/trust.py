"""Trust: which devices are contested, as of event time, because of incidents that hold what they depend on.

It is looked up when an incident is scored and never written on events. A person clears a device, in the record of the
incident that holds it.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from correlator.city import CityModel
from correlator.incidents.summary import Evidence, Summary
from correlator.memory import Kept
from impetus.domain.batch import Key
from impetus.domain.incident import Incident
from impetus.domain.ports import Store
from impetus.domain.rule import Level, rank


class Hold(msgspec.Struct, frozen=True):
    """What an incident holds that others depend on, since when (µs), and what a person cleared."""

    since: dict[str, int]
    cleared: tuple[str, ...] = ()


class Trust:
    """Which incident holds which device."""

    def __init__(self, city: CityModel) -> None:
        self._needs: dict[str, set[str]] = {}
        """Device → all that it depends on."""
        self._needed: dict[str, set[str]] = {}
        """Device → all that depends on it."""
        for device in city.devices:
            for dependent in city.dependents((device,)):
                self._needs.setdefault(dependent, set()).add(device)
                self._needed.setdefault(device, set()).add(dependent)
        self._holds: Kept[Hold] = Kept("trust", Hold)
        self._by_device: dict[str, set[str]] = {}
        self.changed: set[str] = set()
        """Devices whose trust may have changed; for who reads them to clear."""

    def contested(self, device: str, at: int) -> tuple[str, ...]:
        """The incidents that make a device doubtful for what it said at an event time (µs), oldest id first."""
        found = set()
        for needed in self._needs.get(device, ()):
            for incident in self._by_device.get(needed, ()):
                hold = self._holds[incident]
                if hold.since[needed] < at and device not in hold.cleared:
                    found.add(incident)
        return tuple(sorted(found))

    def since(self, device: str) -> int | None:
        """From when on a device is contested: the event time (µs) of the first doubt; None if nothing contests it."""
        holds = (
            (self._holds[incident], needed)
            for needed in self._needs.get(device, ())
            for incident in self._by_device.get(needed, ())
        )
        return min((hold.since[needed] + 1 for hold, needed in holds if device not in hold.cleared), default=None)

    def dependents(self, devices: Iterable[str]) -> set[str]:
        """All that depends on one of some devices."""
        return {dependent for device in devices for dependent in self._needed.get(device, ())}

    def note(self, incident: str, devices: Mapping[str, int], cleared: frozenset[str] = frozenset()) -> set[str]:
        """Note what an incident holds now, each since when, and what people cleared.

        Returns the devices whose trust this may change.
        """
        since = {device: at for device, at in devices.items() if device in self._needed} if self._needed else {}
        was = self._holds.get(incident)
        if not since and was is None:
            return set()
        hold, was = Hold(since, tuple(sorted(cleared))), was or Hold({})
        if hold == was:
            return set()
        for device in was.since:
            self._by_device[device].discard(incident)
        for device in since:
            self._by_device.setdefault(device, set()).add(incident)
        if since:
            self._holds[incident] = hold
        else:
            self._holds.drop(incident)
        touched = self.dependents(was.since.keys() | since.keys())
        self.changed |= touched
        return touched

    def held(self, id: str) -> Mapping[str, int]:
        """What an incident holds, as it was last noted."""
        hold = self._holds.get(id)
        return hold.since if hold is not None else {}

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        return self._holds.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._holds.restore(store)
        self._by_device.clear()
        for incident, hold in self._holds.items():
            for device in hold.since:
                self._by_device.setdefault(device, set()).add(incident)
            self.changed |= self.dependents(hold.since)

    # --- severity

    def weigh(self, summary: Summary) -> tuple[Level, Evidence | None]:
        """The severity of an incident: that of its worst alert, unless only contested devices say critical.

        Then it is held at high until an independent source, which is not contested, agrees; the alert so held comes
        second.
        """
        worst = summary.worst
        if worst.level != "critical":
            return worst.level, None
        critical = [item for item in summary.evidence.values() if item.level == "critical"]
        if not all(self.doubts(item) for item in critical):
            return "critical", None
        if any(self._supports(item, critical) for item in summary.evidence.values()):
            return "critical", None
        return "high", worst

    def doubts(self, item: Evidence) -> bool:
        """Whether all devices of an alert are contested as of its time."""
        return bool(item.devices) and all(self.contested(device, item.order[0]) for device in item.devices)

    def _supports(self, item: Evidence, doubted: Iterable[Evidence]) -> bool:
        """Whether an alert is of an independent source: no device that is doubted, or that the doubt is about."""
        if rank(item.level) < rank("medium") or self.doubts(item):
            return False
        devices = {device for one in doubted for device in one.devices}
        involved = devices | {needed for device in devices for needed in self._needs.get(device, ())}
        domains = {domain for one in doubted for domain in one.domains}
        return not involved & set(item.devices) and (bool(item.devices) or not domains >= set(item.domains))


def is_nothing(incident: Incident) -> bool:
    """Whether a person closed an incident as nothing: it makes nothing doubtful."""
    return incident.status == "closed" and incident.disposition not in {None, "true_positive"}
