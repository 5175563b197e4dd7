"""The risk of an incident: named terms, each with its points and its evidence, that add up. Never of a person."""

from bisect import bisect_right
from collections.abc import Iterable

from correlator.city import CityModel
from correlator.incidents.summary import Evidence, Summary
from correlator.incidents.trust import Trust
from correlator.plan.day import DayPlan
from impetus.domain.entity import Entity
from impetus.domain.incident import Risk, Term
from impetus.domain.rule import Level, rank

SEVERITY = {"critical": 50, "high": 35, "medium": 20, "low": 8, "informational": 0}
CRITICALITY = {"high": 10, "medium": 5, "low": 0}
PER_DOMAIN, DOMAINS_AT_MOST = 10, 20
PER_TACTIC, TACTICS_AT_MOST = 4, 16
INDICATOR, CERTAIN_PLACE, PHASE = 8, 4, 5
HELD, DOUBTED = -10, -5
LISTED = 5
"""So much evidence of one kind is named."""
TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence",
    "privilege-escalation", "defense-evasion", "evasion", "stealth", "credential-access", "discovery",
    "lateral-movement", "collection", "command-and-control", "exfiltration", "inhibit-response-function",
    "impair-process-control", "impact",
)  # fmt: skip
"""Tactics of ATT&CK (enterprise and ICS) as Sigma tags name them, in the order of an attack."""


class Scale:
    """What the risk is measured against: how critical each device is, and the phases of the plan."""

    def __init__(self, city: CityModel, plan: DayPlan | None = None) -> None:
        self._critical = {device.id: device.criticality for device in city.devices.values() if device.criticality}
        self._plan = plan

    def criticality(self, device: str) -> str | None:
        """``high``, ``medium`` or ``low`` as the model says it."""
        return self._critical.get(device)

    def phase(self, zones: Iterable[str], at: int) -> str | None:
        """The phase of the plan at a time in one of some zones."""
        for zone in sorted(zones) if self._plan is not None else ():
            found = self._plan.fields({}, zone, at).get("plan.phase") if self._plan is not None else None
            if isinstance(found, str):
                return found
        return None


def risk_of(
    summary: Summary, entities: Iterable[Entity], weighed: tuple[Level, Evidence | None], trust: Trust, scale: Scale
) -> Risk:
    """The terms that hold for an incident, most points first; the score is their sum, 0 to 100.

    ``weighed`` is what ``Trust.weigh`` says.
    """
    severity, held = weighed
    doubted = [item for item in summary.evidence.values() if trust.doubts(item)]
    terms = [
        _severity(summary, severity),
        _criticality(summary, scale),
        _domains(summary, doubted),
        _trust(held, doubted),
        _phase(summary, scale),
        _tactics(summary),
        _indicator(entities),
        _place(summary),
    ]
    found = sorted((term for term in terms if term.points), key=lambda term: -term.points)
    return Risk(max(0, min(100, sum(term.points for term in found))), tuple(found))


def _severity(summary: Summary, severity: Level) -> Term:
    return Term(f"severity {severity}", SEVERITY[severity], summary.worst.title)


def _criticality(summary: Summary, scale: Scale) -> Term:
    graded = [(CRITICALITY[grade], device) for device in summary.devices if (grade := scale.criticality(device))]
    most = max((points for points, _ in graded), default=0)
    return Term("criticality of what is hit", most, _listed(device for points, device in graded if points == most))


def _domains(summary: Summary, doubted: Iterable[Evidence]) -> Term:
    """Domains that agree; what contested devices alone say counts for none."""
    doubtful = {id(item) for item in doubted}
    trusted = {d for item in summary.evidence.values() if id(item) not in doubtful for d in item.domains if d}
    domains = sorted(summary.domains & trusted) if doubtful else sorted(summary.domains)
    points = min(DOMAINS_AT_MOST, PER_DOMAIN * (len(domains) - 1)) if domains else 0
    return Term("independent domains", points, ", ".join(domains))


def _trust(held: Evidence | None, doubted: Iterable[Evidence]) -> Term:
    if held is not None:
        what = f"{held.title}: only contested devices say so ({_listed(held.devices)})"
        return Term("held at high until an independent source agrees", HELD, what)
    devices = {device for item in doubted if rank(item.level) >= rank("medium") for device in item.devices}
    return Term("contested devices", DOUBTED if devices else 0, _listed(devices))


def _phase(summary: Summary, scale: Scale) -> Term:
    phase = scale.phase(summary.zones, summary.worst.order[0])
    return Term("phase of the plan", PHASE if phase else 0, phase or "")


def _tactics(summary: Summary) -> Term:
    """Tactics that follow each other as in an attack: the longest chain, by the first alert of each."""
    tags = {tag.removeprefix("attack.").replace("_", "-"): order for tag, order in summary.tactics.items()}
    met = sorted((order, TACTICS.index(tactic)) for tactic, order in tags.items() if tactic in TACTICS)
    chain = _longest_rising([place for _, place in met])
    points = min(TACTICS_AT_MOST, PER_TACTIC * (len(chain) - 1)) if chain else 0
    return Term("tactics in the order of an attack", points, ", ".join(TACTICS[place] for place in chain))


def _longest_rising(places: list[int]) -> list[int]:
    """The longest rising run that is left when some places are left out."""
    chains: list[list[int]] = []
    for place in places:
        at = bisect_right([chain[-1] for chain in chains], place)
        before = chains[at - 1] if at else []
        chains[at : at + 1] = [[*before, place]]
    return chains[-1] if chains else []


def _indicator(entities: Iterable[Entity]) -> Term:
    met = [entity.value for entity in entities if entity.kind == "indicator"]
    return Term("known indicator", INDICATOR if met else 0, _listed(met))


def _place(summary: Summary) -> Term:
    return Term("certainly in one place", CERTAIN_PLACE if summary.placed else 0, (summary.placed or ("", ""))[1])


def _listed(values: Iterable[str]) -> str:
    found = sorted(set(values))
    return ", ".join(found[:LISTED]) + (f" and {len(found) - LISTED} more" if len(found) > LISTED else "")
