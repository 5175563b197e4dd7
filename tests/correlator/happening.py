"""What may happen to joins over some hours, drawn at random: every kind of arrival that detection allows.

Alerts of single events come within the lateness and may be withdrawn while a plan can; those of correlations come late,
grow and are withdrawn while their windows can. There are repeats enough that some are only counted, and entities enough
that some become common.
"""

from collections.abc import Iterator
from random import Random

import msgspec
from alerting import HOUR, LEVELS, SQUARE, entity

from correlator.incidents.limits import Limits
from impetus.domain.alert import Alert
from impetus.domain.rule import Level

MINUTE = HOUR // 60
LATE = 10 * MINUTE
WINDOW = 25 * MINUTE
LIMITS = Limits(active=4 * HOUR, watch=6 * HOUR, common=3, settles=HOUR, horizon=HOUR)
USERS = [f"user:{name}" for name in "abcdef"]
DEVICES = [f"device:{name}" for name in "pqr"]
LOUD: list[Level] = ["low", "medium", "medium", "high"]


class Step(msgspec.Struct):
    """Alerts that come at once, and the watermark (µs of event time) after them."""

    alerts: list[Alert]
    now: int


def steps(draw: Random, events: int) -> Iterator[Step]:
    """So many events, with all that came of them, in the order in which it arrives."""
    arrivals = sorted(_arrivals(draw, events), key=lambda item: item[0])
    while arrivals:
        size = draw.choice((1, 1, 2, 5, 20))
        part, arrivals = arrivals[:size], arrivals[size:]
        newest = {alert.id: alert for _, alert in part}
        yield Step(list(newest.values()), max(0, part[-1][0] - LATE))


def last(steps: list[Step]) -> list[Alert]:
    """The alerts as they are in the end."""
    newest = {alert.id: alert for step in steps for alert in step.alerts}
    return [alert for alert in newest.values() if not alert.gone]


def _arrivals(draw: Random, events: int) -> Iterator[tuple[int, Alert]]:
    pace = draw.choice((2, 6, 20)) * MINUTE
    time, times = HOUR, []
    for _ in range(events):
        time += draw.randrange(1, pace)
        times.append(time)
    for number, at in enumerate(times):
        for rule in range(draw.choice((0, 1, 1, 1, 2))):
            yield from _single(draw, f"s{number}-{rule}", f"e{number}", at)
        if draw.random() < 0.2:
            yield from _correlation(draw, number, times)


def _single(draw: Random, id: str, event: str, at: int) -> Iterator[tuple[int, Alert]]:
    arrival = at + draw.randrange(LATE)
    noisy = draw.random() < 0.35
    alert = Alert(
        id, "noise" if noisy else f"rule-{draw.randrange(3)}", "An alert", draw.choice(LOUD if noisy else LEVELS), at,
        at, (event,), (at,), entities=tuple(map(entity, ["device:p"] if noisy else _keys(draw))),
        domains=("osint",) if not noisy and draw.random() < 0.1 else (draw.choice(("cyber", "physical")),),
        zones=("Z4",) if draw.random() < 0.2 else (), place=SQUARE if not noisy and draw.random() < 0.2 else None,
        target_time=at + HOUR if draw.random() < 0.1 else None,
    )  # fmt: skip
    yield arrival, alert
    if draw.random() < 0.1:
        yield draw.randrange(arrival, at + 2 * LATE + 1), msgspec.structs.replace(alert, gone=True, revision=2)


def _keys(draw: Random) -> list[str]:
    keys = [*draw.sample(USERS, draw.choice((0, 1, 1, 2))), *draw.sample(DEVICES, draw.choice((0, 0, 1)))]
    return [f"~{key}" if draw.random() < 0.1 else key for key in keys]


def _correlation(draw: Random, number: int, times: list[int]) -> Iterator[tuple[int, Alert]]:
    """A correlation that fires at an event, with earlier members, and may take in later ones."""
    fired = times[number]
    before = [n for n in range(number) if fired - times[n] < WINDOW]
    long = draw.random() < 0.1
    after = [n for n in range(number + 1, len(times)) if long or times[n] - fired < WINDOW]
    members = sorted([*draw.sample(before, min(len(before), draw.randrange(3))), number])
    later = sorted(draw.sample(after, min(len(after), 5 if long else draw.choice((0, 0, 1, 3)))))
    keys, level = _keys(draw), draw.choice(LEVELS)
    arrival = fired + draw.randrange(draw.choice((LATE, WINDOW)))
    for revision in range(len(later) + 1):
        known = members + later[:revision]
        known_at = tuple(times[n] for n in known)
        arrival = max(arrival, known_at[-1])
        alert = Alert(
            f"c{number}", "correlation", "A correlation", level, known_at[-1], known_at[0],
            tuple(f"e{n}" for n in known), known_at, entities=tuple(map(entity, keys)), domains=("cyber",),
            correlation=True, since=fired, revision=revision + 1, certainty=draw.choice((None, "certain")),
        )  # fmt: skip
        if revision == 0 and arrival > known_at[0] + LIMITS.horizon:
            return
        yield arrival, alert
        if not long and draw.random() < 0.1:
            keys = sorted({*keys, *_keys(draw)})
    if not long and draw.random() < 0.15 and arrival < known_at[0] + LIMITS.horizon:
        gone = draw.randrange(arrival, known_at[0] + LIMITS.horizon)
        yield gone, msgspec.structs.replace(alert, gone=True, revision=alert.revision + 1)
