"""How things are written on this terminal: glyphs, times in the analyst's zone, ASCII or not."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from impetus.domain.instant import EPOCH, SECOND
from impetus.domain.rule import Level
from tui.line import Line

SEVERITY: dict[Level, tuple[str, str]] = {
    "critical": ("■", "CRIT"),
    "high": ("▲", "HIGH"),
    "medium": ("●", "MED"),
    "low": ("○", "LOW"),
    "informational": ("·", "INFO"),
}
"""Level → glyph and word; the word is there because a glyph or a colour alone is lost on some."""

STATUS = {"open": ("·", "open"), "taken": ("◐", "taken"), "escalated": ("⇑", "escal"), "closed": ("✔", "closed")}
"""Status → glyph and word."""

DISPOSITIONS = {
    "true_positive": "true positive",
    "false_positive": "false positive",
    "benign": "benign",
    "duplicate": "duplicate",
}

_DAY = 86_400 * SECOND


@dataclass(frozen=True)
class Look:
    """``zone`` is where times are told (None: the terminal's own); ``ascii_only`` for terminals that have no more."""

    zone: tzinfo | None = None
    ascii_only: bool = False

    def line(self) -> Line:
        """An empty line of this look."""
        return Line(ascii_only=self.ascii_only)

    def heading(self, text: str) -> Line:
        """A line that heads a part of a page."""
        return self.line().add(text, "heading")

    def clock(self, instant: int) -> str:
        """``14:07:03`` of an instant (µs), ``?`` of one outside the calendar."""
        return self._format(instant, "%H:%M:%S")

    def moment(self, instant: int) -> str:
        """``17 May 14:07:03``."""
        return self._format(instant, "%d %b %H:%M:%S")

    def brief(self, instant: int, now: int) -> str:
        """``14:07`` within a day of ``now``, else ``17 May``: six cells."""
        return self._format(instant, "%H:%M" if abs(now - instant) < _DAY else "%d %b")

    def _format(self, instant: int, form: str) -> str:
        try:
            moment: datetime = EPOCH + timedelta(microseconds=instant)
            return moment.astimezone(self.zone).strftime(form)
        except (OverflowError, ValueError, OSError):
            return "?"


def severity(level: str) -> tuple[str, str]:
    """Glyph and word of a level; one that we do not know is shown as medium is."""
    return next((shown for known, shown in SEVERITY.items() if known == level), SEVERITY["medium"])


def status_glyph(status: str) -> str:
    """The glyph of a status."""
    return STATUS.get(status, ("?", status))[0]


def span(duration: int) -> str:
    """``00:42`` or ``1:02:03`` of a duration in µs."""
    seconds = max(duration, 0) // SECOND
    hours, rest = divmod(seconds, 3600)
    minutes = f"{rest // 60:02}:{rest % 60:02}"
    return f"{hours}:{minutes}" if hours else minutes


def count(number: float) -> str:
    """``950``, ``18.2k``, ``1.2M``."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"
