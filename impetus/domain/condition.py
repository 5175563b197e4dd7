"""Conditions: what ails Impetus itself, as it sees it, and what it measures of its own work."""

import msgspec


class Condition(msgspec.Struct, frozen=True):
    """Something about Impetus itself that people have to mend; one of a ``kind`` about a ``subject`` at a time.

    ``late`` says that data come late, or not at all, while it holds.
    """

    kind: str
    """``collector_down``, ``watermark_stalled``, ``disk_filling``, ``rule_flooding`` …"""
    subject: str
    """The source, rule or folder that it is about."""
    reason: str
    hint: str = ""
    late: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Kind and subject: what tells it from others."""
        return self.kind, self.subject


class Passage(msgspec.Struct, frozen=True):
    """What came of what a collector brought: every record is in one of these, or still on its way."""

    stored: int = 0
    duplicates: int = 0
    """Events that were in the log already and were left out."""
    rejected: int = 0
    """Records that are no events; kept with the reason."""
    shed: int = 0
    """Records that could not wait and found no room: they are lost, but counted."""


class SourceVitals(msgspec.Struct, frozen=True):
    """The events of one collector since the store was made, whatever sources they name."""

    late: int = 0
    """Events that came too late for windows."""
    skewed: int = 0
    """Events whose times are far from their arrival."""
    passage: Passage = Passage()


class Vitals(msgspec.Struct, frozen=True):
    """What a correlator measures of itself. Event times in µs."""

    watermark: int | None = None
    newest: int | None = None
    """The newest event time that is to be trusted."""
    holder: str = ""
    """The source that holds the watermark back: it would be further without."""
    holder_collector: str = ""
    """The collector that it comes by."""
    allowed: int = 0
    """How late the events of the holder may come (µs): so far the watermark may lie behind the newest event."""
    sources: dict[str, SourceVitals] = {}
    """By collector."""
    groups: int = 0
    """Groups of correlations in memory."""
    stored_groups: int = 0
    """Groups of correlations that lie in the store alone."""
    incidents: int = 0
    """Active incidents, which alerts may still join."""
