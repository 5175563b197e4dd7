"""What ``explain`` draws: an alert, or what would have been one, as a map with its legend."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from correlator.why.answer import Answer, Measured, Sight
from correlator.why.record import Record
from correlator.why.wording import clock, span
from impetus.app.why.sketch import bearing, draw, sign
from impetus.app.why.terminal import shows_unicode
from impetus.domain.alert import Alert
from impetus.domain.event import first_text
from impetus.domain.instant import SECOND
from impetus.domain.place import Location, distance
from rules import form

NEAREST = 5
"""So many that do not belong are drawn, after the members."""
SIZE = (80, 24)
"""Columns and rows where there is no terminal."""


@dataclass(frozen=True)
class Figure:
    """What is drawn: members, and what nearly belonged, around the newest one."""

    title: str
    said: str
    newest: Sight
    members: tuple[Sight, ...]
    others: tuple[Sight, ...]
    limit: float | None
    """Metres within which the rule wants the earlier ones, if it does."""
    certainty: str | None


def of_answer(record: Record, answer: Answer) -> Figure | None:
    """The window of an answer; None where there is none."""
    if not answer.windows:
        return None
    window = answer.windows[-1]
    title = f"{answer.rule.title} ({answer.rule.level})"
    limit = _limit(record, answer.rule.id)
    return Figure(
        title, window.outcome, window.newest, window.members, window.candidates[:NEAREST], limit, window.certainty
    )


def of_alert(record: Record, alert: Alert) -> Figure:
    """The members of an alert."""
    events = {stored: record.event(stored) for stored in alert.events}
    met = [one for one in events.values() if one is not None]
    title, said = (
        f"{alert.title} ({alert.level})",
        f"alert {alert.id}, {len(alert.events)} events, at {clock(alert.at)}",
    )
    if len(met) < len(events):
        said += f", {len(events) - len(met)} of which are not kept any more"
    newest = max((one.time for one in met), default=alert.at)
    sights = []
    for one in sorted(met, key=lambda one: (one.time, one.id)):
        place = record.observation(one).place
        spot = (place.location.lat, place.location.lon) if place.location else None
        device, action = first_text(one.event, "device.id"), first_text(one.event, "event.action")
        sights.append(
            Sight(
                one.id,
                clock(one.time),
                (action,) if action else (),
                (newest - one.time) / SECOND,
                device=device,
                zone=place.zone,
                location=spot,
                radius=place.radius,
            )
        )
    last = sights[-1] if sights else Sight("(none)", clock(alert.at), ())
    return Figure(title, said, last, tuple(sights), (), _limit(record, alert.rule), alert.certainty)


def find(record: Record, id: str) -> Alert | None:
    """An alert by its id."""
    return next(iter(record.store.alerts([id])), None)


def lines(figure: Figure, record: Record) -> Iterator[str]:
    """Map and legend for a terminal as wide as it is."""
    columns, rows = shutil.get_terminal_size(SIZE)
    yield figure.title
    yield figure.said
    sights = (*figure.members, *figure.others)
    city = record.setup.city
    canvas = draw(sights, figure.newest, city, figure.limit, (max(columns - 1, 20), max(rows - len(sights) - 6, 10)))
    if canvas is not None:
        yield ""
        yield from canvas.lines(dots=shows_unicode())
    yield ""
    yield from _legend(figure, sights, drawn=canvas is not None)


def as_json(figure: Figure) -> str:
    """The figure as one JSON object, each member with distance and bearing to the newest."""
    members = [_measured(figure.newest, sight) for sight in figure.members]
    others = [_measured(figure.newest, sight) for sight in figure.others]
    said = {"title": figure.title, "outcome": figure.said, "newest": figure.newest.event, "limit": figure.limit}
    return msgspec.json.encode({**said, "certainty": figure.certainty, "members": members, "nearest": others}).decode()


def _legend(figure: Figure, sights: Sequence[Sight], *, drawn: bool) -> Iterator[str]:
    for number, sight in enumerate(sights):
        if number == len(figure.members):
            yield "no members, but the nearest to one:"
        yield f"{sign(number)}  {_entry(figure.newest, sight)}"
    if figure.limit is not None and drawn:
        yield f"the circle is {figure.limit:g} m around the newest; small circles are the radii of locations"
    if figure.certainty is not None:
        words = {"certain": "certainly", "possible": "only possibly"}
        yield f"the place holds {words.get(figure.certainty, figure.certainty)}"
    if not drawn:
        yield "none of them has a location, so there is no map"


def _entry(newest: Sight, sight: Sight) -> str:
    name = f"{sight.device} ({sight.event})" if sight.device else sight.event
    said = [f"{name}: {', '.join(sight.rules)}".rstrip(": "), f"{sight.zone}" if sight.zone else "no zone"]
    if sight.event == newest.event:
        said.append(f"the newest, {sight.at}")
    else:
        said.append(f"{span(round(sight.before * SECOND))} {'before' if sight.before >= 0 else 'after'}")
        said.append(_apart(newest, sight))
    misses = [part.text for part in sight.relations if not part.holds]
    return ", ".join(said) + (f"; {', '.join(misses)}" if misses else _certainty(sight.relations))


def _certainty(relations: Sequence[Measured]) -> str:
    found = {part.certainty for part in relations} - {None}
    return "" if not found else ", only possibly" if "possible" in found else ", certainly"


def _apart(newest: Sight, sight: Sight) -> str:
    if sight.location is None or newest.location is None:
        return "no location"
    here, there = Location(*newest.location), Location(*sight.location)
    metres, off = distance(here, there), newest.radius + sight.radius
    if metres < 1:
        return "at the same spot"
    return f"{metres:.0f} m {bearing(here, there)}" + (f" (give or take {off:.0f})" if off else "")


def _measured(newest: Sight, sight: Sight) -> dict[str, object]:
    said: dict[str, object] = msgspec.to_builtins(sight)
    if sight.location is not None and newest.location is not None and sight.event != newest.event:
        here, there = Location(*newest.location), Location(*sight.location)
        said |= {"metres": round(distance(here, there), 1), "bearing": bearing(here, there)}
    return said


def _limit(record: Record, rule: str) -> float | None:
    """The metres that a correlation asks for at most."""
    known = next((one for one in record.setup.rules.rules if one.id == rule and one.correlation), None)
    if known is None:
        return None
    decoded = form.decode(record.setup.rules.form)
    place = decoded.correlations[known.index - len(decoded.rules)].place
    bounds = [bound for name, bound in (place.distance if place else ()) if name in {"lt", "lte", "eq"}]
    return float(min(bounds)) if bounds else None
