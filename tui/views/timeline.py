"""The timeline: one lane per domain, so that network and street are seen beside each other."""

from collections.abc import Sequence
from itertools import pairwise

from impetus.domain.event import DOMAINS
from tui.line import Line
from tui.look import Look

LANE = 9
"""Cells of a lane's name."""
LABEL = 8
"""Cells of a time under the lanes."""
_LONG = 3
"""A gap this many times as long as all the others together is cut short, and drawn as cut."""


def lanes(points: Sequence[tuple[str, int]], width: int, look: Look) -> list[Line]:
    """Lanes and their time axis in ``width`` cells, of (domain, time) points; nothing without points."""
    room = width - LANE - 1
    if not points or room < LABEL:
        return []
    columns, cuts = scale(sorted({time for _, time in points}), room)
    order = {domain: rank for rank, domain in enumerate(DOMAINS)}
    names = sorted({domain for domain, _ in points}, key=lambda name: (order.get(name, len(order)), name))
    drawn = [_lane(name, [columns[time] for domain, time in points if domain == name], cuts, room, look)
             for name in names[:len(DOMAINS) + 1]]  # fmt: skip
    return [*drawn, _axis(columns, cuts, room, look)]


def scale(times: Sequence[int], room: int) -> tuple[dict[int, int], list[int]]:
    """The column of each of these (sorted, distinct) times, and the columns where a long gap is cut out."""
    gaps = [after - before for before, after in pairwise(times)]
    shown = list(gaps)
    for index, gap in sorted(enumerate(gaps), key=lambda each: -each[1]):
        rest = sum(shown) - gap
        if not 0 < _LONG * rest < gap:
            break
        shown[index] = max(rest // _LONG, 1)
    whole = max(sum(shown), 1)
    columns, cuts, passed = {}, [], 0
    for index, time in enumerate(times):
        columns[time] = passed * (room - 1) // whole
        if index < len(gaps):
            if shown[index] != gaps[index]:
                cuts.append((2 * passed + shown[index]) * (room - 1) // (2 * whole))
            passed += shown[index]
    return columns, cuts


def _lane(name: str, marks: Sequence[int], cuts: Sequence[int], room: int, look: Look) -> Line:
    line = look.line().cell(name.upper(), LANE, "dim").add(" ")
    cells = ["─"] * room
    for cut in cuts:
        cells[cut] = "┊"
    start = 0
    for mark in sorted(set(marks)):
        line.add("".join(cells[start:mark]), "dim").add("●", "accent")
        start = mark + 1
    return line.add("".join(cells[start:]), "dim")


def _axis(columns: dict[int, int], cuts: Sequence[int], room: int, look: Look) -> Line:
    """Times under the first column, the last one, and behind every cut, as far as they do not touch."""
    times = list(columns)
    behind = [next(time for time in times if columns[time] >= cut) for cut in cuts]
    line, end = look.line().add(" " * (LANE + 1)), 0
    wanted = sorted({times[0], times[-1], *behind})
    for time in wanted:
        column = min(columns[time], room - LABEL)
        last = time == wanted[-1]
        if (end and column <= end) or (not last and column + LABEL >= room - LABEL):
            continue
        line.add(" " * (column - end)).add(look.clock(time), "dim")
        end = column + LABEL
    return line
