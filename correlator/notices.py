"""Notices: where the picture is not whole, for people. Each names a code, the rule or source, and what to do.

What is counted by source is in the clock; waits in doubt, bounds that were hit and rejected records are kept here.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import msgspec

from correlator._engine import Doubt
from correlator.detect import Detector
from correlator.health.monitor import Monitor
from correlator.incidents.trust import Trust
from correlator.intake import Taken
from correlator.memory import Kept
from correlator.watermark import EventClock, SourceClock
from impetus.domain.batch import Key
from impetus.domain.instant import format_instant
from impetus.domain.personal import FIELDS
from impetus.domain.ports import Store
from impetus.domain.rule import Rule
from impetus.domain.status import Notice

MAX_DOUBTS = 200
"""So many waits in doubt are kept one by one, the newest; older ones are counted together."""
MAX_ABOUT = 1_000
"""So many rules and sources have notices of their own; what is beyond is counted together."""
OTHERS = "others"

HINTS = {
    "window.bounded": "Group the rule by fewer values, narrow what it refers to, or give it a shorter timespan",
    "absence.unknown": "Look yourself, or ask on site, whether it happened; then mend the source, or clear the device",
    "indicator.bounded": "Take back an indicator that nearly all events have, or replay the log with it",
    "store.damaged": "Look at the disk, and restore the store from a backup if much is damaged",
    "source.down": "Mend the source. Until then no rule can say that something of it did not happen",
    "source.late": "Give the source a longer lateness in its settings, or find what holds it up",
    "source.shed": "Find who floods it; give it more room (`room`), or a way in that can wait: TCP, MQTT, a file",
    "clock.ahead": "Set the clock of the source, or mend the time zone of its times",
    "clock.behind": "Set the clock of the source, or mend the time zone; old records are best replayed",
}
RECORDS = "Look at the kept records and their reasons, and mend the source or its normaliser"
"""What to do about records that were rejected, for whatever reason."""


class Notices:
    """What is to be told of one correlator."""

    def __init__(self, clock: EventClock) -> None:
        self._clock = clock
        self._kept: Kept[Notice] = Kept("notices", Notice)
        self._doubts: Kept[Notice] = Kept("notices.doubts", Notice)

    def take(self, detector: Detector, monitor: Monitor, taken: Taken, trust: Trust) -> None:
        """Take in what a step brought."""
        for rule, doubt in detector.doubts():
            self._doubt(rule, doubt, monitor.blame(doubt, trust.contested))
        for rule, what in detector.bounded():
            self._count("window.bounded", f"rule {rule.title}", what, self._clock.now)
        if lost := detector.lost():
            what = "rows of windows fail their check: their groups began anew"
            self._count("store.damaged", "correlations", what, self._clock.now, lost)
        if taken.left_out:
            what = "events keep the additions that they have: too many to be enriched anew in one step"
            self._count("indicator.bounded", "indicators that came late", what, self._clock.now, taken.left_out)
        for source, count in taken.shed.items():
            what = "records found no room and are lost"
            self._count("source.shed", f"source {source}", what, self._clock.now, count)
        for reject in taken.rejects:
            self._count(reject.code, f"source {reject.source}", "records were rejected", self._clock.now)

    def all(self) -> Iterator[Notice]:
        """All notices that are kept or counted, by source those of clocks."""
        yield from sorted(self._doubts.values(), key=lambda notice: notice.at or 0)
        yield from self._kept.values()
        for source, clock in self._clock.sources.items():
            yield from _of_clock(source, clock)

    def of_outages(self, down: Mapping[str, int]) -> Iterator[Notice]:
        """The sources that are down."""
        for source, since in sorted(down.items()):
            yield _notice("source.down", f"source {source}", f"down since {format_instant(since)}", since)

    def changes(self) -> Iterator[tuple[Key, bytes | None]]:
        """The state that changed since the last call."""
        yield from self._kept.changes()
        yield from self._doubts.changes()

    def restore(self, store: Store) -> None:
        """Go on from what a store holds."""
        self._kept.restore(store)
        self._doubts.restore(store)

    def _doubt(self, rule: Rule, doubt: Doubt, blamed: Sequence[str]) -> None:
        # By time first: what a store gives back is in the order of the keys.
        key = f"{doubt_prefix(doubt.until, rule.id, doubt.newest)}{doubt.group}"
        if key in self._doubts:
            return
        group = ", ".join(f"{name} {_shown(name, value)}" for name, value in doubt.group)
        about = f"rule {rule.title}" + (f" ({group})" if group else "")
        why = ", ".join(blamed) or "what would have reported it was down"
        what = f"cannot tell what did not happen until {format_instant(doubt.until)}: {why}"
        self._doubts[key] = _notice("absence.unknown", about, what, doubt.until)
        if len(self._doubts) > MAX_DOUBTS:
            oldest, notice = self._doubts.oldest()
            self._doubts.drop(oldest)
            self._count("absence.unknown", OTHERS, "more waits ended in doubt", notice.at)

    def _count(self, code: str, about: str, what: str, at: int | None, more: int = 1) -> None:
        key = f"{code}|{about}"
        known = self._kept.get(key)
        if known is None and len(self._kept) >= MAX_ABOUT:
            about, key = OTHERS, f"{code}|{OTHERS}"
            known = self._kept.get(key)
        count = more if known is None else known.count + more
        self._kept[key] = msgspec.structs.replace(_notice(code, about, what, at), count=count)


def doubt_prefix(until: int, rule: str, newest: str) -> str:
    """What the key of a wait in doubt begins with: its end (µs), the correlation, the member that it began with."""
    return f"{until:020}|{rule}|{newest}|"


def read_doubt(store: Store, until: int, rule: str, newest: str) -> Notice | None:
    """The notice of a wait that ended in doubt, if it did and is among those that are kept one by one."""
    found = store.state("notices.doubts", doubt_prefix(until, rule, newest).encode())
    return next((msgspec.msgpack.decode(value, type=Notice) for _, value in found), None)


def read_notices(store: Store) -> list[Notice]:
    """The notices that a store holds, for who looks at it while nothing runs."""
    clock = EventClock()
    clock.load(store.state("clock"))
    notices = Notices(clock)
    notices.restore(store)
    return list(notices.all())


def _of_clock(source: str, clock: SourceClock) -> Iterator[Notice]:
    about = f"source {source}"
    if clock.late:
        what = f"{clock.late} events came too late for windows"
        yield _notice("source.late", about, what, clock.newest, clock.late)
    if clock.ahead:
        what = f"{clock.ahead} events are ahead of their arrival, by up to {_span(clock.most_ahead)}"
        yield _notice("clock.ahead", about, what, clock.newest, clock.ahead)
    if clock.behind:
        what = f"{clock.behind} events are behind their arrival, by up to {_span(clock.most_behind)}"
        yield _notice("clock.behind", about, what, clock.newest, clock.behind)


def _notice(code: str, about: str, what: str, at: int | None, count: int = 1) -> Notice:
    return Notice(code, about, what, HINTS.get(code, RECORDS), count, at)


def _shown(name: str, value: str) -> str:
    """A value of a group. Notices are not masked on their way out, and behind an alias may be any field."""
    return value if "." in name and name not in FIELDS else "(withheld)"


def _span(microseconds: int) -> str:
    return str(timedelta(seconds=microseconds // 1_000_000))
