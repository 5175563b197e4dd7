"""An alert: one rule that fired on its members."""

import msgspec

from impetus.domain.entity import Entity
from impetus.domain.explanation import Explanation
from impetus.domain.place import Place
from impetus.domain.rule import Level


class Alert(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A rule that fired. Its id is made of rule, group values and earliest member, so a rerun gives the same.

    A further firing that shares a member revises it: the same id, the next ``revision``.
    """

    id: str
    rule: str
    title: str
    level: Level
    at: int
    """Event time (µs) of the newest member, or of the end that an absence waited for."""
    first: int
    """Event time (µs) of the earliest member."""
    events: tuple[str, ...]
    """Ids of the member events, by event time; those of referred correlations among them."""
    times: tuple[int, ...] = ()
    """Event time (µs) of each of ``events``."""
    entities: tuple[Entity, ...] = ()
    domains: tuple[str, ...] = ()
    """``city.domain`` of the members, sorted, each once."""
    zones: tuple[str, ...] = ()
    place: Place | None = None
    """Of the newest member."""
    target_time: int | None = None
    """``post.target.time`` of an open-source item (µs), for watches."""
    group: tuple[tuple[str, str], ...] = ()
    certainty: str | None = None
    """``certain`` or ``possible`` for a rule with ``place``."""
    absent: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    """Who wrote the rule."""
    revision: int = 1
    since: int | None = None
    """Event time (µs) of its earliest firing, which a revision in order does not move; None: ``at``."""
    correlation: bool = False
    exercise: bool = False
    explanation: Explanation | None = None
    supersedes: tuple[str, ...] = ()
    gone: bool = False
    """It no longer holds, or another one supersedes it."""

    @property
    def fired(self) -> int:
        """Event time (µs) of its earliest firing: where it stands in the order of alerts."""
        return self.at if self.since is None else self.since
