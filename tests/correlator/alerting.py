"""Alerts made by hand or drawn at random, and what incidents they have to end in."""

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st

from correlator.city import CityModel
from correlator.incidents.bonds import Bonds
from correlator.incidents.case import Case
from correlator.incidents.fold import fold
from correlator.incidents.joins import Joins
from correlator.incidents.limits import DAY as ACTIVE
from correlator.incidents.limits import Limits
from impetus.domain.alert import Alert
from impetus.domain.batch import Commit
from impetus.domain.entity import Entity
from impetus.domain.incident import Incident
from impetus.domain.instant import SECOND
from impetus.domain.place import Location, Place
from impetus.domain.ports import Store
from impetus.domain.rule import Level

HOUR = 3600 * SECOND
DAY = 24 * HOUR
SQUARE = Place("Z4", Location(59.9151, 10.7354), 80)
FAR = Place("Z1", Location(59.9066, 10.7366), 15)


def alert(
    id: str,
    at: float = 0,
    *keys: str,
    level: Level = "high",
    events: Sequence[str] = (),
    domains: Sequence[str] = ("cyber",),
    place: Place | None = None,
    target: float | None = None,
    correlation: bool = False,
    gone: bool = False,
    revision: int = 1,
) -> Alert:
    """An alert at an hour; a key is an entity ``user:a``, with ``~`` in front a weak one."""
    members = tuple(events) or (f"e-{id}",)
    instant = int(at * HOUR)
    return Alert(
        id, f"rule-{id}", f"Alert {id}", level, instant, instant, members, (instant,) * len(members),
        entities=tuple(entity(key) for key in keys), domains=tuple(domains),
        zones=(place.zone,) if place and place.zone else (),
        place=place, target_time=None if target is None else int(target * HOUR), correlation=correlation, gone=gone,
        revision=revision,
    )  # fmt: skip


def entity(key: str) -> Entity:
    kind, value = key.lstrip("~").split(":")
    return Entity(kind, value, weak=key.startswith("~"))


class Board:
    """Joins under test, with every incident as it was last written."""

    def __init__(
        self,
        city: CityModel | None = None,
        limits: Limits | None = None,
        store: Store | None = None,
    ) -> None:
        self.records: dict[str, Incident] = {}
        self.limits, self.store = limits or Limits(), store
        self._set_up(city or CityModel.empty())
        if store is not None:
            self.joins.restore(store, None)

    def restart(self, now: int | None = None) -> None:
        """Joins anew, from what was committed."""
        assert self.store is not None
        self._set_up(CityModel.empty())
        self.joins.restore(self.store, now)

    def _set_up(self, city: CityModel) -> None:
        self.joins = Joins(city, self.find, self.limits)

    def find(self, id: str) -> Incident | None:
        """As a store does: a superseded incident gives the one that took its place."""
        found = self.records.get(id)
        while found is not None and found.superseded_by is not None:
            found = self.records.get(found.superseded_by)
        return found

    def apply(self, *alerts: Alert, cause: str = "new evidence") -> list[Incident]:
        changed = self.keep(self.joins.apply(alerts, cause))
        self.commit(changed, alerts)
        return changed

    def commit(self, changed: Sequence[Incident], alerts: Sequence[Alert] = ()) -> None:
        if self.store is not None:
            state = tuple(self.joins.changes())
            self.store.commit(Commit(alerts=tuple(alerts), incidents=tuple(changed), state=state))
            self.joins.committed()

    def keep(self, changed: list[Incident]) -> list[Incident]:
        for incident in changed:
            before = self.records.get(incident.id)
            assert before is None or incident.revision > before.revision, "a revision came again"
            self.records[incident.id] = incident
        return changed

    @property
    def live(self) -> dict[str, Incident]:
        return {id: one for id, one in self.records.items() if one.superseded_by is None and not one.withdrawn}

    def members(self) -> dict[str, frozenset[str]]:
        return {id: frozenset(alerts_of(one)) for id, one in self.live.items()}

    def groups(self) -> set[frozenset[str]]:
        return set(self.members().values())

    def the(self, alert: str) -> Incident:
        (found,) = [one for one in self.live.values() if alert in alerts_of(one)]
        return found


def alerts_of(incident: Incident) -> list[str]:
    return [id for member in incident.members for id in (member.alert, *member.repeats)]


def outcome(board: Board) -> object:
    """Ids, kinds, members and links: what has to be the same in any order."""
    loose = set(board.joins.loose)
    rows = {id: [(row.alert, row.why, row.count, row.repeats) for row in one.members] for id, one in board.live.items()}
    return {id: (one.kind, rows[id], one.linked, one.events, one.entities) for id, one in board.live.items()}, loose


def expected(alerts: Iterable[Alert], limits: Limits | None = None, bonds: Bonds | None = None) -> object:
    """The same of one fold over everything; links by looking at every pair."""
    folded = fold(alerts, limits, bonds)
    cases = list(folded.cases.values())
    found = {}
    for one in cases:
        rows = [(row.alert, row.why, row.count, row.repeats) for row in one.summary().rows.listed()]
        found[one.id] = (one.kind, rows, _links(one, cases), one.summary().events(), one.summary().entities())
    return found, {id for id, node in folded.nodes.items() if node.case is None}


def _links(case: Case, cases: Sequence[Case]) -> tuple[str, ...]:
    return tuple(sorted(other.id for other in cases if other is not case and _linked(case, other)))


def _linked(case: Case, other: Case) -> bool:
    return any(
        mine.key == theirs.key and (mine.weak or theirs.weak) and abs(a.at - b.at) < ACTIVE
        for a in (node.alert for node in case.nodes.values())
        for b in (node.alert for node in other.nodes.values())
        for mine in a.entities
        for theirs in b.entities
    )


KEYS = [f"{mark}{kind}:{value}" for kind in ("user", "device") for value in "abc" for mark in ("", "", "~")]
LEVELS: list[Level] = ["informational", "low", "medium", "high", "critical"]


@st.composite
def alerts(draw: st.DrawFn, hours: int = 20, *, hourly: bool = False) -> list[Alert]:
    """Some alerts within so many hours, each once, as they are in the end; ``hourly``: an event is of one hour alone.

    No correlation has a member of before its windows, so where alerts expire, events have to be hourly.
    """
    return [draw(_alert(f"a{number}", hours, hourly)) for number in range(draw(st.integers(1, 9)))]


@st.composite
def _alert(draw: st.DrawFn, id: str, hours: int, hourly: bool) -> Alert:
    correlation, at = draw(st.booleans()), draw(st.integers(0, hours * 4)) / 4
    names = [f"e{n}-{int(at)}" if hourly else f"e{n}" for n in range(2 if hourly else 6)]
    return alert(
        id,
        at,
        *draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True)),
        level=draw(st.sampled_from(LEVELS)),
        events=draw(st.lists(st.sampled_from(names), min_size=1, max_size=3 if correlation else 1)),
        domains=draw(st.sampled_from([("cyber",), ("physical",), ("osint",)])),
        place=draw(st.sampled_from([None, SQUARE, FAR])),
        target=draw(st.none() | st.integers(0, hours)),
        correlation=correlation,
    )
