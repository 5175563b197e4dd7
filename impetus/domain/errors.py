"""Errors that help: a code, what, where, and a hint.

Every code stands in ``CATALOGUE``; ``docs/errors.md`` is made from it. Errors compare by value, so tests can too.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

CATALOGUE: dict[str, str] = {
    "settings.unreadable": "The settings file cannot be read or is not TOML.",
    "settings.unknown-key": "The settings hold a key that nothing reads.",
    "settings.invalid": "A setting has a value of the wrong type or out of bounds.",
    "plugin.unknown": "The settings name a plug-in that is not installed.",
    "plugin.missing-extra": "A plug-in needs a library that is not installed.",
    "rule.unreadable": "A rule file cannot be read or is not YAML.",
    "rule.invalid": "A rule is not valid Sigma.",
    "rule.unsupported": "A rule asks for what the engine cannot do.",
    "rule.duplicate": "Two rules have the same id.",
    "rule.unknown-reference": "A correlation refers to a rule that is not there.",
    "rule.test": "A test of a rule cannot be read.",
    "rule.unknown": "There is no rule with this id or title.",
    "city.unreadable": "The city model cannot be read or is not YAML.",
    "city.unknown-key": "The city model holds a key that nothing reads.",
    "city.invalid": "The city model contradicts itself or a value does not fit.",
    "city.unwise": "The city model can be used, but rules see less with it than its author may think.",
    "plan.unreadable": "The plan cannot be read or is not YAML.",
    "plan.unknown-key": "The plan holds a key that nothing reads.",
    "plan.invalid": "The plan contradicts itself or a value does not fit.",
    "plan.unwise": "The plan can be used, but explains more or less than its author may think.",
    "plan.draft": "The plan lacks the approval of two people, so it is not in force.",
    "plan.approval": "An approval of a plan cannot be read or given.",
    "event.unknown": "There is no event with this id, among those that are kept.",
    "event.malformed": "A record is not an event: no JSON object, no time, too large or too deep.",
    "source.unreadable": "A source cannot be opened.",
    "source.record": "A record of a source cannot be parsed.",
    "source.child": "The child process that reads a source ended badly.",
    "source.down": "A source is down: its collector says so, or all its devices with a heartbeat are silent.",
    "source.late": "Events came later than their source is allowed to be: windows did not see them.",
    "source.shed": "Records of a source that cannot wait found no room, and are lost.",
    "sink.unreachable": "A sink does not take what is for it; it is told later.",
    "log.control": "A control record of the log cannot be used again: what was in force has to be given.",
    "store.damaged": "A part of the store fails its check.",
    "store.version": "The store was written by another version.",
    "store.unavailable": "The store cannot be opened or written.",
    "backup.target": "A backup cannot be made or restored there: it is in use, or cannot be written.",
    "backup.unusable": "A backup is not whole, or not what its manifest says.",
    "window.bounded": "A correlation had to leave matches out: the most that may be kept are kept.",
    "absence.unknown": "An absence cannot be told: who would have reported the awaited event was down or contested.",
    "indicator.bounded": "An indicator that came late concerns more events than are enriched anew in one step.",
    "clock.ahead": "A source has event times ahead of their arrival: they move no watermark.",
    "clock.behind": "A source has event times long before their arrival: its clock is wrong, or the records are old.",
    "cluster.unavailable": "The brokers of the cluster do not answer, or a worker does not.",
    "cluster.record": "A record of the cluster cannot be read: it is left out. Or it is gone: who follows stops.",
    "cluster.other-past": "The store here does not belong to the cluster: it was written by something else.",
    "api.unavailable": "The server does not answer.",
    "action.refused": "An action does not apply to the incident as it is.",
    "incident.unknown": "There is no incident with this id.",
    "incident.foreign": "An incident of another installation cannot be imported.",
    "query.invalid": "A query cannot be understood.",
    "output.unwritable": "A file that was asked for, or standard output, cannot be written.",
}


@dataclass(frozen=True)
class Where:
    """A place in something a person wrote or a source sent: file, line (from 1) and key, each as far as known."""

    file: str | None = None
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = self.file or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        return f"{place} ({self.key})" if place and self.key else place or self.key or ""


@dataclass(unsafe_hash=True)
class ImpetusError(Exception):
    """An error for people: ``code`` of the catalogue, ``what`` is wrong, ``where``, and a ``hint`` how to mend it."""

    code: str
    what: str
    where: Where = Where()
    hint: str = ""

    def __str__(self) -> str:
        place = str(self.where)
        text = f"{place}: {self.what}" if place else self.what
        text = f"{text} [{self.code}]"
        return f"{text}. {self.hint}" if self.hint else text


def nearest(unknown: str, known: Iterable[str]) -> str:
    """A hint that names the known key nearest to an unknown one, or lists them all."""
    names = sorted(known)
    close = difflib.get_close_matches(unknown, names, n=1, cutoff=0.6)
    return f"Did you mean {close[0]!r}?" if close else f"Known here: {', '.join(names)}"
