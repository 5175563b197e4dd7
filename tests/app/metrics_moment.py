"""A moment of a system, with something of everything that metrics tell."""

from impetus.app.health.reading import Disk, Reading
from impetus.app.metrics.catalogue import Moment
from impetus.domain.condition import Condition, Passage, SourceVitals, Vitals
from impetus.domain.instant import SECOND, parse_instant

NOON = parse_instant("2027-05-17T12:00:00Z")
VITALS = Vitals(
    watermark=NOON - 150 * SECOND,
    newest=NOON,
    holder="patrol",
    holder_collector="radio",
    sources={"radio": SourceVitals(3, 4, Passage(120, 5, 1, 6))},
    groups=12,
    stored_groups=5,
    incidents=2,
)
READING = Reading(
    NOON,
    VITALS,
    {"radio": ("running", ""), "gate": ("failed", "away")},
    events={"radio": 120, "gate": 7},
    rejects={"gate": 1},
    alerts={"high": 2},
    stepped=NOON,
    waiting=9,
    disk=Disk("/data", 0.5, 4096),
)
DOWN = Condition("collector_down", "gate", "away", "mend it", late=True)
SKEWED = Condition("clock_skewed", "radio", "5 events", "set it")
MOMENT = Moment(READING, (DOWN, SKEWED))
