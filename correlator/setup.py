"""What a correlator works with: rules, city, plan and the times of sources."""

from collections.abc import Mapping

import msgspec

from correlator.city import CityModel
from correlator.incidents.limits import Limits
from correlator.plan.day import DayPlan
from correlator.watermark import LATENESS
from impetus.domain.batch import Control
from impetus.domain.instant import SECOND
from impetus.domain.rule import RuleSet

COUNTED = 3600 * SECOND
"""Repeats older than this are only counted, however long the windows of the rules are."""


class Bounds(msgspec.Struct, frozen=True):
    """How much the windows may hold; None is what the engine holds right."""

    keys: int | None = None
    """Groups of all correlations together that are in memory."""
    stored: int | None = None
    """Groups that lie in the store alone."""
    items: int | None = None
    """Matches of one group."""
    ahead: int = 4_096
    """So many pieces of what a start left in the store are read after each step: of groups, events in them, and ids.
    It changes nothing but how soon all is in memory."""


class Setup(msgspec.Struct, frozen=True):
    """One version of all that detection depends on. Each enters the log as a control record when it takes effect."""

    rules: RuleSet
    city: CityModel
    plan: DayPlan | None = None
    lateness: Mapping[str, int] = {}
    """Allowed lateness per source (µs), where it is not the default."""
    idle: Mapping[str, int] = {}
    """After how long a source is idle (µs), where it is not the default."""
    controls: tuple[Control, ...] = ()
    limits: Limits = Limits()
    """How far incidents reach; the times after which nothing changes follow from rules and plan."""
    bounds: Bounds = Bounds()

    @property
    def longest(self) -> int:
        """The longest timespan of a correlation (µs)."""
        form = msgspec.json.decode(self.rules.form, type=_Form)
        return max((correlation.timespan for correlation in form.correlations), default=0)

    @property
    def chain(self) -> int:
        """How far a match reaches through correlations of correlations (µs)."""
        return 3 * self.longest

    @property
    def horizon(self) -> int:
        """How long after its event time a match may still matter (µs): a chain of the longest windows, and lateness."""
        return self.chain + max((LATENESS, *self.lateness.values()))

    @property
    def joining(self) -> Limits:
        """The limits of joining, with the times after which nothing about an alert changes, or all but nothing."""
        late = max((LATENESS, *self.lateness.values()))
        settles = late + (self.plan.reach + self.chain if self.plan is not None else 0)
        counted = max(settles, min(self.horizon, COUNTED))
        return msgspec.structs.replace(self.limits, settles=counted, horizon=max(self.horizon, settles))

    def settled(self, now: int | None) -> int | None:
        """The event time before which nothing can change any more at an event time (µs): no window sees it, no incident
        takes it in."""
        joining = self.joining
        return None if now is None else now - max(joining.active, joining.watch) - joining.horizon


class _Correlation(msgspec.Struct):
    timespan: int


class _Form(msgspec.Struct):
    correlations: list[_Correlation] = []
