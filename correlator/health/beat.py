"""One device with a heartbeat: its signs of life as runs without a gap, and the silences between them.

What is kept is a function of the signs by event time, whatever the order in which they came.
"""

from collections.abc import Iterator

import msgspec

Run = tuple[int, int]
"""First and last sign of life (µs) of a stretch without silence."""


class Beat(msgspec.Struct, array_like=True):
    """What is known of a device. The silence behind its first run is concluded, or not yet."""

    runs: list[Run] = []
    silent: bool = False
    silences: list[tuple[int, int | None]] = []
    """Concluded silences, from and to (µs); the last one may still go on."""
    sources: dict[str, int] = {}
    """Source → event time of the first sign that came under it."""
    reports: dict[str, int] = {}
    """Awaited log source → event time of the first event of it."""

    def sign(self, time: int, span: int, late: bool) -> bool:
        """Take a sign of life in; whether its next turn may come sooner. ``span``: silent after so long (µs)."""
        runs = self.runs
        if runs and runs[-1][0] <= time <= runs[-1][1] + span:
            if time > runs[-1][1] and not (late and self._is_over):
                runs[-1] = (runs[-1][0], time)
            return False
        if late:
            # Nothing is concluded anew from what comes later than allowed.
            return False
        self.runs = _joined(runs, time, span)
        return True

    def turn(self, span: int) -> int | None:
        """When it falls silent, or returns, as far as is known (µs)."""
        if not self.silent:
            return self.runs[0][1] + span if self.runs else None
        return self.runs[1][0] if len(self.runs) > 1 else None

    def take_turn(self, span: int) -> int:
        """Let it fall silent or return; gives its last sign, or when it fell silent (µs)."""
        if self.silent:
            begun = self.silences[-1][0]
            self.silences[-1] = (begun, self.runs[1][0])
            del self.runs[0]
        else:
            begun = self.runs[0][1]
            self.silences.append((begun + span, None))
        self.silent = not self.silent
        return begun

    def forget(self, before: int) -> bool:
        """Forget silences that were over before an event time (µs); whether there were any."""
        kept = [one for one in self.silences if one[1] is None or one[1] >= before]
        changed = len(kept) < len(self.silences)
        self.silences = kept
        return changed

    @property
    def _is_over(self) -> bool:
        return self.silent and len(self.runs) == 1


def _joined(runs: list[Run], time: int, span: int) -> list[Run]:
    """The runs with one more sign: it begins one, or joins those that are near enough."""
    first, last = time, time
    apart: list[Run] = []
    for run in runs:
        if run[1] + span < time or time + span < run[0]:
            apart.append(run)
        else:
            first, last = min(first, run[0]), max(last, run[1])
    return sorted([*apart, (first, last)])


def outages(beats: Iterator[tuple[int, Beat]]) -> list[tuple[int, int | None]]:
    """When all devices that had spoken by then were silent, of devices with the time of their first sign (µs)."""
    changes: list[tuple[int, int]] = []
    for first, beat in beats:
        changes.append((first, 1))
        for start, end in beat.silences:
            changes += [(start, -1)] if end is None else [(start, -1), (end, 1)]
    # Of one time, who returns comes before who falls silent.
    changes.sort(key=lambda change: (change[0], -change[1]))
    found: list[tuple[int, int | None]] = []
    awake = 0
    for time, step in changes:
        awake += step
        if awake == 0:
            found.append((time, None))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], time)
    return found
