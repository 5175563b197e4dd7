"""The examination: which conditions hold by a reading."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import msgspec

from impetus.app.health.reading import Reading
from impetus.domain.condition import Condition
from impetus.domain.instant import SECOND

STUCK = 30 * SECOND
"""A step takes less (µs); when none was made durable for longer, all events wait."""
FULL = 0.95
"""A disk that is used to this part is about to be full: data will be late."""
MOST = 10
"""So many subjects of a kind at most; what is beyond is told as one."""
OTHERS = "others"

HINTS = {
    "collector_down": "impetus doctor says why; the source is started again by itself",
    "store_refusing": "Free space on the disk of the store, or give it back its folder; it goes on by itself",
    "index_unreachable": "Nothing is lost: start the cluster, mend its disk or its access; what waits is then indexed",
    "sink_unreachable": "Nothing is left out: mend the way to it or its topic; what waits is then delivered",
    "store_damaged": "impetus doctor --deep names all that is damaged; restore it from a backup: the rest is served",
    "processing_stalled": "Look at the log; if nothing moves, restart: what is not durable comes again",
    "source_shedding": "Find who floods it; give it more room (`room`), or a way in that can wait: TCP, MQTT, a file",
    "watermark_stalled": "Mend the clock or the queue of the source, or give it a shorter idle or lateness",
    "disk_filling": "Free space or enlarge the disk before it is full",
    "rule_flooding": "Mend the one cause, or narrow the rule and impetus rules reload",
    "rule_failing": "Mend the rule and impetus rules reload, or give [windows] more room",
    "clock_skewed": "Set the clock or the time zone of the source",
}
"""What to do about each kind."""


class Limits(msgspec.Struct, frozen=True):
    """From where on something is a condition."""

    disk: float = 0.8
    """The part of the disk that may be used."""
    lag: int = 600 * SECOND
    """How far (µs) event time may lie behind the newest event, beyond the lateness of who holds it back."""
    flood: int = 1_000
    """So many new alerts of one rule within five minutes are a flood."""


def examine(reading: Reading, limits: Limits) -> list[Condition]:
    """The conditions that hold, worst first."""
    found = [
        *_flow(reading),
        *_damage(reading),
        *_event_time(reading, limits),
        *_disk(reading, limits),
        *_rules(reading, limits),
    ]
    found += _listed("source_shedding", reading.shed, "{} records found no room in the last minutes and are lost", True)
    found += _listed("clock_skewed", reading.skewed, "{} more events with times far from their arrival")
    return sorted(found, key=lambda one: not one.late)


def _flow(reading: Reading) -> Iterator[Condition]:
    for source, (state, problem) in reading.states.items():
        if state == "failed":
            yield _condition("collector_down", source, problem, late=True)
    if reading.refused:
        yield _condition("store_refusing", reading.disk.folder, reading.refused, late=True)
    elif reading.stepped and reading.now - reading.stepped > STUCK:
        reason = f"nothing was made durable for {_span(reading.now - reading.stepped)}; {reading.waiting} records wait"
        yield _condition("processing_stalled", "correlator", reason, late=True)
    for sink, problem in reading.sinks.items():
        if problem:
            yield _condition("sink_unreachable", sink, problem, late=True)
    if reading.unindexed:
        reason = f"{reading.behind} blocks of the log wait: {reading.unindexed}"
        yield _condition("index_unreachable", "index", reason, late=True)


def _damage(reading: Reading) -> Iterator[Condition]:
    for one in reading.damaged[:MOST]:
        yield _condition("store_damaged", str(one.where), f"{one.what} [{one.code}]")
    if len(reading.damaged) > MOST:
        yield _condition("store_damaged", OTHERS, f"{len(reading.damaged) - MOST} more parts are damaged")


def _event_time(reading: Reading, limits: Limits) -> Iterator[Condition]:
    vitals = reading.vitals
    if vitals.newest is None or vitals.watermark is None:
        return
    behind = vitals.newest - vitals.watermark
    if behind - vitals.allowed > limits.lag:
        by = f" (by collector {vitals.holder_collector})" if vitals.holder_collector else ""
        reason = f"source {vitals.holder}{by} holds event time {_span(behind)} behind the newest event"
        yield _condition("watermark_stalled", vitals.holder_collector or vitals.holder, reason, late=True)


def _disk(reading: Reading, limits: Limits) -> Iterator[Condition]:
    used = reading.disk.used
    if used >= limits.disk:
        reason = f"{used:.0%} of the disk is used; the store takes {reading.disk.store_bytes >> 20} MiB"
        yield _condition("disk_filling", reading.disk.folder, reason, late=used >= FULL)


def _rules(reading: Reading, limits: Limits) -> Iterator[Condition]:
    floods = {title: count for title, count in reading.raised.items() if count >= limits.flood}
    yield from _listed("rule_flooding", floods, "{} new alerts in five minutes")
    yield from _listed("rule_failing", reading.bounded, "{} matches were not counted: a bound of the windows was hit")
    for problem in reading.problems[:MOST]:
        yield _condition("rule_failing", str(problem.where), f"{problem.what} [{problem.code}]")
    if len(reading.problems) > MOST:
        yield _condition("rule_failing", OTHERS, f"{len(reading.problems) - MOST} more rules cannot be used")


def _listed(kind: str, counts: Mapping[str, int], reason: str, late: bool = False) -> Iterator[Condition]:
    """One for each, most first, and one for all that are too many to list."""
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    for subject, count in ordered[:MOST]:
        yield _condition(kind, subject, reason.format(count), late)
    if len(ordered) > MOST:
        more = sum(count for _, count in ordered[MOST:])
        yield _condition(kind, OTHERS, f"{len(ordered) - MOST} more: {reason.format(more)}", late)


def _condition(kind: str, subject: str, reason: str, late: bool = False) -> Condition:
    return Condition(kind, subject, reason, HINTS[kind], late)


def _span(microseconds: int) -> str:
    return str(timedelta(seconds=microseconds // SECOND))
