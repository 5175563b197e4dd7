"""Writing: which incidents changed, what took the place of which, and where each alert is on record."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from correlator.incidents.case import Case, Node, brief_of
from correlator.incidents.fold import Fold
from correlator.incidents.history import cleared, merged
from correlator.incidents.membership import Membership
from correlator.incidents.record import describe, replaced
from correlator.incidents.risk import Scale
from correlator.incidents.summary import Summary
from correlator.incidents.trust import Trust
from correlator.incidents.upkeep import Upkeep
from correlator.memory import Kept
from impetus.domain.incident import ActionRecord, Incident

Find = Callable[[str], Incident | None]


class Writer:
    """Writes incidents as they follow from a fold. ``find`` gives an incident as last written, by id."""

    def __init__(self, fold: Fold, upkeep: Upkeep, trust: Trust, scale: Scale, find: Find) -> None:
        self._fold, self._upkeep, self._trust, self._scale, self._find = fold, upkeep, trust, scale, find
        self.membership = Membership()
        self._written: dict[Case, Incident] = {}
        self._given: dict[Case, Incident] = {}
        """Incidents as they were written with commits that may not be durable yet."""
        self.loose: Kept[int] = Kept("loose", int)
        """Alerts that are in no incident, with their event times."""

    def settle(self, apart: Sequence[Case], cause: str) -> list[Incident]:
        """Let what people did follow, and write the incidents that changed."""
        fold = self._fold
        merged, fold.merged = fold.merged, []
        gone = [case for case in (*apart, *merged) if self.recall(case) is not None]
        found = self._hand_over(gone)
        for case in merged:
            case.nodes = {}
        moved, fold.moved = fold.moved, {}
        while fold.changed:
            changed, fold.changed = fold.changed, {}
            for case in changed:
                self._upkeep.schedule(case)
                record = self._write(case, cause)
                if record is not None:
                    found.append(record)
        for node in moved.values():
            self._file(node)
        return found

    def recall(self, case: Case) -> Incident | None:
        """The incident of a case as last written, if it was; from the store if need be."""
        if case.brief is not None:
            case.record, case.brief = self._find(case.id), None
        return case.record

    def give(self) -> None:
        """All that was written so far goes into a commit."""
        self._given |= self._written
        self._written = {}

    def committed(self) -> None:
        """All that was given is durable: of an incident, only what the next revision needs stays in memory."""
        for case, record in self._given.items():
            if case.record is record:
                case.record, case.brief = None, brief_of(record)
        self._given = {}

    def _hand_over(self, gone: Sequence[Case]) -> list[Incident]:
        """Cases that are no more: the incident goes on under the same id, or another takes its place, or none."""
        found: list[Incident] = []
        for case in gone:
            heir = self._heir(case)
            if case.record is None:
                continue
            if heir is not None:
                heir.lasting |= case.lasting
                self._fold.changed[heir] = None
            if heir is not None and heir.id == case.id:
                heir.record = case.record
                continue
            found.append(replaced(case.record, heir.id if heir is not None else None))
            self.touch(self._trust.note(case.id, {}))
            if heir is not None and case.record not in heir.inherited:
                heir.inherited += (case.record,)
        return found

    def _heir(self, case: Case) -> Case | None:
        """Which case has the opener of another now, or else the first of its alerts that has any."""
        if self._fold.cases.get(case.heir.id) is case.heir:
            return case.heir
        for id in (case.opener[2], *(node.id for node in sorted(case.nodes.values(), key=lambda node: node.order))):
            node = self._fold.nodes.get(id) or self._fold.successor(id)
            if node is not None and node.case is not None:
                return node.case.heir
        return None

    def _write(self, case: Case, cause: str) -> Incident | None:
        """The case as an incident, if that says anything new."""
        summary = case.summary()
        self._fold.summaries.use(case)
        if case.brief is not None and case.brief.alerts == summary.alerts:
            self.recall(case)
        own, inherited = case.record or case.brief, case.inherited
        former = self._find(case.id) if own is None else None
        known = [one for one in (own or _same(former, case.id), *inherited) if one is not None]
        case.inherited = ()
        cases = self._fold.cases
        superseded = {old for one in known for old in (one.id, *one.supersedes) if old not in cases}
        history = merged([one.history for one in known]) if known else ()
        self._note_held(case, summary, history)
        incident = describe(case, summary, history, self._trust, self._scale)
        incident = msgspec.structs.replace(incident, supersedes=tuple(sorted(superseded)))
        # An incident that was superseded and comes back goes on behind what took its place.
        newest = max((one.revision for one in (*known, former) if one is not None), default=0)
        if isinstance(own, Incident):
            if msgspec.structs.replace(incident, revision=own.revision, cause=own.cause) == own:
                return None
            if msgspec.structs.replace(incident, revision=own.revision, cause=own.cause, linked=own.linked) == own:
                cause = "linked"
        elif not known:
            cause = "new alert"
        case.brief, case.record = None, msgspec.structs.replace(incident, revision=newest + 1, cause=cause)
        self._written[case] = case.record
        return case.record

    def _note_held(self, case: Case, summary: Summary, history: Sequence[ActionRecord]) -> None:
        since = {device: order[0] for device, order in summary.devices.items()} if case.kind == "incident" else {}
        self.touch(self._trust.note(case.id, since, cleared(history)))

    def touch(self, devices: Iterable[str]) -> None:
        """Weigh the incidents anew that hold some devices."""
        for device in devices:
            entry = self._fold.names.get(f"device:{device}")
            for owner, _ in entry.owners if entry is not None else ():
                self._fold.changed[owner.heir] = None

    def _file(self, node: Node) -> None:
        """Put on record where an alert is now."""
        alert = node.alert
        self._upkeep.watch(node)
        if node.case is None:
            self.membership.leave(node)
            self.loose[alert.id] = alert.at
            return
        if alert.id in self.loose:
            self.loose.drop(alert.id)
        own = node.case.heir.record or node.case.heir.brief
        if own is not None:
            self.membership.enter(node, own.id, own.supersedes)


def _same(found: Incident | None, id: str) -> Incident | None:
    """An incident that came back: it was withdrawn or forgotten, and goes on with what people did to it."""
    return found if found is not None and found.id == id and (found.withdrawn or found.status != "closed") else None
