"""The settings of joining: for how long, from which level, and how common an entity may be."""

import msgspec

from impetus.domain.instant import SECOND
from impetus.domain.rule import Level

DAY = 86_400 * SECOND


class Limits(msgspec.Struct, frozen=True):
    """What decides how far incidents reach. Times are µs of event time."""

    opens: Level = "medium"
    """Alerts of this level or higher open an incident; those one level below join one."""
    active: int = DAY
    """An incident takes alerts in while its newest member is younger than this."""
    watch: int = 7 * DAY
    """A watch expires after this."""
    common: int = 100
    """An entity that alerts of one event have with more others than this, within ``active``, is weak from then on."""
    linked: int = 50
    """So many incidents at most are linked by one weak entity."""
    settles: int = 600 * SECOND
    """After so long repeats are only counted: nothing about them changes, nor does a correlation come to have them."""
    horizon: int = 3600 * SECOND
    """After so long no correlation changes that an event is a member of."""
