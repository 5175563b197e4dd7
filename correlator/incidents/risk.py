"""The risk of an incident: named terms, each with its points and its evidence, that add up. Never of a person."""

from collections.abc import Sequence

from impetus.domain.alert import Alert
from impetus.domain.incident import Risk, Term
from impetus.domain.rule import Level, rank

SEVERITY = {"critical": 50, "high": 35, "medium": 20, "low": 8, "informational": 0}
PER_DOMAIN, DOMAINS_AT_MOST = 10, 20
PER_TACTIC, TACTICS_AT_MOST = 4, 16
INDICATOR, CERTAIN_PLACE, LINKED_IN_ORDER = 8, 4, 6
TACTICS = (
    "reconnaissance", "resource-development", "initial-access", "execution", "persistence",
    "privilege-escalation", "defense-evasion", "stealth", "credential-access", "discovery", "lateral-movement",
    "collection", "command-and-control", "exfiltration", "inhibit-response-function", "impair-process-control",
    "impact",
)  # fmt: skip
"""Tactics of ATT&CK (enterprise and ICS) as Sigma tags name them."""


def severity_of(alerts: Sequence[Alert]) -> Level:
    """The level of the worst alert."""
    return max(alerts, key=lambda alert: rank(alert.level)).level


def risk_of(alerts: Sequence[Alert]) -> Risk:
    """The terms that hold for the alerts of an incident, most points first; the score is their sum, at most 100."""
    terms = [
        term
        for term in (_severity(alerts), _domains(alerts), _tactics(alerts), _indicator(alerts), _place(alerts))
        if term.points
    ]
    terms.sort(key=lambda term: -term.points)
    return Risk(min(100, sum(term.points for term in terms)), tuple(terms))


def _severity(alerts: Sequence[Alert]) -> Term:
    worst = max(alerts, key=lambda alert: rank(alert.level))
    return Term(f"severity {worst.level}", SEVERITY[worst.level], worst.title)


def _domains(alerts: Sequence[Alert]) -> Term:
    domains = sorted({domain for alert in alerts for domain in alert.domains if domain})
    points = min(DOMAINS_AT_MOST, PER_DOMAIN * (len(domains) - 1)) if domains else 0
    return Term("independent domains", points, ", ".join(domains))


def _tactics(alerts: Sequence[Alert]) -> Term:
    tags = {tag.removeprefix("attack.").replace("_", "-") for alert in alerts for tag in alert.tags}
    found = [tactic for tactic in TACTICS if tactic in tags]
    points = min(TACTICS_AT_MOST, PER_TACTIC * (len(found) - 1)) if found else 0
    return Term("tactics in one incident", points, ", ".join(found))


def _indicator(alerts: Sequence[Alert]) -> Term:
    met = sorted({entity.value for alert in alerts for entity in alert.entities if entity.kind == "indicator"})
    return Term("known indicator", INDICATOR if met else 0, ", ".join(met[:5]))


def _place(alerts: Sequence[Alert]) -> Term:
    certain = [alert for alert in alerts if alert.certainty == "certain"]
    return Term("certainly in one place", CERTAIN_PLACE if certain else 0, certain[0].title if certain else "")
